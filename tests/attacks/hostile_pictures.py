"""Pictures that are small and would cost minutes; what they attack is said by their names."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
from PIL import Image


def written(kind: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    pixels = np.dstack([rows % 256, columns % 256, (rows + columns) % 256]).astype(np.uint8)
    stream = BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(Image.fromarray(pixels)).save(stream, **options)
    else:
        Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, data: bytes = b"") -> bytes:
    crc = zlib.crc32(name + data)
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", crc)


def png_of_chunks(count: int, one: bytes) -> bytes:
    """A PNG with so many copies of a chunk behind its header."""
    plain = written("PNG")
    return plain[:33] + one * count + plain[33:]


def png_of_empty_chunks(count: int = 1_800_000) -> bytes:
    return png_of_chunks(count, chunk(b"teSt"))


def png_of_profiles_that_inflate(count: int = 20_000) -> bytes:
    return png_of_chunks(count, chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1 << 20), 9)))


def png_of_texts_that_inflate(count: int = 20_000) -> bytes:
    return png_of_chunks(count, chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1 << 20), 9)))


def png_of_tiny_pixels(count: int = 1_000_000) -> bytes:
    plain = written("PNG")
    return plain[:33] + chunk(b"IDAT") * count + plain[33:]


def jpeg_of_markers(count: int = 5_000_000) -> bytes:
    plain = written("JPEG")
    return plain[:2] + b"\xff\xe5\0\2" * count + plain[2:]


def jpeg_of_junk(size: int = 20_000_000) -> bytes:
    plain = written("JPEG")
    return plain[:20] + bytes(size) + plain[20:]


def jpeg_of_scans(count: int = 3000, side: int = 2000) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    stream = BytesIO()
    Image.new("L", (side, side), 128).save(stream, "JPEG", progressive=True, quality=50)
    plain = stream.getvalue()
    last = plain.rfind(b"\xff\xc4", 0, plain.rfind(b"\xff\xda"))
    return plain[:-2] + plain[last:-2] * count + plain[-2:]


def gif_of_blocks(count: int = 2_000_000) -> bytes:
    plain = written("GIF")
    at = 13 + 3 * 256
    return plain[:at] + b"!\xfe" + b"\1a" * count + b"\0" + plain[at:]


def webp_of_chunks(count: int = 1_000_000) -> bytes:
    plain = written("WEBP")
    body = plain[12:] + b"teSt\0\0\0\0" * count
    return b"RIFF" + struct.pack("<L", 4 + len(body)) + b"WEBP" + body


def tags(count: int, size: int) -> bytes:
    """A TIFF structure whose tags all hold the same bytes."""
    entries = b"".join(struct.pack("<HHLL", 40_000 + number, 7, size, 8) for number in range(count))
    return b"II*\0" + struct.pack("<L", 8 + size) + bytes(size) + (
        struct.pack("<H", count) + entries + bytes(4)
    )  # fmt: skip


def tiff_of_tags(count: int = 1500, size: int = 1 << 20) -> bytes:
    return tags(count, size)


def png_of_exif_tags(count: int = 1500, size: int = 1 << 20) -> bytes:
    return png_of_chunks(1, chunk(b"eXIf", tags(count, size)))


def psd_of_resources(count: int = 1_500_000) -> bytes:
    resources = (b"8BIM" + struct.pack(">HHL", 1000, 0, 0)) * count
    return (
        b"8BPS" + struct.pack(">H6xHLLHH", 1, 3, 48, 64, 8, 3) + bytes(4)
        + struct.pack(">L", len(resources)) + resources + bytes(4) + b"\0\0" + bytes(64 * 48 * 3)
    )  # fmt: skip


def jpeg2000_of_boxes(count: int = 2_000_000) -> bytes:
    plain = written("JPEG2000")
    return plain[:12] + struct.pack(">L4s", 8, b"free") * count + plain[12:]


def jpeg2000_of_inner_boxes(count: int = 2_000_000) -> bytes:
    plain = written("JPEG2000")
    at = plain.index(b"jp2h") - 4
    size = int.from_bytes(plain[at : at + 4], "big")
    inner = struct.pack(">L4s", 8, b"free") * count
    head = struct.pack(">L4s", size + len(inner), b"jp2h")
    return plain[:at] + head + inner + plain[at + 8 :]


def avif_that_lies(side: int = 9000) -> bytes:
    """An AVIF that says 64 x 48 of itself and holds a picture of 81 megapixels."""
    stream = BytesIO()
    Image.new("L", (side, side), 128).save(stream, "AVIF", quality=20, speed=10)
    made = bytearray(stream.getvalue())
    at = made.index(b"ispe") + 8
    made[at : at + 8] = struct.pack(">LL", 64, 48)
    return bytes(made)


REFUSED = {
    "png-of-empty-chunks": (png_of_empty_chunks, "more parts than a picture"),
    "png-of-profiles": (png_of_profiles_that_inflate, "compressed texts and profiles"),
    "png-of-texts": (png_of_texts_that_inflate, "compressed texts and profiles"),
    "png-of-tiny-pixels": (png_of_tiny_pixels, "more parts than a picture"),
    "png-of-metadata": (lambda: png_of_chunks(3, chunk(b"teSt", bytes(6 << 20))), "beside its"),
    "jpeg-of-markers": (jpeg_of_markers, "more parts than a picture"),
    "jpeg-of-junk": (jpeg_of_junk, "between its markers"),
    "jpeg-of-scans": (jpeg_of_scans, "more than 500 scans"),
    "gif-of-blocks": (gif_of_blocks, "more parts than a picture"),
    "webp-of-chunks": (webp_of_chunks, "more parts than a picture"),
    "tiff-of-tags": (tiff_of_tags, "hold more than the file"),
    "psd-of-resources": (psd_of_resources, "more parts than a picture"),
    "jpeg2000-of-boxes": (jpeg2000_of_boxes, "more parts than a picture"),
    "jpeg2000-of-inner-boxes": (jpeg2000_of_inner_boxes, "more parts than a picture"),
}
"""What makes each file, and what is said of it."""
