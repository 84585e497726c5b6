"""A run of a campaign: find what is new or changed, do it, and account for every picture."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from maskworks.batch.backends import BackendName, Share
from maskworks.batch.choosing import backend_of
from maskworks.batch.workers import (
    PIXELS_IN_HAND,
    usable_cores,
)
from maskworks.batch.writing import sweep
from maskworks.core.errors import OutputError
from maskworks.models import load_catalogue
from maskworks.studio import output_folder
from maskworks.studio.campaign.assignment import Assignment, assign
from maskworks.studio.campaign.campaign import canonical_hash
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.campaign.item_list import some
from maskworks.studio.campaign.variants import background_notes
from maskworks.studio.run.elsewhere import ItemOpener, check_reach, waiting_items
from maskworks.studio.run.filing import hand_over_list, out_of, write_list
from maskworks.studio.run.item_job import ItemJob, job_of, with_model
from maskworks.studio.run.item_work import UNREAD, Done, content_of, work
from maskworks.studio.run.rerouting import retry_numbers, settle
from maskworks.studio.store import (
    Added,
    CampaignRow,
    Counts,
    Filter,
    NewItem,
    Store,
    Worker,
    add,
    claim,
    counts,
    deliverables,
    hold,
    leftovers,
    list_items,
    open_campaign,
    preview_add,
    release,
    reopen,
    reroute,
)
from maskworks.studio.store import ItemRow as Kept

if TYPE_CHECKING:
    from maskworks.models import ModelSpec

LINE = "1"
"""Version of the line: counted up when equal settings no longer give equal pictures."""

_CLAIM = 4  # items in one transaction

_PIXELS_A_CORE = 5_000_000
"""In hand for each core: two photos of 6 megapixels at once take two cores beyond 1 GB, as each
has its edges, its layers and its files in memory beside it."""


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """What a run found: `todo` pictures to do, of `total`; `reopened` are done again.

    `rerouted` went elsewhere without being made again, because thresholds, exceptions or
    prices changed; `released` had been in the hands of a run that was killed.
    """

    total: int
    todo: int
    added: Added
    reopened: int = 0
    rerouted: int = 0
    released: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunEnded:
    """How a run ended; `left` waits if it was stopped."""

    counts: Counts
    left: int
    seconds: float
    removed: int = 0
    handed_over: int = 0


@dataclass(frozen=True, kw_only=True)
class RunListener:
    """Callbacks of a run; by default none."""

    waiting: Callable[[Worker], None] | None = None
    started: Callable[[RunStarted], None] = lambda _: None
    done: Callable[[Done], None] = lambda _: None


@dataclass(frozen=True, kw_only=True, eq=False)
class CampaignRun:
    """A campaign that is about to run: where, how, and until when.

    A picture that takes longer than `picture_seconds` fails; None is without limit. `stop` ends
    it after the pictures in hand; `held` is entered once no other run is waited
    for, and left at the end. `backend` and `address` are as `batch.choosing` takes them;
    on Ray, `database` is the URL by which other machines reach the store.
    """

    file: CampaignFile
    store: Store
    stop: threading.Event
    threads: int = 0
    wait_s: float = 0.0
    held: Callable[[], AbstractContextManager[None]] = nullcontext
    debug: bool = False
    picture_seconds: float | None = None
    backend: BackendName = "local"
    address: str | None = None
    database: str | None = None

    @property
    def out(self) -> Path:
        """The folder of the outputs."""
        return out_of(self.file)


def enter(store: Store, file: CampaignFile) -> CampaignRow:
    """Return the campaign's row, made if it is new."""
    about = file.campaign.campaign
    digest = hashlib.sha256(file.text.encode("utf-8", "surrogatepass")).hexdigest()
    return open_campaign(store, about.name, currency=about.currency, settings=digest)


def run_opened(run: CampaignRun, listener: RunListener) -> RunEnded:
    """Do what is new or changed, and leave files, list and brief as the store says.

    Raises
    ------
    UsageError
        If the pictures do not fit the campaign file, or other machines do not reach the store.
    HeldError
        If another run is on it, and it is not waited for.
    OutputError
        If something cannot be written, or not every picture is accounted for at the end.
    """
    began = time.perf_counter()
    if run.backend != "local":
        check_reach(run.store, run.database)
    plan = assign(run.file, beside=run.out)
    campaign = enter(run.store, run.file)
    waited = hold(run.store, campaign, wait_s=run.wait_s, waiting=listener.waiting)
    with waited as worker, run.held():
        output_folder.make_folder(run.out)
        sweep([run.out, *(path for path in run.out.rglob("*") if path.is_dir())])
        job = make_job(run, plan)
        stock = _take_stock(run, campaign, worker, (plan, job))
        listener.started(stock)
        if stock.todo:
            for done in _line(run, campaign, worker, job):
                listener.done(done)
        return _close(run, campaign, plan, began)


def make_job(run: CampaignRun, plan: Assignment) -> ItemJob:
    """Return what is the same for every picture, with steps that have no model yet."""
    job = job_of(run.file, debug=run.debug, seconds=run.picture_seconds)
    return replace(
        job,
        planned={item.source: item for item in plan.items},
        names=output_folder.names_for([item.source for item in plan.items]),
    )


def new_items(
    file: CampaignFile, plan: Assignment, *, stop: threading.Event | None = None
) -> list[NewItem]:
    """Return every picture as the store knows it, with the digests of content and settings."""
    spec = load_catalogue().find(file.campaign.input.model)
    extra = _extra(file, spec)
    settings = {c: file.pictures_hash(c, extra) for c in {item.concept for item in plan.items}}

    def digest(path: Path) -> str:
        return UNREAD if stop is not None and stop.is_set() else content_of(path)

    with ThreadPoolExecutor(max(1, min(4, usable_cores()))) as pool:
        contents = list(pool.map(digest, [item.path for item in plan.items]))
    return [
        NewItem(
            source=item.source,
            content=content,
            settings=settings[item.concept],
            sku=item.sku or None,
            tags=item.tags,
            concept=item.concept,
        )
        for item, content in zip(plan.items, contents, strict=True)
    ]


def preview(store: Store, campaign: CampaignRow, file: CampaignFile, plan: Assignment) -> Added:
    """Say what a run would find new or changed, and change nothing."""
    return preview_add(store, campaign, new_items(file, plan))


def _extra(file: CampaignFile, spec: ModelSpec) -> dict[str, str]:
    """Return what changes a picture beside the campaign file: the model and this version."""
    model = spec.model_dump(mode="json", include={"sha256", "md5", "input", "output"})
    advice = ",".join(sorted(file.campaign.output.advice))
    return {"line": LINE, "model": canonical_hash(model), "advice": advice}


def _take_stock(
    run: CampaignRun, campaign: CampaignRow, worker: Worker, found: tuple[Assignment, ItemJob]
) -> RunStarted:
    """Bring the store to what is there now, and say what is to be done."""
    plan, job = found
    store = run.store
    released = release(store, worker)
    found_now = new_items(run.file, plan, stop=run.stop)
    if run.stop.is_set():  # not every picture was looked at
        return RunStarted(total=len(plan.items), todo=0, added=Added(), released=len(released))
    before = _decided(store, campaign)
    added = add(store, worker, found_now)
    undone = before - _decided(store, campaign)
    done = list_items(store, campaign, Filter(states=["done"]))
    again, changes = settle(done, job)
    reopened = reopen(store, campaign, again, who=worker.name, why="its route needs it made again")
    rerouted = reroute(store, worker, changes)
    failed = retry_numbers(done)
    reopened += reopen(store, campaign, failed, who=worker.name, why="it failed; tried again")
    missing = output_folder.arrange(run.out, deliverables(store, campaign, route=None))
    lost, notes = _lost(done, {one.item_id for one in missing})
    reopened += reopen(store, campaign, lost, who=worker.name, why="its files are not there")
    write_list(run.out, store, campaign)
    left = counts(store, campaign)
    return RunStarted(
        total=left.total,
        todo=left.pending,
        added=added,
        reopened=reopened,
        rerouted=rerouted,
        released=len(released),
        notes=(*plan.notes, *background_notes(run.file), *notes, *_undone(undone)),
    )


def _decided(store: Store, campaign: CampaignRow) -> set[str]:
    """Return the pictures that a person has decided on."""
    return {item.source for item in list_items(store, campaign, Filter(decided=True))}


def _undone(sources: set[str]) -> list[str]:
    """Say whose decisions hold no longer."""
    if not sources:
        return []
    whose = f"a person had decided on {some(sorted(sources))}, and picture or settings changed"
    return [f"{whose}: what is made again needs another look, or `maskworks ingest` once more"]


def _lost(done: Sequence[Kept], missing: set[int]) -> tuple[list[int], list[str]]:
    """Split items without their files into those to make again and remarks on the others.

    What a person has decided on is not made again: their word was about that very file, and
    a retoucher's work could not be made again at all.
    """
    gone = [item for item in done if item.id in missing]
    again = [item.id for item in gone if item.decision is None]
    notes = [
        f"{item.source}: its files are gone, and a person has decided on them; bring them back, "
        "or deliver a retoucher's file with `maskworks ingest`"
        for item in gone
        if item.decision is not None
    ]
    return again, notes


def _line(run: CampaignRun, campaign: CampaignRow, worker: Worker, job: ItemJob) -> Iterator[Done]:
    """Yield what became of each item as soon as it is recorded."""
    todo = counts(run.store, campaign).pending
    backend = backend_of(
        run.backend,
        run.address,
        threads=run.threads,
        pixels=min(PIXELS_IN_HAND, _PIXELS_A_CORE * (run.threads or usable_cores())),
        models=(load_catalogue().find(run.file.campaign.input.model),),
    )
    if run.backend != "local":
        there = ItemOpener(
            file=run.file,
            database=check_reach(run.store, run.database),
            worker=worker,
            debug=run.debug,
            seconds=run.picture_seconds,
        )
        return backend.open(there, todo)(waiting_items(run.store, campaign, job), run.stop)

    def waiting() -> Iterator[Kept]:
        while not run.stop.is_set() and (items := claim(run.store, worker, _CLAIM)):
            yield from items

    def here(share: Share) -> Callable[[Kept], Done]:
        ready = with_model(replace(job, budget=share.budget), run.file, share.threads)
        return lambda kept: work(kept, ready, run.store)

    return backend.open(here, todo)(waiting(), run.stop)


def _close(run: CampaignRun, campaign: CampaignRow, plan: Assignment, began: float) -> RunEnded:
    """Tidy up and account for every picture; a run that was stopped tidies nothing away."""
    store = run.store
    after = counts(store, campaign)
    left = max(after.pending + after.claimed, len(plan.items) - after.done)
    removed = 0
    if not left:
        output_folder.arrange(run.out, deliverables(store, campaign, route=None))
        removed = output_folder.clear(run.out, leftovers(store, campaign))
        sweep([run.out, *(path for path in run.out.rglob("*") if path.is_dir())], fresh_s=0.5)
        output_folder.prune(run.out)
    handed = hand_over_list(run.out, store, campaign)
    write_list(run.out, store, campaign)
    if not run.stop.is_set() and (left or after.total != len(plan.items)):
        raise OutputError(
            store.name,
            f"{len(plan.items):,} pictures went in, and {after.done:,} of {after.total:,} came out",
            "run the campaign again, and keep `maskworks audit` for whoever looks into it",
        )
    seconds = time.perf_counter() - began
    return RunEnded(counts=after, left=left, seconds=seconds, removed=removed, handed_over=handed)
