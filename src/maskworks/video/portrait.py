"""Portrait mode: the subject stays sharp, what lies behind blurs with the distance from it.

There is no depth in one picture: the distance from the subject's edge stands for it. Blurring is
done in linear light, so that lamps stay as bright as a lens would leave them, and without the
subject, so that it does not glow into the background.
"""

from __future__ import annotations

import numpy as np

from maskworks.core.errors import ImageError
from maskworks.core.values import Float2D, Image, Matte
from maskworks.cutouts.backgrounds import blend

STRONGEST = 0.018
"""Sigma of the blur far from the subject, a share of the long side."""

FAR = 0.22
"""Distance from the edge at which the blur is strongest, a share of the long side."""

_SIDE_PX = 480
_LEVELS = 4
_GAMMA = np.float32(2.2)


def portrait(image: Image, matte: Matte, foreground: Image | None = None) -> Image:
    """Return the picture with its background blurred by the distance from the subject.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W)
    foreground : Image of shape (H, W), optional
        The subject's own colours.

    Returns
    -------
    Image of shape (H, W)
        `image` blurred alike everywhere if there is no subject.

    Raises
    ------
    ImageError
        If the sizes differ.
    """
    import cv2

    if image.size != matte.size:
        raise ImageError(f"picture and matte must have one size, got {image.size}, {matte.size}")
    height, width = image.size
    scale = min(1.0, _SIDE_PX / max(height, width))
    small = max(1, round(width * scale)), max(1, round(height * scale))
    colours = np.asarray(cv2.resize(image.pixels, small, interpolation=cv2.INTER_AREA), np.float32)
    alpha = np.asarray(cv2.resize(matte.alpha, small, interpolation=cv2.INTER_AREA))
    light = np.power(colours / 255, _GAMMA)
    behind = _blurred(light, np.clip(alpha, 0, 1), max(small))
    shown = np.power(np.clip(behind, 0, 1), 1 / _GAMMA) * 255
    large = cv2.resize(shown, (width, height), interpolation=cv2.INTER_CUBIC)
    soft = Image(np.clip(np.rint(np.asarray(large)), 0, 255).astype(np.uint8))
    return blend(image if foreground is None else foreground, matte, soft)


def _blurred(light: Float2D, alpha: Float2D, side: int) -> Float2D:
    """Return what lies behind, blurred by `_LEVELS` sigmas that are mixed by distance."""
    import cv2

    weight = (np.square(1 - alpha) + np.float32(1e-4)).astype(np.float32)
    outside = (alpha < 0.5).astype(np.uint8)
    far = np.full(alpha.shape, np.float32(1))
    if not outside.all():
        distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5)
        far = np.clip(np.asarray(distance) / np.float32(FAR * side), 0, 1)
    place = far * np.float32(_LEVELS - 1)
    total = np.zeros_like(light)
    for level in range(_LEVELS):
        sigma = max(0.6, STRONGEST * side * (level + 1) / _LEVELS)
        mean = cv2.GaussianBlur(light * weight[..., None], (0, 0), sigma)
        held = cv2.GaussianBlur(weight, (0, 0), sigma)
        share = np.clip(1 - np.abs(place - level), 0, 1)
        total += share[..., None] * (np.asarray(mean) / np.asarray(held)[..., None])
    return total.astype(np.float32)
