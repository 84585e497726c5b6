"""A live frame in front of something else: a colour, a picture, a clip, its own blur."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Float2D, Image, Pixels
from maskworks.cutouts.backgrounds import Backdrop, Background, Plain
from maskworks.cutouts.resizing import cover
from maskworks.video.rendering import ClipBackdrop, MovingBackdrop

_SMALLER = 4
"""A blurred background is made at a quarter of the size."""

_SIGMA = 0.012
"""Of the blur, a share of the frame's long side."""


class Painter:
    """Puts what lies behind the subject into frames of one stream.

    Parameters
    ----------
    background : Background, ClipBackdrop or None
        None leaves the frame as it is and gives alpha.
    """

    def __init__(self, background: Background | ClipBackdrop | None) -> None:
        self._background = background
        self._moving = MovingBackdrop(background) if isinstance(background, ClipBackdrop) else None
        self._shown: Image | None = None
        self._still: Pixels | None = None

    def paint(self, pixels: Pixels, alpha: Float2D, time_s: float) -> NDArray[np.uint8]:
        """Return a frame, uint8 (H, W, 3), or (H, W, 4) if nothing lies behind it."""
        import cv2

        if self._background is None:
            return np.dstack((pixels, np.rint(alpha * 255).astype(np.uint8)))
        behind = self._behind(pixels, alpha, time_s)
        return np.asarray(cv2.blendLinear(pixels, behind, alpha, 1 - alpha), np.uint8)

    def _behind(self, pixels: Pixels, alpha: Float2D, time_s: float) -> Pixels:
        size = int(pixels.shape[0]), int(pixels.shape[1])
        if self._moving is not None:
            now = self._moving.at(time_s)
            if now is not self._shown or self._still is None or self._still.shape[:2] != size:
                self._shown, self._still = now, cover(now, size).pixels
            return self._still
        if not isinstance(self._background, Plain | Backdrop):
            return blurred(pixels, alpha)
        if self._still is None or self._still.shape[:2] != size:
            if isinstance(self._background, Plain):
                colour = np.array(self._background.colour, np.uint8)
                self._still = np.ascontiguousarray(np.broadcast_to(colour, (*size, 3)))
            else:
                self._still = np.ascontiguousarray(cover(self._background.image, size).pixels)
        return self._still


def blurred(pixels: Pixels, alpha: Float2D) -> Pixels:
    """Return what lies behind the subject, blurred without it, uint8 (H, W, 3).

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    alpha : float32 (H, W) in [0, 1]
    """
    import cv2

    height, width = alpha.shape
    small = max(1, width // _SMALLER), max(1, height // _SMALLER)
    colours = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = 1 - cv2.resize(alpha, small, interpolation=cv2.INTER_AREA)
    weight = (weight * weight + np.float32(1e-3))[..., np.newaxis]
    sigma = max(0.8, _SIGMA * max(small))
    total = cv2.GaussianBlur(np.dstack((colours * weight, weight)), (0, 0), sigma)
    mean = np.clip(total[..., :3] / total[..., 3:], 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR))
