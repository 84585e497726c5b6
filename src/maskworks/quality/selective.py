"""What a threshold on the confidence delivers, and how much of that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_RESAMPLES = 2000
_SEED = 20240501


@dataclass(frozen=True)
class Delivery:
    """What is delivered from `threshold` on: its share of all, and the wrong among it."""

    threshold: float
    coverage: float
    risk: float
    delivered: int
    wrong: int


def risk_coverage(confidence: ArrayLike, good: ArrayLike) -> tuple[Delivery, ...]:
    """Return what each threshold delivers, from the highest confidence to the lowest.

    Parameters
    ----------
    confidence : N numbers
    good : N booleans
        Whether each picture is right.

    Returns
    -------
    tuple of Delivery
        One for each confidence that occurs; a tie is delivered as a whole.

    Raises
    ------
    UsageError
        If the lengths differ, there is no picture, or a confidence is not finite.

    References
    ----------
    El-Yaniv and Wiener, On the Foundations of Noise-free Selective Classification, JMLR 2010.

    Examples
    --------
    >>> [(d.coverage, d.risk) for d in risk_coverage([0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0])]
    [(0.25, 0.0), (0.75, 0.3333333333333333), (1.0, 0.5)]
    """
    said, right = _checked(confidence, good)
    order = np.argsort(-said, kind="stable")
    said, wrong = said[order], np.cumsum(~right[order])
    last = np.flatnonzero(np.append(said[1:] != said[:-1], True))
    return tuple(
        Delivery(
            threshold=float(said[at]),
            coverage=(at + 1) / said.size,
            risk=float(wrong[at]) / (at + 1),
            delivered=int(at) + 1,
            wrong=int(wrong[at]),
        )
        for at in last.tolist()
    )


def area_under_risk(confidence: ArrayLike, good: ArrayLike) -> float:
    """Return the mean risk over all coverages 1/N, 2/N ... 1; pictures of a tie share its risk.

    References
    ----------
    Geifman, Uziel and El-Yaniv, Bias-reduced Uncertainty Estimation, ICLR 2019 (AURC).

    Examples
    --------
    >>> area_under_risk([0.9, 0.8], [1, 0])
    0.25
    """
    rows = risk_coverage(confidence, good)
    counts = np.diff([row.delivered for row in rows], prepend=0)
    return float(np.average([row.risk for row in rows], weights=counts))


def precision_threshold(
    confidence: ArrayLike, good: ArrayLike, *, target: float
) -> Delivery | None:
    """Return the lowest threshold whose delivery is right in at least a share of `target`.

    Parameters
    ----------
    confidence, good : see `risk_coverage`
    target : float in (0, 1]

    Returns
    -------
    Delivery, or None if no threshold reaches the target

    Raises
    ------
    UsageError
        See `risk_coverage`; or if the target is outside (0, 1].

    Examples
    --------
    >>> precision_threshold([0.9, 0.8, 0.7, 0.1], [1, 1, 1, 0], target=0.9).threshold
    0.7
    """
    if not 0 < target <= 1:
        raise UsageError(f"a target precision lies in (0, 1], got {target:g}; 0.99 is usual")
    fitting = [row for row in risk_coverage(confidence, good) if 1 - row.risk >= target]
    return fitting[-1] if fitting else None


def sure_threshold(
    confidence: ArrayLike, good: ArrayLike, *, target: float, level: float = 0.95
) -> Delivery | None:
    """Return the lowest threshold whose precision lies above `target` with some certainty.

    Parameters
    ----------
    confidence, good, target : see `precision_threshold`
    level : float in (0.5, 1)
        Of the one-sided interval of each threshold's precision, taken by itself.

    Returns
    -------
    Delivery, or None if there are too few pictures or too many wrong ones

    Examples
    --------
    >>> sure_threshold([0.9] * 30 + [0.1], [1] * 30 + [0], target=0.9).threshold
    0.9
    >>> sure_threshold([0.9] * 20, [1] * 20, target=0.9) is None
    True
    """
    fitting = [
        row
        for row in risk_coverage(confidence, good)
        if share_interval(row.delivered - row.wrong, row.delivered, level=2 * level - 1)[0]
        >= target
    ]
    return fitting[-1] if fitting else None


def share_interval(part: int, whole: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a share (Clopper and Pearson, Biometrika, 1934).

    Parameters
    ----------
    part, whole : int
        0 <= part <= whole, whole >= 1.
    level : float in (0, 1)

    Examples
    --------
    >>> low, high = share_interval(99, 100)
    >>> round(low, 4), round(high, 4)
    (0.9455, 0.9997)
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(part, whole - part + 1, tail)) if part else 0.0
    high = float(betaincinv(part + 1, whole - part, 1 - tail)) if part < whole else 1.0
    return low, high


def threshold_interval(
    confidence: ArrayLike, good: ArrayLike, *, target: float, level: float = 0.95
) -> tuple[float, float] | None:
    """Return the bootstrap interval of `precision_threshold`.

    Resamples in which no threshold reaches the target count as a threshold above all others:
    then the upper end is infinite.

    Returns
    -------
    (low, high), or None if none of the resamples reaches the target
    """
    said, right = _checked(confidence, good)
    random = np.random.default_rng(_SEED)
    found = np.full(_RESAMPLES, np.inf)
    for at in range(_RESAMPLES):
        drawn = random.integers(0, said.size, said.size)
        order = drawn[np.argsort(-said[drawn], kind="stable")]
        values, precision = said[order], np.cumsum(right[order]) / np.arange(1, said.size + 1)
        last = np.append(values[1:] != values[:-1], True)
        fitting = np.flatnonzero((precision >= target) & last)
        if fitting.size:
            found[at] = values[fitting[-1]]
    if not np.isfinite(found).any():
        return None
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return float(low), float(high)


def _checked(confidence: ArrayLike, good: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    said = np.asarray(confidence, np.float64).ravel()
    right = np.asarray(good, np.bool_).ravel()
    if said.size != right.size or said.size == 0:
        raise UsageError(
            f"there are {said.size} confidences and {right.size} outcomes; give one of each for "
            "every picture"
        )
    if not np.isfinite(said).all():
        raise UsageError("a confidence is not a number; leave such pictures out")
    return said, right
