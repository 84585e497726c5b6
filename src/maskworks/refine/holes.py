"""Which holes of a matte are openings and which are errors, and how an error is closed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Bool2D, Box, Float2D, Pixels
from maskworks.refine.parts import grown, slices
from maskworks.refine.reduced import enlarged

OPAQUE = 0.95
CLEAR = 0.1
"""A hole whose clearest tenth is above this is partly transparent, not a gap."""

RIM = 0.006
"""How far the soft rim of a hole reaches, a share of the diagonal."""

NEAR = 0.06
"""Colours are compared within this distance first, a share of the diagonal."""

SAMPLES = 128
"""Colours taken from a region at most; evenly spaced, so the answer is always the same."""

CLOSEST = 5
"""A colour's distance to a region is the mean of that to so many nearest colours of it."""


@dataclass(frozen=True, eq=False)
class Hole:
    """Connected background, on the small copy, that the subject encloses.

    Attributes
    ----------
    box : Box around it
    label : int, its number in `labels`
    labels : int32 (h, w), shared by all holes
    outside : bool (h, w), background that reaches the border of the picture, shared
    area : int, pixels of the small copy
    """

    box: Box
    label: int
    labels: NDArray[np.int32]
    outside: Bool2D
    area: int

    def inside(self, box: Box) -> Bool2D:
        """Return which pixels of `box` belong to the hole."""
        return np.asarray(self.labels[slices(box)] == self.label, np.bool_)


def find_holes(background: NDArray[np.uint8]) -> list[Hole]:
    """Return the parts of the background (4 neighbours) that do not reach the border.

    Parameters
    ----------
    background : uint8 (h, w), 0 or 1

    Examples
    --------
    >>> background = np.zeros((5, 6), np.uint8)
    >>> background[2, 2:4] = background[:, 0] = 1
    >>> [hole.area for hole in find_holes(background)]
    [2]
    """
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(background, connectivity=4)
    height, width = background.shape
    if count <= 1:
        return []
    left, top, broad, tall, area = (stats[:, column] for column in range(5))
    open_ = (left == 0) | (top == 0) | (left + broad == width) | (top + tall == height)
    open_[0] = False
    outside = np.asarray(open_[labels], np.bool_)
    holes = []
    for label in np.flatnonzero(~open_)[1:].tolist():
        a, b = int(top[label]), int(left[label])
        box = Box(a, b, a + int(tall[label]), b + int(broad[label]))
        holes.append(Hole(box, label, np.asarray(labels, np.int32), outside, int(area[label])))
    return holes


def is_gap(hole: Hole, alpha: Float2D) -> bool:
    """Tell whether a hole is clear somewhere; glass is partial throughout."""
    values = alpha[slices(hole.box)][hole.inside(hole.box)]
    return float(np.quantile(values, 0.1)) <= CLEAR


def is_error(hole: Hole, alpha: Float2D, pixels: Pixels) -> bool:
    """Tell whether a hole's colours are nearer to the subject's around it than the background's.

    A tie, or a picture without background outside, is no error.

    Parameters
    ----------
    hole : Hole
    alpha : float32 (h, w)
    pixels : uint8 (h, w, 3)
    """
    diagonal = math.hypot(*alpha.shape)
    inside = hole.inside(hole.box)
    values = alpha[slices(hole.box)][inside]
    colours = pixels[slices(hole.box)][inside][np.argsort(values, kind="stable")]
    clearest = _spread(_perceived(colours[: max(1, len(colours) // 2)]))
    behind = _beside(hole, pixels, hole.outside & (alpha < 1 - OPAQUE), diagonal)
    subject = _beside(hole, pixels, alpha >= OPAQUE, diagonal)
    if not len(behind) or not len(subject):
        return False
    return _distance(clearest, subject) < _distance(clearest, behind)


def _beside(hole: Hole, pixels: Pixels, where: Bool2D, diagonal: float) -> Float2D:
    """Return colours of `where` from the smallest surroundings that hold enough of them."""
    reach = NEAR * diagonal
    while True:
        box = grown(hole.box, math.ceil(reach), where.shape)
        chosen = where[slices(box)]
        if np.count_nonzero(chosen) >= SAMPLES or reach > diagonal:
            return _spread(_perceived(pixels[slices(box)][chosen]))
        reach *= 2


def _spread(colours: Float2D) -> Float2D:
    step = max(1, -(-len(colours) // SAMPLES))
    return colours[::step]


def _perceived(colours: Pixels) -> Float2D:
    """Return CIE Lab, float32 (n, 3), in which distances are roughly what is seen."""
    import cv2

    if not len(colours):
        return np.empty((0, 3), np.float32)
    unit = colours.reshape(1, -1, 3).astype(np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2Lab)[0], np.float32)


def _distance(colours: Float2D, others: Float2D) -> float:
    apart = np.linalg.norm(colours[:, np.newaxis] - others, axis=2)
    closest = np.sort(apart, axis=1)[:, :CLOSEST]
    return float(np.median(closest.mean(axis=1)))


def close(alpha: Float2D, holes: Sequence[Hole], small: Float2D, side: int) -> Float2D:
    """Return alpha (H, W) with the holes and their soft rims raised to what surrounds them."""
    out = alpha.copy()
    for hole in holes:
        box, weight, level = _patch(hole, small)
        _raise(out, box, side, weight, level)
    return out


def _patch(hole: Hole, small: Float2D) -> tuple[Box, Float2D, float]:
    """Return where the small copy is raised, how much of the way, and to which alpha."""
    import cv2

    rim_px = max(1.5, RIM * math.hypot(*small.shape))
    box = grown(hole.box, math.ceil(2 * rim_px) + 1, small.shape)
    inside = hole.inside(box)
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 3)
    outside = hole.outside[slices(box)]
    ours = np.ones(away.shape, np.bool_)
    if outside.any():
        ours = away < cv2.distanceTransform((~outside).astype(np.uint8), cv2.DIST_L2, 3)
    weight = np.clip(2 - away * np.float32(2 / rim_px), 0, 1) * ours
    ring = ours & (away > rim_px) & (away <= 2 * rim_px)
    level = float(np.median(small[slices(box)][ring])) if ring.any() else 1.0
    return box, np.asarray(weight, np.float32), level


def _raise(out: Float2D, box: Box, side: int, weight: Float2D, level: float) -> None:
    part = out[box.top * side : box.bottom * side, box.left * side : box.right * side]
    share = enlarged(weight, side, part.shape, smooth=True)
    part += share * np.maximum(np.float32(level) - part, 0)
    np.clip(part, 0, 1, out=part)
