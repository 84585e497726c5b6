"""A decoded frame as upright RGB, and its alpha where it has one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Pixels

if TYPE_CHECKING:
    from av import VideoFrame

_UNSPECIFIED, _BT709, _BT601 = 2, 1, 5
_WITH_ALPHA = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya", "pal8")
_HD_ROWS = 720
"""From this height on a clip that does not name its matrix is taken as BT.709, as players do."""


def has_alpha(pixel_format: str) -> bool:
    """Say whether frames of a pixel format, as FFmpeg names it, have alpha."""
    return pixel_format.startswith(_WITH_ALPHA)


def upright_pixels(
    raw: VideoFrame, size: tuple[int, int]
) -> tuple[Pixels, NDArray[np.uint8] | None]:
    """Return upright RGB, and alpha where there is one."""
    alpha = has_alpha(raw.format.name)
    planes = raw.format.name.startswith("yuva")
    matrix = raw.colorspace
    if matrix in (_UNSPECIFIED, 0):
        matrix = _BT709 if raw.height >= _HD_ROWS else _BT601
    width, height = size
    form = "rgba" if alpha else "rgb24"
    drawn = raw.reformat(width=width, height=height, format=form, src_colorspace=matrix)
    array = _turned(np.asarray(drawn.to_ndarray(), np.uint8), raw)
    if not alpha:
        return array, None
    own = array[..., 3]
    if planes and (raw.width, raw.height) == size:
        own = _turned(_alpha_plane(raw), raw)
    return np.ascontiguousarray(array[..., :3]), np.ascontiguousarray(own)


def _alpha_plane(raw: VideoFrame) -> NDArray[np.uint8]:
    """Return the alpha of a planar frame, 8 bits, rounded where it has more."""
    plane = memoryview(raw.planes[3])
    depth = raw.format.components[3].bits
    kind = np.dtype(np.uint8 if depth == 8 else "<u2")
    values = np.frombuffer(plane, kind).reshape(raw.height, -1)[:, : raw.width]
    if depth == 8:
        return np.array(values, np.uint8)
    top = (1 << depth) - 1
    return np.asarray((values.astype(np.uint32) * 510 + top) // (2 * top), np.uint8)


def _turned(array: NDArray[np.uint8], raw: VideoFrame) -> NDArray[np.uint8]:
    """Turn a frame upright, as its display matrix says."""
    matrix = _display_matrix(raw)
    if matrix is None:
        return array
    a, b, c, d = matrix
    if a * d - b * c < 0:  # mirrored as well as turned: undo that first
        array, a, b = array[:, ::-1], -a, -b
    quarters = round(math.degrees(math.atan2(b, a)) / 90) % 4
    return np.ascontiguousarray(np.rot90(array, -quarters))


def _display_matrix(raw: VideoFrame) -> tuple[int, int, int, int] | None:
    data: Any = raw.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    values = np.frombuffer(bytes(data), np.int32)
    return int(values[0]), int(values[1]), int(values[3]), int(values[4])
