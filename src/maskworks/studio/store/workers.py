"""The processes that work on a campaign, and what is left when one of them is gone."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from maskworks.studio.store.events import NewEvent, lock_trail, log_all
from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.processes import LivenessClock, Process, is_dead, silence, this_process
from maskworks.studio.store.rows import CampaignRow, Worker, as_row
from maskworks.studio.store.schema import holds, items, workers


def leave(store: Store, worker: Worker) -> None:
    """End a worker: its claimed items are pending again, and its hold is released."""
    with store.writing(durable=True) as connection:
        why = "the run ended before it was finished"
        now = lock_trail(connection, worker.campaign_id)
        end_worker(connection, worker, now, who=worker.name, why=why)


def beat(store: Store, worker: Worker) -> None:
    """Send a heartbeat, for those who cannot look at this process."""
    with store.writing() as connection:
        mine = update(workers).where(workers.c.id == worker.id)
        connection.execute(mine.values(beat_at=moment(connection), beats=workers.c.beats + 1))


def release(store: Store, worker: Worker) -> list[str]:
    """Release the items that dead processes had claimed, and return their sources.

    A process of this machine is dead if it does not run any more; one of another machine, or
    of another container, if it gave no sign of life for `processes.STALE_AFTER`.
    """
    with store.writing() as connection:
        now = lock_trail(connection, worker.campaign_id)
        others = select(workers).where(
            workers.c.campaign_id == worker.campaign_id, workers.c.ended_at.is_(None)
        )
        rows = connection.execute(others.order_by(workers.c.id)).all()
        dead = [other for other in map(to_worker, rows) if looks_dead(other, now, store.heard)]
        back: list[str] = []
        for other in dead:
            why = f"{other.name} ended without finishing it"
            back += end_worker(connection, other, now, who=worker.name, why=why)
        return back


def looks_dead(worker: Worker, now: datetime, heard: LivenessClock) -> bool:
    """Say whether a worker counts as dead, as seen from this process."""
    stood_still = heard.silence(("worker", worker.id), worker.beats)
    silent = max(silence(worker.beat_at, now), stood_still)
    return is_dead(worker.process, this_process(), silent=silent)


def enter(connection: Connection, campaign: CampaignRow, now: datetime) -> Worker:
    """Make this process's row."""
    process = this_process()
    made = insert(workers).values(
        campaign_id=campaign.id, name=process.name, since=now, beat_at=now, **asdict(process)
    )
    return to_worker(connection.execute(made.returning(*workers.c)).one())


def end_worker(
    connection: Connection, worker: Worker, now: datetime, *, who: str, why: str
) -> list[str]:
    """Let a worker go: its items wait again, its hold is free; return those items' sources."""
    over = update(workers).where(workers.c.id == worker.id, workers.c.ended_at.is_(None))
    connection.execute(over.values(ended_at=now))
    connection.execute(delete(holds).where(holds.c.worker_id == worker.id))
    held = update(items).where(items.c.worker_id == worker.id, items.c.state == "claimed")
    freed = held.values(state="pending", worker_id=None).returning(items.c.id, items.c.source)
    rows = sorted(connection.execute(freed).all())
    entries = [
        NewEvent(
            campaign_id=worker.campaign_id,
            item_id=row.id,
            what="released",
            who=who,
            why=why,
            before="claimed",
            after="pending",
        )
        for row in rows
    ]
    log_all(connection, now, entries)
    return [row.source for row in rows]


def to_worker(row: Row[Any]) -> Worker:
    """Return the row as what it means."""
    return as_row(Worker, row, {"process": as_row(Process, row)})
