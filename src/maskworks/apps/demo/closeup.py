"""An edge of a cut-out at its own pixels: where it is softest."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 220
"""Side of the close-up, pixels of the photo."""


@dataclass(frozen=True)
class CloseUp:
    """The same part of the photo and of the cut-out, as data URIs."""

    before: str
    after: str


def close_up(photo: Path, cut: Path, *, side_px: int = SIDE_PX) -> CloseUp | None:
    """Return the part of a cut-out with the most soft pixels, None if it has no edge.

    Parameters
    ----------
    photo, cut : pictures of one size, the second with alpha
    side_px : side of the part, pixels
    """
    with Image.open(cut) as opened:
        after = opened.convert("RGBA")
    with Image.open(photo) as opened:
        before = opened.convert("RGB")
    spot = softest(np.asarray(after)[..., 3], side_px)
    if spot is None or before.size != after.size:
        return None
    top, left = spot
    box = (left, top, min(after.width, left + side_px), min(after.height, top + side_px))
    return CloseUp(_uri(before.crop(box)), _uri(after.crop(box)))


def softest(alpha: NDArray[np.uint8], side_px: int) -> tuple[int, int] | None:
    """Return the top left corner of the square with the most soft pixels.

    Examples
    --------
    >>> alpha = np.zeros((40, 40), np.uint8)
    >>> alpha[20:24, 30:34] = 128
    >>> top, left = softest(alpha, 10)
    >>> top <= 20 <= top + 6, left <= 30 <= left + 6
    (True, True)
    >>> softest(np.zeros((40, 40), np.uint8), 10) is None
    True
    """
    soft = ((alpha > 12) & (alpha < 243)).astype(np.int64)
    if not soft.any():
        return None
    height, width = min(side_px, alpha.shape[0]), min(side_px, alpha.shape[1])
    sums = np.pad(soft.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    count = (
        sums[height:, width:]
        - sums[:-height, width:]
        - sums[height:, :-width]
        + sums[:-height, :-width]
    )
    best = np.argwhere(count == count.max())
    top, left = best[len(best) // 2]
    return int(top), int(left)


def _uri(part: Image.Image) -> str:
    written = BytesIO()
    part.save(written, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"
