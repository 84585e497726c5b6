"""What other programs open is opened or called by its name, and what was ignored is told."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from maskworks.core.errors import UnreadableError
from maskworks.core.reading import read_picture

PIXELS = np.random.default_rng(3).integers(0, 255, (12, 17, 3)).astype(np.uint8)


def chunk(kind, data, *, wrong=False):
    checksum = zlib.crc32(kind + data) ^ (255 if wrong else 0)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(*parts, last=False):
    written = io.BytesIO()
    Image.fromarray(PIXELS).save(written, "PNG")
    raw = written.getvalue()
    at = len(raw) - 12 if last else 33
    return raw[:at] + b"".join(parts) + raw[at:]


BIG = zlib.compress(b"a" * 3_000_000)


@pytest.mark.parametrize(
    ("part", "last"),
    [
        pytest.param(chunk(b"zTXt", b"k\0\0" + BIG), False, id="zTXt"),
        pytest.param(chunk(b"iTXt", b"k\0\1\0\0\0" + BIG), False, id="iTXt"),
        pytest.param(chunk(b"tEXt", b"k\0" + b"a" * 3_000_000), False, id="tEXt"),
        pytest.param(chunk(b"iCCP", b"k\0\0" + BIG), False, id="iCCP"),
        pytest.param(chunk(b"tEXt", b"k\0hello", wrong=True), False, id="text checksum"),
        pytest.param(chunk(b"pHYs", bytes(9), wrong=True), False, id="pHYs checksum"),
        pytest.param(chunk(b"tIME", bytes(7), wrong=True), False, id="tIME checksum"),
        pytest.param(chunk(b"iCCP", b"k\0\0junk", wrong=True), False, id="iCCP checksum"),
        pytest.param(chunk(b"zTXt", b"k\0\0junk"), False, id="zTXt damaged"),
        pytest.param(chunk(b"tEXt", b"k\0hello", wrong=True), True, id="behind the pixels"),
    ],
)
def test_harmless_parts_of_a_png_never_cost_the_picture(part, last):
    found = read_picture(png(part, last=last))
    assert np.array_equal(found.image.pixels, PIXELS)
    assert len(found.details.notes) == 1
    assert "left out" in found.details.notes[0]


def test_a_png_in_order_has_nothing_to_tell():
    assert read_picture(png(chunk(b"tEXt", b"Comment\0hello"))).details.notes == ()


def test_jpeg_2000_is_read():
    written = io.BytesIO()
    Image.fromarray(PIXELS).save(written, "JPEG2000", irreversible=False)
    assert np.array_equal(read_picture(written.getvalue()).image.pixels, PIXELS)


def test_the_composite_of_a_psd_is_read():
    height, width = PIXELS.shape[:2]
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3)
    raw = head + bytes(4) + bytes(4) + bytes(4) + b"\0\0" + PIXELS.transpose(2, 0, 1).tobytes()
    assert np.array_equal(read_picture(raw).image.pixels, PIXELS)


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        pytest.param(b"\xff\x0a\xfa", "a.jxl", "a JPEG XL file", id="jxl"),
        pytest.param(b"\0\0\0\x0cJXL \r\n\x87\n", "a.jxl", "a JPEG XL file", id="jxl box"),
        pytest.param(b'<svg xmlns="x"/>', "a.svg", "an SVG file", id="svg"),
        pytest.param(b'<?xml version="1.0"?><svg/>', "a.svg", "an SVG file", id="svg with head"),
        pytest.param(b"\0\0\0\x18ftypcrx ", "a.CR3", r"a camera raw \(CR3\) file", id="cr3"),
        pytest.param(b"II*\0\x10\0\0\0CR\2\0", "a.cr2", r"a camera raw \(CR2\) file", id="cr2"),
        pytest.param(b"II*\0" + bytes(40), "a.NEF", r"a camera raw \(NEF\) file", id="nef"),
        pytest.param(b"%PDF-1.7", "a.pdf", "a PDF file", id="pdf"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(content, name, kind):
    with pytest.raises(UnreadableError, match=rf"is {kind}, which is not read"):
        read_picture(content, name=name)


def test_a_tiff_of_floats_in_colours_is_not_called_damaged():
    tifffile = pytest.importorskip("tifffile")
    written = io.BytesIO()
    tifffile.imwrite(written, (PIXELS / 255).astype(np.float32), photometric="rgb")
    with pytest.raises(UnreadableError, match=r"samples that are not read .*floats"):
        read_picture(written.getvalue())


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_of_several_frames_is_told(form):
    written = io.BytesIO()
    frames = [Image.fromarray(each) for each in (PIXELS, 255 - PIXELS)]
    frames[0].save(written, form, save_all=True, append_images=frames[1:])
    assert "the first was taken" in read_picture(written.getvalue()).details.notes[0]


def test_cmyk_without_a_profile_is_told():
    written = io.BytesIO()
    Image.fromarray(PIXELS).convert("CMYK").save(written, "TIFF")
    assert "CMYK without a profile" in read_picture(written.getvalue()).details.notes[0]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", r"`git lfs pull`"),
        (b"<!DOCTYPE html><html><title>404", r"a\.jpg: is a web page, .* download it again"),
    ],
)
def test_what_came_instead_of_a_picture_is_called_by_its_name(head, said):
    with pytest.raises(UnreadableError, match=said):
        read_picture(head + bytes(100), name="a.jpg")


def test_a_gain_map_is_told_and_the_base_picture_taken():
    base, bright = io.BytesIO(), io.BytesIO()
    mark = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a hdrgm:Version="1.0"/></x:xmpmeta>'
    Image.new("RGB", (60, 40), (90, 120, 30)).save(base, "JPEG", xmp=mark, quality=95)
    Image.new("L", (30, 20), 255).save(bright, "JPEG")
    picture = read_picture(base.getvalue() + bright.getvalue())
    assert picture.details.notes == ("has an HDR gain map, its base picture was taken",)
    assert np.abs(picture.image.pixels.astype(int) - (90, 120, 30)).max() <= 3
