"""Take the light that a coloured set throws on the subject out of its edge.

After the foreground suppression of chroma keying (van den Bergh & Lalioti 1999; Jack 2007). In
the plane of Cb and Cr a wedge opens around the set's colour; what a pixel's chroma reaches into
it is taken back to its border, along the set's direction. For a green set of full saturation that
is the old rule "green is at most the larger of red and blue" (Vlahos 1978), but it works for a
set of any colour. Greys, skin before green or blue, and every hue farther than 60 degrees from
the set's lie outside the wedge and stay.

References
----------
Van den Bergh, Lalioti, Software Chroma Keying in an Immersive Virtual Environment, South
African Computer Journal 24, 1999.
Jack, Video Demystified, 5th edition, 2007, chapter 7, "Chroma Keying".
Vlahos, Comprehensive Electronic Compositing System, US patent 4,100,569, 1978 (expired).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Bool2D, Box, Float2D, Image, Matte, Pixels
from maskworks.refine.parts import grid, grown, inside, slices

Colour = tuple[int, int, int]
Direction = NDArray[np.float32]  # (2,): Cb and Cr, of length 1

REACH = 0.01
"""How deep into the opaque subject spill is taken out, fading, a share of the diagonal."""

NEUTRAL = 12.0
"""Chroma of a set, grey levels, below which it throws no colour."""

WEDGE = math.tan(math.radians(60))
"""Half of the wedge, as a slope: hues farther than 60 degrees from the set's are let be."""

SET_SHARE = 0.6
"""Share of the sure background within the wedge from which it is a set and not a scene."""

SETTLED = 1 / 512  # an alpha this near to 0 or 1 is written as 0 or 255 in 8 bits
SAMPLES = 1 << 16
TILE_PX = 256

# ITU-R BT.601 at full range, as in JPEG: rows Cb and Cr from (r, g, b), and back.
TO_CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
FROM_CHROMA = np.array([[0.0, -0.344136, 1.772], [1.402, -0.714136, 0.0]], np.float32)


def despill(
    image: Image, matte: Matte, *, key: Colour | None = None, strength: float = 1.0
) -> Image:
    """Remove the set's colour from the subject's edge.

    Parameters
    ----------
    image : Image of shape (H, W)
        The subject's colours, best those of `estimate_foreground`.
    matte : Matte of shape (H, W)
    key : (r, g, b), each 0 to 255, optional
        The set's colour. By default the median chroma of the sure background in `image`, if
        most of that background has it (60 % within 60 degrees of its hue); else there is no set.
    strength : float in [0, 1]
        Share of the spill that is taken out.

    Returns
    -------
    Image of shape (H, W)
        Changed where alpha lies between 0 and 1, and in the opaque subject within `REACH`
        (1 %) of the picture's diagonal from there, less and less with the depth. A pixel's luma
        stays (to rounding, and where the gamut allows it); everything else keeps its bits. `image`
        itself if there is nothing to do: a neutral key or set (white, grey), a background of
        many colours, no background, an empty or full matte.

    Raises
    ------
    ImageError
        If the shapes differ.
    UsageError
        If `strength` or `key` is out of its range.

    References
    ----------
    See the head of this file.

    Examples
    --------
    A greenish grey before a green set turns grey, skin stays:

    >>> row = np.array([[[0, 200, 0]] * 3 + [[100, 130, 100], [200, 150, 120]]], np.uint8)
    >>> edge = Matte(np.array([[0, 0, 0, 0.9, 0.9]], np.float32))
    >>> despill(Image(row), edge).pixels[0, 3:].tolist()
    [[118, 118, 118], [200, 150, 120]]
    """
    if image.size != matte.size:
        raise ImageError(
            f"picture and matte must have one shape, got {image.size} and {matte.size}; "
            "resize the matte first"
        )
    if not 0 <= strength <= 1:
        raise UsageError(f"strength must lie in [0, 1], got {strength:g}; 1 takes out all spill")
    direction = _set_direction(image, matte) if key is None else _key_direction(key)
    if direction is None or strength == 0:
        return image
    pixels = image.pixels.copy()
    for box, weight in _edge(matte.alpha):
        part = pixels[slices(box)]
        where = weight > 0
        part[where] = _cleaned(part[where], weight[where] * np.float32(strength), direction)
    return Image(pixels)


def _chroma(colours: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return Cb and Cr of colours (..., 3), float32 (..., 2), 0 at grey."""
    return colours.astype(np.float32) @ TO_CHROMA.T


def _direction(chroma: NDArray[np.float32]) -> Direction | None:
    length = float(np.hypot(*chroma))
    return None if length < NEUTRAL else chroma / np.float32(length)


def _key_direction(key: Colour) -> Direction | None:
    levels = np.array(key)
    if levels.shape != (3,) or not ((levels >= 0) & (levels <= 255)).all():
        raise UsageError(f"a key colour is three levels of 0 to 255, got {key}")
    return _direction(_chroma(levels))


def _set_direction(image: Image, matte: Matte) -> Direction | None:
    """Return the chroma direction of the background, None if it is neutral or many-coloured."""
    step = max(1, math.isqrt(matte.alpha.size // SAMPLES))
    behind = matte.alpha[::step, ::step] <= SETTLED
    if not behind.any():
        return None
    chroma = _chroma(image.pixels[::step, ::step][behind])
    direction = _direction(np.median(chroma, axis=0))
    if direction is None or np.mean(_excess(chroma, direction) > 0) < SET_SHARE:
        return None
    return direction


def _excess(chroma: NDArray[np.float32], direction: Direction) -> NDArray[np.float32]:
    """Return how far chromas (N, 2) reach into the wedge, float32 (N,), >= 0."""
    along = chroma @ direction
    across = np.abs(chroma @ np.array([-direction[1], direction[0]], np.float32))
    return np.maximum(along - across / np.float32(WEDGE), 0)


def _cleaned(colours: Pixels, weight: NDArray[np.float32], direction: Direction) -> Pixels:
    """Take the weighted spill out of colours (N, 3); the luma stays."""
    spill = weight * _excess(_chroma(colours), direction)
    cleaned = colours - spill[:, None] * (direction @ FROM_CHROMA)
    return np.clip(np.rint(cleaned), 0, 255).astype(np.uint8)


def _edge(alpha: Float2D) -> Iterator[tuple[Box, Float2D]]:
    """Yield tiles near the edge, and how much of their pixels' spill goes, float32 in [0, 1]."""
    import cv2

    reach = max(1.0, REACH * math.hypot(*alpha.shape))
    for box in grid(alpha.shape, TILE_PX):
        shown: Bool2D = alpha[slices(box)] > SETTLED
        wide = grown(box, math.ceil(reach) + 1, alpha.shape)
        opaque = cv2.inRange(alpha[slices(wide)], 1 - SETTLED, 1.0)
        if not shown.any() or opaque.all():
            continue
        depth = cv2.distanceTransform(opaque, cv2.DIST_L2, cv2.DIST_MASK_5)
        weight = np.clip(1 - depth[slices(inside(box, wide))] / np.float32(reach), 0, 1)
        yield box, np.where(shown, weight, np.float32(0))
