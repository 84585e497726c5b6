"""Background of an output: whether it has the demanded colour, and where it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Bool2D, Box, Pixels

COLOUR_TOLERANCE = 10
"""Levels of 255: on one colour, a pixel farther from it in any channel is subject.

A JPEG's ripples around an edge are fainter than this; a soft shadow is darker where it is
seen, so in a picture from elsewhere it counts for the subject.
"""

_CORNER_SHARE = 0.05  # of the shorter side
_UNIFORM = 0.98  # of the border within tolerance of one colour: the background is that colour
_MOSTLY = 0.5  # of the border has the demanded colour: that is the background


@dataclass(frozen=True)
class Whiteness:
    """How many of `count` pixels are not `colour`, and the worst of them.

    `worst` is the largest distance in any channel, 0 to 255; `worst_at` its (row, column).
    """

    colour: str
    count: int
    off: int
    worst: int
    worst_at: tuple[int, int]


Colour = NDArray[np.float64]
Part = tuple[int, int, Pixels]
"""Row and column where a part of the picture begins, and its pixels."""


def ring_of(pixels: Pixels) -> list[Part]:
    """Return the outermost pixels, each once."""
    height, width = pixels.shape[:2]
    sides = [(0, 0, pixels[:1])]
    if height > 1:
        sides.append((height - 1, 0, pixels[-1:]))
    inner = pixels[1:-1]
    columns = {0, width - 1} if len(inner) else set()
    return sides + [(1, at, inner[:, at : at + 1]) for at in sorted(columns)]


def corners_of(pixels: Pixels) -> list[Part]:
    """Return four squares, 5 % of the shorter side."""
    height, width = pixels.shape[:2]
    side = max(1, round(_CORNER_SHARE * min(height, width)))
    starts = [(top, left) for top in (0, height - side) for left in (0, width - side)]
    return [(t, le, pixels[t : t + side, le : le + side]) for t, le in starts]


def measure_ground(
    pixels: Pixels,
    parts_of: Callable[[Pixels], list[Part]],
    colour: tuple[int, int, int] | None,
    slack: int,
    *,
    skip: Box | None = None,
) -> Whiteness | None:
    """Count the pixels of some parts that are not the demanded colour.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    parts_of : `ring_of` or `corners_of`
    colour : (red, green, blue), or None where none is demanded: then there is no answer
    slack : levels of 255 that a pixel may be off
    skip : Box that is not looked at
    """
    if colour is None:
        return None
    count = off = 0
    worst, worst_at = -1, (0, 0)
    for top, left, part in parts_of(pixels):
        away = np.abs(part.astype(np.int16) - colour).max(axis=2)
        if skip is not None:
            rows = slice(max(0, skip.top - top), max(0, skip.bottom - top))
            away[rows, max(0, skip.left - left) : max(0, skip.right - left)] = 0
        count += away.size
        off += int(np.count_nonzero(away > slack))
        if int(away.max()) > worst:
            row, column = divmod(int(away.argmax()), away.shape[1])
            worst, worst_at = int(away.max()), (top + row, left + column)
    return Whiteness("#{:02x}{:02x}{:02x}".format(*colour), count, off, worst, worst_at)


def usual_colour(pixels: Pixels) -> tuple[Colour, float]:
    """Return the border's median colour and the share of the border that has it, about."""
    usual = np.median(np.concatenate([p.reshape(-1, 3) for _, _, p in ring_of(pixels)]), axis=0)
    return usual, _share(pixels, usual)


def _share(pixels: Pixels, colour: Colour) -> float:
    """Return the share of the border that has this colour, about."""
    ring = np.concatenate([part.reshape(-1, 3) for _, _, part in ring_of(pixels)])
    return float((np.abs(ring - colour) <= COLOUR_TOLERANCE).all(axis=1).mean())


def differs(pixels: Pixels, colour: tuple[int, int, int] | None, tolerance: int) -> Bool2D | None:
    """Return where a picture is not its one background colour, None if it has no such.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    colour : (red, green, blue) that is demanded, or None
        If most of the border does not have it, the border's own colour is taken.
    tolerance : levels of 255, in any channel
    """
    import cv2

    ground = None if colour is None else np.array(colour, float)
    if ground is None or _share(pixels, ground) < _MOSTLY:
        ground, share = usual_colour(pixels)
        if share < _UNIFORM:
            return None
    low = np.clip(ground - tolerance, 0, 255)
    high = np.clip(ground + tolerance, 0, 255)
    same = cv2.inRange(np.ascontiguousarray(pixels), low, high)
    return np.asarray(same == 0)
