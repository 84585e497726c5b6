"""Shrink big pictures for a network, enlarge its small maps; both without aliasing.

Both steps are most of a picture's time beside the network, so they avoid what is slow for
12 megapixels: Pillow's copy of the whole picture (40 ms) and its float resize (120 ms).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pil

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.values import Float2D, Pixels

ROWS = 16
"""Rows summed at once, so that the sums stay in the processor's cache."""

GAP = 2.0
"""What the exact filter still has to shrink by after the quick one."""


def shrink(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resize a picture with a triangle filter as wide as the shrinking needs.

    Rows are averaged first in groups of 2, 4, 8 ... as long as the exact filter has at least
    a factor of two left; on 12 megapixels the mean difference to the exact filter alone is
    half a grey level.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    height, width : int, >= 1
        The new size; it may also be larger.

    Returns
    -------
    uint8 (height, width, 3)

    Examples
    --------
    >>> shrink(np.full((90, 60, 3), 7, np.uint8), 3, 2).tolist()[0]
    [[7, 7, 7], [7, 7, 7]]
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    rows = pixels.shape[0]
    group = 1
    while group < 64 and rows / (group * 2) >= GAP * height and rows >= group * 2:
        group *= 2
    reduced = _average_rows(pixels, group) if group > 1 else np.ascontiguousarray(pixels)
    box = (0.0, 0.0, float(pixels.shape[1]), min(rows / group, float(reduced.shape[0])))
    picture = Pil.fromarray(reduced)
    return np.asarray(picture.resize((width, height), Pil.Resampling.BILINEAR, box=box))


def _average_rows(pixels: Pixels, group: int) -> Pixels:
    """Average `group` rows each (a power of two); a shorter last group repeats its last row."""
    rows, columns = pixels.shape[:2]
    whole = rows // group
    short = rows - whole * group
    out = np.empty((whole + bool(short), columns, 3), np.uint8)
    grouped = pixels[: whole * group].reshape(whole, group, columns, 3)
    for start in range(0, whole, ROWS):
        out[start : start + ROWS][: whole - start] = _mean(grouped[start : start + ROWS])
    if short:
        last = pixels[whole * group :]
        filled = np.concatenate([last, np.repeat(last[-1:], group - short, axis=0)])
        out[-1] = _mean(filled[None])[0]
    return out


def _mean(grouped: NDArray[np.uint8]) -> NDArray[np.uint16]:
    group = grouped.shape[1]
    total = np.add(grouped[:, 0], grouped[:, 1], dtype=np.uint16)
    for row in range(2, group):
        total += grouped[:, row]
    total += group // 2
    total >>= group.bit_length() - 1
    return total


def enlarge(small: Float2D, height: int, width: int) -> Float2D:
    """Resize a map bilinearly, pixel centres aligned, the edge repeated.

    Every value lies between its neighbours, so a flat map stays flat and [0, 1] stays [0, 1].
    Where a side becomes smaller the filter is as wide as that needs.

    Parameters
    ----------
    small : float32 (h, w)
    height, width : int, >= 1

    Returns
    -------
    float32 (height, width)

    Examples
    --------
    >>> enlarge(np.array([[0.0, 1.0]], np.float32), 1, 4).tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    """
    if small.shape == (height, width):
        return small
    if small.shape[0] > height or small.shape[1] > width:
        low, high = float(small.min()), float(small.max())
        picture = Pil.fromarray(small).resize((width, height), Pil.Resampling.BILINEAR)
        resized: Float2D = np.clip(np.asarray(picture, np.float32), low, high)
        return resized
    wide = _enlarge_columns(small, width)
    return wide if wide.shape[0] == height else _enlarge_rows(wide, height)


def _enlarge_columns(small: Float2D, width: int) -> Float2D:
    if small.shape[1] == 1:
        return np.repeat(small, width, axis=1)
    left, share = _neighbours(width, small.shape[1])
    out: Float2D = small[:, left] * (1 - share) + small[:, left + 1] * share
    return out


def _enlarge_rows(wide: Float2D, height: int) -> Float2D:
    """Mix two neighbouring rows for all rows between them at once, straight into the result."""
    out = np.empty((height, wide.shape[1]), np.float32)
    if wide.shape[0] == 1:
        out[:] = wide
        return out
    above, share = _neighbours(height, wide.shape[0])
    weights = np.stack([1 - share, share], axis=1)
    starts = np.searchsorted(above, np.arange(wide.shape[0]))
    for row, (start, stop) in enumerate(pairwise(starts.tolist())):
        np.matmul(weights[start:stop], wide[row : row + 2], out=out[start:stop])
    return out


def _neighbours(new: int, old: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return for each new position the old one before it, and the share of the one after."""
    centres = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
    before = np.minimum(centres.astype(np.intp), old - 2)
    return before, (centres - before).astype(np.float32)
