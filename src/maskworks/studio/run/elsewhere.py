"""A campaign's items worked on by other processes, which share the store and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from maskworks.batch.backends import Share
from maskworks.core.errors import UsageError
from maskworks.studio.campaign.assignment import PlannedItem
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.run.item_job import ItemJob, job_of, with_model
from maskworks.studio.run.item_work import Done, work
from maskworks.studio.store import (
    CampaignRow,
    Filter,
    Outcome,
    Store,
    Worker,
    list_items,
    open_store,
    take,
)
from maskworks.studio.store import ItemRow as Kept


@dataclass(frozen=True)
class WaitingItem:
    """The number of an item in the store, and what it gets; its row is taken where it is done."""

    number: int
    planned: PlannedItem
    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemOpener:
    """Opens store and model in a process of a run that is not the one it was started in."""

    file: CampaignFile
    database: str
    worker: Worker
    debug: bool
    seconds: float | None

    def __call__(self, share: Share) -> Callable[[WaitingItem], Done]:
        """Return what takes an item in hand, does it and records it."""
        store = open_store(self.database, create=False)
        bare = job_of(self.file, debug=self.debug, seconds=self.seconds)
        job = with_model(replace(bare, budget=share.budget), self.file, share.threads)

        def do(waiting: WaitingItem) -> Done:
            item, is_mine = take(store, self.worker, waiting.number)
            if not is_mine:
                return Done(source=item.source, outcome=_recorded(item))
            source = item.source
            mine = replace(job, planned={source: waiting.planned}, names={source: waiting.name})
            return work(item, mine, store)

        return do


def check_reach(store: Store, database: str | None) -> str:
    """Return the URL by which other machines reach a store.

    Raises
    ------
    UsageError
        If it is a file of this machine.
    """
    if store.is_sqlite or database is None:
        raise UsageError(
            f"{store.name}: an SQLite file cannot be written from several machines at once "
            "(its locks do not hold on shared disks); name a PostgreSQL database with `--database`"
        )
    return database


def waiting_items(store: Store, campaign: CampaignRow, job: ItemJob) -> list[WaitingItem]:
    """Return what is to be done of a campaign."""
    pending = list_items(store, campaign, Filter(states=["pending"]))
    return [WaitingItem(one.id, job.planned[one.source], job.names[one.source]) for one in pending]


def _recorded(item: Kept) -> Outcome:
    """Return what was recorded of an item before whoever did it could say so."""
    return Outcome(
        route=item.route or "failed",
        score=item.score,
        reasons=item.reasons,
        cost=item.cost,
        baseline=item.baseline,
        seconds=item.seconds,
        error=item.error,
        spot_check=item.spot_check,
        scorer=item.scorer,
    )
