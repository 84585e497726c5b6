"""The audit trail: rows that are only ever added; the database itself refuses the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, or_, select

from maskworks.studio.store.columns import plain
from maskworks.studio.store.opening import Store
from maskworks.studio.store.rows import Campaign, Event, What
from maskworks.studio.store.schema import campaigns, events, items


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What is to be told: see `Event`."""

    campaign_id: int
    what: What
    who: str
    why: str
    item_id: int | None = None
    before: str | None = None
    after: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


_ONE = insert(events)
_MANY = insert(events).returning(events.c.id)  # RETURNING: many rows go in one statement


def list_events(
    store: Store, campaign: Campaign | None = None, *, item: str | None = None
) -> list[Event]:
    """Return what happened, in the order it happened.

    Parameters
    ----------
    campaign : by default every campaign of the database
    item : only this one, by its number, path or SKU, with all its earlier versions
    """
    chosen = (
        select(events, campaigns.c.name.label("campaign"), items.c.source, items.c.sku)
        .join(campaigns, events.c.campaign_id == campaigns.c.id)
        .outerjoin(items, events.c.item_id == items.c.id)
        .order_by(events.c.id)
    )
    if campaign is not None:
        chosen = chosen.where(events.c.campaign_id == campaign.id)
    if item is not None:
        chosen = chosen.where(named(item))
    with store.reading() as connection:
        return [
            Event(
                id=row.id,
                at=row.at,
                campaign=row.campaign,
                item_id=row.item_id,
                source=row.source,
                sku=row.sku,
                what=row.what,
                who=row.who,
                why=row.why,
                before=row.before,
                after=row.after,
                details=row.details,
            )
            for row in connection.execute(chosen)
        ]


def named(name: str) -> ColumnElement[bool]:
    """Return the condition that an item has this number, path or SKU."""
    same = [items.c.source == name, items.c.sku == name]
    if name.isascii() and name.isdecimal() and len(name) < 10:
        same.append(items.c.id == int(name))
    return or_(*same)


def log(connection: Connection, at: datetime, happened: Happening) -> None:
    """Add one row to the trail, in the transaction of what it tells of."""
    connection.execute(_ONE, _row(at, happened))


def log_all(connection: Connection, at: datetime, happened: Sequence[Happening]) -> None:
    """Add many rows in one go."""
    if happened:
        connection.execute(_MANY, [_row(at, one) for one in happened])


def _row(at: datetime, happened: Happening) -> dict[str, object]:
    details = {
        key: plain(value) if isinstance(value, str) else value
        for key, value in happened.details.items()
    }
    return asdict(happened) | {"at": at, "details": details}
