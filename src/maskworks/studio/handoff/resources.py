"""Photoshop's image resources: the blocks that say everything about a picture but its pixels.

Adobe Photoshop File Formats Specification, "Image Resources Section". The same blocks stand in
a PSD and in a TIFF.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from maskworks.core.icc import srgb_profile
from maskworks.studio.handoff.clipping import path_records

if TYPE_CHECKING:
    from maskworks.studio.handoff.clipping import ClippingPath
    from maskworks.studio.handoff.handover import Guides, Handover

PATH_NAME = "Subject"  # with its length byte an even number of bytes: readers differ on padding

_RESOLUTION, _GUIDES, _PROFILE, _VERSION, _XMP = 1005, 1032, 1039, 1057, 1060
_FIRST_PATH, _CLIPPING_PATH = 2000, 2999
_PER_INCH, _INCHES = 1, 1
_GRID = 576  # of 1/32 px: Photoshop's own default
_GUIDE_UNIT = 32
_DOWN, _ACROSS = 0, 1
_FLATNESS = 1.0  # device pixels: what a printer may be off by
_WRITER = "Maskworks"


def document_resources(handover: Handover) -> bytes:
    """Return the blocks of a PSD: those of `path_resources`, profile, XMP and version."""
    return b"".join(
        [
            path_resources(handover),
            block(_PROFILE, srgb_profile()),
            block(_VERSION, _version()),
            block(_XMP, xmp(handover.name)),
        ]
    )


def path_resources(handover: Handover) -> bytes:
    """Return the blocks that a TIFF needs too: resolution, guides, the clipping path."""
    blocks = []
    if handover.dpi is not None:
        blocks.append(block(_RESOLUTION, _resolution(handover.dpi)))
    if handover.guides.rows or handover.guides.columns:
        blocks.append(block(_GUIDES, _guides(handover.guides)))
    if handover.path is not None and handover.path.subpaths:
        blocks += _clipping(handover.path)
    return b"".join(blocks)


def block(number: int, data: bytes, name: str = "") -> bytes:
    r"""Return one resource block, padded to an even length.

    Examples
    --------
    >>> block(1037, b"\0\0\0\x1e")
    b'8BIM\x04\r\x00\x00\x00\x00\x00\x04\x00\x00\x00\x1e'
    """
    title = pascal(name, 2)
    return struct.pack(">4sH", b"8BIM", number) + title + sized(data) + b"\0" * (len(data) % 2)


def sized(data: bytes) -> bytes:
    """Return data after its length, 32 bits."""
    return struct.pack(">L", len(data)) + data


def pascal(text: str, multiple: int) -> bytes:
    """Return a text after its length, one byte, padded; what Mac Roman lacks becomes ``?``."""
    data = text.encode("mac_roman", "replace")[:255]
    written = bytes([len(data)]) + data
    return written + b"\0" * (-len(written) % multiple)


def unicode_text(text: str) -> bytes:
    """Return a text after its number of UTF-16 units, 32 bits."""
    data = text.encode("utf-16-be")
    return struct.pack(">L", len(data) // 2) + data


def xmp(title: str) -> bytes:
    """Return an XMP packet that names the document."""
    return _PACKET.format(title=escape(title)).encode()


_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li
 xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def _resolution(dpi: tuple[float, float]) -> bytes:
    horizontal, vertical = (round(value * 65536) for value in dpi)
    return struct.pack(">LHHLHH", horizontal, _PER_INCH, _INCHES, vertical, _PER_INCH, _INCHES)


def _guides(guides: Guides) -> bytes:
    lines = [(place, _ACROSS) for place in guides.rows]
    lines += [(place, _DOWN) for place in guides.columns]
    placed = [struct.pack(">LB", round(place * _GUIDE_UNIT), way) for place, way in lines]
    return struct.pack(">4L", 1, _GRID, _GRID, len(placed)) + b"".join(placed)


def _version() -> bytes:
    """Say that the merged picture is real, so that readers may trust it."""
    return struct.pack(">LB", 1, 1) + 2 * unicode_text(_WRITER) + struct.pack(">L", 1)


def _clipping(path: ClippingPath) -> list[bytes]:
    named = pascal(PATH_NAME, 2) + struct.pack(">LH", round(_FLATNESS * 65536), 0)
    return [
        block(_FIRST_PATH, path_records(path), PATH_NAME),
        block(_CLIPPING_PATH, named),
    ]
