"""Pictures with more than 8 bits a sample, brought to 8 by scaling, never by clipping.

Pillow keeps only the upper byte of 16-bit colour samples. Here such a file is decoded twice,
once for each byte, so that every sample is rounded: ``round(v / 257)``.
"""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.formats import open_format

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Samples = NDArray[np.uint16]

_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR = 258, 262, 284
_ROWS = 256  # so that the wide temporaries stay small

_NATIVE = "16L" if sys.byteorder == "little" else "16B"
_OTHER = {"16L": "16B", "16B": "16L"}


class DepthError(ImageError):
    """A sample type that is not supported; never leaves `core`."""


def is_deep(picture: ImageFile) -> bool:
    """Say whether an opened, not yet loaded picture has more than 8 bits a sample.

    Raises
    ------
    DepthError
        If Pillow would read such a file wrongly or its samples have no known white.
    """
    if picture.mode in ("I", "F"):
        message = "has 32-bit or signed samples, whose white is not defined"
        raise DepthError(message)
    tags = getattr(picture, "tag_v2", {})
    deep = ";16" in raw_mode(picture) or picture.mode.startswith("I;16")
    bits = tags.get(_BITS_PER_SAMPLE, (8,))
    if not deep and max(bits) > 8 and tags.get(_PLANAR) == 2:
        message = f"has {max(bits)}-bit samples in separate uncompressed planes"
        raise DepthError(message)
    return deep


def read_deep(picture: ImageFile, stream: IO[bytes]) -> tuple[NDArray[np.uint8], str]:
    """Decode a picture for which `is_deep` is true.

    Parameters
    ----------
    picture : opened, not loaded; it is loaded here, so its EXIF can be read afterwards
    stream : seekable binary stream of the same file

    Returns
    -------
    pixels : uint8 array (H, W) or (H, W, C)
    mode : str
        What the channels are: L, LA, RGB, RGBA or CMYK.
    """
    raw = raw_mode(picture)
    if picture.mode.startswith("I;16"):
        return _deep_grey(picture)
    if raw == "LA;16B":  # the unpacker for RGBA has the same width and keeps all four bytes
        _set_raw_mode(picture, "RGBA")
        bytes_ = np.asarray(picture)
        return _to_bytes(_join(bytes_[..., 0::2], bytes_[..., 1::2])), "LA"
    if raw.startswith("RGBa"):  # premultiplied: Pillow divides the upper bytes, at most one off
        return np.asarray(picture), "RGBA"
    stream.seek(0)
    lower_picture = open_format(str(picture.format), stream)
    _set_raw_mode(lower_picture, _swapped(raw))
    lower = np.asarray(lower_picture)
    upper = np.asarray(picture)
    samples = _join(upper, lower)
    key = picture.info.get("transparency")
    if key is None:
        return _to_bytes(samples), picture.mode
    alpha = np.where((samples == np.array(key, np.uint16)).all(axis=2), 0, 255).astype(np.uint8)
    return np.dstack([_to_bytes(samples), alpha]), "RGBA"


def scale_to_bytes(samples: Samples, white: int = 65535) -> NDArray[np.uint8]:
    """Scale unsigned samples so that `white` becomes 255, rounding to nearest.

    Parameters
    ----------
    samples : uint16 array of any shape
    white : int, 1 to 65535
        Larger samples become 255.

    Examples
    --------
    >>> scale_to_bytes(np.array([0, 128, 129, 257, 65535], np.uint16)).tolist()
    [0, 0, 1, 1, 255]
    """
    wide = np.minimum(samples, np.uint16(white)).astype(np.uint32)
    return ((wide * 510 + white) // (2 * white)).astype(np.uint8)


def _deep_grey(picture: ImageFile) -> tuple[NDArray[np.uint8], str]:
    tags = getattr(picture, "tag_v2", {})
    bits = max(tags.get(_BITS_PER_SAMPLE, (16,)))
    white_is_zero = tags.get(_PHOTOMETRIC, 1) == 0
    samples = cast("Samples", np.asarray(picture)).astype(np.uint16, copy=False)
    grey = _to_bytes(samples, (1 << bits) - 1)
    if white_is_zero:
        grey = 255 - grey
    key = picture.info.get("transparency")
    if key is None:
        return grey, "L"
    return np.dstack([grey, np.where(samples == key, 0, 255).astype(np.uint8)]), "LA"


def _join(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Samples:
    samples = upper.astype(np.uint16)
    samples <<= 8
    samples |= lower
    return samples


def _to_bytes(samples: Samples, white: int = 65535) -> NDArray[np.uint8]:
    scaled = np.empty(samples.shape, np.uint8)
    for top in range(0, len(samples), _ROWS):
        scaled[top : top + _ROWS] = scale_to_bytes(samples[top : top + _ROWS], white)
    return scaled


def raw_mode(picture: ImageFile) -> str:
    """Return how Pillow will unpack the samples of an opened, not yet loaded picture."""
    if not picture.tile:
        return ""
    arguments = picture.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _set_raw_mode(picture: ImageFile, raw: str) -> None:
    picture.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
        for tile in picture.tile
    ]


def _swapped(raw: str) -> str:
    mode, order = raw.split(";")
    return f"{mode};{_OTHER[_NATIVE if order == '16N' else order]}"
