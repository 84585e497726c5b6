"""Sequences of masks or mattes against their truth: DAVIS's J and F, and how steady alpha is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import EvaluationError, ImageError, UsageError
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.core.values import Mask, Matte
from maskworks.evaluate.label_pictures import is_palette, read_ids
from maskworks.evaluate.outcome import (
    ALLOW_MISSING,
    RESIZE_RULE,
    finite,
    measured,
    refuse_problems,
    versions,
)
from maskworks.evaluate.pairing import Pair, pair_files
from maskworks.evaluate.reading import LIMITS, read_matte
from maskworks.evaluate.semantic import check_size
from maskworks.evaluate.steadiness import sequence_warp_error
from maskworks.quality.boundary import boundary_f_score
from maskworks.quality.measures import iou
from maskworks.quality.sequences import FrameStatistics, flicker, frame_statistics

Held = Literal["numbers", "matte", "mask", "alpha"]
Kind = Literal["auto"] | Held
BINARY = {"mask": True, "alpha": False}
"""How `read_matte` reads what is certain; a "matte" is looked at first."""

VOID = 255
"""The number of pixels that DAVIS leaves out, in pictures that hold object numbers."""

MOST_OBJECTS = 127
"""A grey picture whose values stay below this holds the numbers of objects, not a matte."""

RULES = (
    "J is the IoU, F the boundary F-score (tolerance 0.8 % of the diagonal) of each object and "
    "frame; means over a sequence's frames, then over all objects; recall is the share of frames "
    "above 0.5, decay the mean of the first quarter less that of the last; an object that neither "
    "mask shows scores 1; Perazzi et al., CVPR 2016. dtSSD is the root mean square difference "
    "between the changes of alpha from frame to frame; Erofeev et al., BMVC 2015. The warp error "
    "is the change of the predicted alpha from frame to frame beyond what optical flow (DIS) "
    "explains, by the subject's area, where both frames show the same; after Lai et al., ECCV 2018"
)


@dataclass(frozen=True, eq=False)
class ObjectScore:
    """One object of one sequence: J and F of every frame that counts."""

    sequence: str
    number: int
    j: NDArray[np.float64]
    f: NDArray[np.float64]

    @property
    def statistics(self) -> tuple[FrameStatistics, FrameStatistics]:
        """Mean, recall and decay of J and of F."""
        return frame_statistics(self.j), frame_statistics(self.f)


@dataclass(frozen=True, eq=False)
class SequenceScore:
    """One sequence: its objects, its dtSSD (NaN with one frame), and what its frames hold.

    `warp_error` is NaN unless the clip's own frames were given.
    """

    name: str
    objects: tuple[ObjectScore, ...]
    dtssd: float
    holds: Held
    frames: tuple[Pair, ...]
    warp_error: float = float("nan")


@dataclass(frozen=True, eq=False)
class VideoReport:
    """What a set of sequences reached."""

    truth: Path
    predictions: Path
    sequences: tuple[SequenceScore, ...]
    skip_ends: bool
    spare: tuple[str, ...] = ()

    def figures(self) -> dict[str, float]:
        """Return the measures over all objects, by name."""
        objects = [each for sequence in self.sequences for each in sequence.objects]
        return _figures(objects) | {
            "dtSSD": _known_mean([each.dtssd for each in self.sequences]),
            "warp_error": _known_mean([each.warp_error for each in self.sequences]),
        }

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        frames = [pair for each in self.sequences for pair in each.frames]
        missing = [pair.name for pair in frames if pair.prediction is None]
        return {
            "task": "video",
            **{name: finite(value) for name, value in self.figures().items()},
            "per_sequence": {each.name: _sequence_record(each) for each in self.sequences},
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "ignore_label": VOID if any(s.holds == "numbers" for s in self.sequences) else None,
            "resize_rule": RESIZE_RULE,
            "rules": RULES,
            "frames_that_count": "all but the first and last" if self.skip_ends else "all",
            "unit": "shares from 0 to 1",
            "counts": {
                "sequences": len(self.sequences),
                "objects": sum(len(each.objects) for each in self.sequences),
                "frames": len(frames),
                "missing_counted_as_empty": len(missing),
                "predictions_without_truth": len(self.spare),
            },
            "missing": missing,
            "left_aside": list(self.spare),
            "versions": versions(),
        }


@public
def evaluate_video(  # noqa: PLR0913 - each is an option of the command
    truth: str | Path,
    predictions: str | Path,
    *,
    holds: Kind = "auto",
    skip_ends: bool = False,
    frames: str | Path | None = None,
    limits: Limits = LIMITS,
    allow_missing: bool = False,
) -> VideoReport:
    """Measure folders of frames, one folder a sequence.

    Parameters
    ----------
    truth, predictions : folders
        Each folder with pictures below them is a sequence; its frames are in order of their
        names. Frames belong together by their path without the suffix.
    holds : "auto", "numbers", "matte", "mask" or "alpha"
        Whether a frame holds the numbers of objects (255 is left out) or alpha, whose mask is
        alpha >= 0.5; "mask" and "alpha" are mattes whose values are certain, see `read_matte`.
        By default a true sequence of palette pictures, or of grey ones without a
        value above 127, holds numbers.
    skip_ends : bool
        Leave out the first and last frame, as DAVIS does where the first is given.
    frames : folder, optional
        The clips' own frames, named as the truth: the warp error needs them.
    allow_missing : bool
        Count a missing frame as empty.

    Raises
    ------
    UsageError
        As `pair_files`; or if a sequence has too few frames for `skip_ends`.
    EvaluationError
        If a frame is missing or has another size, shows an object that the truth does not have,
        or cannot be read; it names every such file.

    Examples
    --------
    >>> evaluate_video("truth", "predictions").record()["J&F"]  # doctest: +SKIP
    0.871
    """
    truth, predictions = Path(truth), Path(predictions)
    pairing = pair_files(truth, predictions, allow_missing=allow_missing)
    spare = refuse_problems(pairing)
    sequences: dict[str, list[Pair]] = {}
    for pair in pairing.pairs:
        sequences.setdefault(pair.name.rpartition("/")[0], []).append(pair)

    def score(item: tuple[str, list[Pair]]) -> SequenceScore:
        name, own = item
        found = _score(name or truth.name, own, holds=holds, skip_ends=skip_ends, limits=limits)
        if frames is None:
            return found
        return replace(found, warp_error=sequence_warp_error(own, Path(frames), limits))

    rows = tuple(measured(score, list(sequences.items())))
    return VideoReport(truth, predictions, rows, skip_ends, spare)


def _score(
    name: str,
    frames: Sequence[Pair],
    *,
    holds: Kind,
    skip_ends: bool,
    limits: Limits,
) -> SequenceScore:
    if skip_ends and len(frames) < 3:
        raise UsageError(
            f"{name}: has {len(frames)} frames, so none is left without the first and last; leave "
            "--skip-ends out"
        )
    kind = _kind(frames, limits) if holds == "auto" else holds
    counted = frames[1:-1] if skip_ends else frames
    if kind != "numbers":
        objects, dtssd = _score_mattes(name, counted, limits, kind)
    else:
        objects, dtssd = _score_numbers(name, counted, frames, limits), float("nan")
    return SequenceScore(name, objects, dtssd, kind, tuple(frames))


def _kind(frames: Sequence[Pair], limits: Limits) -> Literal["numbers", "matte"]:
    """Say what a true sequence holds; one without an object is a sequence of empty mattes."""
    found: set[int] = set()
    try:
        palette = is_palette(frames[0].truth, limits)
        for frame in frames:
            found.update(_numbers(read_ids(frame.truth, limits)))
            if not palette and max(found, default=0) > MOST_OBJECTS:
                return "matte"
    except ImageError:  # in colours with alpha, or compressed with loss
        return "matte"
    return "numbers" if found else "matte"


def _score_mattes(
    name: str, frames: Sequence[Pair], limits: Limits, kind: Held
) -> tuple[tuple[ObjectScore, ...], float]:
    j, f, changes = [], [], []
    before: tuple[Matte, Matte] | None = None
    for ours, theirs in _mattes(frames, limits, BINARY.get(kind)):
        j.append(iou(ours.threshold(), theirs.threshold()))
        f.append(boundary_f_score(ours.threshold(), theirs.threshold()))
        if before is not None:
            changes.append(flicker((before[0], ours), (before[1], theirs)))
        before = ours, theirs
    dtssd = float(np.mean(changes)) if changes else float("nan")
    return (ObjectScore(name, 1, np.array(j), np.array(f)),), dtssd


def _mattes(
    frames: Sequence[Pair],
    limits: Limits,
    binary: bool | None,  # noqa: FBT001 - of read_matte
) -> Iterator[tuple[Matte, Matte]]:
    for frame in frames:
        theirs = read_matte(frame.truth, limits, binary=binary)
        if frame.prediction is None:
            ours = Matte(np.zeros(theirs.size, np.float32))
        else:
            ours = read_matte(frame.prediction, limits, binary=binary)
            check_size(frame.prediction, ours.size, theirs.size)
        yield ours, theirs


def _score_numbers(
    name: str, counted: Sequence[Pair], frames: Sequence[Pair], limits: Limits
) -> tuple[ObjectScore, ...]:
    numbers = sorted(
        {number for frame in frames for number in _numbers(read_ids(frame.truth, limits))}
    )
    if not numbers:
        raise EvaluationError(
            [f"{frames[0].truth}: the sequence {name} shows no object in its truth"], ALLOW_MISSING
        )
    j: list[list[float]] = []
    f: list[list[float]] = []
    for frame in counted:
        theirs = read_ids(frame.truth, limits)
        ours = _predicted(frame, theirs, numbers, limits)
        known = theirs != VOID
        pairs = [(Mask((ours == n) & known), Mask((theirs == n) & known)) for n in numbers]
        j.append([iou(one, other) for one, other in pairs])
        f.append([boundary_f_score(one, other) for one, other in pairs])
    regions, outlines = np.array(j), np.array(f)
    return tuple(
        ObjectScore(name, number, regions[:, at], outlines[:, at])
        for at, number in enumerate(numbers)
    )


def _numbers(ids: NDArray[np.uint16]) -> list[int]:
    found = np.flatnonzero(np.bincount(ids.ravel()))
    return [int(number) for number in found if number not in (0, VOID)]


def _predicted(
    frame: Pair, theirs: NDArray[np.uint16], numbers: Sequence[int], limits: Limits
) -> NDArray[np.uint16]:
    if frame.prediction is None:
        return np.zeros_like(theirs)
    ours = read_ids(frame.prediction, limits)
    check_size(frame.prediction, ours.shape, theirs.shape)
    if (ours == VOID).any():
        raise ImageError(
            f"{frame.prediction}: holds {VOID}, which stands for no object; its truth holds object "
            f"numbers ({', '.join(map(str, numbers))}), write these"
        )
    strange = set(_numbers(ours)) - set(numbers)
    if strange:
        raise ImageError(
            f"{frame.prediction}: shows object {min(strange)}, which the truth of its sequence "
            f"does not have (it has {', '.join(map(str, numbers))})"
        )
    return ours


def _figures(objects: Sequence[ObjectScore]) -> dict[str, float]:
    statistics = [each.statistics for each in objects]
    found: dict[str, float] = {}
    for at, name in enumerate(("J", "F")):
        found[name] = float(np.mean([each[at].mean for each in statistics]))
        found[f"{name}_recall"] = float(np.mean([each[at].recall for each in statistics]))
        found[f"{name}_decay"] = float(np.mean([each[at].decay for each in statistics]))
    return found | {"J&F": (found["J"] + found["F"]) / 2}


def _sequence_record(sequence: SequenceScore) -> dict[str, object]:
    figures = {name: finite(value) for name, value in _figures(sequence.objects).items()}
    return figures | {
        "dtSSD": finite(sequence.dtssd),
        "warp_error": finite(sequence.warp_error),
        "frames": len(sequence.frames),
        "holds": sequence.holds,
        "objects": {
            str(each.number): {
                "J": each.statistics[0].mean,
                "F": each.statistics[1].mean,
            }
            for each in sequence.objects
        },
    }


def _known_mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
