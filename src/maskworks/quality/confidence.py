"""How well a confidence foretells the outcome: ranking and calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

NOTHING = float("nan")


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram: confidences in [`low`, `high`), the last one closed.

    `confidence` and `outcome` are means over the `count` pictures in it, NaN if there is none.
    """

    low: float
    high: float
    count: int
    confidence: float
    outcome: float


def area_under_roc(scores: ArrayLike, positives: ArrayLike) -> float:
    """Return the chance that a positive scores higher than a negative; a tie counts half.

    Parameters
    ----------
    scores : N numbers
    positives : N booleans

    Returns
    -------
    float in [0, 1]
        NaN if all are positive or none is: there is nothing to tell apart.

    Raises
    ------
    UsageError
        If the lengths differ, or a score is not finite.

    References
    ----------
    Hanley and McNeil, The Meaning and Use of the Area under a Receiver Operating
    Characteristic (ROC) Curve, Radiology, 1982.

    Examples
    --------
    >>> area_under_roc([0.1, 0.4, 0.4, 0.9], [False, True, False, True])
    0.875
    """
    values, wanted = _numbers("scores", scores), np.asarray(positives, np.bool_).ravel()
    _same_length(values, wanted)
    count = int(np.count_nonzero(wanted))
    others = wanted.size - count
    if count == 0 or others == 0:
        return NOTHING
    above = float(_ranks(values)[wanted].sum()) - count * (count + 1) / 2
    return above / (count * others)


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation; ties share their mean rank.

    Parameters
    ----------
    first, second : N numbers

    Returns
    -------
    float in [-1, 1]
        NaN if one side is constant or N < 2.

    Raises
    ------
    UsageError
        If the lengths differ, or a number is not finite.

    References
    ----------
    Spearman, The Proof and Measurement of Association between Two Things, American Journal
    of Psychology, 1904.

    Examples
    --------
    >>> spearman([1, 2, 3], [10, 30, 20])
    0.5
    """
    one, two = _numbers("first", first), _numbers("second", second)
    _same_length(one, two)
    a, b = _ranks(one), _ranks(two)
    a, b = a - a.mean() if a.size else a, b - b.mean() if b.size else b
    below = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / below if below > 0 else NOTHING


def reliability(confidence: ArrayLike, outcome: ArrayLike, *, bins: int = 10) -> tuple[Bin, ...]:
    """Group pictures by their confidence and compare it with what came out.

    Parameters
    ----------
    confidence : N numbers in [0, 1]
    outcome : N numbers in [0, 1]
        The IoU that was reached, or 1 and 0 for right and wrong.
    bins : int, >= 1
        Bins of equal width.

    Returns
    -------
    tuple of `bins` Bin
        Their counts add up to N.

    Raises
    ------
    UsageError
        If the lengths differ, a number lies outside [0, 1], or `bins` is less than 1.

    Examples
    --------
    >>> [(bar.count, bar.outcome) for bar in reliability([0.2, 0.9, 1.0], [0.0, 1.0, 0.5], bins=2)]
    [(1, 0.0), (2, 0.75)]
    """
    if bins < 1:
        message = f"bins must be 1 or more, got {bins}; 10 is usual"
        raise UsageError(message)
    values, got = _unit("confidence", confidence), _unit("outcome", outcome)
    _same_length(values, got)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    bars = []
    for index in range(bins):
        chosen = place == index
        count = int(np.count_nonzero(chosen))
        bars.append(
            Bin(
                low=float(edges[index]),
                high=float(edges[index + 1]),
                count=count,
                confidence=float(values[chosen].mean()) if count else NOTHING,
                outcome=float(got[chosen].mean()) if count else NOTHING,
            )
        )
    return tuple(bars)


def calibration_error(confidence: ArrayLike, outcome: ArrayLike, *, bins: int = 10) -> float:
    """Return the expected calibration error: mean |confidence - outcome| over the bins.

    Parameters
    ----------
    confidence, outcome, bins : see `reliability`

    Returns
    -------
    float in [0, 1]
        Each bin weighs its count. NaN if there is no picture.

    Raises
    ------
    UsageError
        See `reliability`.

    References
    ----------
    Guo et al., On Calibration of Modern Neural Networks, ICML 2017.

    Examples
    --------
    >>> calibration_error([0.5, 0.5, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0])
    0.25
    """
    bars = [bar for bar in reliability(confidence, outcome, bins=bins) if bar.count]
    total = sum(bar.count for bar in bars)
    if total == 0:
        return NOTHING
    return sum(bar.count * abs(bar.confidence - bar.outcome) for bar in bars) / total


def _ranks(values: Floats) -> Floats:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[place]
    return ranks


def _numbers(name: str, values: ArrayLike) -> Floats:
    numbers = np.asarray(values, np.float64).ravel()
    if not np.isfinite(numbers).all():
        count = np.count_nonzero(~np.isfinite(numbers))
        message = f"{name} must be finite, {count} of {numbers.size} are not; leave them out"
        raise UsageError(message)
    return numbers


def _unit(name: str, values: ArrayLike) -> Floats:
    numbers = _numbers(name, values)
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= 1):
        message = f"{name} must lie in [0, 1], got [{numbers.min():g}, {numbers.max():g}]"
        raise UsageError(message)
    return numbers


def _same_length(first: NDArray[np.float64], second: NDArray[np.generic]) -> None:
    if first.size != second.size:
        message = f"both need one number a picture, got {first.size} and {second.size}"
        raise UsageError(message)
