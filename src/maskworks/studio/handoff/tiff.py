"""A TIFF with alpha and a clipping path, for layout programs and retouchers without layers."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import ImageError
from maskworks.core.icc import srgb_profile
from maskworks.studio.handoff.resources import path_resources, xmp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskworks.studio.handoff.handover import Handover
    from maskworks.studio.handoff.packbits import Grey

LARGEST_FILE = (1 << 32) - 1  # bytes: offsets have 32 bits

_STRIP_BYTES = 1 << 18  # stays in the second-level cache
_LEVEL = 1
_BYTE, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 3, 4, 5, 7
_ITEM_BYTES = {_BYTE: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _UNDEFINED: 1}
_CODES = {_SHORT: "H", _LONG: "L"}
_DEFLATE, _RGB, _INTERLEAVED, _INCHES, _HORIZONTAL_DIFFERENCE, _UNASSOCIATED = 8, 2, 1, 2, 2, 2
_STRIP_OFFSETS = 273

_Entry = tuple[int, int, int, bytes]  # tag, type, number of values, the values


def encode_tiff(handover: Handover) -> bytes:
    """Encode a hand-over as one RGBA picture with a clipping path.

    The colours are whole also where alpha is 0: the path and the alpha can both be redrawn.
    They are those of `handover.foreground` where it is given.

    Parameters
    ----------
    handover : Handover of an (H, W) picture

    Returns
    -------
    bytes
        Little-endian, Deflate with horizontal differences, unassociated alpha
        ``round(255 * alpha)``, sRGB profile, DPI, guides and path in tag 34377. Equal
        arguments give equal bytes.

    Raises
    ------
    ImageError
        If the file would exceed 4 GiB.

    References
    ----------
    TIFF 6.0; Adobe Photoshop TIFF Technical Notes, 2002.
    """
    strips, rows = _strips(handover)
    offsets = np.cumsum([8, *map(len, strips)])
    directory = int(offsets[-1] + offsets[-1] % 2)
    entries = _entries(handover, rows)
    entries += [
        _numbers(_STRIP_OFFSETS, _LONG, *offsets[:-1].tolist()),
        _numbers(279, _LONG, *map(len, strips)),
    ]
    tail = _directory(sorted(entries), directory)
    if directory + len(tail) > LARGEST_FILE:
        raise ImageError(
            f"{handover.name}: the TIFF would have {directory + len(tail):,} bytes, the format "
            f"allows {LARGEST_FILE:,}; make the picture smaller"
        )
    header = struct.pack("<2sHL", b"II", 42, directory)
    return b"".join([header, *strips, b"\0" * int(offsets[-1] % 2), tail])


def _entries(handover: Handover, rows: int) -> list[_Entry]:
    height, width = handover.image.size
    entries = [
        _numbers(256, _LONG, width),
        _numbers(257, _LONG, height),
        _numbers(258, _SHORT, 8, 8, 8, 8),
        _numbers(259, _SHORT, _DEFLATE),
        _numbers(262, _SHORT, _RGB),
        _numbers(277, _SHORT, 4),
        _numbers(278, _LONG, rows),
        _numbers(284, _SHORT, _INTERLEAVED),
        _numbers(317, _SHORT, _HORIZONTAL_DIFFERENCE),
        _numbers(338, _SHORT, _UNASSOCIATED),
        _bytes(700, _BYTE, xmp(handover.name)),
        _bytes(34675, _UNDEFINED, srgb_profile()),
    ]
    if handover.dpi is not None:
        entries += [
            (tag, _RATIONAL, 1, struct.pack("<2L", round(value * 10000), 10000))
            for tag, value in zip((282, 283), handover.dpi, strict=True)
        ]
        entries.append(_numbers(296, _SHORT, _INCHES))
    resources = path_resources(handover)
    return [*entries, _bytes(34377, _BYTE, resources)] if resources else entries


def _numbers(tag: int, kind: int, *values: int) -> _Entry:
    return tag, kind, len(values), struct.pack(f"<{len(values)}{_CODES[kind]}", *values)


def _bytes(tag: int, kind: int, data: bytes) -> _Entry:
    return tag, kind, len(data), data


def _directory(entries: list[_Entry], at: int) -> bytes:
    """Return the directory that stands at `at`, followed by the values that do not fit in it."""
    values = b""
    lines = []
    after = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, data in entries:
        if len(data) <= 4:
            place = data.ljust(4, b"\0")
        else:
            place = struct.pack("<L", after + len(values))
            values += data + b"\0" * (len(data) % 2)
        lines.append(struct.pack("<HHL", tag, kind, count) + place)
    return struct.pack("<H", len(entries)) + b"".join(lines) + bytes(4) + values


def _strips(handover: Handover) -> tuple[list[bytes], int]:
    """Return the compressed strips and how many rows each has."""
    from isal import isal_zlib

    width = handover.image.size[1]
    rows = max(1, _STRIP_BYTES // (4 * width))
    return [isal_zlib.compress(strip, _LEVEL) for strip in _differences(handover, rows)], rows


def _differences(handover: Handover, rows: int) -> Iterator[Grey]:
    """Yield strips of RGBA, each sample less the one to its left."""
    import cv2

    shown = handover.image if handover.foreground is None else handover.foreground
    for top in range(0, handover.image.size[0], rows):
        strip: Grey = cv2.cvtColor(  # type: ignore[assignment]
            shown.pixels[top : top + rows], cv2.COLOR_RGB2RGBA
        )
        strip[..., 3] = np.rint(handover.matte.alpha[top : top + rows] * np.float32(255))
        samples = strip.reshape(len(strip), -1)
        different = samples.copy()
        np.subtract(samples[:, 4:], samples[:, :-4], out=different[:, 4:])
        yield different
