"""What reviewers share: who has an item open, drafts of a fix, versions of its matte."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from maskworks.core.errors import MaskworksError
from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.rows import ItemRow
from maskworks.studio.store.service_schema import drafts, leases, mattes

LEASE_S = 90.0
"""How long an item stays with its reviewer without a sign from their page."""


class LeasedError(MaskworksError):
    """An item that this page has not; `who` has it, "" if nobody does any more."""

    code = "leased"

    def __init__(self, who: str) -> None:
        super().__init__(who)
        self.who = who

    def __str__(self) -> str:
        if not self.who:
            return (
                f"this page holds the picture no longer, after {LEASE_S:g} s without a sign of "
                "it; open the picture again"
            )
        return f"{self.who} has this picture open; take another one, or wait until it is free"


class DecidedError(MaskworksError):
    """An item on which somebody has decided meanwhile."""

    code = "decided"

    def __str__(self) -> str:
        return (
            "somebody has decided on this picture meanwhile; look at it again before you decide "
            "otherwise"
        )


@dataclass(frozen=True, kw_only=True)
class Held:
    """What must be so when something is decided.

    `lease` is the token that holds the item, None where there is no page and none is needed;
    `seen` the decision on it that is known of, "" for none.
    """

    seen: str
    lease: str | None = None


@dataclass(frozen=True, kw_only=True)
class Lease:
    """An item in somebody's hands: `token` is known to their page alone."""

    item_id: int
    token: str
    who: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class MatteVersion:
    """A matte that a person has drawn; `path` is below the campaign's outputs."""

    version: int
    path: str
    sha256: str
    strokes: Sequence[Any]
    who: str
    at: datetime


def lease(
    store: Store, item_id: int, *, who: str, token: str | None = None, holder: str | None = None
) -> Lease:
    """Take an item, or keep it with the lease's own `token`.

    The same holder on another page (a page loaded again, a browser that died) takes it over;
    the earlier page's token counts no longer.

    Parameters
    ----------
    who : the name that others are shown; it may be anybody's
    holder : the key or session, which nobody else has; by default the name

    Raises
    ------
    LeasedError
        If somebody else has it.
    """
    with store.writing() as connection:
        now = moment(connection)
        row = _current(connection, item_id)
        mine = row is not None and (row.token == token or row.holder == (holder or who))
        if row is not None and row.until > now and not mine:
            raise LeasedError(row.who)
        until = now + timedelta(seconds=LEASE_S)
        kept = token if row is not None and row.token == token else None
        new = Lease(item_id=item_id, token=kept or secrets.token_hex(12), who=who, until=until)
        connection.execute(delete(leases).where(leases.c.item_id == item_id))
        values = {"item_id": item_id, "token": new.token, "who": who, "until": until}
        values["holder"] = holder or who
        connection.execute(insert(leases).values(values))
        return new


def check_lease(store: Store, item_id: int, token: str) -> None:
    """Return if this page has the item.

    Raises
    ------
    LeasedError
        If it has not, or not any more.
    """
    with store.reading() as connection:
        _check(connection, item_id, token, moment(connection))


def check_held(connection: Connection, item: ItemRow, held: Held | None, now: datetime) -> None:
    """Return if what is said of a locked item holds, within the transaction that changes it.

    Raises
    ------
    LeasedError
        If the lease is another one's, or has run out.
    DecidedError
        If the decision on the item is another one than was seen.
    """
    if held is None:
        return
    if held.lease is not None:
        _check(connection, item.id, held.lease, now)
    if (item.decision or "") != held.seen:
        raise DecidedError


def _check(connection: Connection, item_id: int, token: str, now: datetime) -> None:
    row = _current(connection, item_id)
    if row is None or row.until <= now:
        raise LeasedError("")
    if row.token != token:
        raise LeasedError(row.who)


def let_go(store: Store, item_id: int, token: str) -> None:
    """Give an item back; nothing happens if it is in other hands."""
    with store.writing() as connection:
        mine = (leases.c.item_id == item_id) & (leases.c.token == token)
        connection.execute(delete(leases).where(mine))


def leased_items(store: Store) -> dict[int, str]:
    """Return who has which item open now."""
    with store.reading() as connection:
        now = moment(connection)
        rows = connection.execute(select(leases).where(leases.c.until > now)).all()
    return {row.item_id: row.who for row in rows}


def keep_draft(store: Store, item_id: int, *, who: str, strokes: Sequence[Any]) -> None:
    """Keep an unfinished fix in place of the one before; none takes it away."""
    with store.writing() as connection:
        connection.execute(delete(drafts).where(drafts.c.item_id == item_id))
        if strokes:
            values = {"item_id": item_id, "who": who, "strokes": list(strokes)}
            connection.execute(insert(drafts).values({**values, "at": moment(connection)}))


def draft_of(store: Store, item_id: int) -> list[Any]:
    """Return the strokes of an unfinished fix, empty if there is none."""
    with store.reading() as connection:
        chosen = select(drafts.c.strokes).where(drafts.c.item_id == item_id)
        return list(connection.execute(chosen).scalar_one_or_none() or [])


def next_version(store: Store, item_id: int) -> int:
    """Return the number of the next matte of an item; the model's own counts as 0."""
    with store.reading() as connection:
        most = select(func.max(mattes.c.version)).where(mattes.c.item_id == item_id)
        return (connection.execute(most).scalar_one_or_none() or 0) + 1


def add_matte(store: Store, item_id: int, version: MatteVersion) -> None:
    """Record a new matte of an item; the draft it was made from goes."""
    with store.writing(durable=True) as connection:
        values = {
            "item_id": item_id, "version": version.version, "path": version.path,
            "sha256": version.sha256, "strokes": list(version.strokes), "who": version.who,
            "at": version.at,
        }  # fmt: skip
        connection.execute(insert(mattes).values(values))
        connection.execute(delete(drafts).where(drafts.c.item_id == item_id))


def matte_versions(store: Store, item_id: int) -> list[MatteVersion]:
    """Return the mattes people have drawn for an item, the oldest first."""
    chosen = select(mattes).where(mattes.c.item_id == item_id).order_by(mattes.c.version)
    with store.reading() as connection:
        return [
            MatteVersion(
                version=row.version, path=row.path, sha256=row.sha256, strokes=row.strokes,
                who=row.who, at=row.at,
            )
            for row in connection.execute(chosen)
        ]  # fmt: skip


def now_of(store: Store) -> datetime:
    """Return the time by the database's clock (UTC)."""
    with store.reading() as connection:
        return moment(connection)


def _current(connection: Connection, item_id: int) -> Any:  # noqa: ANN401 - a row
    chosen = select(leases).where(leases.c.item_id == item_id)
    return connection.execute(chosen.with_for_update()).one_or_none()
