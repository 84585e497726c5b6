"""One piece of work of a run: a picture read, cut out, rendered and written."""

from __future__ import annotations

import contextlib
import stat
from dataclasses import dataclass, replace
from typing import Literal

from maskworks.batch.resuming import fingerprint
from maskworks.batch.running import Draft, attempt
from maskworks.batch.work import ManifestRow, Work
from maskworks.batch.workers import PixelBudget, header_pixels
from maskworks.batch.writing import write_file
from maskworks.core.deadline import deadline, go_on
from maskworks.core.errors import UnreadableError
from maskworks.core.reading import Limits, Picture, read_picture
from maskworks.cutouts.cutout import Cutout, RenderOptions, render
from maskworks.cutouts.cutting import CutOptions, cut_and_refine
from maskworks.cutouts.trimaps import Trimaps
from maskworks.models import Model
from maskworks.refine.refinement import DEFAULTS, RefineOptions

_DIGITS = 4
_COLUMNS: dict[str, Literal["segment", "refine"]] = {"cut": "segment", "edges": "refine"}
"""The manifest's name of each step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CutoutJob:
    """All that is the same for every picture of a run; `settings` is a digest of it."""

    model: Model
    rendering: RenderOptions
    limits: Limits
    refinement: RefineOptions = DEFAULTS
    trimaps: Trimaps | None = None
    min_confidence: float = 0.0
    write_no_subject: bool = False
    settings: str = ""
    debug: bool = False


def do_work(work: Work, job: CutoutJob, budget: PixelBudget) -> ManifestRow:
    """Read, segment, render and write one picture; whatever happens, the answer is a row."""
    model = job.model.spec.name
    draft = Draft(ManifestRow(source=str(work.source), output=None, status="failed", model=model))

    def do() -> ManifestRow:
        pixels = min(header_pixels(work), job.limits.max_pixels)
        with budget.take(pixels), deadline(job.limits.seconds):
            picture = _read(draft, work, job)
            go_on(work.shown)
            cutout = _cut(picture, draft, work, job)
            go_on(work.shown)
            return _write(cutout, draft, work, job)

    return attempt(work, draft, do, debug=job.debug)


def _read(draft: Draft, work: Work, job: CutoutJob) -> Picture:
    with draft.step("read"):
        if work.content is not None:
            picture = read_picture(work.content, job.limits, name=work.shown)
        else:
            with contextlib.suppress(OSError):  # a missing file is explained by `read_picture`
                if not stat.S_ISREG(work.source.stat().st_mode):  # a pipe would wait for ever
                    raise UnreadableError(work.shown, "is not a file", "pipe its content to `-`")
                print_ = fingerprint(work.source, job.settings)
                draft.row = replace(draft.row, fingerprint=print_)
            picture = read_picture(work.source, job.limits, name=work.shown)
    height, width = picture.image.size
    notes = picture.details.notes
    draft.row = replace(draft.row, width=width, height=height, notes=notes)
    return picture


def _cut(picture: Picture, draft: Draft, work: Work, job: CutoutJob) -> Cutout:
    trimaps = job.trimaps
    options = CutOptions(
        refinement=job.refinement,
        min_confidence=job.min_confidence,
        trimap=None
        if trimaps is None
        else lambda: trimaps.read(work, picture.image.size, job.limits),
    )
    cutout = cut_and_refine(
        picture, job.model, options, step=lambda name: draft.step(_COLUMNS[name])
    )
    fit = job.model.spec.calibration
    if cutout.raw_confidence is not None and fit is not None:
        raw = round(cutout.raw_confidence, _DIGITS)
        draft.row = replace(draft.row, raw_confidence=raw, calibration=fit.label)
    draft.row = replace(draft.row, confidence=_rounded(cutout.confidence))
    if cutout.status != "no-subject":
        soft = _rounded(cutout.soft_interior)
        told = tuple(reason.text for reason in cutout.reasons)
        draft.row = replace(draft.row, refined=cutout.refined, soft_interior=soft, reasons=told)
        draft.row = replace(draft.row, score=_rounded(cutout.score))
    return cutout


def _write(cutout: Cutout, draft: Draft, work: Work, job: CutoutJob) -> ManifestRow:
    output: str | None = None
    with draft.step("write"):
        if cutout.status != "no-subject" or job.write_no_subject:
            data = render(cutout, job.rendering)
            if work.deliver is None:
                write_file(work.output, data, may_replace=work.may_replace)
            else:
                work.deliver(data)
            output = str(work.output)
        elif work.replaces_own and work.may_replace:  # an earlier run saw a subject here
            work.output.unlink(missing_ok=True)
    return replace(draft.row, output=output, status=cutout.status)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
