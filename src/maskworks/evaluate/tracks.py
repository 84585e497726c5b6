"""Tracks against their truth: HOTA, MOTA and IDF1 of files of the MOT challenge."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import EvaluationError, ImageError, UsageError
from maskworks.core.public import public
from maskworks.evaluate.outcome import ALLOW_MISSING, finite_record, versions
from maskworks.models.families.box_answers import box_ious
from maskworks.quality.tracking import (
    ClearScore,
    HotaScore,
    IdentityScore,
    TrackedFrame,
    clear_mot,
    hota,
    identity,
)

RULES = (
    "HOTA, DetA, AssA and LocA are means over the IoU thresholds .05 to .95 (Luiten et al., IJCV "
    "2021); MOTA, MOTP and switches are CLEAR MOT, IDF1 the identities of the best assignment, "
    "both at IoU .5; all as TrackEval computes them. Sequences are combined by their counts. Rows "
    "of the truth whose seventh value is 0 are left out"
)

Rows = dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]
"""Of each frame the ids (N,) and the boxes (N, 4), x1 y1 x2 y2."""


@dataclass(frozen=True, eq=False)
class SequenceTracks:
    """What one sequence reached."""

    name: str
    frames: int
    hota: HotaScore
    clear: ClearScore
    identity: IdentityScore


@dataclass(frozen=True, eq=False)
class TracksReport:
    """What a set of sequences reached."""

    truth: Path
    predictions: Path
    sequences: tuple[SequenceTracks, ...]
    missing: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()

    def figures(self) -> dict[str, float]:
        """Return the measures over all sequences, by name."""
        return figures_of(
            combined_hota([each.hota for each in self.sequences]),
            _sum_clear([each.clear for each in self.sequences]),
            _sum_identity([each.identity for each in self.sequences]),
        )

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        each = {
            s.name: finite_record(figures_of(s.hota, s.clear, s.identity)) for s in self.sequences
        }
        return {
            "task": "tracks",
            **finite_record(self.figures()),
            "per_sequence": each,
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "rules": RULES,
            "unit": "shares from 0 to 1; switches and fragments are counts",
            "counts": {
                "sequences": len(self.sequences),
                "frames": sum(s.frames for s in self.sequences),
                "missing_counted_as_empty": len(self.missing),
                "predictions_without_truth": len(self.spare),
            },
            "missing": list(self.missing),
            "left_aside": list(self.spare),
            "versions": versions(),
        }


def figures_of(hota_: HotaScore, clear: ClearScore, ids: IdentityScore) -> dict[str, float]:
    """Return the measures by the names that TrackEval gives them."""
    return {
        "HOTA": float(hota_.hota.mean()),
        "DetA": float(hota_.deta.mean()),
        "AssA": float(hota_.assa.mean()),
        "LocA": float(hota_.loca.mean()),
        "MOTA": clear.mota,
        "MOTP": clear.motp,
        "IDF1": ids.f1,
        "IDR": ids.recall,
        "IDP": ids.precision,
        "IDSW": float(clear.switches),
        "Frag": float(clear.fragments),
    }


def combined_hota(scores: Sequence[HotaScore]) -> HotaScore:
    """Combine sequences: counts are added, association and likeness weighed by the matches."""
    tp = np.sum([each.tp for each in scores], axis=0)

    def weighed(name: str) -> NDArray[np.float64]:
        total = np.sum([getattr(each, name) * each.tp for each in scores], axis=0)
        found: NDArray[np.float64] = total / np.maximum(1.0, tp)
        return found

    near = np.sum([each.loca * each.tp for each in scores], axis=0)
    return HotaScore(
        tp=tp,
        fn=np.sum([each.fn for each in scores], axis=0),
        fp=np.sum([each.fp for each in scores], axis=0),
        assa=weighed("assa"),
        assre=weighed("assre"),
        asspr=weighed("asspr"),
        loca=np.maximum(1e-10, near) / np.maximum(1e-10, tp),
    )


def _sum_clear(scores: Sequence[ClearScore]) -> ClearScore:
    def total(name: str) -> int:
        return sum(int(getattr(each, name)) for each in scores)

    return ClearScore(
        tp=total("tp"),
        fn=total("fn"),
        fp=total("fp"),
        switches=total("switches"),
        fragments=total("fragments"),
        mostly_tracked=total("mostly_tracked"),
        mostly_lost=total("mostly_lost"),
        objects=total("objects"),
        likeness=sum(each.likeness for each in scores),
    )


def _sum_identity(scores: Sequence[IdentityScore]) -> IdentityScore:
    return IdentityScore(
        tp=sum(each.tp for each in scores),
        fn=sum(each.fn for each in scores),
        fp=sum(each.fp for each in scores),
    )


@public
def evaluate_tracks(
    truth: str | Path, predictions: str | Path, *, allow_missing: bool = False
) -> TracksReport:
    """Measure tracks by HOTA, CLEAR MOT and identities.

    Parameters
    ----------
    truth, predictions : files or folders
        Two files of the MOT challenge (frame, id, left, top, width, height, ...), or two
        folders: NAME.txt of the one belongs to NAME.txt of the other; a truth may also lie at
        NAME/gt/gt.txt. NAME.mot.txt, as `maskworks track` writes it, is NAME too.
    allow_missing : bool
        Count a sequence without a prediction as one in which nothing was found.

    Returns
    -------
    TracksReport

    Raises
    ------
    UsageError
        If a path does not exist, or one is a file and the other a folder.
    EvaluationError
        If a sequence has no prediction, or a file is not of this form; it names every such file.

    Examples
    --------
    >>> report = evaluate_tracks("truth/", "tracks/")  # doctest: +SKIP
    >>> hota = report.figures()["HOTA"]  # doctest: +SKIP
    """
    truth, predictions = Path(truth), Path(predictions)
    for option, path in (("--truth", truth), ("--predictions", predictions)):
        if not path.exists():
            raise UsageError(f"{option} {path}: no such file or folder")
    if truth.is_dir() != predictions.is_dir():
        raise UsageError("--truth and --predictions are two files or two folders")
    if truth.is_dir():
        theirs, ours = _sequences(truth), _sequences(predictions)
        if not theirs:
            raise UsageError(f"--truth {truth}: holds no NAME.txt and no NAME/gt/gt.txt")
    else:
        theirs, ours = {truth.stem: truth}, {truth.stem: predictions}
    missing = sorted(theirs.keys() - ours.keys())
    problems = [f"{name}: has no prediction" for name in missing] if not allow_missing else []
    found = []
    for name, path in sorted(theirs.items()):
        try:
            true = read_mot(path, truth=True)
            guess = read_mot(ours[name], truth=False) if name in ours else {}
        except ImageError as error:
            problems.append(str(error))
            continue
        found.append(score_tracks(name, true, guess))
    if problems:
        raise EvaluationError(problems, ALLOW_MISSING)
    spare = sorted(ours.keys() - theirs.keys())
    return TracksReport(truth, predictions, tuple(found), tuple(missing), tuple(spare))


def score_tracks(name: str, truth: Rows, predictions: Rows) -> SequenceTracks:
    """Measure one sequence of boxes; alike is their IoU."""
    none: tuple[NDArray[np.int64], NDArray[np.float64]] = (np.zeros(0, np.int64), np.zeros((0, 4)))
    frames = []
    for number in sorted(truth.keys() | predictions.keys()):
        ids, boxes = truth.get(number, none)
        guessed, places = predictions.get(number, none)
        frames.append(TrackedFrame(ids, guessed, box_ious(boxes, places)))
    return SequenceTracks(name, len(frames), hota(frames), clear_mot(frames), identity(frames))


def read_mot(path: Path, *, truth: bool) -> Rows:
    """Read a file of the MOT challenge; of a truth, rows whose seventh value is 0 do not count.

    Raises
    ------
    ImageError
        If a row is not of this form, or an id occurs twice in a frame; it names the line.
    """
    found: dict[int, list[tuple[int, list[float]]]] = {}
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImageError(f"{path}: cannot be read as text ({error})") from error
    for number, row in enumerate(csv.reader(text.splitlines()), 1):
        if not row:
            continue
        frame, own, box, counts = _row(path, number, row)
        if truth and not counts:
            continue
        rows = found.setdefault(frame, [])
        if any(own == other for other, _ in rows):
            raise ImageError(f"{path}: line {number}: the id {own} is twice in frame {frame}")
        rows.append((own, box))
    return {
        frame: (np.array([own for own, _ in rows]), np.array([box for _, box in rows]))
        for frame, rows in found.items()
    }


def _row(path: Path, number: int, row: list[str]) -> tuple[int, int, list[float], bool]:
    try:
        values = [float(each) for each in row]
        frame, own = int(values[0]), int(values[1])
        left, top, width, height = values[2:6]
    except (ValueError, IndexError, OverflowError) as error:
        raise ImageError(
            f"{path}: line {number}: a row is frame, id, left, top, width, height and more, got "
            f"{','.join(row)[:60]!r}"
        ) from error
    if not all(map(isfinite, values[:6])) or width < 0 or height < 0:
        raise ImageError(f"{path}: line {number}: a box has a size of 0 or more, got {row[2:6]}")
    counts = len(values) < 7 or values[6] != 0
    return frame, own, [left, top, left + width, top + height], counts


def _sequences(folder: Path) -> dict[str, Path]:
    plain = {
        path.name.removesuffix(".txt").removesuffix(".mot"): path
        for path in sorted(folder.glob("*.txt"))
    }
    laid_out = {path.parent.parent.name: path for path in sorted(folder.glob("*/gt/gt.txt"))}
    return laid_out | plain
