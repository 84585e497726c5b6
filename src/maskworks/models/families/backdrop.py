"""How far each pixel is from an evenly lit backdrop: what a threshold is then set on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.values import Bool2D, Float2D, Pixels

ROUNDS = 8
BORDER_SHARE = 0.02
SMALLEST_STEP = 1.0
"""Grey levels (of 255) that a pixel must differ by for a picture to hold an object at all."""


def difference_from_backdrop(pixels: Pixels) -> Float2D:
    """Return how much each pixel differs from the backdrop.

    The backdrop is a quadratic surface a channel of CIE Lab, so that a lamp that falls off to
    one side does not count. It is fitted to the border of the picture first, then again and
    again to whatever an Otsu threshold calls backdrop, until that no longer changes.

    Parameters
    ----------
    pixels : uint8 (H, W, 3), sRGB

    Returns
    -------
    float32 (H, W), >= 0
        The distance in Lab (8-bit scale); 0 everywhere for a picture of one colour.

    Examples
    --------
    >>> flat = np.full((8, 8, 3), 90, np.uint8)
    >>> float(difference_from_backdrop(flat).max())
    0.0
    """
    lab = to_lab(pixels)
    surface = _powers(lab.shape[:2])
    inside = ~_border(lab.shape[:2])
    distance = np.zeros(lab.shape[:2], np.float32)
    for _ in range(ROUNDS):
        distance = _distance(lab, surface, ~inside)
        found = distance > threshold_of(distance)
        if found.mean() > 1 - BORDER_SHARE or (found == inside).mean() > 0.9999:
            break
        inside = found
    return distance


def threshold_of(values: Float2D) -> float:
    """Return the Otsu threshold of a map; infinite where the map is as good as flat.

    Examples
    --------
    >>> threshold_of(np.zeros((2, 2), np.float32))
    inf
    >>> 1 < threshold_of(np.array([[1, 1, 9, 9]], np.float32)) < 9
    True
    """
    from skimage.filters import threshold_otsu

    low, high = float(values.min()), float(values.max())
    if high - low < SMALLEST_STEP:
        return float("inf")
    return float(threshold_otsu(values))


def to_lab(pixels: Pixels) -> NDArray[np.float32]:
    """Return CIE Lab as OpenCV scales it for 8 bits, each channel about 0 to 255."""
    import cv2

    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB)
    return np.asarray(lab, np.float32)


def _border(size: tuple[int, int]) -> Bool2D:
    height, width = size
    wide = max(1, round(BORDER_SHARE * min(size)))
    border = np.ones(size, bool)
    border[wide : height - wide, wide : width - wide] = False
    return border


def _powers(size: tuple[int, int]) -> NDArray[np.float32]:
    """Return (H * W, 6): 1, y, x, yy, yx, xx with y and x in [-1, 1]."""
    y = np.linspace(-1, 1, size[0], dtype=np.float32)[:, np.newaxis]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)[np.newaxis, :]
    terms = (np.ones(size, np.float32), y + 0 * x, x + 0 * y, y * y + 0 * x, y * x, x * x + 0 * y)
    return np.stack([term.ravel() for term in terms], axis=1)


def _distance(lab: NDArray[np.float32], surface: NDArray[np.float32], where: Bool2D) -> Float2D:
    rows = np.flatnonzero(where)
    rows = rows[:: max(1, rows.size // 20_000)]
    flat = lab.reshape(-1, 3)
    weights = np.linalg.lstsq(surface[rows].astype(np.float64), flat[rows], rcond=None)[0]
    away = flat - surface @ weights.astype(np.float32)
    away[np.abs(away) < 1e-3] = 0
    distance: Float2D = np.sqrt((away * away).sum(axis=1)).reshape(where.shape).astype(np.float32)
    return distance
