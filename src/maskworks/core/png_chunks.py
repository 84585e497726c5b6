"""PNG chunks: drop broken ancillary chunks, with a note, so that the picture is read.

Checksums of what is not needed for the pixels may be wrong, and texts and profiles larger than
any reader wants them; viewers open such files. Layout: PNG (Third Edition), W3C 2025, clause 5.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 1 << 20
"""Bytes of a text or profile, unpacked: what Pillow's reader takes."""

_HUGE = 1 << 26  # never read into memory

_PACKED = {b"zTXt": 2, b"iCCP": 2}
_WORDS = {
    b"iCCP": "its colour profile",
    b"cICP": "the codes of its colours",
    b"tRNS": "its transparency",
    b"pHYs": "its resolution",
    b"eXIf": "its EXIF block",
    b"tEXt": "a text",
    b"zTXt": "a text",
    b"iTXt": "a text",
    b"tIME": "its time",
}


@dataclass(frozen=True)
class Tidied:
    """A PNG that can be read, what was left out, and the small chunks that say its colours."""

    stream: IO[bytes]
    notes: tuple[str, ...]
    colours: dict[bytes, bytes]


def tidy(stream: IO[bytes]) -> Tidied:
    """Leave out ancillary chunks that fail their checksum or are too large.

    Parameters
    ----------
    stream : seekable binary stream at the start of a PNG

    Returns
    -------
    Tidied
        Its stream is the same, at its start, where nothing had to be left out.
    """
    start = stream.tell()
    bad: set[int] = set()
    notes: list[str] = []
    colours: dict[bytes, bytes] = {}
    for at, kind, length in _chunks(stream):
        if not kind[0] & 0x20:  # critical
            continue
        stream.seek(at + 8)
        data = b"" if length > _HUGE else stream.read(length)
        what = "is huge" if length > _HUGE else _mistake(kind, data, stream.read(4))
        if what is not None:
            bad.add(at)
            name = kind.decode("ascii", "replace")
            notes.append(f"{_WORDS.get(kind, 'a part')} ({name}) {what} and was left out")
        elif kind in {b"cICP", b"gAMA", b"cHRM", b"sRGB"}:
            colours[kind] = data
    stream.seek(start)
    if not bad:
        return Tidied(stream, (), colours)
    return Tidied(_without(stream, bad), tuple(dict.fromkeys(notes)), colours)


def _chunks(stream: IO[bytes]) -> Iterator[tuple[int, bytes, int]]:
    """Yield where each chunk starts, its kind and its length; stop where they break off."""
    at = stream.tell() + len(_SIGNATURE)
    end = stream.seek(0, 2)
    while at + 12 <= end:
        stream.seek(at)
        head = stream.read(8)
        length = int.from_bytes(head[:4], "big")
        if at + 12 + length > end or not head[4:].isalpha():
            return
        yield at, head[4:], length
        if head[4:] == b"IEND":
            return
        at += 12 + length


def _mistake(kind: bytes, data: bytes, checksum: bytes) -> str | None:
    if zlib.crc32(kind + data).to_bytes(4, "big") != checksum:
        return "has a wrong checksum"
    packed = _packed(kind, data)
    if packed is None:
        text = kind in {b"tEXt", b"iTXt"}
        return "is larger than 1 MiB" if text and len(data) > _MOST else None
    unpack = zlib.decompressobj()
    try:
        unpack.decompress(packed, _MOST)
    except zlib.error:
        return "is damaged"
    return "is larger than 1 MiB" if unpack.unconsumed_tail else None


def _packed(kind: bytes, data: bytes) -> bytes | None:
    """Return what a chunk holds compressed, None if nothing."""
    if kind == b"iTXt":
        keyword, _, rest = data.partition(b"\0")
        if not keyword or rest[:1] != b"\1":
            return None
        return rest[2:].split(b"\0", 2)[-1]
    if kind not in _PACKED:
        return None
    return data.partition(b"\0")[2][1:]


def _without(stream: IO[bytes], bad: set[int]) -> BytesIO:
    start = stream.tell()
    kept = [stream.read(len(_SIGNATURE))]
    last = start + len(_SIGNATURE)
    for at, _, length in _chunks_of(stream, start):
        if at not in bad:
            stream.seek(at)
            kept.append(stream.read(12 + length))
        last = at + 12 + length
    stream.seek(last)
    kept.append(stream.read())
    return BytesIO(b"".join(kept))


def _chunks_of(stream: IO[bytes], start: int) -> list[tuple[int, bytes, int]]:
    stream.seek(start)
    return list(_chunks(stream))
