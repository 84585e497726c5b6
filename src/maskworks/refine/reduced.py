"""A small copy of a picture or matte, on which shapes are judged.

A network sees a few hundred pixels; where its matte is uncertain, which regions it has and how
a picture is textured can be judged on about a thousand, whatever the size of the picture. The
copy's pixels are the means of square blocks, whose side is a power of two; only the answer
is enlarged again.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Bool2D

SIDE_PX = 1024
"""The copy's long side is within a factor of 1.42 of it; a smaller picture stays as it is."""

Number = TypeVar("Number", np.uint8, np.float32)


def block_side(size: tuple[int, int]) -> int:
    """Return the side of the blocks for a picture (H, W), pixels.

    Examples
    --------
    >>> [block_side((side, 9)) for side in (9, 1448, 1449, 4000)]
    [1, 1, 2, 4]
    """
    return 1 << max(0, round(math.log2(max(size) / SIDE_PX)))


def block_means(array: NDArray[Number], side: int) -> NDArray[Number]:
    """Return the mean of each block, (h, w) or (h, w, 3), in the type that came in.

    A last block that is cut off counts the pixels it has, its last row or column repeatedly.

    Examples
    --------
    >>> block_means(np.array([[0, 1, 1], [0, 1, 1]], np.float32), 2).tolist()
    [[0.5, 1.0]]
    """
    import cv2

    if side == 1:
        return array
    below, beside = -array.shape[0] % side, -array.shape[1] % side
    means: Any = array
    if below or beside:
        means = cv2.copyMakeBorder(means, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    while side > 1:  # halving is several times as fast as one large step
        half = (means.shape[1] // 2, means.shape[0] // 2)
        means = cv2.resize(means, half, interpolation=cv2.INTER_AREA)
        side //= 2
    return np.asarray(means, array.dtype)


def anywhere(mask: Bool2D, side: int) -> NDArray[np.uint8]:
    """Return uint8 (h, w): 1 for each block that holds a pixel of the mask, else 0.

    Examples
    --------
    >>> anywhere(np.array([[False, False, False, True]]), 2).tolist()
    [[0, 1]]
    """
    found = mask.view(np.uint8)
    while side > 1:  # a quarter of 255 is not rounded to 0
        found = np.minimum(block_means(found * np.uint8(255), 2), 1)
        side //= 2
    return found


def enlarged(
    small: NDArray[Number], side: int, size: tuple[int, int], *, smooth: bool
) -> NDArray[Number]:
    """Return (H, W): each block in its own level, or smooth between their centres.

    Examples
    --------
    >>> enlarged(np.array([[0, 1]], np.float32), 2, (1, 3), smooth=False).tolist()
    [[0.0, 0.0, 1.0]]
    """
    import cv2

    if side == 1:
        return small
    way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    whole = cv2.resize(small, (small.shape[1] * side, small.shape[0] * side), interpolation=way)
    return np.ascontiguousarray(whole[: size[0], : size[1]], small.dtype)


def disk(radius_px: float) -> NDArray[np.uint8]:
    """Return a round structuring element, 1x1 below half a pixel.

    Examples
    --------
    >>> disk(1).tolist()
    [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    """
    import cv2

    radius = max(0, int(radius_px + 0.5))
    return np.asarray(
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8
    )
