"""A layered Photoshop document, written from Adobe's public specification.

psd-tools writes such files too, but takes some ten times as long; it reads them back in the
tests. Layers, from below: the original, hidden and locked, so that what shows is the cut-out;
the cut-out, which is the whole picture with the matte as its layer mask; and, clipped to it,
the clean colours where they differ, so that one mask governs both.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import ImageError
from maskworks.studio.handoff.packbits import pack
from maskworks.studio.handoff.resources import document_resources, pascal, sized, unicode_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from maskworks.core.values import Image, Matte
    from maskworks.studio.handoff.handover import Handover
    from maskworks.studio.handoff.packbits import Grey

ORIGINAL = "Original"
CUT_OUT = "Cut-out"
EDGE_COLOURS = "Edge colours"
LARGEST_SIDE = 30_000
LARGEST_FILE = (1 << 31) - 1  # bytes; some readers take lengths as signed

_TRANSPARENCY, _MASK = -1, -2  # colours are 0, 1 and 2
_COLOUR_MODE, _BITS = 3, 8
_PLAIN, _PACKBITS = 0, 1
_WORTH_PACKING = 0.95  # of the plain size; photographs have no runs of equal bytes
_SAMPLE_ROWS = 64
_HIDDEN, _USES_FLAGS = 2, 8
_EVERYTHING_LOCKED = 1 << 31
_OTHERWISE = "hand over the TIFF, or make the picture smaller"


@dataclass(frozen=True, eq=False)
class _Layer:
    """One layer of the size of the document; `channels` by their number in the format."""

    name: str
    number: int
    channels: dict[int, list[bytes]]
    hidden: bool = False
    locked: bool = False
    clipped: bool = False


def encode_psd(handover: Handover) -> bytes:
    """Encode a hand-over as an 8-bit RGB document of layers.

    Parameters
    ----------
    handover : Handover of an (H, W) picture

    Returns
    -------
    bytes
        Version 1 (PSD), sRGB profile, PackBits (but plain where a channel has no runs). The
        merged picture is the cut-out: alpha ``round(255 * alpha)``, colours over white, as
        Photoshop stores them. Equal arguments give equal bytes.

    Raises
    ------
    ImageError
        If a side is longer than 30,000 pixels or the file would exceed 2 GiB: that needs
        the large document format (PSB), which is not written.
    """
    height, width = handover.image.size
    if max(height, width) > LARGEST_SIDE:
        raise ImageError(
            f"{handover.name}: a PSD holds at most {LARGEST_SIDE:,} pixels a side, the picture "
            f"has {width}x{height}; {_OTHERWISE}"
        )
    planes, alpha = _planes(handover.image), _bytes(handover.matte)
    edge = None if handover.foreground is None else _planes(handover.foreground)
    layers = _layers(planes, alpha, edge)
    merged = [pack(plane) for plane in (*_on_white(edge or planes, alpha), alpha)]
    parts = [
        struct.pack(">4sH6xH2L2H", b"8BPS", 1, len(merged), height, width, _BITS, _COLOUR_MODE),
        sized(b""),
        sized(document_resources(handover)),
        *_layer_section(layers, (height, width)),
        struct.pack(">H", _PACKBITS),
        *(channel.counts.astype(">u2").tobytes() for channel in merged),
        *(channel.data for channel in merged),
    ]
    size = sum(map(len, parts))
    if size > LARGEST_FILE:
        raise ImageError(
            f"{handover.name}: the PSD would have {size:,} bytes, the format allows "
            f"{LARGEST_FILE:,}; {_OTHERWISE}"
        )
    return b"".join(parts)


def _planes(image: Image) -> list[Grey]:
    import cv2

    return list(cv2.split(image.pixels))  # type: ignore[arg-type]


def _bytes(matte: Matte) -> Grey:
    alpha: Grey = np.rint(matte.alpha * np.float32(255)).astype(np.uint8)
    return alpha


def _on_white(planes: Sequence[Grey], alpha: Grey) -> Iterator[Grey]:
    """Yield ``round((alpha * plane + (255 - alpha) * 255) / 255)``."""
    import cv2

    white = 255 - alpha
    for plane in planes:
        yield cv2.add(cv2.multiply(plane, alpha, scale=1 / 255), white)  # type: ignore[misc]


def _layers(planes: Sequence[Grey], alpha: Grey, edge: Sequence[Grey] | None) -> list[_Layer]:
    """Return the layers from below; what two of them hold is packed once."""
    whole = {_TRANSPARENCY: _stored(np.full_like(alpha, 255))}
    whole |= {number: _stored(plane) for number, plane in enumerate(planes)}
    layers = [
        _Layer(ORIGINAL, 1, whole, hidden=True, locked=True),
        _Layer(CUT_OUT, 2, whole | {_MASK: _stored(alpha)}),
    ]
    if edge is not None:
        there = _differing(planes, edge)
        changed = {_TRANSPARENCY: _stored(there)}
        changed |= {number: _stored(plane & there) for number, plane in enumerate(edge)}
        layers.append(_Layer(EDGE_COLOURS, 3, changed, clipped=True))
    return layers


def _differing(before: Sequence[Grey], after: Sequence[Grey]) -> Grey:
    """Return 255 where any of the planes differ, else 0."""
    import cv2

    there = np.zeros_like(before[0])
    for one, other in zip(before, after, strict=True):
        cv2.bitwise_or(there, cv2.compare(one, other, cv2.CMP_NE), there)
    return there


def _stored(plane: Grey) -> list[bytes]:
    """Return a channel of a layer: in PackBits, or plain where that saves next to nothing."""
    sample = plane[:: max(1, len(plane) // _SAMPLE_ROWS)]
    if len(pack(sample).data) > _WORTH_PACKING * sample.size:
        return [struct.pack(">H", _PLAIN), plane.tobytes()]
    packed = pack(plane)
    return [struct.pack(">H", _PACKBITS), packed.counts.astype(">u2").tobytes(), packed.data]


def _layer_section(layers: Sequence[_Layer], size: tuple[int, int]) -> list[bytes]:
    records = b"".join(_record(layer, size) for layer in layers)
    channels = [channel for layer in layers for channel in layer.channels.values()]
    # The number is negative: the first channel after the colours is the transparency.
    head = struct.pack(">h", -len(layers)) + records
    data = [part for channel in channels for part in channel]
    length = len(head) + sum(map(len, data))
    padding = -length % 4
    lengths = struct.pack(">2L", length + padding + 8, length + padding)
    return [lengths, head, *data, b"\0" * padding, sized(b"")]


def _record(layer: _Layer, size: tuple[int, int]) -> bytes:
    """Return what the format says of a layer before its pixels."""
    whole = struct.pack(">4l", 0, 0, *size)
    channels = b"".join(
        struct.pack(">hL", number, sum(map(len, channel)))
        for number, channel in layer.channels.items()
    )
    flags = _USES_FLAGS | (_HIDDEN if layer.hidden else 0)
    look = struct.pack(">4s4s4B", b"8BIM", b"norm", 255, layer.clipped, flags, 0)
    outside = 0
    mask = whole + struct.pack(">2B2x", outside, 0) if _MASK in layer.channels else b""
    blending_ranges = b""
    extra = sized(mask) + sized(blending_ranges) + pascal(layer.name, 4)
    extra += _tagged(b"luni", unicode_text(layer.name))
    extra += _tagged(b"lyid", struct.pack(">L", layer.number))
    if layer.locked:
        extra += _tagged(b"lspf", struct.pack(">L", _EVERYTHING_LOCKED))
    return whole + struct.pack(">H", len(layer.channels)) + channels + look + sized(extra)


def _tagged(key: bytes, data: bytes) -> bytes:
    return b"8BIM" + key + sized(data + b"\0" * (-len(data) % 4))
