"""A fast PNG encoder: numpy row filters, ISA-L deflate; both let other threads run.

Why this pair: docs/decisions/0001-png-encoder.md.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from maskworks.core.check import check
from maskworks.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskworks.core.values import Pixels

Grey = NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BAND_BYTES = 1 << 18  # a band of rows that stays in the second-level cache
_MAX_CHUNK = 1 << 30  # the standard allows one less than 1 << 31
_LEVEL = 1
_UP = 2
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
_METRES_PER_INCH = 0.0254


def encode_png(
    pixels: Pixels | Grey,
    alpha: Grey | None = None,
    *,
    dpi: tuple[float, float] | None = None,
    icc: bytes | None = None,
    exif: bytes | None = None,
    xmp: bytes | None = None,
) -> bytes:
    """Encode 8-bit grey, RGB or RGBA pixels, bit for bit.

    Parameters
    ----------
    pixels : uint8 array (H, W), (H, W, 3) or (H, W, 4)
    alpha : uint8 array (H, W), optional
        With (H, W, 3) pixels gives RGBA; where it is 0 the colours are written as 0.
    dpi : (horizontal, vertical), optional
    icc : bytes, optional
        An ICC profile; it must fit the pixels (grey or RGB).
    exif : bytes, optional
        A TIFF structure without prefix.
    xmp : bytes, optional
        An XMP packet.

    Returns
    -------
    bytes
        Equal pixels give equal bytes on every processor that has the same ISA-L.

    Raises
    ------
    ImageError
        If the arrays have another shape or type.

    Examples
    --------
    >>> encode_png(np.zeros((2, 3), np.uint8))[1:4]
    b'PNG'
    """
    channels = _checked_channels(pixels, alpha)
    height, width = pixels.shape[:2]
    header = struct.pack(">2L5B", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [_SIGNATURE, *_chunk(b"IHDR", header)]
    if icc is not None:
        chunks += _chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(icc, 9))
    if dpi is not None:
        per_metre = (round(value / _METRES_PER_INCH) for value in dpi)
        chunks += _chunk(b"pHYs", struct.pack(">2LB", *per_metre, 1))
    if exif is not None:
        chunks += _chunk(b"eXIf", exif)
    if xmp is not None:  # keyword, not compressed, no language, no translated keyword
        chunks += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    compressed = _compressed(pixels, alpha, channels)
    for start in range(0, len(compressed), _MAX_CHUNK):
        chunks += _chunk(b"IDAT", compressed[start : start + _MAX_CHUNK])
    chunks += _chunk(b"IEND", b"")
    return b"".join(chunks)


def _checked_channels(pixels: Pixels | Grey, alpha: Grey | None) -> int:
    if alpha is None and np.ndim(pixels) == 2:
        check("pixels", pixels, ndim=2, dtype=np.uint8)
        return 1
    check("pixels", pixels, ndim=3, dtype=np.uint8)
    channels = int(pixels.shape[2])
    if alpha is None:
        if channels not in _COLOUR_TYPES:
            message = f"pixels must have 1, 3 or 4 channels, got {channels}"
            raise ImageError(message)
        return channels
    check("pixels", pixels, ndim=3, dtype=np.uint8, channels=3)
    check("alpha", alpha, ndim=2, dtype=np.uint8)
    if alpha.shape != pixels.shape[:2]:
        message = f"alpha is {alpha.shape}, the pixels are {pixels.shape[:2]}; they must agree"
        raise ImageError(message)
    return 4


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return len(data).to_bytes(4, "big"), kind, data, checksum.to_bytes(4, "big")


def _compressed(pixels: Pixels | Grey, alpha: Grey | None, channels: int) -> bytes:
    deflate = isal_zlib.compressobj(_LEVEL)
    parts = [deflate.compress(band) for band in _filtered(pixels, alpha, channels)]
    parts.append(deflate.flush())
    return b"".join(parts)


def _filtered(pixels: Pixels | Grey, alpha: Grey | None, channels: int) -> Iterator[Grey]:
    """Yield bands of rows, each row led by its filter type Up: x - the pixel above.

    The same buffers are used for every band, so a band must be consumed before the next.
    """
    height, width = pixels.shape[:2]
    row_bytes = width * channels
    rows = max(1, min(height, _BAND_BYTES // row_bytes))
    filtered = np.empty((rows, 1 + row_bytes), np.uint8)
    filtered[:, 0] = _UP
    band = np.zeros((rows + 1, width, channels), np.uint8)  # row 0 is the row above the band
    flat = band.reshape(rows + 1, row_bytes)
    for top in range(0, height, rows):
        count = min(rows, height - top)
        _fill(band[1 : count + 1], pixels[top : top + count], alpha, top)
        np.subtract(flat[1 : count + 1], flat[:count], out=filtered[:count, 1:])
        flat[0] = flat[count]
        yield filtered[:count]


def _fill(band: Pixels, pixels: Pixels | Grey, alpha: Grey | None, top: int) -> None:
    if alpha is None:
        band[...] = pixels.reshape(band.shape)
        return
    opacity = alpha[top : top + len(band)]
    for channel in range(3):  # three strided copies are four times as fast as one of (H, W, 3)
        band[..., channel] = pixels[..., channel]
    band[..., 3] = opacity
    band.view(np.uint32)[..., 0] *= opacity != 0
