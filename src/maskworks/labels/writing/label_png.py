"""Label maps as PNG, row by row: indices with a palette, or 16 bits where there are more ids.

What is written is what annotation tools and benchmarks read: the value of a pixel is the id
of its class. A picture of any height costs the memory of the rows given at once.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from maskworks.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from maskworks.labels.writing.palettes import Palette

MOST_INDICES = 256
MOST_IDS = 65536

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _INDEXED = 0, 2, 3
_UP = 2
_LEVEL = 1


def label_png(ids: NDArray[np.integer], palette: Palette) -> bytes:
    """Encode a label map.

    Parameters
    ----------
    ids : integers (H, W), 0 to len(palette) - 1
    palette : uint8 (C, 3)

    Returns
    -------
    bytes
        8-bit indices with the palette for up to 256 classes, 16-bit grey beyond.

    Raises
    ------
    ImageError
        If an id has no colour or the palette more than 65,536 rows.

    Examples
    --------
    >>> label_png(np.zeros((2, 3), np.uint8), np.zeros((1, 3), np.uint8))[1:4]
    b'PNG'
    """
    return b"".join(label_png_parts([ids], ids.shape, palette))


def label_png_parts(
    bands: Iterable[NDArray[np.integer]], size: tuple[int, int], palette: Palette
) -> Iterator[bytes]:
    """Yield a label map's PNG file in parts, from bands of rows from the top down.

    Parameters
    ----------
    bands : integers (n, W), together H rows
    size : (H, W)
    palette : uint8 (C, 3)

    Raises
    ------
    ImageError
        If an id has no colour, or the bands do not add up to `size`.
    """
    classes = len(palette)
    if not 1 <= classes <= MOST_IDS:
        raise ImageError(f"a label map has 1 to {MOST_IDS:,} classes, got {classes:,}")
    indexed = classes <= MOST_INDICES
    head = struct.pack(
        ">2L5B", size[1], size[0], 8 if indexed else 16, _INDEXED if indexed else _GREY, 0, 0, 0
    )
    yield _SIGNATURE + _chunk(b"IHDR", head)
    if indexed:
        yield _chunk(b"PLTE", np.ascontiguousarray(palette).tobytes())
    dtype = np.dtype(np.uint8) if indexed else np.dtype(">u2")
    checked = (_checked(band, classes).astype(dtype) for band in bands)
    yield from _data(checked, size)
    yield _chunk(b"IEND", b"")


def rgb_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode RGB pixels, uint8 (H, W, 3), as COCO panoptic wants its ids."""
    height, width = pixels.shape[:2]
    head = struct.pack(">2L5B", width, height, 8, _RGB, 0, 0, 0)
    rows = pixels.reshape(height, width * 3)
    return b"".join(
        [
            _SIGNATURE + _chunk(b"IHDR", head),
            *_data([rows], (height, width * 3)),
            _chunk(b"IEND", b""),
        ]
    )


def _checked(band: NDArray[np.integer], classes: int) -> NDArray[np.integer]:
    low, high = (int(band.min()), int(band.max())) if band.size else (0, 0)
    if low < 0 or high >= classes:
        raise ImageError(
            f"the label map holds the id {low if low < 0 else high}, its taxonomy has "
            f"{classes} classes (0 to {classes - 1}); use the taxonomy the model was trained on"
        )
    return band


def _data(bands: Iterable[NDArray[Any]], size: tuple[int, int]) -> Iterator[bytes]:
    deflate = isal_zlib.compressobj(_LEVEL)
    above: NDArray[np.uint8] | None = None
    rows = 0
    for band in bands:
        if band.shape[1] != size[1]:
            raise ImageError(f"a band has {band.shape[1]} columns, the picture {size[1]}")
        flat = np.ascontiguousarray(band).view(np.uint8).reshape(len(band), -1)
        if above is None:
            above = np.zeros((1, flat.shape[1]), np.uint8)
        filtered = np.full((len(flat), 1 + flat.shape[1]), _UP, np.uint8)
        np.subtract(flat, np.concatenate([above, flat[:-1]]), out=filtered[:, 1:])
        above, rows = flat[-1:].copy(), rows + len(flat)
        if packed := deflate.compress(filtered):
            yield _chunk(b"IDAT", packed)
    if rows != size[0]:
        raise ImageError(f"the bands have {rows} rows together, the picture {size[0]}")
    yield _chunk(b"IDAT", deflate.flush())


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return b"".join([len(data).to_bytes(4, "big"), kind, data, checksum.to_bytes(4, "big")])
