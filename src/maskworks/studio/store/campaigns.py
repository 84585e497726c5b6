"""Campaigns: one row each, by name."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update

from maskworks.core.errors import UsageError
from maskworks.studio.store.events import NewEvent, lock_trail, log
from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.processes import this_process
from maskworks.studio.store.rows import CampaignRow, as_row
from maskworks.studio.store.schema import campaigns, items


def open_campaign(store: Store, name: str, *, currency: str, settings: str) -> CampaignRow:
    """Return the campaign of that name; make it, or note that its settings changed.

    Parameters
    ----------
    currency : code of the money that all its amounts are in
    settings : digest of the campaign's file

    Raises
    ------
    UsageError
        If the campaign has items already, and amounts in another currency.
    """
    who = this_process().name
    with store.writing() as connection:
        now = moment(connection)
        chosen = select(campaigns).where(campaigns.c.name == name)
        known = connection.execute(chosen).one_or_none()
        if known is not None:
            lock_trail(connection, known.id)
        row = connection.execute(chosen.with_for_update()).one_or_none()
        if row is None:
            made = insert(campaigns).values(
                name=name, currency=currency, settings=settings, added_at=now
            )
            connection.execute(made)
        else:
            held = select(func.count()).where(items.c.campaign_id == row.id)
            if row.currency != currency and connection.execute(held).scalar_one():
                raise UsageError(
                    f"the campaign {name!r} is kept in {row.currency}, not in {currency}; "
                    f"go on with {row.currency}, or give the campaign another name"
                )
            if row.settings != settings:
                log(
                    connection,
                    now,
                    NewEvent(
                        campaign_id=row.id,
                        what="settings-changed",
                        who=who,
                        why="the campaign's file changed",
                        before=row.settings,
                        after=settings,
                    ),
                )
            changed = update(campaigns).where(campaigns.c.id == row.id)
            connection.execute(changed.values(currency=currency, settings=settings))
        return as_row(CampaignRow, connection.execute(chosen).one())


def list_campaigns(store: Store) -> list[CampaignRow]:
    """Return every campaign of this database, the oldest first."""
    with store.reading() as connection:
        rows = connection.execute(select(campaigns).order_by(campaigns.c.id))
        return [as_row(CampaignRow, row) for row in rows]
