"""How finely textured a picture is: hair, fur and foliage against skin, cloth and walls."""

from __future__ import annotations

import numpy as np

from maskworks.core.values import Float2D, Pixels
from maskworks.refine.reduced import block_means

DETAIL = 0.0008
"""Finest detail that counts as texture: sigma of the high-pass, a share of the diagonal."""

PATCH = 0.008
"""Texture fills a patch of this radius, a share of the diagonal; one clean edge does not."""

MOST = 31
"""Grey levels of the high-pass that are told apart."""


def texture(pixels: Pixels, diagonal_px: float, *, side: int = 1) -> Float2D:
    """Return how finely textured the picture is around each pixel, grey levels in [0, 31].

    The median of what a high-pass leaves: hair fills a patch with it, a clean contour is a line
    through it.

    Parameters
    ----------
    pixels : uint8 (h, w, 3)
        The picture or a part of it, at about a thousand pixels.
    diagonal_px : float, > 0
        Of the whole picture, in pixels of `pixels`.
    side : int, a power of two
        The answer is that many times smaller; the high-pass sees `pixels` all the same.

    Returns
    -------
    float32 (ceil(h / side), ceil(w / side))

    Examples
    --------
    >>> import math
    >>> stripes = np.zeros((40, 40, 3), np.uint8)
    >>> stripes[:, 20::2] = 20
    >>> found = texture(stripes, math.hypot(40, 40))
    >>> float(found[20, 5]), float(found[20, 35]) > 5
    (0.0, True)
    """
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    high = cv2.absdiff(grey, cv2.GaussianBlur(grey, (0, 0), max(0.6, DETAIL * diagonal_px)))
    # Levels of the difference are few; spread, so that means keep fractions.
    levels = np.asarray(np.minimum(high, MOST) * np.uint8(8), np.uint8)
    small = block_means(levels, side)
    length = 2 * max(1, round(PATCH * diagonal_px / side)) + 1
    patches = cv2.blur(cv2.medianBlur(small, length), (length, length))
    return np.asarray(patches.astype(np.float32) / np.float32(8), np.float32)


def ramp(found: Float2D, low: float, high: float) -> Float2D:
    """Return 0 up to `low`, 1 from `high`, float32, and a straight line between."""
    span = np.float32(max(high - low, 1e-6))
    return np.asarray(np.clip((found - np.float32(low)) / span, 0, 1), np.float32)
