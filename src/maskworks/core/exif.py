"""EXIF: which way is up, and the block as a writer may keep it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from maskworks.core.structure import check_tags

if TYPE_CHECKING:
    from PIL import Image as PillowImage

PREFIX = b"Exif\0\0"
ORIENTATION = 0x0112

# What describes a TIFF picture, not how its pixels are stored: texts, date, Exif, GPS.
_DESCRIPTIVE = frozenset({270, 271, 272, 305, 306, 315, 316, 33432, 0x8769, 0x8825})


def orientation_of(picture: PillowImage.Image) -> int:
    """Return the EXIF (or XMP) orientation of a loaded picture, 1 if it has none.

    Pillow (TIFF) and libheif (HEIC) have already turned theirs and say so with orientation
    1 or none, so nothing is turned twice.

    Raises
    ------
    Exception
        Whatever Pillow raises when the EXIF block cannot be parsed.
    """
    check_tags((picture.info.get("exif") or b"").removeprefix(PREFIX))
    return int(picture.getexif().get(ORIENTATION, 1))


def upright(picture: PillowImage.Image, orientation: int) -> PillowImage.Image:
    """Turn a picture so that its first row is its top; an unknown orientation counts as 1."""
    from PIL.Image import Transpose

    method = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return picture if method is None else picture.transpose(method)


def keepable(picture: PillowImage.Image) -> bytes | None:
    r"""Return the EXIF block of a loaded picture with orientation 1, None if it has none.

    Returns
    -------
    bytes or None
        Starts with ``Exif\0\0``. The block is the file's own, byte for byte except for the
        orientation; of a TIFF, whose EXIF is spread over the file, the descriptive tags.

    Raises
    ------
    struct.error, ValueError
        If the block is damaged.
    """
    if picture.format == "TIFF":
        exif = _described(picture.getexif())
        return exif.tobytes() if len(exif) else None
    block = picture.info.get("exif")
    return set_orientation(block) if block else None


def tiff_tags(block: bytes) -> PillowImage.Exif:
    """Return what a block from `keepable` describes, as Pillow's TIFF writer takes it.

    A block of a JPEG may speak of sizes and strips of its own; these must not reach a TIFF.
    """
    from PIL import Image as PillowImage

    exif = PillowImage.Exif()
    exif.load(block)
    return _described(exif)


def _described(exif: PillowImage.Exif) -> PillowImage.Exif:
    for tag in set(exif) - _DESCRIPTIVE:
        del exif[tag]
    return exif


def set_orientation(block: bytes, orientation: int = 1) -> bytes:
    r"""Return the EXIF block with its orientation tag overwritten, if it has one.

    Parameters
    ----------
    block : bytes
        A TIFF structure, with or without ``Exif\0\0`` in front.
    orientation : int, 1 to 8

    Returns
    -------
    bytes, with the prefix

    Raises
    ------
    struct.error, ValueError
        If it is not a TIFF structure.

    Examples
    --------
    >>> entry = struct.pack("<HHLHH", ORIENTATION, 3, 1, 6, 0)
    >>> turned = b"II*\0" + struct.pack("<LH", 8, 1) + entry + bytes(4)
    >>> set_orientation(turned)[24:26]
    b'\x01\x00'
    """
    tiff = bytearray(block.removeprefix(PREFIX))
    order = {b"II": "<", b"MM": ">"}.get(bytes(tiff[:2]))
    if order is None:
        message = "the EXIF block is no TIFF structure"
        raise ValueError(message)
    (start,) = struct.unpack_from(order + "L", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from(order + "H", tiff, entry)
        if tag == ORIENTATION:
            struct.pack_into(order + "H", tiff, entry + 8, orientation)
    return PREFIX + bytes(tiff)
