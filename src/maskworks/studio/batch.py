"""From a plan to files: what is still to be done, and the doing of one piece of work."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from maskworks.core.errors import MaskworksError, OutputError, UnreadableError
from maskworks.core.formats import open_format, sniff
from maskworks.core.reading import Limits, Picture, read_picture
from maskworks.core.writing import write_atomic
from maskworks.models import Model, ModelSpec
from maskworks.refine.refinement import DEFAULTS, RefineOptions
from maskworks.studio.item import ExistsError, Fault, Fingerprint, Row, Seconds, Work
from maskworks.studio.line import Room
from maskworks.studio.steps import (
    LOOKS_CLOSER,
    Cutout,
    Look,
    cut_out,
    refine_edge,
    render,
)
from maskworks.studio.trimaps import Trimaps

Existing = Literal["refuse", "overwrite", "resume"]
"""What happens to an output that is there already."""

_DIGITS = 4
_FRESH_S = 2.0


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


def settings_digest(spec: ModelSpec, choices: Mapping[str, str | float | bool]) -> str:
    """Return 16 hexadecimal digits that change with the model or any of the choices."""
    written = json.dumps([spec.model_dump(mode="json"), dict(choices)], sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def settle(
    works: Sequence[Work], earlier: Mapping[str, Row], existing: Existing, settings: str
) -> tuple[list[Work], list[Row]]:
    """Split a plan into what is to be done and the rows that still hold.

    Parameters
    ----------
    works : the plan
    earlier : rows of an earlier manifest, by source
    existing : Existing
        "refuse" sets an error on work whose output exists. "overwrite" does all again.
        "resume" keeps a row if it is no failure, was made from the same input (size and time
        of change) with the same `settings`, and its output is still there; the rest is done
        again and may replace what is there.
    settings : digest of this run
    """
    todo: list[Work] = []
    kept: list[Row] = []
    for work in works:
        row = earlier.get(str(work.source))
        if existing == "resume" and row is not None and _holds(row, work, settings):
            kept.append(row)
        elif work.error is None and existing == "refuse" and os.path.lexists(work.output):
            todo.append(replace(work, error=ExistsError(work.output)))
        else:
            ours = row is not None and row.output == str(work.output)
            todo.append(replace(work, may_replace=existing != "refuse", replaces_own=ours))
    return todo, kept


def _holds(row: Row, work: Work, settings: str) -> bool:
    if row.status == "failed" or row.fingerprint is None or work.error is not None:
        return False
    made = row.output is None or (row.output == str(work.output) and work.output.is_file())
    try:
        return made and row.fingerprint == fingerprint(work.source, settings)
    except OSError:
        return False


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


def header_pixels(work: Work) -> int:
    """Return how many pixels a file says it has, 1 if it does not say."""
    try:
        if work.content is not None or not stat.S_ISREG(work.source.stat().st_mode):
            return 1
        with work.source.open("rb") as stream:
            kind = sniff(stream.read(64))
            if kind is None:
                return 1
            stream.seek(0)
            opened = open_format(kind, stream)
            return max(1, opened.width * opened.height)
    except Exception:  # noqa: BLE001 - what is wrong with the file is said when it is read
        return 1


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
    closer = job.refinement.method in LOOKS_CLOSER
    cutout = cut_out(picture, job.model, min_confidence=job.min_confidence, closer=closer)
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


def write_file(path: Path, data: bytes, *, may_replace: bool) -> None:
    """Write a file atomically and make its folder.

    Raises
    ------
    ExistsError
        If it exists and may not be replaced.
    OutputError
        If it cannot be written.
    """
    prepare_output(path, may_replace=may_replace)
    write_atomic(path, data)


def prepare_output(path: Path, *, may_replace: bool) -> None:
    """Make the folder of an output.

    Raises
    ------
    ExistsError
        If it exists and may not be replaced.
    OutputError
        If its folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"its folder cannot be made ({error.strerror or error})"
        raise OutputError(path, reason, "choose another output folder") from error
    if not may_replace and os.path.lexists(path):
        raise ExistsError(path)


def sweep(folders: Sequence[Path], *, fresh_s: float = _FRESH_S) -> int:
    """Remove what a killed run left half written; return how many files that were.

    Only temporary files of `write_atomic` whose process is gone are removed, and none that is
    younger than `fresh_s`: another machine may be writing it.
    """
    removed = 0
    for folder in folders:
        for path in folder.glob(".maskworks-*.tmp"):
            with contextlib.suppress(OSError, ValueError):
                process = int(path.name.split("-")[1])
                if not _is_alive(process) and time.time() - path.stat().st_mtime > fresh_s:
                    path.unlink()
                    removed += 1
    return removed


def _is_alive(process: int) -> bool:
    if os.name != "posix":  # there, asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def fingerprint(path: Path, settings: str) -> Fingerprint:
    """Return what tells whether a result still holds for a file and these settings."""
    status = path.stat()
    return Fingerprint(bytes=status.st_size, modified_ns=status.st_mtime_ns, settings=settings)


def _since(began: float) -> float:
    return round(time.perf_counter() - began, _DIGITS)
