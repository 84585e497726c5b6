"""Pictures and profiles that the tests of `core` make for themselves; no binary fixtures."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pillow_heif
import pytest
from PIL import Image as PillowImage

Profile = Callable[..., bytes]


@pytest.fixture
def save() -> Callable[..., bytes]:
    """Encode an array with Pillow, HEIC with pillow-heif: what other programs would write."""

    def encode(array, kind, mode=None, **options) -> bytes:
        picture = array if isinstance(array, PillowImage.Image) else PillowImage.fromarray(array)
        picture = picture.convert(mode) if mode else picture
        stream = BytesIO()
        if kind == "HEIF":
            pillow_heif.from_pillow(picture).save(stream, **options)
        else:
            picture.save(stream, kind, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def patches() -> np.ndarray:
    """A (32, 48, 3) picture of six plain 16 x 16 patches: JPEG-proof, and no turn is another."""
    colours = np.array(
        [[[200, 40, 40], [40, 200, 40], [40, 40, 200]], [[220, 220, 220], [90, 90, 20], [0, 0, 0]]],
        np.uint8,
    )
    return np.ascontiguousarray(colours.repeat(16, axis=0).repeat(16, axis=1))


@pytest.fixture
def png_file() -> Callable[..., bytes]:
    """Write a PNG by hand, for kinds that Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
        )

    def write(size, bits, colour_type, rows, *, key=None, data=None) -> bytes:
        height, width = size
        header = struct.pack(">2L5B", width, height, bits, colour_type, 0, 0, 0)
        packed = zlib.compress(b"".join(b"\0" + row for row in rows)) if data is None else data
        return (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", header)
            + (chunk(b"tRNS", key) if key else b"")
            + chunk(b"IDAT", packed)
            + chunk(b"IEND", b"")
        )

    return write


@pytest.fixture
def profile() -> Profile:
    """Write an ICC v2 profile (ICC.1:2001-04) with the given tags."""

    def write(space: bytes, pcs: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
        white = b"XYZ " + bytes(4) + struct.pack(">3l", 63190, 65536, 54061)  # D50
        name = b"test profile\0"
        description = b"desc" + bytes(4) + struct.pack(">L", len(name)) + name + bytes(78)
        tags = {b"desc": description, b"wtpt": white, b"cprt": b"text" + bytes(5), **tags}
        table, body = struct.pack(">L", len(tags)), b""
        start = 128 + 4 + 12 * len(tags)
        for tag, data in tags.items():
            table += struct.pack(">4s2L", tag, start + len(body), len(data))
            body += data + bytes(-len(data) % 4)
        date = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
        header = struct.pack(">L4sL4s4s4s", start + len(body), b"", 0x02400000, kind, space, pcs)
        header += date + b"acsp" + bytes(28) + struct.pack(">3l", 63190, 65536, 54061)
        return header.ljust(128, b"\0") + table + body

    return write


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Drop root's right to read and write everything, for the length of one test."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A folder that only root may write to, with a file in it that only root may read."""
    with TemporaryDirectory() as name:  # not tmp_path: pytest's folders are closed to others
        folder = Path(name)
        (folder / "secret.jpg").write_bytes(b"x")
        (folder / "secret.jpg").chmod(0)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
