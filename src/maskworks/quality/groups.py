"""Do groups differ by more than chance: intervals by bootstrap, a test by permutation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 10_000
SEED = 20240501
_DRAWINGS = 2000
_AT_ONCE = 4_000_000  # numbers drawn at once


def bootstrap_interval(
    values: ArrayLike, *, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean; the same call gives the same interval.

    Parameters
    ----------
    values : N numbers, N >= 1
    level : float in (0, 1)
    resamples : int, >= 1

    Returns
    -------
    (low, high)

    Raises
    ------
    UsageError
        If there is no value.

    References
    ----------
    Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics, 1979.

    Examples
    --------
    >>> bootstrap_interval([0.5, 0.5, 0.5])
    (0.5, 0.5)
    """
    numbers = _numbers(values)
    random = np.random.default_rng(SEED)
    step = max(1, _AT_ONCE // numbers.size)
    means = [
        numbers[random.integers(0, numbers.size, (min(step, resamples - at), numbers.size))].mean(1)
        for at in range(0, resamples, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mean_iou_interval(
    hit: ArrayLike, truth: ArrayLike, predicted: ArrayLike, *, level: float = 0.95
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of mean IoU over pictures drawn anew.

    Pictures are drawn, not pixels: pixels of a picture are no independent evidence, and frames
    of one video hardly are, so theirs is too narrow.

    Parameters
    ----------
    hit, truth, predicted : N pictures by C classes
        Pixels of a class that are right, in the truth, in the prediction.
    level : float in (0, 1)

    Returns
    -------
    (low, high)
        Of the mean over the classes that a drawing's truth holds; NaN if there is none.

    Examples
    --------
    >>> mean_iou_interval([[5, 5]] * 9, [[5, 10]] * 9, [[5, 10]] * 9)
    (0.6666666666666666, 0.6666666666666666)
    """
    parts = [np.asarray(each, np.float64) for each in (hit, truth, predicted)]
    count, classes = parts[0].shape
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(count, [1 / count] * count, size=_DRAWINGS)
    sums = drawn @ np.concatenate(parts, axis=1)
    right, there, said = (sums[:, at * classes : (at + 1) * classes] for at in range(3))
    whole = there + said - right
    shares = np.divide(right, whole, out=np.zeros_like(right), where=whole > 0)
    present = there > 0
    known = present.any(axis=1)
    if not known.any():
        return float("nan"), float("nan")
    means = (shares * present).sum(axis=1)[known] / present.sum(axis=1)[known]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def gap_chance(
    groups: Sequence[ArrayLike], *, permutations: int = RESAMPLES
) -> tuple[float, float]:
    """Return the gap between the best and the worst mean, and the chance of one as large.

    Parameters
    ----------
    groups : two or more, each of one or more numbers
    permutations : int, >= 1
        How often the numbers are dealt out anew among groups of these sizes.

    Returns
    -------
    (gap, chance)
        The chance counts the groups as they are as one dealing, so it is never 0.

    Raises
    ------
    UsageError
        If there are fewer than two groups, or one is empty.

    References
    ----------
    Phipson and Smyth, Permutation P-values Should Never Be Zero, 2010.

    Examples
    --------
    >>> gap, chance = gap_chance([[0.9, 0.9, 0.9, 0.9], [0.1, 0.1, 0.1, 0.1]])
    >>> round(gap, 3), chance < 0.05
    (0.8, True)
    """
    numbers = [_numbers(group) for group in groups]
    if len(numbers) < 2:
        raise UsageError("a gap needs two groups, there is one; give more")
    every = np.concatenate(numbers)
    ends = np.cumsum([group.size for group in numbers])
    starts = np.concatenate([[0], ends[:-1]])
    sizes = ends - starts
    means = np.array([group.mean() for group in numbers])
    gap = float(np.ptp(means))
    random = np.random.default_rng(SEED)
    reached = 0
    step = max(1, _AT_ONCE // (4 * every.size))
    for at in range(0, permutations, step):
        rows = np.tile(every, (min(step, permutations - at), 1))
        dealt = np.add.reduceat(random.permuted(rows, axis=1), starts, axis=1) / sizes
        reached += int(np.count_nonzero(np.ptp(dealt, axis=1) >= gap - 1e-12))
    return gap, (reached + 1) / (permutations + 1)


def holm(chances: Sequence[float]) -> list[float]:
    """Correct chances for there being several tests, in their order.

    References
    ----------
    Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.

    Examples
    --------
    >>> [round(chance, 3) for chance in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(chances, kind="stable")
    corrected, least = [0.0] * len(chances), 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(chances) - rank) * chances[at]))
        corrected[at] = least
    return corrected


def _numbers(values: ArrayLike) -> Floats:
    numbers = np.asarray(values, np.float64).ravel()
    if numbers.size == 0:
        raise UsageError("a group is empty; leave it out")
    return numbers
