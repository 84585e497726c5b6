"""What a picture's file is made of, counted before any decoder reads it.

A file can be small and cost minutes: a JPEG of thousands of scans, a PNG of a million empty
chunks or of profiles that inflate, a TIFF whose tags all point at the same megabytes. What is
counted here is far beyond what cameras and programs write, and cheap to count. What cannot be
followed is left to the decoder, which says what is wrong with it.
"""

from __future__ import annotations

import contextlib
import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO

MOST_SCANS = 500
"""Of a JPEG; a progressive one has about ten."""

MOST_PARTS = 2000
"""Markers of a JPEG, chunks of a PNG or WebP beside those with pixels, entries of a TIFF."""

MOST_COMPRESSED = 64
"""Chunks of a PNG that inflate: its profile and texts; Pillow inflates each to 1 MB at most."""

MOST_METADATA_BYTES = 16 << 20
"""Profiles, EXIF, XMP, comments, all together."""

MOST_TAIL_BYTES = 4096
"""What may lie behind the end of a picture that is kept."""

_MOST_JUNK_BYTES = 1 << 16
_MOST_BLOCKS = 20_000  # of a GIF before its first picture
_LEAST_MEAN_BYTES = 512  # of the chunks that hold pixels; encoders write 8 kB and more
_FEW_PARTS = 4096

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_SOS, _EOI = 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_METADATA_MARKERS = frozenset({*range(0xE0, 0xF0), 0xFE})
_PNG_PIXELS = frozenset({b"IDAT", b"fdAT", b"fcTL"})
_PNG_COMPRESSED = frozenset({b"iCCP", b"zTXt", b"iTXt"})
_WEBP_METADATA = frozenset({b"ICCP", b"EXIF", b"XMP "})
_TAG_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
              16: 8, 17: 8, 18: 8}  # fmt: skip

Buffer = bytes | memoryview | mmap.mmap


class StructureError(Exception):
    """A file that is made of more than any picture is; never leaves `core`."""


@dataclass
class _Count:
    """What was seen so far."""

    parts: int = 0
    metadata: int = 0
    compressed: int = 0
    pixels: int = 0
    scans: int = 0

    def check(self, size: int) -> None:
        if self.scans > MOST_SCANS:
            raise StructureError(f"has more than {MOST_SCANS} scans")
        if self.parts > MOST_PARTS or self.pixels > _FEW_PARTS + size // _LEAST_MEAN_BYTES:
            raise StructureError("is made of more parts than a picture is")
        if self.compressed > MOST_COMPRESSED:
            raise StructureError(f"has more than {MOST_COMPRESSED} compressed texts and profiles")
        if self.metadata > MOST_METADATA_BYTES:
            raise StructureError(f"has more than {MOST_METADATA_BYTES:,} bytes beside its pixels")


def check_structure(stream: IO[bytes], kind: str) -> int:
    """Return how often a decoder goes over a file's pixels: the scans of a JPEG, else 1.

    Parameters
    ----------
    stream : seekable binary stream; its position is kept
    kind : str
        As `formats.sniff` returns it. HEIC and AVIF are bounded by their own decoders.

    Raises
    ------
    StructureError
        If it has too many scans, markers, chunks or tags, or too much beside its pixels.
    """
    walk = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif, "TIFF": _tiff,
            "PSD": _psd, "JPEG2000": _jpeg2000}.get(kind)  # fmt: skip
    seen = _Count()
    if walk is None:
        return 1
    at = stream.tell()
    with contextlib.suppress(struct.error, IndexError):  # cut off: the decoder says so
        try:
            with _buffer(stream) as content:
                walk(content, seen)
        finally:
            stream.seek(at)
    return max(1, seen.scans)


def tail_of(content: Buffer, kind: str) -> int | None:
    r"""Return how many bytes lie behind the end of a picture, None if its end is not found.

    Examples
    --------
    >>> gif = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
    >>> tail_of(gif, "GIF"), tail_of(gif + b"more", "GIF"), tail_of(gif[:-1], "GIF")
    (0, 4, None)
    """
    walk = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif_end}.get(kind)
    if walk is None:
        return None
    try:
        end = walk(content, _Count())
    except (struct.error, IndexError):
        return None
    return None if end is None else max(0, len(content) - end)


def check_tags(block: Buffer) -> None:
    """Return if the values of a TIFF structure's first directory fit into it once.

    A reader fetches the value of every tag: thousands of tags that point at the same megabytes
    fill the memory of any machine.

    Raises
    ------
    StructureError
    """
    head = bytes(block[:8])
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        return
    big = head[2:4] in (b"+\0", b"\0+")
    number, entry, inline = ("Q", 20, 8) if big else ("H", 12, 4)
    start = struct.unpack_from(order + ("Q" if big else "L"), block, 8 if big else 4)[0]
    (count,) = struct.unpack_from(order + number, block, start)
    if count > MOST_PARTS:
        raise StructureError(f"has {count:,} tags, more than {MOST_PARTS:,}")
    first = start + struct.calcsize(order + number)
    total = 0
    for at in range(first, first + entry * count, entry):
        kind, values = struct.unpack_from(order + ("HQ" if big else "HL"), block, at + 2)
        size = _TAG_BYTES.get(kind, 0) * values
        total += size if size > inline else 0
        if total > len(block):
            raise StructureError("has tags that hold more than the file does")


class _buffer:  # noqa: N801 - a context manager
    """The content of a stream without a copy of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._open: mmap.mmap | memoryview | None = None

    def __enter__(self) -> Buffer:
        if isinstance(self._stream, BytesIO):
            self._open = self._stream.getbuffer()
        else:
            try:
                self._open = mmap.mmap(self._stream.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError, AttributeError):  # a pipe, or nothing in it
                self._stream.seek(0)
                return self._stream.read()
        return self._open

    def __exit__(self, *_: object) -> None:
        if isinstance(self._open, memoryview):
            self._open.release()
        elif self._open is not None:
            self._open.close()


def _jpeg(content: Buffer, seen: _Count) -> int | None:
    """Count scans, markers and what lies in them; return where the picture ends."""
    at, size, junk = 2, len(content), 0
    while at + 1 < size:
        if content[at] != 0xFF or content[at + 1] in (0x00, 0xFF):
            at, junk = at + 1, junk + 1  # decoders look for the next marker
            if junk > _MOST_JUNK_BYTES:
                raise StructureError("has too much between its markers")
            continue
        code = content[at + 1]
        if code == _EOI:
            return at + 2
        seen.parts += 1
        if code in _ALONE:
            at += 2
            seen.check(size)
            continue
        (length,) = struct.unpack_from(">H", content, at + 2)
        seen.metadata += length if code in _METADATA_MARKERS else 0
        seen.scans += code == _SOS
        seen.check(size)
        at += 2 + max(2, length)
        if code == _SOS:
            found = _MARKER.search(content, at)
            if found is None:
                return None
            at = found.start()
    return None


def _png(content: Buffer, seen: _Count) -> int | None:
    at, size = 8, len(content)
    while at + 8 <= size:
        length: int
        length, name = struct.unpack_from(">L4s", content, at)
        if name in _PNG_PIXELS:
            seen.pixels += 1
        else:
            seen.parts += 1
            seen.metadata += length
            seen.compressed += name in _PNG_COMPRESSED
        seen.check(size)
        at += 12 + length
        if name == b"IEND":
            return at
    return None


def _webp(content: Buffer, seen: _Count) -> int | None:
    said: int = struct.unpack_from("<L", content, 4)[0]
    at, end = 12, min(len(content), 8 + said)
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sL", content, at)
        if name == b"ANMF":
            seen.pixels += 1
        else:
            seen.parts += 1
            seen.metadata += length if name in _WEBP_METADATA else 0
        seen.check(len(content))
        at += 8 + length + length % 2
    return 8 + said + said % 2


def _gif(content: Buffer, _seen: _Count) -> None:
    """Count the blocks before the first picture: it is the only one that is read."""
    for number, (kind, _end) in enumerate(_gif_blocks(content)):
        if kind == 0x2C:
            return
        if number > _MOST_BLOCKS:
            raise StructureError("is made of more parts than a picture is")


def _gif_end(content: Buffer, _seen: _Count) -> int | None:
    most = _MOST_BLOCKS + len(content) // 64
    for number, (kind, at) in enumerate(_gif_blocks(content)):
        if kind == 0x3B:
            return at
        if number > most:
            raise StructureError("is made of more parts than a picture is")
    return None


def _gif_blocks(content: Buffer) -> Iterator[tuple[int, int]]:
    """Yield the kind of each block (0 for a further piece of one) and where it ends."""
    flags = content[10]
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while True:
        kind = content[at]
        at += 1
        if kind == 0x21:
            at += 1
        elif kind == 0x2C:
            flags = content[at + 8]
            at += 9 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0) + 1
        yield kind, at
        if kind == 0x3B:
            return
        if kind not in (0x21, 0x2C):
            continue
        while piece := content[at]:
            at += 1 + piece
            yield 0, at
        at += 1


def _tiff(content: Buffer, _seen: _Count) -> None:
    check_tags(content)


def _psd(content: Buffer, seen: _Count) -> None:
    """Count the resources beside the pixels."""
    at = 26
    at += 4 + int(struct.unpack_from(">L", content, at)[0])  # the palette
    end = at + 4 + int(struct.unpack_from(">L", content, at)[0])
    at += 4
    while at < min(end, len(content)):
        name = content[at + 6]
        at += 4 + 2 + 1 + name + (name + 1) % 2
        length: int = struct.unpack_from(">L", content, at)[0]
        at += 4 + length + length % 2
        seen.parts += 1
        seen.metadata += length
        seen.check(len(content))


def _jpeg2000(content: Buffer, seen: _Count) -> None:
    """Count the boxes, those inside the header among them."""
    if content[:4] == b"\xff\x4f\xff\x51":  # a stream without boxes
        return
    at = 0
    while at + 8 <= len(content):
        length, name = struct.unpack_from(">L4s", content, at)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", content, at + 8)[0], 16
        seen.parts += 1
        seen.check(len(content))
        if name == b"jp2h":
            at += head  # its boxes are counted one by one
        elif length < head:  # to the end of the file
            return
        else:
            at += length
