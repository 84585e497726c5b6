"""One run at a time on a campaign, and its name for the one that has to wait."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, insert, select

from maskworks.core.errors import MaskworksError
from maskworks.studio.store.events import NewEvent, lock_trail, log
from maskworks.studio.store.opening import Store
from maskworks.studio.store.processes import LivenessClock
from maskworks.studio.store.rows import CampaignRow, Worker
from maskworks.studio.store.schema import campaigns, holds, workers
from maskworks.studio.store.workers import beat, end_worker, enter, leave, looks_dead, to_worker

BEAT_S = 15.0
POLL_S = 0.5


class HeldError(MaskworksError):
    """A campaign that another run is working on."""

    code = "held"

    def __init__(self, campaign: str, holder: str, since: str) -> None:
        super().__init__(campaign, holder, since)
        self.campaign, self.holder, self.since = campaign, holder, since

    def __str__(self) -> str:
        return (
            f"the campaign {self.campaign!r} is worked on by {self.holder} since {self.since}; "
            "wait for it with `--wait`, or stop that run"
        )


@contextmanager
def hold(
    store: Store,
    campaign: CampaignRow,
    *,
    wait_s: float = 0.0,
    waiting: Callable[[Worker], None] | None = None,
) -> Iterator[Worker]:
    """Be the only run of a campaign while the block lasts, and yield this run's worker.

    The hold of a process that died is taken over, with an event that says so. At the end,
    what this run still has in hand waits again.

    Parameters
    ----------
    wait_s : how long to wait for the run that holds it; ``math.inf`` for as long as it takes
    waiting : told once who is waited for

    Raises
    ------
    HeldError
        With the holder's name, if it is held still after `wait_s`.
    """
    worker = _wait(store, campaign, wait_s, waiting)
    with _beating(store, worker):
        try:
            yield worker
        except BaseException:
            with contextlib.suppress(MaskworksError):  # the first error is the one to tell
                leave(store, worker)
            raise
        leave(store, worker)


def _wait(
    store: Store,
    campaign: CampaignRow,
    wait_s: float,
    waiting: Callable[[Worker], None] | None,
) -> Worker:
    until = time.monotonic() + wait_s
    told = waiting is None
    while True:
        with store.writing() as connection:
            worker, mine = _take(connection, campaign, store.heard)
        if mine:
            return worker
        left = until - time.monotonic()
        if left <= 0:
            since = f"{worker.since:%Y-%m-%d %H:%M:%S} UTC"
            raise HeldError(campaign.name, worker.name, since)
        if waiting is not None and not told:
            waiting(worker)
            told = True
        time.sleep(min(POLL_S, left))


def _take(
    connection: Connection, campaign: CampaignRow, heard: LivenessClock
) -> tuple[Worker, bool]:
    """Return who holds the campaign now, and whether that is this call."""
    now = lock_trail(connection, campaign.id)
    turn = select(campaigns.c.id).where(campaigns.c.id == campaign.id)
    connection.execute(turn.with_for_update())  # one after the other, also in PostgreSQL
    found = select(workers).join(holds, holds.c.worker_id == workers.c.id)
    row = connection.execute(found.where(holds.c.campaign_id == campaign.id)).one_or_none()
    if row is not None:
        before = to_worker(row)
        if not looks_dead(before, now, heard):
            return before, False
    worker = enter(connection, campaign, now)
    if row is not None:
        why = f"{before.name} ended without finishing it"
        log(
            connection,
            now,
            NewEvent(
                campaign_id=campaign.id,
                what="taken-over",
                who=worker.name,
                why=f"{before.name} is not alive",
                before=before.name,
                after=worker.name,
            ),
        )
        end_worker(connection, before, now, who=worker.name, why=why)
    connection.execute(insert(holds).values(campaign_id=campaign.id, worker_id=worker.id))
    return worker, True


@contextmanager
def _beating(store: Store, worker: Worker) -> Iterator[None]:
    """Give signs of life while the block lasts."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(BEAT_S):
            with contextlib.suppress(MaskworksError):  # the next one may come through
                beat(store, worker)

    thread = threading.Thread(target=go_on, name="maskworks-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
