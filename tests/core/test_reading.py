from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from maskworks.core.deep import scale_to_bytes
from maskworks.core.errors import UnreadableError
from maskworks.core.formats import _READERS, SUFFIXES, sniff
from maskworks.core.reading import read_picture


@pytest.mark.parametrize(
    ("kind", "options", "worst"),
    [
        pytest.param("JPEG", {"quality": 95}, 12, id="jpeg"),
        pytest.param("JPEG", {"quality": 95, "progressive": True}, 12, id="progressive-jpeg"),
        pytest.param("PNG", {}, 0, id="png"),
        pytest.param("WEBP", {"lossless": True}, 0, id="lossless-webp"),
        pytest.param("WEBP", {"quality": 95}, 12, id="webp"),
        pytest.param("TIFF", {}, 0, id="tiff"),
        pytest.param("TIFF", {"compression": "tiff_lzw"}, 0, id="lzw-tiff"),
        pytest.param("TIFF", {"compression": "tiff_adobe_deflate"}, 0, id="deflate-tiff"),
        pytest.param("BMP", {}, 0, id="bmp"),
        pytest.param("GIF", {}, 0, id="gif"),
        pytest.param("HEIF", {"quality": 95, "chroma": 444}, 20, id="heic"),
        pytest.param("AVIF", {"quality": 95, "subsampling": "4:4:4"}, 20, id="avif"),
    ],
)
def test_read_picture_returns_what_was_written(save, patches, kind, options, worst):
    picture = read_picture(save(patches, kind, **options))
    assert picture.image.size == (32, 48)
    inside = slice(8, None, 16) if worst else slice(None)  # chroma bleeds over the edges
    difference = picture.image.pixels.astype(int) - patches
    assert np.abs(difference[inside, inside]).max() <= worst
    assert picture.matte is None
    assert picture.details.format == kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_read_picture_gives_grey_three_equal_channels(save, kind):
    grey = np.full((16, 16), 90, np.uint8)
    pixels = read_picture(save(grey, kind)).image.pixels
    assert np.abs(pixels.astype(int) - 90).max() <= 2
    assert (pixels == pixels[..., :1]).all()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param("PNG", {}, id="png"),
        pytest.param("WEBP", {"lossless": True, "exact": True}, id="webp"),
        pytest.param("TIFF", {}, id="tiff"),
        pytest.param("HEIF", {"quality": -1, "chroma": 444}, id="heic"),
        pytest.param("AVIF", {"quality": 100, "subsampling": "4:4:4"}, id="avif"),
    ],
)
def test_read_picture_returns_the_alpha_of_the_file_as_its_matte(save, rng, kind, options):
    alpha = rng.integers(0, 256, (24, 40), dtype=np.uint8)
    rgba = np.dstack([np.full((24, 40, 3), 77, np.uint8), alpha])
    picture = read_picture(save(rgba, kind, **options))
    assert np.rint(picture.matte.alpha * 255).astype(int).tolist() == alpha.tolist()
    assert np.abs(picture.image.pixels.astype(int) - 77).max() <= 3


def test_read_picture_gives_no_matte_for_an_alpha_that_is_opaque_everywhere(save):
    assert read_picture(save(np.full((4, 4, 4), 255, np.uint8), "PNG")).matte is None


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_read_picture_takes_the_alpha_of_every_png_mode(save, mode):
    pair = np.zeros((2, 2, 2), np.uint8)
    pair[..., 0], pair[..., 1] = 80, [[0, 255], [128, 1]]
    if mode == "P":
        palette = PillowImage.frombytes("P", (2, 2), bytes([0, 1, 2, 3]))
        palette.putpalette([80] * 12)
        content = save(palette, "PNG", transparency=bytes([0, 255, 128, 1]))
    else:
        content = save(PillowImage.fromarray(pair), "PNG", mode)
    found = read_picture(content)
    assert np.rint(found.matte.alpha * 255).tolist() == [[0, 255], [128, 1]]
    assert found.image.pixels[1, 0].tolist() == [80, 80, 80]


def test_read_picture_reads_a_palette_with_one_clear_colour(save):
    palette = PillowImage.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    for kind in ("PNG", "GIF"):
        picture = read_picture(save(palette, kind, transparency=0))
        assert picture.image.pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
        assert picture.matte.alpha.tolist() == [[0, 1]]
    assert read_picture(save(palette, "PNG")).matte is None


@pytest.mark.parametrize(
    ("bits", "row", "key", "grey"),
    [
        pytest.param(1, b"\x40", 1, [0, 255], id="1-bit"),
        pytest.param(2, b"\x10", 1, [0, 85], id="2-bit"),
        pytest.param(4, b"\x01", 1, [0, 17], id="4-bit"),
        pytest.param(8, b"\x00\x01", 1, [0, 1], id="8-bit"),
        pytest.param(16, b"\x00\x00\x01\x01", 0x0101, [0, 1], id="16-bit"),
    ],
)
def test_read_picture_makes_the_key_colour_of_a_grey_png_clear(png_file, bits, row, key, grey):
    picture = read_picture(png_file((1, 2), bits, 0, [row], key=struct.pack(">H", key)))
    assert picture.image.pixels[..., 0].tolist() == [grey]
    assert picture.matte.alpha.tolist() == [[1, 0]]


@pytest.mark.parametrize("bits", [8, 16])
def test_read_picture_makes_the_key_colour_of_an_rgb_png_clear(png_file, bits):
    kind = {8: ">u1", 16: ">u2"}[bits]
    row = np.array([5, 6, 7, 5, 6, 8], kind).tobytes()
    picture = read_picture(png_file((1, 2), bits, 2, [row], key=struct.pack(">3H", 5, 6, 8)))
    assert picture.matte.alpha.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("colour_type", "channels"),
    [
        pytest.param(0, 1, id="grey"),
        pytest.param(4, 2, id="grey-alpha"),
        pytest.param(2, 3, id="rgb"),
        pytest.param(6, 4, id="rgba"),
    ],
)
def test_read_picture_rounds_16_bit_png_to_8(png_file, rng, colour_type, channels):
    samples = rng.integers(0, 65536, (7, 5, channels))
    rows = [row.astype(">u2").tobytes() for row in samples]
    picture = read_picture(png_file((7, 5), 16, colour_type, rows))
    expected = np.rint(samples / 257).astype(int)
    colours = expected[..., :-1] if channels in (2, 4) else expected
    assert (picture.image.pixels == np.broadcast_to(colours, (7, 5, 3))).all()
    if channels in (2, 4):
        assert (np.rint(picture.matte.alpha * 255) == expected[..., -1]).all()


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("compression", [None, "zlib"], ids=["raw", "deflate"])
@pytest.mark.parametrize("kind", ["grey", "white-is-zero", "rgb", "rgba"])
def test_read_picture_rounds_16_bit_tiff_to_8(rng, order, compression, kind):
    channels = {"rgb": 3, "rgba": 4}.get(kind, 1)
    samples = rng.integers(0, 65536, (7, 5, channels), dtype=np.uint16)
    stream = BytesIO()
    tifffile.imwrite(
        stream,
        samples[..., 0] if channels == 1 else samples,
        photometric={"grey": "minisblack", "white-is-zero": "miniswhite"}.get(kind, "rgb"),
        extrasamples=["unassalpha"] if channels == 4 else None,
        byteorder=order,
        compression=compression,
    )
    if kind == "white-is-zero" and order == ">":  # Pillow does not know this one: say so
        with pytest.raises(UnreadableError, match="samples that are not read"):
            read_picture(stream.getvalue())
        return
    picture = read_picture(stream.getvalue())
    expected = np.rint(samples / 257).astype(int)
    if kind == "white-is-zero":
        expected = 255 - expected
    assert (picture.image.pixels == np.broadcast_to(expected[..., :3], (7, 5, 3))).all()
    if kind == "rgba":
        assert (np.rint(picture.matte.alpha * 255) == expected[..., 3]).all()


def test_read_picture_takes_the_first_page_and_the_first_frame(save):
    first, second = (PillowImage.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    for kind in ("TIFF", "GIF", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        content = save(first, kind, save_all=True, append_images=[second], **options)
        assert read_picture(content).image.pixels[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP"])
def test_read_picture_returns_the_dpi(save, patches, kind):
    horizontal, vertical = read_picture(save(patches, kind, dpi=(300, 150))).details.dpi
    assert (round(horizontal), round(vertical)) == (300, 150)


def test_read_picture_returns_no_dpi_where_the_file_has_none(save, patches):
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        assert read_picture(save(patches, kind)).details.dpi is None


def test_read_picture_ignores_the_suffix(tmp_path, save, patches):
    path = tmp_path / "photo.jpg"
    path.write_bytes(save(patches, "PNG"))
    assert read_picture(path).details.format == "PNG"


def test_read_picture_returns_pixels_that_nobody_else_changes(save, patches):
    content = save(patches, "PNG")
    pixels = read_picture(content).image.pixels
    assert not pixels.flags.writeable or pixels.base is None


def test_suffixes_are_lower_case_with_a_dot():
    assert {".jpg", ".heic", ".avif", ".tif"} <= SUFFIXES
    assert all(suffix == "." + suffix.strip(".").lower() for suffix in SUFFIXES)


@given(st.binary(max_size=80))
def test_sniff_answers_any_bytes(head):
    assert sniff(head) in {None, *_READERS}


def test_scale_to_bytes_rounds_every_sample_as_real_numbers_do():
    samples = np.arange(65536, dtype=np.uint16)
    assert (scale_to_bytes(samples) == np.rint(samples / 257)).all()
    twelve = np.arange(4096, dtype=np.uint16)
    assert np.abs(scale_to_bytes(twelve, 4095) - twelve / 4095 * 255).max() <= 0.5
