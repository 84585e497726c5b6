"""Take the light that a coloured set throws on the subject out of its edge.

After chroma keying (Vlahos, Comprehensive electronic compositing system, US patent 4,100,569,
1978), where green is limited by the other channels: here what a pixel has of the set's chroma
is taken out along that chroma's direction, whatever colour the set has.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Image, Matte

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Share of each channel in the luminance (ITU-R BT.709)."""

NEUTRAL = 12.0
"""Chroma of a set, grey levels, below which it throws no colour."""

REACH = 0.01
"""How deep into the opaque subject spill is looked for, a share of the diagonal."""

SURE = 0.02
"""Alpha up to which a pixel shows the set alone."""


def despill(
    image: Image, matte: Matte, *, key: tuple[int, int, int] | None = None, strength: float = 1.0
) -> Image:
    """Remove the set's colour from the subject's edge.

    A pixel's luminance stays. Greys, and colours without a share of the set's chroma (skin
    before green), stay as they are, and so does everything deeper inside than `REACH`.

    Parameters
    ----------
    image : Image of shape (H, W)
        The subject's colours, best those of `estimate_foreground`.
    matte : Matte of shape (H, W)
    key : (r, g, b), optional
        The set's colour; by default the median of what is sure background in `image`.
    strength : float in [0, 1]

    Returns
    -------
    Image of shape (H, W)
        `image` itself where there is nothing to do: a neutral set, no background, no edge.

    Raises
    ------
    ImageError
        If the sizes differ.
    UsageError
        If `strength` or `key` is out of its range.

    Examples
    --------
    >>> grey_green = Image(np.array([[[0, 200, 0], [90, 110, 90]]], np.uint8))
    >>> edge = Matte(np.array([[0, 0.5]], np.float32))
    >>> np.ptp(despill(grey_green, edge).pixels[0, 1])
    np.uint8(0)
    """
    if image.size != matte.size:
        raise ImageError(
            f"picture and matte must have one size, got {image.size} and {matte.size}; "
            "resize one first"
        )
    if not 0 <= strength <= 1:
        raise UsageError(f"strength must lie in [0, 1], got {strength}; 1 takes all spill out")
    if key is not None and not all(0 <= level <= 255 for level in key):
        raise UsageError(f"a key colour has three levels of 0 to 255, got {key}")
    direction = _direction(image, matte, key)
    if direction is None:
        return image
    where, weight = _edge(matte)
    if where[0].size == 0:
        return image
    colours = image.pixels[where].astype(np.float32)
    spill = np.maximum((colours - colours.mean(axis=1, keepdims=True)) @ direction, 0)
    cleaned = colours - (strength * weight * spill)[:, None] * direction
    cleaned += ((colours - cleaned) @ LUMA)[:, None]  # the light stays, its colour goes
    pixels = image.pixels.copy()
    pixels[where] = np.clip(np.rint(cleaned), 0, 255).astype(np.uint8)
    return Image(pixels)


def _direction(
    image: Image, matte: Matte, key: tuple[int, int, int] | None
) -> NDArray[np.float32] | None:
    if key is None:
        sure = matte.alpha <= SURE
        if not sure.any():
            return None
        colour = np.median(image.pixels[sure], axis=0).astype(np.float32)
    else:
        colour = np.array(key, np.float32)
    chroma = colour - colour.mean()
    length = float(np.linalg.norm(chroma))
    return None if length < NEUTRAL else (chroma / np.float32(length)).astype(np.float32)


def _edge(matte: Matte) -> tuple[tuple[NDArray[np.intp], ...], NDArray[np.float32]]:
    """Return the pixels near the edge and how much of their spill goes: 1 outside, 0 deep in."""
    import cv2

    reach = max(1.0, REACH * math.hypot(*matte.size))
    opaque = (matte.alpha >= 1).view(np.uint8)
    if not opaque.any() or opaque.all():
        where = np.nonzero((matte.alpha > SURE) & (matte.alpha < 1))
        return where, np.ones(where[0].size, np.float32)
    depth = cv2.distanceTransform(opaque, cv2.DIST_L2, cv2.DIST_MASK_5)
    where = np.nonzero((matte.alpha > SURE) & (depth < reach))
    return where, (1 - depth[where] / np.float32(reach)).astype(np.float32)
