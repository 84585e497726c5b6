"""Confidences with what came of them: from a manifest and a truth, or a table of both."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from maskworks.core.errors import EvaluationError, UnreadableError, UsageError
from maskworks.core.reading import Limits
from maskworks.evaluate.outcome import measured
from maskworks.evaluate.pairing import pair_files, true_pictures
from maskworks.evaluate.reading import LIMITS
from maskworks.evaluate.subject_scores import score_iou

CONFIDENCES = ("confidence", "score")
OUTCOMES = ("iou", "IoU")
NAMES = ("source", "picture", "name", "file", "image")

_LINES = frozenset({".jsonl", ".ndjson"})
_TABLES = frozenset({".csv", ".tsv"})


@dataclass(frozen=True)
class ConfidencePair:
    """One picture: how sure the model was, in [0, 1], and the IoU it reached.

    `raw` is what the network said, the same unless a fit has calibrated it; None where the model
    answered "no subject", of which the confidence then speaks. `model` is its name if known.
    """

    name: str
    confidence: float
    iou: float
    raw: float | None = None
    model: str | None = None


@dataclass(frozen=True)
class Confidences:
    """Pictures with a confidence and an outcome; `without` names those that lack a confidence."""

    pictures: tuple[ConfidencePair, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Row:
    name: str
    confidence: float | None
    iou: float | None
    output: str | None
    raw: float | None = None
    model: str | None = None


def read_confidences(
    manifest: Path,
    *,
    truth: Path | None = None,
    predictions: Path | None = None,
    limits: Limits = LIMITS,
    skip_unclear: bool = False,
    binary: bool | None = None,
) -> Confidences:
    """Read confidences, and measure the IoU of each picture that has a truth.

    Parameters
    ----------
    manifest : JSON Lines, JSON or CSV
        Each row has `confidence` (or `score`) and a name: `source`, `picture`, `name`, `file` or
        `image`. Without a truth it also has `iou`.
    truth : folder, optional
        Of mattes; a row belongs to the truth whose path below it, without suffix, ends the row's.
    predictions : folder, optional
        By default the `output` of each row; a row without one found no subject.
    skip_unclear : bool
        Leave true pixels of 64 to 191 out, see `maskworks.evaluate.subject_scores`.
    binary : bool, optional
        As `read_matte`.

    Returns
    -------
    Confidences
        Rows without a truth are left out.

    Raises
    ------
    UsageError
        If a file or folder does not exist, or there is nothing to measure.
    UnreadableError
        If the manifest is not of this form.
    EvaluationError
        If a truth has no row, or a picture does not fit; it names them all.
    """
    rows = _rows(manifest)
    if truth is not None:
        work = partial(score_iou, limits=limits, skip_unclear=skip_unclear, binary=binary)
        rows = _measured(rows, truth, predictions, work)
    pictures, without = [], []
    for row in rows:
        if row.confidence is None:
            without.append(row.name)
        elif row.iou is None:
            raise UsageError(
                f"{manifest}: {row.name} has no `iou`; name the true mattes with --truth DIR"
            )
        else:
            pictures.append(ConfidencePair(row.name, row.confidence, row.iou, row.raw, row.model))
    if not pictures:
        raise UsageError(f"{manifest}: there is no picture with a confidence, so nothing to tell")
    return Confidences(tuple(pictures), tuple(without))


def _rows(path: Path) -> list[_Row]:
    if not path.is_file():
        raise UsageError(f"--manifest {path}: there is no such file; name a manifest or a table")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() in _TABLES:
            dialect = "excel-tab" if path.suffix.lower() == ".tsv" else "excel"
            raw: Any = list(csv.DictReader(text.splitlines(), dialect=dialect))
        elif path.suffix.lower() in _LINES:
            raw = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            raw = json.loads(text)
    except (ValueError, csv.Error) as error:
        raise UnreadableError(
            str(path), f"is neither JSON nor CSV ({error})", "check it"
        ) from error
    found = raw.get("pictures", raw.get("items")) if isinstance(raw, Mapping) else raw
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise UnreadableError(str(path), "holds no list of pictures", "give one row a picture")
    last: dict[str, _Row] = {}
    for number, row in enumerate(found, start=1):
        one = _row(path, number, row)
        last[one.name] = one
    return list(last.values())


def _row(path: Path, number: int, row: Mapping[str, Any]) -> _Row:
    name = next((row[key] for key in NAMES if row.get(key)), None)
    if name is None:
        raise UnreadableError(
            str(path), f"row {number} has no name", f"give it one of {', '.join(NAMES)}"
        )
    output = row.get("output")
    said = _number(path, number, row, CONFIDENCES)
    raw = _number(path, number, row, ("raw_confidence",))
    absent = row.get("status") == "no-subject"
    return _Row(
        str(name),
        said,
        _number(path, number, row, OUTCOMES),
        str(output) if output else None,
        None if absent else said if raw is None else raw,
        str(row["model"]) if row.get("model") else None,
    )


def _number(path: Path, number: int, row: Mapping[str, Any], keys: Sequence[str]) -> float | None:
    given = next((row[key] for key in keys if row.get(key) not in (None, "")), None)
    if given is None:
        return None
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 <= value <= 1:
        raise UnreadableError(
            str(path), f"row {number}: `{keys[0]}` is {given!r}", "give a number from 0 to 1"
        )
    return value


def _measured(
    rows: Sequence[_Row],
    truth: Path,
    predictions: Path | None,
    work: Callable[[Path, Path | None], float],
) -> list[_Row]:
    """Return the rows that have a truth, with the IoU that they reached."""
    true_files = true_pictures(truth)
    answers = {} if predictions is None else _answers(truth, predictions)
    by_parts = {_parts(row.name): row for row in rows}
    jobs: list[tuple[str, _Row, Path | None]] = []
    problems: list[str] = []
    for name in true_files:
        wanted = PurePath(name).parts
        row = next((r for parts, r in by_parts.items() if parts[-len(wanted) :] == wanted), None)
        if row is None:
            problems.append(f"{name}: no row of the manifest is about it")
            continue
        if predictions is not None:
            jobs.append((name, row, answers.get(name)))
        else:
            jobs.append((name, row, None if row.output is None else Path(row.output)))
    if problems:
        raise EvaluationError(problems, "name the manifest of these pictures")

    def score(job: tuple[str, _Row, Path | None]) -> _Row:
        name, row, answer = job
        reached = work(true_files[name], answer)
        return replace(row, name=name, iou=reached)

    return list(measured(score, jobs))


def _answers(truth: Path, predictions: Path) -> dict[str, Path | None]:
    pairs = pair_files(truth, predictions, allow_missing=True).pairs
    return {pair.name: pair.prediction for pair in pairs}


def _parts(name: str) -> tuple[str, ...]:
    return PurePath(name).with_suffix("").parts
