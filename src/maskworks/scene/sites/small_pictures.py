"""Small copies of photos: shown in the report, compared with one another, judged for sharpness."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.values import Pixels
from maskworks.scene.record import Region

BLURRED = 25.0
"""Sharpness below which a photo is blurred."""

Ids = NDArray[np.uint8]


def at_most(pixels: Pixels, longest: int) -> Pixels:
    """Return a picture, uint8 (H, W, 3), made smaller if its longer side is above `longest`."""
    scale = longest / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def sharpness_of(pixels: Pixels) -> float:
    """Return the variance of the Laplacian of the grey picture at 640 pixels: below 25 is blur."""
    grey = cv2.cvtColor(at_most(pixels, 640), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def difference_hash(pixels: Pixels) -> str:
    """Return 64 bits, 16 hexadecimal digits: which of two neighbours in 8 x 9 cells is lighter."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(int)
    bits = (cells[:, 1:] > cells[:, :-1]).ravel()
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def tinted(pixels: Pixels, ids: Ids) -> Pixels:
    """Return a picture with each class's colour laid thinly over it."""
    colours = np.zeros((256, 3), np.float32)
    for each in load_taxonomy("scene-17").categories:
        colours[each.id] = each.colour
    small = cv2.resize(ids, pixels.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    known = (small != 255)[..., None] * 0.35
    mixed = pixels * (1 - known) + colours[small] * known
    return np.asarray(mixed.round(), np.uint8)


def crop_around(pixels: Pixels, region: Region) -> bytes:
    """Return a region with some room around it as JPEG."""
    around = max(8, (region.bottom - region.top) // 2)
    part = pixels[
        max(0, region.top - around) : region.bottom + around,
        max(0, region.left - around) : region.right + around,
    ]
    return to_jpeg(at_most(part, 320))


def to_jpeg(pixels: Pixels) -> bytes:
    """Return a picture, uint8 (H, W, 3) RGB, as JPEG."""
    good, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 78])
    if not good:
        raise AssertionError("OpenCV encodes every uint8 picture")
    return data.tobytes()
