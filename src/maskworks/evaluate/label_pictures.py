"""Label maps from files: the ids as they are stored, and as places in a taxonomy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, TooLargeError, UnreadableError
from maskworks.core.formats import open_format, sniff
from maskworks.core.reading import Limits
from maskworks.core.stored_values import stored_ids
from maskworks.core.values import Pixels

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from maskworks.core.taxonomy import Taxonomy

LIMITS = Limits()

Array = TypeVar("Array")

_HEAD_BYTES = 64
_LOSSY = frozenset({"JPEG", "WEBP", "HEIF", "AVIF"})
_MOST = 65_535


def read_ids(path: Path, limits: Limits = LIMITS, *, binary: bool = False) -> NDArray[np.uint16]:
    """Read the ids that a picture holds: the indices of a palette, or the values of a grey one.

    Parameters
    ----------
    path : Path
        PNG, TIFF, BMP or GIF of 1 to 16 bits; the palette's colours and any profile are ignored.
    binary : bool
        The file is a mask, of 0 and 1 or of 0 and more: 1 inside, 0 outside. Of a palette every
        place but the first is inside.

    Returns
    -------
    uint16 (H, W)

    Raises
    ------
    UnreadableError
        If there is no such file, or it is no picture, cut off or damaged.
    TooLargeError
        If it has more pixels than `limits` allows.
    ImageError
        If it is in colours, was compressed with loss, or holds a value above 65,535.
    """
    return _read(path, limits, partial(_ids, binary=binary))


def read_channels(path: Path, limits: Limits = LIMITS) -> Pixels:
    """Read red, green and blue of a picture as they are stored: uint8 (H, W, 3).

    Raises
    ------
    UnreadableError, TooLargeError
        As `read_ids`.
    ImageError
        If it is not in colours of 8 bits, or was compressed with loss.
    """
    return _read(path, limits, _channels)


def _read(path: Path, limits: Limits, decode: Callable[[ImageFile, str], Array]) -> Array:
    label = str(path)
    try:
        with path.open("rb") as stream:
            return decode(_opened(stream, limits, label), label)
    except ImageError:
        raise
    except OSError as error:
        reason = error.strerror or f"is damaged ({error})"
        raise UnreadableError(label, f"cannot be read: {reason}", "check the file") from error
    except Exception as error:  # decoders of hostile bytes raise anything
        raise UnreadableError(label, f"is damaged ({error})", "copy or export it again") from error


def _opened(stream: IO[bytes], limits: Limits, label: str) -> ImageFile:
    """Parse the header of a picture whose values are exact."""
    kind = sniff(stream.read(_HEAD_BYTES))
    if kind is None:
        raise UnreadableError(label, "is not a picture", "save it as PNG")
    if kind in _LOSSY:
        raise ImageError(f"{label}: {kind} changes ids; save label maps as PNG")
    stream.seek(0)
    opened = open_format(kind, stream)
    pixels = opened.width * opened.height
    if pixels > limits.max_pixels:
        raise TooLargeError(label, pixels, limits.max_pixels)
    return opened


def _channels(opened: ImageFile, label: str) -> Pixels:
    if opened.mode not in ("RGB", "RGBA"):
        raise ImageError(
            f"{label}: has mode {opened.mode}, a panoptic picture holds segment ids in red, green "
            "and blue; write it as COCO does"
        )
    return np.ascontiguousarray(np.asarray(opened)[..., :3])


def _ids(opened: ImageFile, label: str, *, binary: bool = False) -> NDArray[np.uint16]:
    values = stored_ids(opened, label, binary=binary)
    if values is None:
        raise ImageError(
            f"{label}: is in colours ({opened.mode}), a label map holds one id a pixel; save the "
            "ids as a grey or palette PNG"
        )
    if values.size and not (values.min() >= 0 and values.max() <= _MOST):
        raise ImageError(f"{label}: holds the value {values.max()}, ids are 0 to {_MOST}")
    return values.astype(np.uint16)


def places_table(taxonomy: Taxonomy) -> NDArray[np.int32]:
    """Return for every 16-bit id its place in the taxonomy: int32 (65536,).

    N, the number of classes, for the id of pixels without a label; N + 1 for an unknown id.
    """
    table = np.full(_MOST + 1, len(taxonomy) + 1, np.int32)
    if taxonomy.ignore is not None:
        table[taxonomy.ignore] = len(taxonomy)
    table[list(taxonomy.ids)] = np.arange(len(taxonomy))
    return table


def is_palette(path: Path, limits: Limits = LIMITS) -> bool:
    """Say whether a picture has a palette.

    Raises
    ------
    UnreadableError, TooLargeError, ImageError
        As `read_ids`.
    """
    return _read(path, limits, lambda opened, _: opened.mode == "P")


def read_places(
    path: Path,
    taxonomy: Taxonomy,
    table: NDArray[np.int32],
    limits: Limits,
    *,
    binary: bool = False,
) -> NDArray[np.int32]:
    """Read a label map as places in a taxonomy: int32 (H, W), N where there is no label.

    Parameters
    ----------
    table : what `places_table` says of it
    binary : bool
        As `read_ids`.

    Raises
    ------
    ImageError
        As `read_ids`; or if an id is none of the taxonomy.
    """
    ids = read_ids(path, limits, binary=binary)
    places: NDArray[np.int32] = table[ids]
    strange = places > len(taxonomy)
    if strange.any():
        number = int(ids[strange][0])
        ignored = "" if taxonomy.ignore is None else f", {taxonomy.ignore} is no label"
        raise ImageError(
            f"{path}: holds id {number} at {int(np.count_nonzero(strange)):,} pixels, which "
            f"{taxonomy.name} does not have ({len(taxonomy)} classes, {min(taxonomy.ids)} to "
            f"{max(taxonomy.ids)}{ignored}); correct the file, --classes, --taxonomy or --ignore"
        )
    return places
