"""The audit trail: rows that are only ever added; the database itself refuses the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, or_, select

from maskworks.core.public import public
from maskworks.studio.store.chain import digest_of
from maskworks.studio.store.columns import plain
from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.rows import CampaignRow, Event, What, as_row
from maskworks.studio.store.schema import campaigns, events, items


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event to be recorded: see `Event`."""

    campaign_id: int
    what: What
    who: str
    why: str
    item_id: int | None = None
    before: str | None = None
    after: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


_ONE = insert(events)
_MANY = insert(events).returning(  # RETURNING: many rows go in one statement
    events.c.id, sort_by_parameter_order=True
)
_HEAD = (
    select(events.c.digest)
    .where(events.c.campaign_id == bindparam("campaign"))
    .order_by(events.c.id.desc())
    .limit(1)
)
_TRAIL_LOCK = 0x6D617374  # any number, the same for all of us


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was found of a campaign's chain: `head` is the digest of its last event.

    `wrong` is None if every event fits the one before it, else what is the matter.
    """

    campaign: str
    events: int
    head: str
    wrong: str | None = None


@public
def list_events(
    store: Store, campaign: CampaignRow | None = None, *, item: str | None = None
) -> list[Event]:
    """Return what happened, in the order it happened.

    Parameters
    ----------
    campaign : by default every campaign of the database
    item : only this one, by its number, path or SKU, with all its earlier versions

    Examples
    --------
    >>> [event.what for event in list_events(store, campaign)]  # doctest: +SKIP
    ['added', 'routed', 'decided']
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
        return [as_row(Event, row) for row in connection.execute(chosen)]


def verify_trail(store: Store, campaign: CampaignRow | None = None) -> list[Verified]:
    """Follow the chain of digests of a campaign, or of every one, from its first event.

    What was changed, removed or put in between by someone with a hand on the database breaks
    it. What was cut off its end, or written anew from some event on, does not: for that, `head`
    must be what an earlier export says.
    """
    chosen = (
        select(events, campaigns.c.name.label("campaign"))
        .join(campaigns, events.c.campaign_id == campaigns.c.id)
        .order_by(events.c.campaign_id, events.c.id)
    )
    if campaign is not None:
        chosen = chosen.where(events.c.campaign_id == campaign.id)
    found: dict[str, Verified] = {}
    with store.reading() as connection:
        for row in connection.execute(chosen).mappings():
            name = row["campaign"]
            before = found.get(name, Verified(campaign=name, events=0, head=""))
            found[name] = Verified(
                campaign=name,
                events=before.events + 1,
                head=row["digest"],
                wrong=before.wrong or _broken(dict(row), before.head),
            )
    return list(found.values())


def _broken(row: Mapping[str, object], previous: str) -> str | None:
    if row["previous"] != previous:
        return f"event {row['id']} does not follow the one before it: one was removed or put in"
    if row["digest"] != digest_of(row, previous):
        return f"event {row['id']} is not as it was written"
    return None


def lock_trail(connection: Connection, campaign: int) -> datetime:
    """Be the only one who adds to a campaign's trail until the transaction ends; return the time.

    Called before any row is locked, so that two of us never wait for each other. SQLite has one
    writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_TRAIL_LOCK, campaign)))
    return moment(connection)


def lock_trail_of(connection: Connection, item: int) -> datetime:
    """Do the same by the number of an item; one that is not there has no trail."""
    chosen = select(items.c.campaign_id).where(items.c.id == item)
    campaign = connection.execute(chosen).scalar_one_or_none()
    return moment(connection) if campaign is None else lock_trail(connection, campaign)


def named(name: str) -> ColumnElement[bool]:
    """Return the condition that an item has this number, path or SKU."""
    same = [items.c.source == name, items.c.sku == name]
    if name.isascii() and name.isdecimal() and len(name) < 10:
        same.append(items.c.id == int(name))
    return or_(*same)


def log(connection: Connection, at: datetime, happened: NewEvent) -> None:
    """Add one row to the trail, in the transaction of what it tells of, after `lock_trail`."""
    connection.execute(_ONE, _linked(connection, at, [happened])[0])


def log_all(connection: Connection, at: datetime, happened: Sequence[NewEvent]) -> None:
    """Add many rows in one go."""
    if happened:
        connection.execute(_MANY, _linked(connection, at, happened))


def _linked(
    connection: Connection, at: datetime, happened: Sequence[NewEvent]
) -> list[dict[str, object]]:
    """Return the rows of one campaign's events, each with the digest of the one before."""
    campaign = {"campaign": happened[0].campaign_id}
    head = connection.execute(_HEAD, campaign).scalar_one_or_none() or ""
    rows = []
    for one in happened:
        row = _row(at, one)
        row |= {"previous": head, "digest": digest_of(row, head)}
        head = str(row["digest"])
        rows.append(row)
    return rows


def _row(at: datetime, happened: NewEvent) -> dict[str, object]:
    details = {
        key: plain(value) if isinstance(value, str) else value
        for key, value in happened.details.items()
    }
    return asdict(happened) | {"at": at, "details": details}
