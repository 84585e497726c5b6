from __future__ import annotations

import struct
from io import BytesIO
from itertools import product

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms

from maskworks.core.icc import srgb_profile
from maskworks.core.reading import read_picture

# XYZ of D50 to linear sRGB (Bradford), Lindbloom.
D50_TO_SRGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def gamma_encoded(linear):
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255


def lab_to_srgb(lab):
    """Lab (D50) to sRGB bytes as real numbers: CIE 15 and IEC 61966-2-1, nothing of Little CMS."""
    middle = (lab[0] + 16) / 116
    f = np.array([middle + lab[1] / 500, middle, middle - lab[2] / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    return gamma_encoded(D50_TO_SRGB @ (xyz * [0.9642, 1.0, 0.8249]))


def press(inks):
    """A made-up printing press: how each of the 16 solid overprints looks, in Lab."""
    cyan, magenta, yellow, black = inks
    light = 100 * (1 - 0.4 * cyan) * (1 - 0.45 * magenta) * (1 - 0.1 * yellow) * (1 - black)
    chroma = (1 - black) * np.array([-30 * cyan + 60 * magenta, -40 * cyan + 70 * yellow])
    return np.array([light, *chroma])


@pytest.fixture
def press_profile(profile) -> bytes:
    """The press as a CMYK profile: an 8-bit table of 2 x 2 x 2 x 2 overprints."""
    ramp = bytes(range(256))
    table = b"".join(
        bytes(round(v) for v in (light * 2.55, a + 128, b + 128))
        for light, a, b in (press(inks) for inks in product((0, 1), repeat=4))
    )
    identity = struct.pack(">9l", *(65536 * v for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table + ramp * 3
    return profile(b"CMYK", b"Lab ", b"prtr", {b"A2B0": lut})


@pytest.fixture
def swapped_profile() -> bytes:
    """The sRGB profile with red and blue exchanged: its conversion swaps two channels."""
    made = srgb_profile()
    return made.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")


def solid(inks, mode="CMYK", size=(16, 16)):
    return PillowImage.new(mode, size, inks)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize("inks", list(product((0, 1), repeat=4)), ids=str)
def test_read_picture_converts_cmyk_through_its_profile(save, press_profile, kind, inks):
    picture = solid(tuple(255 * ink for ink in inks))
    content = save(picture, kind, icc_profile=press_profile)
    found = read_picture(content)
    assert found.image.pixels[4, 4].astype(int) == pytest.approx(lab_to_srgb(press(inks)), abs=4)
    assert found.details.icc_name == "test profile"


def test_read_picture_converts_cmyk_without_a_profile_by_its_formula(save, rng):
    inks = rng.integers(0, 256, (6, 6, 4), dtype=np.uint8)
    content = save(PillowImage.fromarray(inks, "CMYK"), "TIFF")
    expected = (255.0 - inks[..., :3]) * (255.0 - inks[..., 3:]) / 255
    assert np.abs(read_picture(content).image.pixels - expected).max() <= 1


def test_read_picture_takes_a_cmyk_jpeg_without_adobes_mark_as_not_inverted(save):
    content = save(solid((255, 0, 0, 0)), "JPEG", quality=100)
    mark = content.index(b"\xff\xee\x00\x0eAdobe")
    plain = content[:mark] + content[mark + 16 :]
    assert read_picture(content).image.pixels[4, 4].tolist() == [0, 255, 255]
    # Without the mark the same bytes mean the opposite amounts of ink: M, Y and K, so black.
    assert read_picture(plain).image.pixels[4, 4].tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP", "HEIF", "AVIF"])
def test_read_picture_converts_rgb_through_its_profile(save, swapped_profile, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    content = save(solid((200, 80, 20), "RGB"), kind, icc_profile=swapped_profile, **options)
    assert read_picture(content).image.pixels[4, 4].astype(int) == pytest.approx(
        [20, 80, 200], abs=4
    )


def test_read_picture_converts_the_colours_of_a_picture_with_alpha(save, swapped_profile):
    rgba = solid((200, 80, 20, 128), "RGBA")
    picture = read_picture(save(rgba, "PNG", icc_profile=swapped_profile))
    assert picture.image.pixels[0, 0].astype(int) == pytest.approx([20, 80, 200], abs=1)
    assert picture.matte.alpha[0, 0] == pytest.approx(128 / 255)


def test_read_picture_converts_grey_through_its_profile(save, profile):
    curve = b"curv" + bytes(4) + struct.pack(">LH", 1, 256)  # one entry: gamma 1.0
    linear = profile(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": curve})
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = read_picture(save(ramp, "PNG", icc_profile=linear)).image.pixels
    expected = gamma_encoded(ramp / 255.0)[..., np.newaxis]
    assert np.abs(pixels - expected).max() <= 2


def test_read_picture_takes_a_grey_picture_with_an_rgb_profile(save, swapped_profile):
    grey = np.full((4, 4), 90, np.uint8)
    picture = read_picture(save(grey, "PNG", icc_profile=swapped_profile))
    assert np.abs(picture.image.pixels.astype(int) - 90).max() <= 1
    assert picture.details.notes == ()


def test_read_picture_does_not_touch_srgb_under_any_name(save, rng):
    noise = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    renamed = srgb_profile().replace("sRGB".encode("utf-16-be"), "Moni".encode("utf-16-be"))
    picture = read_picture(save(noise, "PNG", icc_profile=renamed))
    assert (picture.image.pixels == noise).all()
    assert "Moni" in picture.details.icc_name


@pytest.mark.parametrize(
    ("broken", "note"),
    [
        pytest.param(b"not a profile", "cannot be read", id="text"),
        pytest.param(srgb_profile()[:200], "cannot be", id="cut-off"),
        pytest.param(bytes(400), "cannot be read", id="zeros"),
    ],
)
def test_read_picture_notes_a_broken_profile_and_takes_the_colours_as_srgb(
    save, patches, broken, note
):
    picture = read_picture(save(patches, "PNG", icc_profile=broken))
    assert (picture.image.pixels == patches).all()
    assert picture.details.notes[0].startswith("its colours were taken as sRGB")
    assert note in picture.details.notes[0]


def test_read_picture_notes_a_profile_for_another_colour_space(save, patches, press_profile):
    picture = read_picture(save(patches, "PNG", icc_profile=press_profile))
    assert (picture.image.pixels == patches).all()
    assert "the profile is for CMYK, the picture is RGB" in picture.details.notes[0]


def test_read_picture_reads_lab(save):
    lab = PillowImage.new("LAB", (4, 4), (128, 128 + 40, 128 + 20))
    pixels = read_picture(save(lab, "TIFF")).image.pixels
    assert pixels[0, 0].astype(int) == pytest.approx(
        lab_to_srgb(np.array([128 / 2.55, 40, 20])), abs=3
    )


def test_srgb_profile_is_srgb_and_always_the_same_bytes():
    profile = ImageCms.ImageCmsProfile(BytesIO(srgb_profile()))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert srgb_profile()[24:36] == struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
