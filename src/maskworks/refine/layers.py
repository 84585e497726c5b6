"""The two colours of every mixed pixel, from coarse to fine.

A pixel shows `alpha` of the subject's colour and the rest of the background's: one equation, two
unknown colours, so the neighbours must help. As in Germer et al. (2021) both are solved on
a pyramid, from one colour for the whole picture down to the pixel, each level starting from
the one above. Two things are not as in that paper:

- A level is shrunk by averages, which keep the equation true, and not by picking pixels.
- What a pixel shows beyond its two expected colours is shared out as in Bayesian matting
  (Chuang et al. 2001): more of it to the side whose colours vary more around here, and less of
  it to either where an error of alpha would explain it.

References
----------
Germer, Uelwer, Conrad, Harmeling, Fast Multi-Level Foreground Estimation, ICPR 2020 (2021).
Chuang, Curless, Salesin, Szeliski, A Bayesian Approach to Digital Matting, CVPR 2001.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Box, Float2D, Pixels
from maskworks.refine.parts import grown, slices

Planes = NDArray[np.float32]  # (C, ...): one plane after the other
Layers = NDArray[np.float32]  # (2, 4, ...): subject and background; three colours, their variance
Indices = NDArray[np.intp]  # (N,)
Where = tuple[Indices, Indices]

SMALL_PX = 32
PASSES_SMALL, PASSES = 20, 2  # by the long side of a level
WINDOW_PX = 5  # pixels of the level

CERTAIN = 0.01  # the smaller, the more a certain pixel counts against a mixed one
LEAST_WEIGHT = 1e-3
LEAST_SPREAD = 60.0  # variance where no colour varies, grey levels squared
FIRST_SPREAD = 1000.0


@dataclass(frozen=True, eq=False)
class Level:
    """A picture, uint8 (h, w, 3), and its alpha, float32 (h, w), at one size."""

    pixels: Pixels
    alpha: Float2D


@dataclass(frozen=True)
class Errors:
    """What may be wrong with the equation: alpha (0 to 1) and the picture (grey levels)."""

    alpha: float
    grain: float


def solve_whole(full: Level, depth: int, errors: Errors) -> Layers:
    """Return the layers of a picture that is halved `depth` times, float32 (2, 4, h, w)."""
    levels = _pyramid(full, depth)
    layers = _first(levels[-1])
    for level in reversed(levels):
        picture, alpha = planes_of(level.pixels), level.alpha
        layers = share_out(picture, alpha, _resized(layers, alpha.shape), errors)
        certain = _certainty(alpha), _certainty(1 - alpha)
        for _ in range(PASSES_SMALL if max(alpha.shape) <= SMALL_PX else PASSES):
            layers = np.stack([_smoothed(*side) for side in zip(layers, certain, strict=True)])
            layers = share_out(picture, alpha, layers, errors)
    return layers


def solve_pixels(
    full: Level, coarse: tuple[Layers, int], box: Box, where: Where, errors: Errors
) -> Planes:
    """Return the subject's colours at N pixels of a box, float32 (3, N) in 0..255.

    Parameters
    ----------
    full : Level of shape (H, W)
    coarse : (Layers, depth)
        What `solve_whole` returned, and its depth, at least 1.
    box : Box
        Its top and left are multiples of 2**depth.
    where : (rows, columns), each (N,)
        Counted from the corner of the box.
    """
    layers, depth = coarse
    ring = 1 << (depth - 1)  # pixels around the box: neighbouring boxes meet without a seam
    levels = [_ringed(full, box, ring, 1 << depth)]
    for _ in range(depth - 1):
        levels.append(_halved(levels[-1]))
    layers, rim = _window(layers, box, 1 << depth), 1
    for level in levels[:0:-1]:
        layers = _resized(layers, (2 * layers.shape[2], 2 * layers.shape[3]))
        layers = layers[:, :, rim:-rim, rim:-rim] if rim else layers
        layers, rim = share_out(planes_of(level.pixels), level.alpha, layers, errors), 0
    rows, columns = where
    first = ring + rim
    expected = np.stack([_doubled_at(side, rows + first, columns + first) for side in layers])
    picture, alpha = full.pixels[slices(box)][where], full.alpha[slices(box)][where]
    return share_out(planes_of(picture), alpha, expected, errors, sides=1)[0, :3]


def _pyramid(full: Level, depth: int) -> list[Level]:
    """Return level `depth` and all that are smaller, down to one pixel."""
    step = 1 << depth
    height, width = (max(length // step, 1) for length in full.alpha.shape)
    levels = [full]
    if depth:  # whole steps only: that is fast, and pixels lie exactly under each other
        cut = slices(Box(0, 0, height * step, width * step))
        levels = [_shrunk(Level(full.pixels[cut], full.alpha[cut]), (height, width))]
    while max(levels[-1].alpha.shape) > 1:
        levels.append(_halved(levels[-1]))
    return levels


def _shrunk(level: Level, size: tuple[int, int]) -> Level:
    import cv2

    pixels = cv2.resize(level.pixels, size[::-1], interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(level.alpha, size[::-1], interpolation=cv2.INTER_AREA)
    return Level(np.asarray(pixels, np.uint8).reshape(*size, 3), np.asarray(alpha, np.float32))


def _halved(level: Level) -> Level:
    height, width = level.alpha.shape
    return _shrunk(level, ((height + 1) // 2, (width + 1) // 2))


def _ringed(full: Level, box: Box, ring: int, step: int) -> Level:
    """Cut out the box, filled up to whole steps, and a ring around it; edges are repeated."""
    import cv2

    bottom = box.top + -(-box.size[0] // step) * step
    right = box.left + -(-box.size[1] // step) * step
    part = grown(Box(box.top, box.left, bottom, right), ring, full.alpha.shape)
    missing = (
        part.top - box.top + ring,
        bottom + ring - part.bottom,
        part.left - box.left + ring,
        right + ring - part.right,
    )
    level = Level(full.pixels[slices(part)], full.alpha[slices(part)])
    if not any(missing):
        return level
    pixels = cv2.copyMakeBorder(level.pixels, *missing, cv2.BORDER_REPLICATE)
    alpha = cv2.copyMakeBorder(level.alpha, *missing, cv2.BORDER_REPLICATE)
    return Level(np.asarray(pixels, np.uint8), np.asarray(alpha, np.float32))


def _window(layers: Layers, box: Box, step: int) -> Layers:
    """Cut out the pixels of a coarse level under a box, and one more all around."""
    height, width = layers.shape[2:]
    rows = np.arange(box.top // step - 1, -(-box.bottom // step) + 1).clip(0, height - 1)
    columns = np.arange(box.left // step - 1, -(-box.right // step) + 1).clip(0, width - 1)
    return layers[:, :, rows[:, None], columns]


def planes_of(pixels: Pixels) -> Planes:
    """Return the colours of a picture (..., 3) as float32 (3, ...)."""
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0), np.float32)


def _first(level: Level) -> Layers:
    """Begin with one colour on each side, float32 (2, 4, 1, 1)."""
    layers = np.full((2, 4, 1, 1), FIRST_SPREAD, np.float32)
    for side, share in zip(layers, (level.alpha, 1 - level.alpha), strict=True):
        weight = share * share
        total = np.tensordot(weight, level.pixels.astype(np.float32), 2)
        side[:3, 0, 0] = total / (weight.sum() + LEAST_WEIGHT)
    return layers


def _wide(side: Planes, size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize to (h, w, 4): OpenCV is many times faster at four channels than at one."""
    import cv2

    wide = cv2.resize(cv2.merge(list(side)), size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide, np.float32)


def _resized(layers: Layers, size: tuple[int, int]) -> Layers:
    import cv2

    resized = np.empty((*layers.shape[:2], *size), np.float32)
    for side, planes in zip(layers, resized, strict=True):
        cv2.split(_wide(side, size), list(planes))
    return resized


def _doubled_at(side: Planes, rows: Indices, columns: Indices) -> Planes:
    """Return what these pixels of a side would be at twice its size, float32 (4, N)."""
    height, width = 2 * side.shape[1], 2 * side.shape[2]
    flat = _wide(side, (height, width)).reshape(-1, 4)
    found: Planes = flat.take(rows * width + columns, axis=0).T
    return found


def _certainty(share: Float2D) -> Float2D:
    """Return how much a pixel tells about a colour of which it holds this share."""
    weight = share * share / ((1 - share) ** 2 + CERTAIN) + LEAST_WEIGHT
    return weight.astype(np.float32, copy=False)


def _smoothed(side: Planes, weight: Float2D) -> Planes:
    """Average the colours in a window by weight, and measure how much they vary in it."""
    import cv2

    grey = side[:3].mean(axis=0)
    weighted = (*(side[:3] * weight), grey * grey * weight)
    mean = np.stack([cv2.blur(plane, (WINDOW_PX, WINDOW_PX)) for plane in weighted])
    mean /= cv2.blur(weight, (WINDOW_PX, WINDOW_PX))
    grey = mean[:3].mean(axis=0)
    mean[3] = np.maximum(mean[3] - grey * grey, 0)
    return mean


def share_out(
    picture: Planes, alpha: Planes, expected: Layers, errors: Errors, *, sides: int = 2
) -> Layers:
    """Share out what a picture (3, ...) shows beyond the mixture expected of it.

    The most likely colours if each side's are spread around the expected ones, and the
    picture is off by its grain and by what an error of alpha makes of their difference.
    """
    apart = expected[0, :3] - expected[1, :3]
    beyond = picture - expected[1, :3] - alpha * apart
    shares = alpha, 1 - alpha
    doubt = np.einsum("c...,c...->...", apart, apart) * (errors.alpha**2 / 3) + errors.grain**2
    gains = [s * (side[3] + LEAST_SPREAD) for s, side in zip(shares, expected, strict=True)]
    beyond /= shares[0] * gains[0] + shares[1] * gains[1] + doubt
    layers = expected[:sides].copy()
    for side, gain in zip(layers, gains, strict=False):
        side[:3] += gain * beyond
    np.clip(layers[:, :3], 0, 255, out=layers[:, :3])
    return layers
