"""Assess clips and pictures into a folder: one sub-folder each, a ranking, a manifest; resume."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import MaskworksError, OutputError, UsageError
from maskworks.core.public import public
from maskworks.scene.apart import assess_apart
from maskworks.scene.assessing import (
    CLIPS,
    PICTURES,
    assess_suitability,
    content_context,
    fingerprint_of,
)
from maskworks.scene.faces import require_faces
from maskworks.scene.options import SuitabilityOptions
from maskworks.scene.policy import SuitabilityPolicy, read_policy
from maskworks.scene.ranking import rank, ranking_page, ranking_row
from maskworks.scene.record import SuitabilityRecord
from maskworks.scene.signals.opening import check_choices
from maskworks.scene.writing.files import RECORD, read_record, write_record
from maskworks.scene.writing.tables import RANKING, to_csv


@dataclass(frozen=True, kw_only=True)
class SuitabilityRequest:
    """What is assessed, into which folder.

    Parameters
    ----------
    inputs : of paths
        Clips, pictures, and folders with all below them.
    output : Path
        Of one input it gets the files themselves, of several a folder each.
    options : SuitabilityOptions
    overwrite, resume : bool
        Of what is there already: replace it, or keep what was made from the same input with the
        same options. Without either, a folder that holds a record is refused.
    clip_seconds : float, optional
        Each is assessed in a process of its own, which is ended after so long.
    """

    inputs: tuple[str, ...]
    output: Path
    options: SuitabilityOptions = field(default_factory=SuitabilityOptions)
    overwrite: bool = False
    resume: bool = False
    clip_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class SuitabilityRow:
    """What became of one clip or picture."""

    source: str
    output: Path
    status: str
    record: SuitabilityRecord | None
    seconds: float
    error: MaskworksError | None = None


def find_media(inputs: Sequence[str], output: Path) -> list[tuple[Path, str]]:
    """Return the clips and pictures that inputs name, each with its name in the output folder.

    Raises
    ------
    UsageError
        If there is none.
    """
    found: dict[Path, str] = {}
    for given in inputs:
        path = Path(given)
        if not path.is_dir():
            found.setdefault(path, path.name)
            continue
        for each in _walked(path, output):
            found.setdefault(each, each.relative_to(path).as_posix())
    if not found:
        raise UsageError(
            f"there is no clip or picture in {', '.join(inputs)}; name one, or a folder with files "
            f"that end in {', '.join(sorted(CLIPS | PICTURES))}"
        )
    names = list(found.values())
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{twice[0]}: several inputs have this name; give their common folder")
    return list(found.items())


def _walked(folder: Path, output: Path) -> Iterator[Path]:
    """Yield clips and pictures of a folder, through links too, without hidden ones and outputs."""
    seen = {output.resolve()}
    for here, below, names in os.walk(folder, followlinks=True):
        real = Path(here).resolve()
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in PICTURES | CLIPS:
                yield Path(here, name)


@public
def run_suitability(
    request: SuitabilityRequest,
    *,
    stop: threading.Event | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Iterator[SuitabilityRow]:
    """Assess everything that a request names, one after the other.

    Parameters
    ----------
    request : SuitabilityRequest
    stop : Event, optional
        Once it is set no further clip is begun; one in a process of its own is ended.
    progress : function, optional
        Is called with a name and the seconds of it that were looked at.

    Yields
    ------
    SuitabilityRow
        One for each input; what fails is a row with its error and stops no other. At the end the
        ranking and the manifest are written.

    Raises
    ------
    UsageError
        If there is nothing to assess, the options are wrong, or an output is there already.
    OutputError
        If the ranking or the manifest cannot be written.

    Examples
    --------
    >>> import maskworks as mw
    >>> request = mw.SuitabilityRequest(inputs=("clips",), output=Path("out"), resume=True)
    >>> for row in mw.run_suitability(request):  # doctest: +SKIP
    ...     print(row.source, row.status)
    """
    media, policy, alone = _checked(request)
    options, output = request.options, request.output
    folders = [output if alone else output / name for _, name in media]
    rows: list[SuitabilityRow] = []
    for (path, name), folder in zip(media, folders, strict=True):
        if stop is not None and stop.is_set():
            break
        row = None
        if request.resume:
            row = _kept(path, name, folder, (options, policy))
        if row is None:
            told = partial(progress, name) if progress else None
            row = _made(path, name, folder, request, stop, told)
        if row is None:
            break
        rows.append(row)
        yield row
    _write_lists(output, rows, alone=alone)


def _checked(
    request: SuitabilityRequest,
) -> tuple[list[tuple[Path, str]], SuitabilityPolicy, bool]:
    """Look at all that is asked for before anything is assessed.

    Returns
    -------
    What is assessed, by which policy, and whether it is one file alone.
    """
    options, output = request.options, request.output
    if request.overwrite and request.resume:
        raise UsageError("overwrite and resume exclude each other; give one")
    policy = read_policy(options.policy)
    content_context(options.source, options.purpose)
    if options.blur_faces:
        require_faces()
    check_choices(options.choices)  # what is wrong is said before anything is assessed
    media = find_media(request.inputs, output)
    alone = len(media) == 1 and not Path(request.inputs[0]).is_dir()
    if options.subtitles is not None and not alone:
        raise UsageError("--subtitles is for one clip; of several each has its own beside it")
    if not (request.overwrite or request.resume):
        folders = [output if alone else output / name for _, name in media]
        there = next((folder for folder in folders if (folder / RECORD).exists()), None)
        if there is not None:
            raise UsageError(f"{there / RECORD} is there already; give --resume or --overwrite")
    return media, policy, alone


def _kept(path: Path, name: str, folder: Path, asked: tuple[Any, Any]) -> SuitabilityRow | None:
    """Return the row of an earlier run if its record still holds."""
    if not (folder / RECORD).is_file():
        return None
    try:
        record = read_record(folder / RECORD)
        if record.fingerprint != fingerprint_of(path, *asked):
            return None
    except MaskworksError:
        return None
    return SuitabilityRow(source=name, output=folder, status="kept", record=record, seconds=0.0)


def _made(
    path: Path,
    name: str,
    folder: Path,
    request: SuitabilityRequest,
    stop: threading.Event | None,
    progress: Callable[[float], None] | None,
) -> SuitabilityRow | None:
    """Assess one and return its row; None if it was stopped before it was done."""
    began = time.perf_counter()
    status, error = "done", None
    record: SuitabilityRecord | None = None
    try:
        if request.clip_seconds is None:
            done = assess_suitability(path, request.options, progress=progress)
            write_record(folder, done.record, done.pictures)
            record = done.record
        else:
            seconds = request.clip_seconds
            if not assess_apart(
                path, folder, request.options, seconds=seconds, stop=stop, progress=progress
            ):
                return None
            record = read_record(folder / RECORD)
    except MaskworksError as found:
        status, error = "failed", found
    return SuitabilityRow(
        source=name,
        output=folder,
        status=status,
        record=record,
        seconds=time.perf_counter() - began,
        error=error,
    )


def _write_lists(output: Path, rows: Sequence[SuitabilityRow], *, alone: bool) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(output, str(error), "name another folder with -o") from error
    lines = "".join(f"{json.dumps(to_manifest(row), ensure_ascii=False)}\n" for row in rows)
    write_atomic(output / "manifest.jsonl", lines.encode("utf-8", "replace"))
    if alone:
        return
    ranked = rank(
        [ranking_row(r.source, r.record, None if r.error is None else str(r.error)) for r in rows]
    )
    write_atomic(output / "ranking.csv", to_csv(ranked, RANKING))
    write_atomic(output / "index.html", ranking_page(ranked).encode("utf-8", "replace"))


def to_manifest(row: SuitabilityRow) -> dict[str, Any]:
    """Return the row as the manifest and `--json` have it."""
    error = row.error
    return {
        "source": row.source,
        "output": str(row.output),
        "status": row.status,
        "seconds": round(row.seconds, 3),
        "error": error and {"code": error.code, "message": str(error)},
        "categories": row.record
        and [
            {
                "category": each.category,
                "iab_id": each.iab_id,
                "coverage": each.coverage,
                "likelihood": each.likelihood,
                "extent": each.extent,
                "proposed_risk": each.proposed_risk,
                "rule": each.rule,
            }
            for each in row.record.categories
        ],
    }
