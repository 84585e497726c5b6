"""A small matte at the frame's own size, its edge laid on the frame's: a few milliseconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Float2D, Pixels

_RADIUS_PX = 4
_FLAT = 1e-3
"""Variance of grey (of 1) below which a place says nothing about where the edge is."""


def enlarged(alpha: Float2D, grey: NDArray[np.uint8], pixels: Pixels) -> Float2D:
    """Return a matte at the size of its frame, guided by the frame's light.

    Parameters
    ----------
    alpha : float32 (h, w) in [0, 1]
    grey : uint8 (h, w)
        The frame at the matte's size.
    pixels : uint8 (H, W, 3)
        The frame.

    Returns
    -------
    float32 (H, W) in [0, 1]

    References
    ----------
    He and Sun, Fast Guided Filter, arXiv 1505.00996, 2015.

    Examples
    --------
    >>> row = np.array([[0] * 8 + [200] * 8], np.uint8).repeat(16, axis=0)
    >>> large = enlarged(row / np.float32(200), row, row[..., None].repeat(3, axis=2))
    >>> large.shape, bool(large[8, 2] < 0.1), bool(large[8, 13] > 0.9)
    ((16, 16), True, True)
    """
    import cv2

    height, width = int(pixels.shape[0]), int(pixels.shape[1])
    guide = grey.astype(np.float32) * np.float32(1 / 255)
    side = (2 * _RADIUS_PX + 1, 2 * _RADIUS_PX + 1)
    light, matte = cv2.blur(guide, side), cv2.blur(alpha, side)
    both = cv2.blur(guide * alpha, side) - light * matte
    slope = both / (cv2.blur(guide * guide, side) - light * light + np.float32(_FLAT))
    offset = matte - slope * light
    flat = [cv2.blur(np.asarray(each, np.float32), side) for each in (slope, offset)]
    wide, base = (
        np.asarray(cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        for each in flat
    )
    full = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    large: Float2D = np.asarray(cv2.multiply(wide, full, scale=1 / 255, dtype=cv2.CV_32F))
    large += base
    # A network's soft values become firm again outside the edge.
    large -= np.float32(_FAINT)
    large *= np.float32(1 / (1 - 2 * _FAINT))
    return np.clip(large, 0, 1, out=large)


_FAINT = 0.06
