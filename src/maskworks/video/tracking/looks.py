"""How an object looks: a histogram of the colours in the middle of its box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Pixels

_BINS = (4, 8, 8)
"""Of lightness, and of the two directions of colour (Lab)."""

_MIDDLE = 0.7
_SIDE = 24


def looks(pixels: Pixels, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the colours of each box, float64 (N, B), each adding up to 1.

    Two are compared by the Bhattacharyya coefficient, the sum of the roots of their products:
    1 for the same colours, 0 for none in common.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    boxes : float64 (N, 4), x1 y1 x2 y2, pixels

    Examples
    --------
    >>> pixels = np.zeros((20, 40, 3), np.uint8)
    >>> pixels[:, 20:] = (200, 0, 0)
    >>> a, b = looks(pixels, np.array([[0.0, 0, 20, 20], [20, 0, 40, 20]]))
    >>> float(np.sqrt(a * a).sum().round(6)), float(np.sqrt(a * b).sum().round(6))
    (1.0, 0.0)
    """
    import cv2

    found = np.zeros((len(boxes), int(np.prod(_BINS))))
    height, width = pixels.shape[:2]
    for at, (x1, y1, x2, y2) in enumerate(boxes):
        cut_x, cut_y = (x2 - x1) * (1 - _MIDDLE) / 2, (y2 - y1) * (1 - _MIDDLE) / 2
        left, top = int(np.clip(x1 + cut_x, 0, width - 1)), int(np.clip(y1 + cut_y, 0, height - 1))
        right = int(np.clip(np.ceil(x2 - cut_x), left + 1, width))
        bottom = int(np.clip(np.ceil(y2 - cut_y), top + 1, height))
        piece = cv2.resize(pixels[top:bottom, left:right], (_SIDE, _SIDE), interpolation=3)
        lab = cv2.cvtColor(piece, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.int64)
        place = np.ravel_multi_index(tuple(lab.T * np.array(_BINS)[:, np.newaxis] // 256), _BINS)
        found[at] = np.bincount(place, minlength=found.shape[1]) / len(place)
    return found
