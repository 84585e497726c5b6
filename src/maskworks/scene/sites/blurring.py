"""Blur people and vehicles, faces and plates with them, before a picture is kept or shown."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Pixels
from maskworks.scene.faces import blur_faces, faces_can_be_found

_BLOCKS = 28
"""Blocks along the longer side of the picture: a face has no more than a few."""

_AROUND = 0.012


def blur_private(pixels: Pixels, private: NDArray[np.bool_]) -> Pixels:
    """Return a picture in which what is private is blurred beyond recognition.

    Whole people and vehicles are blurred, with some room around them, rather than faces and plates
    alone: no detector of these is needed, and none misses them within a person who was found.
    Where the extra `[faces]` is installed faces are looked for as well, so that one in whom nothing
    else saw a person is blurred too. What nobody found stays as it is.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    private : bool (H, W)
    """
    if faces_can_be_found():
        pixels, _ = blur_faces(pixels)
    if not private.any():
        return pixels
    height, width = pixels.shape[:2]
    longer = max(height, width)
    scale = _BLOCKS / longer
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    coarse = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    reach = max(1, round(_AROUND * longer))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    wide = cv2.dilate(private.astype(np.uint8), kernel) > 0
    return np.where(wide[..., None], blurred, pixels).astype(np.uint8)
