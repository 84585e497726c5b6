"""IoU, boundary IoU and SAD of one matte, also where the truth leaves its edge open.

Data sets drawn as trimaps (Oxford-IIIT Pet) say grey where nobody decided. With `skip_unclear`
true values of 64 to 191 (of 255) count nowhere, as their authors meant it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.reading import Limits
from maskworks.core.values import Mask, Matte
from maskworks.evaluate.measures import THOUSAND
from maskworks.evaluate.pairing import Pair
from maskworks.evaluate.reading import read_matte
from maskworks.evaluate.semantic import check_size
from maskworks.quality import boundary_iou, iou, sum_absolute_difference

UNCLEAR = (64, 191)
"""True grey values, of 255, that may be left out, both ends included."""

MOST_UNCLEAR = 0.02
"""Share of a picture above which its edge counts as left open, so it has no boundary IoU."""


@dataclass(frozen=True)
class SubjectScore:
    """What one picture reached: `sad` in thousand pixels; `boundary_iou` is NaN without an edge."""

    name: str
    iou: float
    boundary_iou: float
    sad: float
    empty_truth: bool = False


def score_subject(
    pair: Pair, limits: Limits, *, skip_unclear: bool = False, binary: bool | None = None
) -> SubjectScore:
    """Read one pair and measure it; a missing prediction is an empty matte.

    Raises
    ------
    ImageError
        If a file cannot be read, holds no matte, or has another size than the truth.
    """
    truth, ours, known = _read(
        pair.truth, pair.prediction, limits, skip_unclear=skip_unclear, binary=binary
    )
    inside = (Mask(ours.threshold().inside & known), Mask(truth.threshold().inside & known))
    open_edge = float(np.mean(~known)) > MOST_UNCLEAR
    return SubjectScore(
        pair.name,
        iou(*inside),
        float("nan") if open_edge else boundary_iou(*inside),
        sum_absolute_difference(ours, truth, where=Mask(known)) / THOUSAND,
        empty_truth=not inside[1].inside.any(),
    )


def score_iou(
    truth: Path,
    prediction: Path | None,
    limits: Limits,
    *,
    skip_unclear: bool = False,
    binary: bool | None = None,
) -> float:
    """Read a matte and its truth and return their IoU alone; see `score_subject`."""
    theirs, ours, known = _read(truth, prediction, limits, skip_unclear=skip_unclear, binary=binary)
    both = (ours.threshold().inside & known, theirs.threshold().inside & known)
    return iou(*map(Mask, both))


def _read(
    truth: Path,
    prediction: Path | None,
    limits: Limits,
    *,
    skip_unclear: bool,
    binary: bool | None,
) -> tuple[Matte, Matte, NDArray[np.bool_]]:
    theirs = read_matte(truth, limits, binary=binary)
    if prediction is None:
        ours = Matte(np.zeros(theirs.size, np.float32))
    else:
        ours = read_matte(prediction, limits, binary=binary)
        check_size(prediction, ours.size, theirs.size)
    return theirs, ours, known_part(theirs) if skip_unclear else np.ones(theirs.size, bool)


def known_part(truth: Matte) -> NDArray[np.bool_]:
    """Return where the truth is decided: bool (H, W).

    Examples
    --------
    >>> known_part(Matte(np.array([[0.0, 0.3, 0.5, 0.7, 1.0]], np.float32))).tolist()
    [[True, False, False, False, True]]
    """
    grey = truth.alpha * 255
    return np.asarray((grey < UNCLEAR[0] - 0.5) | (grey > UNCLEAR[1] + 0.5))
