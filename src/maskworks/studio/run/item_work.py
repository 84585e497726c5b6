"""One item of a run, from its file to its row in the store: the worker around the steps."""

from __future__ import annotations

import errno
import hashlib
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maskworks.batch.running import fault_of
from maskworks.batch.work import Fault, Work
from maskworks.batch.workers import header_pixels
from maskworks.core.deadline import deadline
from maskworks.core.errors import ImageError, OutputError, UnreadableError
from maskworks.core.formats import sniff
from maskworks.core.reading import Limits, Picture, read_picture
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.campaign.assignment import PlannedItem
from maskworks.studio.campaign.variants import open_variants, variant_names
from maskworks.studio.cost import Rates, baseline_cost, unit_cost
from maskworks.studio.handoff import folder
from maskworks.studio.output_folder import output_path, put
from maskworks.studio.pipeline import Item, Made, send_down
from maskworks.studio.route import Route, route
from maskworks.studio.run.item_job import ItemJob
from maskworks.studio.store import ItemRow as Kept
from maskworks.studio.store import Outcome, Output, Store, fail, finish

if TYPE_CHECKING:
    from decimal import Decimal

UNREAD = "0" * 64
"""The content of a file that cannot be read: when it can, that is a change."""

_ITEMS_OWN = (errno.ENAMETOOLONG, errno.EISDIR, errno.EFBIG)
_HEAD_BYTES = 64
_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of an item, for those who watch."""

    source: str
    outcome: Outcome


class ChangedError(ImageError):
    """A file that is not the one the run has found at its beginning."""

    code = "changed"


def work(kept: Kept, job: ItemJob, store: Store) -> Done:
    """Do one claimed item and record it; whatever is wrong with the picture, it has a route.

    Files come first, then the record with their hashes in one transaction: killed in between,
    the item is done again, over the same names.

    Raises
    ------
    OutputError
        If nothing can be written any more: the disk is full, or a right is missing.
    """
    began = time.perf_counter()
    try:
        with deadline(job.seconds):
            outcome = _treat(kept, job, began)
    except Exception as error:
        if _ends_the_run(error):
            raise
        outcome = _failed(job, fault_of(error, kept.source, debug=job.debug), began)
    if outcome.route == "failed":
        put(job.out, "failed", {}, stale=_candidates(kept, job))
    try:
        finish(store, kept, outcome)
    except OutputError as error:
        if error.__cause__ is not None:  # the database's own trouble
            raise
        fault = Fault(error.code, str(error))
        put(job.out, "failed", {}, stale=_candidates(kept, job))
        fail(store, kept, fault, seconds=time.perf_counter() - began)
        outcome = _failed(job, fault, began)
    return Done(source=kept.source, outcome=outcome)


def content_of(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal; `UNREAD` if it cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            return UNREAD
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return UNREAD


def price(job_rates: Rates | None, where: Route) -> tuple[Decimal | None, Decimal | None]:
    """Return what an item of a route costs and what it would have, None without rates."""
    if job_rates is None:
        return None, None
    return unit_cost(where, job_rates), baseline_cost(where, job_rates)


def exception_reason(planned: PlannedItem) -> Reason | None:
    """Return the reason of the exception that a picture hits, if it does."""
    rule = planned.rule
    return None if rule is None else Reason(f"exception:{rule.name}", 1.0, None, rule.reason)


def outputs_of(
    planned: PlannedItem, name: str, form: str, made: tuple[Made, ...], score: float | None
) -> tuple[dict[str, bytes], tuple[Output, ...]]:
    """Return the files of an item by their path, and their rows."""
    files: dict[str, bytes] = {}
    rows: list[Output] = []
    for one in made:
        path = output_path(planned.concept, one.variant, name, form)
        files[path] = one.data
        height, width = one.size
        rows.append(
            Output(
                path=path,
                sha256=hashlib.sha256(one.data).hexdigest(),
                width=width,
                height=height,
                bytes=len(one.data),
                concept=planned.concept,
                variant=one.variant,
                score=score,
            )
        )
    return files, tuple(rows)


def _treat(kept: Kept, job: ItemJob, began: float) -> Outcome:
    planned = job.planned[kept.source]
    if planned.fault is not None:
        return _failed(job, planned.fault, began)
    data = _read(planned)
    if hashlib.sha256(data).hexdigest() != kept.content:
        raise ChangedError(f"{planned.path}: changed while the run was on; run again")
    if planned.rule is not None:
        return _send_to_a_person(kept, planned, job, data, began)
    shown = Work(source=planned.path, shown=planned.source, output=planned.path)
    with job.budget.take(min(header_pixels(shown), job.limits.max_pixels)):
        picture = read_picture(data, job.limits, name=planned.source)
        return _make(kept, planned, job, (data, picture), began)


def _read(planned: PlannedItem) -> bytes:
    try:
        if not stat.S_ISREG(planned.path.stat().st_mode):
            raise UnreadableError(planned.source, "is not a file", "put a picture there")
        return planned.path.read_bytes()
    except OSError:
        read_picture(planned.path)  # says what is wrong with it
        raise


def _send_to_a_person(
    kept: Kept, planned: PlannedItem, job: ItemJob, data: bytes, began: float
) -> Outcome:
    """Hand the photo over as it is; nothing is decoded, but what is no picture fails."""
    if sniff(data[:_HEAD_BYTES]) is None:
        read_picture(data, job.limits, name=planned.source)
    reason = exception_reason(planned)
    decision = route(None, () if reason is None else (reason,), job.rules)
    folder.hand_over_original(job.out, kept, data)
    put(job.out, decision.route, {}, stale=_candidates(kept, job))
    cost, baseline = price(job.rates, decision.route)
    return Outcome(
        route=decision.route,
        reasons=decision.reasons,
        cost=cost,
        baseline=baseline,
        seconds=time.perf_counter() - began,
    )


def _make(
    kept: Kept, planned: PlannedItem, job: ItemJob, read: tuple[bytes, Picture], began: float
) -> Outcome:
    data, picture = read
    variants = open_variants(planned)
    item = send_down(Item(content=kept.content, picture=picture, variants=variants), job.steps)
    if item.decision is None:
        raise ImageError(f"{kept.source}: the steps came to no decision; `decide` is the last one")
    where = item.decision.route
    if where in folder.HANDED_OVER:
        if item.has_subject:
            folder.hand_over(job.out, kept, item)
        else:
            folder.hand_over_original(job.out, kept, data)
    files, rows = outputs_of(planned, job.names[kept.source], job.form, item.made, item.score)
    put(job.out, where, files, stale=_candidates(kept, job))
    cost, baseline = price(job.rates, where)
    return Outcome(
        route=where,
        score=item.score,
        reasons=item.reasons,
        cost=cost,
        baseline=baseline,
        seconds=time.perf_counter() - began,
        outputs=rows,
        spot_check=item.decision.spot_check,
        scorer=job.scorer,
    )


def _candidates(kept: Kept, job: ItemJob) -> list[str]:
    """Return every path that a try of this item may have written."""
    planned = job.planned[kept.source]
    name = job.names[kept.source]
    return [output_path(planned.concept, v, name, job.form) for v in variant_names(planned)]


def _failed(job: ItemJob, fault: Fault, began: float) -> Outcome:
    cost, baseline = price(job.rates, "failed")
    seconds = time.perf_counter() - began
    return Outcome(route="failed", cost=cost, baseline=baseline, seconds=seconds, error=fault)


def _ends_the_run(error: Exception) -> bool:
    """Say whether the next picture would fare no better: the disk, not the name, is at fault."""
    if not isinstance(error, OutputError):
        return False
    cause = error.__cause__
    return not (isinstance(cause, OSError) and cause.errno in _ITEMS_OWN)
