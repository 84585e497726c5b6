"""File headers: JPEG quality and chroma subsampling, and whether the profile is sRGB."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from maskworks.core.formats import open_format, sniff
from maskworks.core.icc import ProfileError, to_srgb

_HEAD_BYTES = 64
_BASE_TABLE = np.array(
    [16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49]
    + [35, 37, 29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56]
    + [80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99]
)  # ITU-T T.81, table K.1, in zigzag order


def read_header(data: bytes) -> tuple[int | None, bool]:
    """Return the JPEG quality, estimated (None for others), and whether the colours are sRGB.

    Parameters
    ----------
    data : bytes
        A file that `read_picture` could read.
    """
    kind = sniff(data[:_HEAD_BYTES])
    assert kind is not None  # noqa: S101 - it was read
    opened = open_format(kind, BytesIO(data))
    tables = getattr(opened, "quantization", None) if kind == "JPEG" else None
    quality = _jpeg_quality(np.array(tables[0])) if tables else None
    profile = opened.info.get("icc_profile")
    if opened.mode in ("CMYK", "YCCK", "LAB"):
        return quality, False
    return quality, profile is None or opened.mode in ("L", "LA", "1", "I;16") or _is_srgb(profile)


@lru_cache(maxsize=32)
def _is_srgb(profile: bytes) -> bool:
    """Whether a profile moves no colour of a coarse cube; its name proves nothing."""
    from PIL import Image as PillowImage

    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(27, 27, 3)
    before = PillowImage.fromarray(cube)
    try:
        after = np.asarray(to_srgb(before, profile), np.int16)
    except ProfileError:
        return False
    return int(np.abs(after - cube).max()) <= 1


def _jpeg_quality(table: NDArray[np.int64]) -> int:
    """Return the quality whose scaled standard table is nearest, as libjpeg scales it.

    Examples
    --------
    >>> _jpeg_quality(np.ones(64, np.int64)), _jpeg_quality(_BASE_TABLE)
    (100, 50)
    """
    quality = np.arange(1, 101)
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    scaled = np.clip((_BASE_TABLE * percent[:, np.newaxis] + 50) // 100, 1, 255)
    straight = np.abs(np.sort(scaled, axis=1) - np.sort(table)).sum(axis=1)
    return int(quality[straight.argmin()])
