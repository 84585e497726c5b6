"""Add what a run found: only what is new or changed has to be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from maskworks.core.errors import UsageError
from maskworks.studio.store.columns import plain
from maskworks.studio.store.events import NewEvent, lock_trail, log_all
from maskworks.studio.store.given import NewItem
from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.rows import Added, CampaignRow, What, Worker
from maskworks.studio.store.schema import UNDONE, campaigns, items, outputs

_MOST_NUMBERS = 10_000  # in one statement; SQLite takes 32,766


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the store has of one source; `whole`: its outputs are still its own."""

    id: int
    key: str
    standing: str
    state: str
    route: str | None = None
    whole: bool = True


@dataclass(frozen=True)
class Changes:
    """What has to happen so that the store holds what was found."""

    insert: list[NewItem] = field(default_factory=list)
    supersede: list[Known] = field(default_factory=list)
    vanish: list[Known] = field(default_factory=list)
    restore: list[Known] = field(default_factory=list)
    kept: int = 0
    waiting: int = 0

    def added(self) -> Added:
        """Return the numbers."""
        return Added(
            new=len(self.insert) - len(self.supersede),
            changed=len(self.supersede),
            kept=self.kept,
            waiting=self.waiting,
            returned=len(self.restore),
            gone=len(self.vanish),
        )


def add(store: Store, worker: Worker, found: Sequence[NewItem], *, complete: bool = True) -> Added:
    """Bring the store's items to what was found; later ones follow in that order.

    The same picture with the same settings is kept, with its route and decisions. A picture
    whose content, settings, SKU, tags or concept changed becomes a new item, and the old one
    is superseded.

    Parameters
    ----------
    found : each source once
    complete : these are all there are: what is missing is gone. With False nothing goes.

    Raises
    ------
    UsageError
        If a source is there twice; nothing is added then.
    """
    with store.writing() as connection:
        lock_trail(connection, worker.campaign_id)
        lock = select(campaigns.c.id).where(campaigns.c.id == worker.campaign_id)
        connection.execute(lock.with_for_update())
        changes = compare(_known(connection, worker.campaign_id), found, complete=complete)
        _apply(connection, changes, worker)
    return changes.added()


def preview_add(
    store: Store, campaign: CampaignRow, found: Sequence[NewItem], *, complete: bool = True
) -> Added:
    """Say what `add` would do, and do nothing."""
    with store.reading() as connection:
        known = _known(connection, campaign.id)
    return compare(known, found, complete=complete).added()


def compare(
    known: Mapping[str, Known], found: Sequence[NewItem], *, complete: bool = True
) -> Changes:
    """Decide what has to happen, from what is known of each source and what was found.

    Raises
    ------
    UsageError
        If a source was found twice.
    """
    twice = [source for source, n in Counter(item.source for item in found).items() if n > 1]
    if twice:
        raise UsageError(f"{plain(twice[0])} is in the list twice; name every picture once")
    kept = waiting = 0
    changes = Changes()
    for item in found:
        before = known.get(item.source)
        if before is None or before.key != item.key:
            changes.insert.append(item)
            if before is not None:
                changes.supersede.append(before)
        elif before.standing == "gone":
            changes.restore.append(before)
        else:
            kept += before.state == "done"
            waiting += before.state != "done"
    if complete:
        missing = known.keys() - {item.source for item in found}
        rows = [known[source] for source in missing if known[source].standing == "current"]
        changes.vanish.extend(sorted(rows, key=lambda row: row.id))
    return Changes(
        changes.insert, changes.supersede, changes.vanish, changes.restore, kept, waiting
    )


def _known(connection: Connection, campaign_id: int) -> dict[str, Known]:
    state = (items.c.standing, items.c.state, items.c.route)
    chosen = select(items.c.id, items.c.source, items.c.key, *state).where(
        items.c.campaign_id == campaign_id, items.c.standing != "superseded"
    )
    lost = select(outputs.c.item_id).join(items, outputs.c.item_id == items.c.id)
    lost = lost.where(items.c.campaign_id == campaign_id, items.c.standing == "gone")
    stolen = set(connection.execute(lost.where(outputs.c.live.is_(False))).scalars())
    return {
        row.source: Known(
            id=row.id,
            key=row.key,
            standing=row.standing,
            state=row.state,
            route=row.route,
            whole=row.id not in stolen,
        )
        for row in connection.execute(chosen)
    }


def _apply(connection: Connection, changes: Changes, worker: Worker) -> None:
    now = moment(connection)
    told = [
        *_stand(connection, changes.supersede, worker, "superseded"),
        *_stand(connection, changes.vanish, worker, "gone"),
        *_stand(connection, changes.restore, worker, "current"),
    ]
    redo = [row for row in changes.restore if row.route and not row.whole]
    told += _redo(connection, redo, worker)
    for ids in _portions([row.id for row in changes.supersede + redo]):
        stale = update(outputs).where(outputs.c.item_id.in_(ids))
        connection.execute(stale.values(live=False))
    rows = _insert(connection, changes.insert, worker, now)
    why = {item.source: _why_new(item) for item in changes.insert}
    added = [
        NewEvent(
            campaign_id=worker.campaign_id, item_id=row.id, what="added", who=worker.name,
            why=why[row.source],
        )
        for row in rows
    ]  # fmt: skip
    log_all(connection, now, told + added)


_WHY: dict[str, tuple[What, str]] = {
    "superseded": ("superseded", "the picture, its settings or what is said of it changed"),
    "gone": ("gone", "the file is not there any more"),
    "current": ("returned", "the file is back as it was"),
}


def _stand(
    connection: Connection, rows: Sequence[Known], worker: Worker, standing: str
) -> list[NewEvent]:
    """Change the standing of items, and return the events; nobody has them in hand after it."""
    what, why = _WHY[standing]
    entries = []
    was = {row.id: row.standing for row in rows}
    for ids in _portions(list(was)):
        chosen = update(items).where(items.c.id.in_(ids))
        connection.execute(chosen.values(standing=standing))
        held = chosen.where(items.c.state == "claimed")
        connection.execute(held.values(state="pending", worker_id=None))
        entries += [
            NewEvent(
                campaign_id=worker.campaign_id, item_id=number, what=what, who=worker.name,
                why=why, before=was[number], after=standing,
            )
            for number in ids
        ]  # fmt: skip
    return entries


def _redo(connection: Connection, rows: Sequence[Known], worker: Worker) -> list[NewEvent]:
    """Let returned items wait again whose outputs' names another picture has taken."""
    for ids in _portions([row.id for row in rows]):
        connection.execute(update(items).where(items.c.id.in_(ids)).values(UNDONE))
    why = "another picture has its outputs' names meanwhile"
    return [
        NewEvent(
            campaign_id=worker.campaign_id, item_id=row.id, what="reopened", who=worker.name,
            why=why, before=row.route,
        )
        for row in rows
    ]  # fmt: skip


def _insert(
    connection: Connection, found: Sequence[NewItem], worker: Worker, now: datetime
) -> Sequence[Row[tuple[int, str]]]:
    if not found:
        return []
    rows = [
        {
            "campaign_id": worker.campaign_id, "source": item.source, "content": item.content,
            "settings": item.settings, "key": item.key, "sku": item.sku,
            "tags": [plain(tag) for tag in item.tags], "concept": item.concept,
            "standing": "current", "state": "pending", "reasons": [], "spot_check": False,
            "claims": 0, "added_at": now,
        }
        for item in found
    ]  # fmt: skip
    made = insert(items).returning(items.c.id, items.c.source, sort_by_parameter_order=True)
    return connection.execute(made, rows).all()


def _why_new(item: NewItem) -> str:
    return f"found with content {item.content[:12]}"


def _portions(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    return (
        numbers[start : start + _MOST_NUMBERS] for start in range(0, len(numbers), _MOST_NUMBERS)
    )
