"""Calibration fits: isotonic regression and temperature scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

EDGE = 1e-6
"""How near to 0 and 1 a confidence counts as such; its log-odds would be infinite."""

_STEEPEST = 20.0  # the temperature lies between its inverse and it


def isotonic_curve(confidence: ArrayLike, reached: ArrayLike) -> tuple[Floats, Floats]:
    """Return the knots of the rising curve nearest to `reached`, to be joined by straight lines.

    Each knot is the centre of a block of pooled adjacent violators, so the curve rises strictly
    between blocks and keeps the order of confidences but for ties at its ends.

    Parameters
    ----------
    confidence, reached : N numbers in [0, 1], N >= 1

    Returns
    -------
    (confidence, reached) : float64 (K,) each, both rising, 1 <= K <= N

    Raises
    ------
    UsageError
        If the lengths differ, or a number lies outside [0, 1].

    References
    ----------
    Ayer et al., An Empirical Distribution Function for Sampling with Incomplete Information,
    Annals of Mathematical Statistics, 1955 (pooling). Oron and Flournoy, Centered Isotonic
    Regression, Statistics in Biopharmaceutical Research, 2017 (centres).

    Examples
    --------
    >>> isotonic_curve([0.2, 0.4, 0.6, 0.8], [0.1, 0.5, 0.3, 0.9])
    (array([0.2, 0.5, 0.8]), array([0.1, 0.4, 0.9]))
    """
    x, y = _checked(confidence, reached)
    levels, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    sums = np.bincount(place, weights=y)
    blocks: list[tuple[float, float, int]] = []  # sums of x and of y, and the count
    for level, total, count in zip(levels.tolist(), sums.tolist(), counts.tolist(), strict=True):
        block = (level * count, total, count)
        while blocks and blocks[-1][1] / blocks[-1][2] >= block[1] / block[2]:
            block = _joined(blocks.pop(), block)
        blocks.append(block)
    pooled = np.array(blocks)
    return pooled[:, 0] / pooled[:, 2], pooled[:, 1] / pooled[:, 2]


def fitted_temperature(confidence: ArrayLike, reached: ArrayLike) -> float:
    """Return the temperature T by which log-odds are divided: the one of least cross-entropy.

    Parameters
    ----------
    confidence, reached : N numbers in [0, 1], N >= 1

    Returns
    -------
    float in [0.05, 20]
        Above 1 where the confidence says too much.

    Raises
    ------
    UsageError
        See `isotonic_curve`.

    References
    ----------
    Guo et al., On Calibration of Modern Neural Networks, ICML 2017.

    Examples
    --------
    >>> round(fitted_temperature([0.8, 0.8, 0.2, 0.2], [0.6, 0.6, 0.4, 0.4]), 3)
    3.419
    """
    from scipy.optimize import minimize_scalar

    x, y = _checked(confidence, reached)
    odds = log_odds(x)

    def loss(scale: float) -> float:
        bent = odds * np.exp(scale)
        return float(np.mean(np.logaddexp(0, bent) - y * bent))

    most = float(np.log(_STEEPEST))
    found = minimize_scalar(loss, bounds=(-most, most), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(-found.x))


def log_odds(share: ArrayLike) -> Floats:
    """Return log(p / (1 - p)), finite: p is kept `EDGE` away from 0 and 1."""
    inside = np.clip(np.asarray(share, np.float64), EDGE, 1 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _joined(
    first: tuple[float, float, int], second: tuple[float, float, int]
) -> tuple[float, float, int]:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def _checked(confidence: ArrayLike, reached: ArrayLike) -> tuple[Floats, Floats]:
    x, y = (np.asarray(values, np.float64).ravel() for values in (confidence, reached))
    if x.size != y.size or x.size == 0:
        raise UsageError(f"there are {x.size} confidences and {y.size} outcomes; give one of each")
    for name, values in (("confidence", x), ("outcome", y)):
        if not (values.min() >= 0 and values.max() <= 1):
            raise UsageError(f"a {name} lies in [0, 1], got {values.min():g} to {values.max():g}")
    return x, y
