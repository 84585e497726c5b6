"""PackBits: the run-length code of TIFF and PSD, row by row, done by libtiff inside OpenCV."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    Grey = NDArray[np.uint8]

_PACKBITS = 32773
_STRIP_OFFSETS, _STRIP_BYTES = 273, 279
_ITEM = {3: "<u2", 4: "<u4"}  # TIFF's SHORT and LONG


@dataclass(frozen=True, eq=False)
class Packed:
    """A channel in PackBits: all rows in `data`, `counts` (H,) bytes each."""

    counts: NDArray[np.int64]
    data: bytes


def pack(channel: Grey) -> Packed:
    r"""Compress each row of a channel by itself.

    OpenCV is asked for a TIFF with one row a strip, because its PackBits is the one that PSD
    uses; the rows are taken out of it. Other threads run meanwhile.

    Parameters
    ----------
    channel : uint8 array (H, W)

    References
    ----------
    TIFF 6.0, section 9.

    Examples
    --------
    >>> pack(np.array([[7] * 5, [1, 2, 3, 4, 5]], np.uint8)).data
    b'\xfc\x07\x04\x01\x02\x03\x04\x05'
    """
    import cv2

    wanted = [cv2.IMWRITE_TIFF_COMPRESSION, _PACKBITS, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 1]
    _, encoded = cv2.imencode(".tiff", channel, wanted)
    tiff = encoded.tobytes()
    offsets, counts = _tag(tiff, _STRIP_OFFSETS), _tag(tiff, _STRIP_BYTES)
    begin, end = int(offsets[0]), int(offsets[-1] + counts[-1])
    if (offsets[1:] == offsets[:-1] + counts[:-1]).all():
        return Packed(counts, tiff[begin:end])
    rows = zip(offsets.tolist(), counts.tolist(), strict=True)
    return Packed(counts, b"".join(tiff[at : at + count] for at, count in rows))


def _tag(tiff: bytes, wanted: int) -> NDArray[np.int64]:
    """Return the values of a tag of the first directory of a little-endian TIFF."""
    (directory,) = struct.unpack_from("<4xL", tiff)
    (entries,) = struct.unpack_from("<H", tiff, directory)
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from("<HHL", tiff, entry)
        if tag == wanted:
            item = np.dtype(_ITEM[kind])
            inside = count * item.itemsize <= 4
            (at,) = (entry + 8,) if inside else struct.unpack_from("<L", tiff, entry + 8)
            return np.frombuffer(tiff, item, count, at).astype(np.int64)
    message = f"OpenCV wrote a TIFF without tag {wanted}"
    raise AssertionError(message)
