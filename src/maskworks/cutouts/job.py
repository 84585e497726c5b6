"""From a plan to files: what is still to be done, and the doing of one piece of work."""

from __future__ import annotations

import contextlib
import stat
import sys
import time
import traceback
from dataclasses import dataclass, replace

from maskworks.batch.resuming import fingerprint
from maskworks.batch.work import Fault, Row, Seconds, Work
from maskworks.batch.workers import Room, header_pixels
from maskworks.batch.writing import write_file
from maskworks.core.errors import MaskworksError, UnreadableError
from maskworks.core.reading import Limits, Picture, read_picture
from maskworks.cutouts.cutout import Cutout, Look, render
from maskworks.cutouts.cutting import cut_out, refine_edge
from maskworks.cutouts.trimaps import Trimaps
from maskworks.models import Model
from maskworks.refine.refinement import DEFAULTS, RefineOptions

_DIGITS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """All that is the same for every picture of a run; `settings` is a digest of it."""

    model: Model
    look: Look
    limits: Limits
    refinement: RefineOptions = DEFAULTS
    trimaps: Trimaps | None = None
    min_confidence: float = 0.0
    write_no_subject: bool = False
    settings: str = ""
    debug: bool = False


def do_work(work: Work, job: Job, room: Room) -> Row:
    """Read, segment, render and write one picture; whatever happens, the answer is a row."""
    row = Row(source=str(work.source), output=None, status="failed", model=job.model.spec.name)
    try:
        if work.error is not None:
            raise work.error  # noqa: TRY301 - known before it was tried, told like the others
        with room.take(min(header_pixels(work), job.limits.max_pixels)):
            row, picture = _read(row, work, job)
            row, cutout = _segment(row, picture, job)
            row, cutout = _refine(row, cutout, picture, work, job)
            del picture
            return _write(row, cutout, work, job)
    except MaskworksError as error:
        return replace(row, status="failed", error=Fault(error.code, str(error)))
    except Exception as error:  # noqa: BLE001 - one bad picture never stops the rest
        if job.debug:
            traceback.print_exc(file=sys.stderr)
        name = type(error).__name__
        message = f"{work.shown}: unexpected {name} ({error}); run it alone with `--debug`"
        return replace(row, status="failed", error=Fault("internal", message))


def _read(row: Row, work: Work, job: Job) -> tuple[Row, Picture]:
    began = time.perf_counter()
    if work.content is not None:
        picture = read_picture(work.content, job.limits, name=work.shown)
    else:
        with contextlib.suppress(OSError):  # a missing file is explained by `read_picture`
            if not stat.S_ISREG(work.source.stat().st_mode):  # opening a pipe would wait for ever
                raise UnreadableError(work.shown, "is not a file", "pipe its content to `-`")
            row = replace(row, fingerprint=fingerprint(work.source, job.settings))
        picture = read_picture(work.source, job.limits, name=work.shown)
    height, width = picture.image.size
    seconds = Seconds(read=_since(began))
    return replace(row, width=width, height=height, seconds=seconds), picture


def _segment(row: Row, picture: Picture, job: Job) -> tuple[Row, Cutout]:
    began = time.perf_counter()
    cutout = cut_out(picture, job.model, min_confidence=job.min_confidence)
    confidence = None if cutout.confidence is None else round(cutout.confidence, _DIGITS)
    fit = job.model.spec.calibration
    if cutout.raw_confidence is not None and fit is not None:
        raw = round(cutout.raw_confidence, _DIGITS)
        row = replace(row, raw_confidence=raw, calibration=fit.label)
    seconds = replace(row.seconds, segment=_since(began))
    return replace(row, confidence=confidence, seconds=seconds), cutout


def _refine(row: Row, cutout: Cutout, picture: Picture, work: Work, job: Job) -> tuple[Row, Cutout]:
    if cutout.status == "no-subject":
        return row, cutout
    began = time.perf_counter()
    trimap = None if job.trimaps is None else job.trimaps.read(work, picture.image.size, job.limits)
    done = refine_edge(cutout, picture, job.refinement, trimap=trimap)
    soft = None if done.soft_interior is None else round(done.soft_interior, _DIGITS)
    seconds = replace(row.seconds, refine=_since(began))
    return replace(row, refined=done.refined, soft_interior=soft, seconds=seconds), done


def _write(row: Row, cutout: Cutout, work: Work, job: Job) -> Row:
    began = time.perf_counter()
    output: str | None = None
    if cutout.status != "no-subject" or job.write_no_subject:
        data = render(cutout, job.look)
        if work.deliver is None:
            write_file(work.output, data, may_replace=work.may_replace)
        else:
            work.deliver(data)
        output = str(work.output)
    elif work.replaces_own and work.may_replace:  # an earlier run saw a subject here
        work.output.unlink(missing_ok=True)
    seconds = replace(row.seconds, write=_since(began))
    return replace(row, output=output, status=cutout.status, seconds=seconds)


def _since(began: float) -> float:
    return round(time.perf_counter() - began, _DIGITS)
