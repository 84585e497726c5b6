from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from maskworks.core.colour_codes import (
    CodeError,
    hlg_light,
    of_codes,
    of_png,
    pq_light,
    to_srgb_pixels,
)
from maskworks.core.reading import read_picture


def one(*colour):
    return np.array([[colour]], np.uint8)


def chunk(kind, data):
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png(pixels, *chunks):
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    raw = written.getvalue()
    return raw[:33] + b"".join(chunks) + raw[33:]


def heif(pixels, primaries, transfer):
    pillow_heif = pytest.importorskip("pillow_heif")
    written = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(
        written,
        quality=-1,
        chroma=444,
        save_nclx_profile=True,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=1,
        full_range_flag=1,
    )
    return written.getvalue()


# Light of Display P3 as CSS Color 4 brings it to sRGB's, and of BT.2020 as ITU-R BT.2087 does.
MATRICES = {
    12: [
        [1.22494, -0.22494, 0.0],
        [-0.04206, 1.04206, 0.0],
        [-0.01964, -0.07864, 1.09827],
    ],
    9: [
        [1.6605, -0.5876, -0.0728],
        [-0.1246, 1.1329, -0.0083],
        [-0.0182, -0.1006, 1.1187],
    ],
}


def expected(colour, primaries):
    light = np.array(colour) / 255
    light = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    light = (np.array(MATRICES[primaries]) @ light).clip(0, 1)
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(curved * 255)


@pytest.mark.parametrize("primaries", MATRICES)
@pytest.mark.parametrize("colour", [(100, 150, 200), (200, 120, 90), (255, 255, 255), (7, 7, 7)])
def test_primaries_are_converted_by_the_published_matrices(primaries, colour):
    found = to_srgb_pixels(one(*colour), of_codes(primaries, 13))[0, 0]
    assert np.abs(found - expected(colour, primaries)).max() <= 1


def test_bt2020_white_and_grey_stay_and_its_red_is_out_of_reach():
    colours = of_codes(9, 13)
    assert to_srgb_pixels(one(200, 200, 200), colours).tolist() == [[[200, 200, 200]]]
    assert to_srgb_pixels(one(255, 0, 0), colours).tolist() == [[[255, 0, 0]]]


def test_pq_and_hlg_are_their_standards_values():
    # ST 2084: code 0.5081 is 100 cd/m2, 0.5806 is 203, 0.7518 is 1000; BT.2100: HLG 0.5 is 1/12.
    nits = pq_light(np.array([0.5081, 0.5806, 0.7518])) * 203
    assert nits == pytest.approx([100, 203, 1000], rel=2e-3)
    assert hlg_light(np.array([0.5, 1.0])) == pytest.approx([1 / 12, 1], abs=1e-6)


def test_white_paper_in_pq_and_hlg_is_white():
    # BT.2408: HDR reference white, 203 cd/m2, is 58 % of PQ and 75 % of HLG.
    for transfer, value in ((16, 148), (18, 191)):
        found = to_srgb_pixels(one(value, value, value), of_codes(9, transfer))
        assert found.min() >= 252


@pytest.mark.parametrize(
    ("chunks", "plain"),
    [
        pytest.param({}, True, id="none"),
        pytest.param({b"sRGB": b"\0"}, True, id="sRGB"),
        pytest.param({b"gAMA": (45455).to_bytes(4, "big")}, True, id="gamma of sRGB"),
        pytest.param({b"gAMA": (100_000).to_bytes(4, "big")}, False, id="linear"),
        pytest.param({b"cICP": bytes([1, 13, 0, 1])}, True, id="codes of sRGB"),
        pytest.param({b"cICP": bytes([9, 16, 0, 1])}, False, id="BT.2020 PQ"),
    ],
)
def test_a_png_says_its_colours_in_many_ways(chunks, plain):
    found = of_png(chunks)
    assert (found is None or found.plain) == plain


def test_codes_that_are_not_known_are_told():
    with pytest.raises(CodeError, match="codes 77 and 13"):
        of_codes(77, 13)


def test_a_png_of_display_p3_is_converted_and_told():
    found = read_picture(png(one(100, 150, 200), chunk(b"cICP", bytes([12, 13, 0, 1]))))
    assert np.abs(found.image.pixels[0, 0] - expected((100, 150, 200), 12)).max() <= 1
    assert found.details.notes == ("its colours were converted from Display P3",)


def test_a_png_of_linear_light_is_converted():
    found = read_picture(png(one(55, 55, 55), chunk(b"gAMA", (100_000).to_bytes(4, "big"))))
    assert found.image.pixels.tolist() == [[[128, 128, 128]]]


def test_a_png_of_unknown_codes_is_taken_as_it_is_and_never_called_sure():
    found = read_picture(png(one(9, 8, 7), chunk(b"cICP", bytes([77, 13, 0, 1]))))
    assert found.image.pixels.tolist() == [[[9, 8, 7]]]
    assert "not known here; taken as sRGB" in found.details.notes[0]
    assert not found.details.colours_sure


@pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 16), (9, 18)])
def test_a_heif_of_other_colours_is_converted(primaries, transfer):
    pixels = np.full((16, 16, 3), (120, 150, 140), np.uint8)
    found = read_picture(heif(pixels, primaries, transfer)).image.pixels[8, 8]
    right = to_srgb_pixels(one(120, 150, 140), of_codes(primaries, transfer))[0, 0]
    assert np.abs(found.astype(int) - right).max() <= 4


def test_an_avif_of_other_colours_is_converted():
    written = io.BytesIO()
    pixels = np.full((16, 16, 3), (100, 150, 200), np.uint8)
    Image.fromarray(pixels).save(written, "AVIF", quality=100, subsampling="4:4:4")
    raw = written.getvalue()
    at = raw.index(b"colrnclx") + 8
    raw = raw[:at] + (12).to_bytes(2, "big") + raw[at + 2 :]
    found = read_picture(raw)
    assert np.abs(found.image.pixels[8, 8] - expected((100, 150, 200), 12)).max() <= 4
    assert found.details.notes == ("its colours were converted from Display P3",)
