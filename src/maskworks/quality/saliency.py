"""The measures of salient object detection, equal to those of pysodmetrics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError

if TYPE_CHECKING:
    from maskworks.core.values import Bool2D

Floats = NDArray[np.float64]

LEVELS = 256
_TINY = float(np.spacing(1))
_FOREGROUND = 128  # a truth is inside above this
_BETA_SQUARED = 0.3
_HALF_LIFE = 5  # pixels after which an error far from the object weighs half as much more
_GAUSSIAN_SIDE, _GAUSSIAN_SIGMA = 7, 5.0


@dataclass(frozen=True, eq=False)
class SaliencyScore:
    """What one prediction reached.

    `f_curve` and `e_curve` are float64 (256,): at thresholds 255, 254 ... 0 of the prediction.
    """

    mae: float
    f_curve: Floats
    f_adaptive: float
    weighted_f: float
    s: float
    e_curve: Floats
    e_adaptive: float


def saliency_score(predicted: NDArray[np.uint8], truth: NDArray[np.uint8]) -> SaliencyScore:
    """Measure one saliency map against its truth.

    The prediction is stretched from its minimum and maximum to 0 and 1 (unless it is constant)
    and the truth is inside above 128, as all evaluation code of this field does.

    Parameters
    ----------
    predicted, truth : uint8 (H, W)

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    Achanta et al., Frequency-tuned Salient Region Detection, CVPR 2009 (F-measure, beta squared
    0.3); Margolin et al., How to Evaluate Foreground Maps?, CVPR 2014 (weighted F); Fan et al.,
    Structure-measure, ICCV 2017 (S); Fan et al., Enhanced-alignment Measure, IJCAI 2018 (E);
    Perazzi et al., Saliency Filters, CVPR 2012 (MAE).

    Examples
    --------
    >>> truth = np.kron(np.array([[0, 255]], np.uint8), np.ones((4, 4), np.uint8))
    >>> found = saliency_score(truth, truth)
    >>> found.mae, float(found.f_curve.max()), round(found.s, 6), round(found.weighted_f, 6)
    (0.0, 1.0, 1.0, 1.0)
    """
    if predicted.shape != truth.shape:
        raise ImageError(f"the prediction is {predicted.shape}, the truth {truth.shape}")
    inside = truth > _FOREGROUND
    stretched = _stretched(predicted)
    levels = (stretched * 255).astype(np.uint8)
    hits = _reached(levels[inside])
    misses = _reached(levels[~inside])
    threshold = min(2 * float(stretched.mean()), 1.0)
    chosen = stretched >= threshold
    hit, miss = np.count_nonzero(chosen & inside), np.count_nonzero(chosen & ~inside)
    count = int(np.count_nonzero(inside))
    return SaliencyScore(
        mae=float(np.mean(np.abs(stretched - inside))),
        f_curve=_f_measure(hits, misses, count),
        f_adaptive=float(_f_measure(np.array([hit]), np.array([miss]), count)[0]),
        weighted_f=_weighted_f(stretched, inside) if count else 0.0,
        s=_structure(stretched, inside),
        e_curve=_alignment(hits, misses, count, inside.size),
        e_adaptive=float(_alignment(np.array([hit]), np.array([miss]), count, inside.size)[0]),
    )


def _stretched(predicted: NDArray[np.uint8]) -> Floats:
    values = predicted / 255
    low, high = values.min(), values.max()
    return np.asarray((values - low) / (high - low) if high != low else values)


def _reached(levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the values at or above 255, 254 ... 0."""
    return np.cumsum(np.bincount(levels, minlength=LEVELS)[::-1]).astype(np.int64)


def _f_measure(hits: NDArray[np.int64], misses: NDArray[np.int64], count: int) -> Floats:
    precision = hits / np.maximum(hits + misses, 1)
    recall = hits / max(count, 1)
    above = (1 + _BETA_SQUARED) * precision * recall
    below = np.where(above == 0, 1, _BETA_SQUARED * precision + recall)
    return np.asarray(above / below)


def _alignment(hits: NDArray[np.int64], misses: NDArray[np.int64], count: int, size: int) -> Floats:
    """Return the E-measure of binary maps, given what they hit and miss."""
    chosen = hits + misses
    if count == 0:
        total = np.asarray(size - chosen, np.float64)
    elif count == size:
        total = np.asarray(chosen, np.float64)
    else:
        share, true_share = chosen / size, count / size
        parts = (
            (hits, 1 - share, 1 - true_share),
            (misses, 1 - share, -true_share),
            (count - hits, -share, 1 - true_share),
            (size - chosen - count + hits, -share, -true_share),
        )
        total = np.zeros(len(hits))
        for pixels, ours, theirs in parts:
            aligned = 2 * ours * theirs / (ours**2 + theirs**2 + _TINY)
            total += (aligned + 1) ** 2 / 4 * pixels
    return np.asarray(total / (size - 1 + _TINY))


def _weighted_f(predicted: Floats, inside: Bool2D) -> float:
    """Return the weighted F-measure, beta 1, of a truth that is not empty."""
    from scipy.ndimage import convolve, distance_transform_edt

    away, nearest = distance_transform_edt(~inside, return_indices=True)
    error = np.abs(predicted - inside)
    spread = np.where(inside, error, error[nearest[0], nearest[1]])
    smoothed = convolve(spread, _gaussian(), mode="constant", cval=0)
    least = np.where(inside & (smoothed < error), smoothed, error)
    weight = np.where(inside, 1.0, 2 - np.exp(math.log(0.5) / _HALF_LIFE * away))
    weighted = least * weight
    hit = np.count_nonzero(inside) - weighted[inside].sum()
    missed = weighted[~inside].sum()
    recall = 1 - weighted[inside].mean()
    precision = hit / (hit + missed + _TINY)
    return float(2 * recall * precision / (recall + precision + _TINY))


def _gaussian() -> Floats:
    reach = _GAUSSIAN_SIDE // 2
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    weights = np.exp(-(rows**2 + columns**2) / (2 * _GAUSSIAN_SIGMA**2))
    return np.asarray(weights / weights.sum())


def _structure(predicted: Floats, inside: Bool2D) -> float:
    """Return the S-measure, alpha 0.5."""
    share = float(inside.mean())
    if share == 0:
        return float(1 - predicted.mean())
    if share == 1:
        return float(predicted.mean())
    objects = share * _object(predicted[inside]) + (1 - share) * _object(1 - predicted[~inside])
    return max(0.0, 0.5 * objects + 0.5 * _regions(predicted, inside))


def _object(values: Floats) -> float:
    mean = float(values.mean())
    spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + spread + _TINY)


def _regions(predicted: Floats, inside: Bool2D) -> float:
    """Return the similarity of the four parts around the object's centre, by their areas."""
    height, width = inside.shape
    row, column = (int(at) + 1 for at in np.argwhere(inside).mean(axis=0).round())
    weights = (
        column * row / inside.size,
        row * (width - column) / inside.size,
        (height - row) * column / inside.size,
    )
    parts = (
        (slice(0, row), slice(0, column)),
        (slice(0, row), slice(column, width)),
        (slice(row, height), slice(0, column)),
        (slice(row, height), slice(column, width)),
    )
    total = 0.0
    for part, weight in zip(parts, (*weights, 1 - sum(weights)), strict=True):
        if inside[part].size:
            total += _similarity(predicted[part], inside[part]) * weight
    return total


def _similarity(predicted: Floats, inside: Bool2D) -> float:
    free = inside.size - 1 + _TINY
    ours, theirs = float(predicted.mean()), float(inside.mean())
    spread = float(((predicted - ours) ** 2).sum() / free)
    true_spread = float(((inside - theirs) ** 2).sum() / free)
    together = float(((predicted - ours) * (inside - theirs)).sum() / free)
    above = 4 * ours * theirs * together
    below = (ours**2 + theirs**2) * (spread + true_spread)
    if above != 0:
        return above / (below + _TINY)
    return 1.0 if below == 0 else 0.0
