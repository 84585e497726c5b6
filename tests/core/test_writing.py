from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import ExifTags, ImageCms
from PIL import Image as PillowImage

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.icc import srgb_profile
from maskworks.core.reading import Details, read_picture
from maskworks.core.values import Image, Matte
from maskworks.core.writing import Encoding, compose, encode, encode_matte

DETAILS = Details(format="JPEG", dpi=(300.0, 300.0))
OWNER = "A. Photographer"
SERIAL = "SN-0123456789"


@pytest.fixture
def image(rng) -> Image:
    return Image(rng.integers(0, 256, (24, 40, 3), dtype=np.uint8))


@pytest.fixture
def matte(rng) -> Matte:
    alpha = rng.random((24, 40), np.float32)
    alpha[:, :20] = 0
    return Matte(alpha)


@pytest.fixture
def told() -> Details:
    exif = PillowImage.Exif()
    exif[ExifTags.Base.Artist] = OWNER
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = SERIAL
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return Details(format="JPEG", exif=exif.tobytes())


def opened(content: bytes) -> PillowImage.Image:
    return PillowImage.open(BytesIO(content))


LOSSLESS = [Encoding("png"), Encoding("tiff"), Encoding("webp", quality=100)]


@pytest.mark.parametrize("encoding", LOSSLESS, ids=lambda encoding: encoding.format)
def test_encode_is_read_back_bit_for_bit_with_zero_under_alpha_zero(image, matte, encoding):
    found = np.asarray(opened(encode(image, matte, encoding, DETAILS)))
    alpha = np.rint(matte.alpha * 255).astype(np.uint8)
    assert (found[..., 3] == alpha).all()
    assert (found[..., :3] == np.where(alpha[..., np.newaxis] == 0, 0, image.pixels)).all()


@pytest.mark.parametrize("encoding", LOSSLESS, ids=lambda encoding: encoding.format)
def test_encode_without_a_matte_has_no_alpha(image, encoding):
    found = opened(encode(image, None, encoding, DETAILS))
    assert found.mode == "RGB"
    assert (np.asarray(found) == image.pixels).all()


@pytest.mark.parametrize("encoding", LOSSLESS, ids=lambda encoding: encoding.format)
def test_encode_and_read_picture_are_inverse(image, matte, encoding):
    first = encode(image, matte, encoding, DETAILS)
    picture = read_picture(first)
    assert encode(picture.image, picture.matte, encoding, DETAILS) == first


def test_encode_keeps_the_alpha_of_lossy_webp_exact_and_hides_what_was_cut_off(patches):
    alpha = np.zeros(patches.shape[:2], np.float32)
    alpha[:, 16:32] = 1
    found = np.asarray(opened(encode(Image(patches), Matte(alpha), Encoding("webp"), DETAILS)))
    assert (found[..., 3] == alpha * 255).all()
    shown = found[4:12, 20:28, :3].astype(int) - patches[4:12, 20:28]
    assert np.abs(shown).max() <= 8
    hidden = found[4:12, :8, :3].astype(int) - patches[4:12, :8]
    assert np.abs(hidden).max() > 30


def test_encode_puts_jpeg_on_its_background(patches):
    alpha = np.zeros(patches.shape[:2], np.float32)
    alpha[:16] = 1
    encoding = Encoding("jpg", background=(244, 241, 236), quality=95)
    found = opened(encode(Image(patches), Matte(alpha), encoding, DETAILS))
    assert (found.format, found.mode) == ("JPEG", "RGB")
    pixels = np.asarray(found).astype(int)
    assert np.abs(pixels[:16] - patches[:16]).max() <= 8
    assert np.abs(pixels[16:] - [244, 241, 236]).max() <= 4


def test_encode_with_a_background_writes_png_without_alpha(image, matte):
    found = opened(encode(image, matte, Encoding("png", background=(9, 8, 7)), DETAILS))
    assert found.mode == "RGB"
    assert found.getpixel((0, 0)) == (9, 8, 7)


def test_encode_refuses_jpeg_with_a_matte_and_no_background(image, matte):
    with pytest.raises(UsageError, match="JPEG has no alpha; give a background colour"):
        encode(image, matte, Encoding("jpg"), DETAILS)
    assert opened(encode(image, None, Encoding("jpg"), DETAILS)).format == "JPEG"


@given(st.data())
def test_compose_agrees_with_real_numbers(data):
    size = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    pixels = data.draw(arrays(np.uint8, (*size, 3)))
    alpha = data.draw(arrays(np.uint8, size))
    colour = data.draw(st.tuples(*[st.integers(0, 255)] * 3))
    share = alpha[..., np.newaxis] / 255
    expected = np.rint(pixels * share + np.array(colour) * (1 - share))
    assert (compose(pixels, alpha, colour) == expected).all()


@pytest.mark.parametrize("name", ["png", "tiff", "webp", "jpg"])
def test_encode_writes_the_srgb_profile(image, name):
    found = opened(encode(image, None, Encoding(name), DETAILS)).info["icc_profile"]
    assert found == srgb_profile()
    assert "sRGB" in ImageCms.getProfileName(ImageCms.ImageCmsProfile(BytesIO(found)))


@pytest.mark.parametrize("name", ["png", "tiff", "jpg"])
def test_encode_writes_the_dpi(image, name):
    content = encode(image, None, Encoding(name), Details("PNG", dpi=(300.0, 150.0)))
    assert read_picture(content).details.dpi == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("name", ["png", "tiff", "webp", "jpg"])
def test_encode_leaves_owner_serial_number_and_place_out(image, told, name):
    content = encode(image, None, Encoding(name), told)
    assert OWNER.encode() not in content
    assert SERIAL.encode() not in content
    assert ExifTags.IFD.GPSInfo not in opened(content).getexif()


@pytest.mark.parametrize("name", ["png", "tiff", "webp", "jpg"])
def test_encode_keeps_them_when_asked(image, told, name):
    content = encode(image, None, Encoding(name, keep_metadata=True), told)
    exif = opened(content).getexif()
    assert exif[ExifTags.Base.Artist] == OWNER
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] == SERIAL
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    assert (read_picture(content).image.size) == image.size


@pytest.mark.parametrize("name", ["png", "tiff", "webp", "jpg"])
def test_encode_matte_writes_grey_without_a_profile(matte, name):
    found = opened(encode_matte(matte, Encoding(name, quality=95), DETAILS))
    assert "icc_profile" not in found.info
    grey = np.asarray(found.convert("L")).astype(int)
    worst = {"jpg": 24}.get(name, 0)
    assert np.abs(grey - np.rint(matte.alpha * 255)).max() <= worst
    if name != "webp":
        assert found.mode == "L"


def test_encode_refuses_sizes_that_differ(image):
    with pytest.raises(ImageError, match=r"the matte is \(2, 2\), the image \(24, 40\)"):
        encode(image, Matte(np.ones((2, 2), np.float32)), Encoding("png"), DETAILS)


def test_encode_refuses_a_side_that_the_format_cannot_hold():
    long = Image(np.zeros((1, 16384, 3), np.uint8))
    with pytest.raises(ImageError, match=r"webp holds at most 16383 .* 16384x1; write png or tiff"):
        encode(long, None, Encoding("webp"), DETAILS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"format": "gif"}, "format must be one of png, webp, tiff, jpg", id="format"),
        pytest.param({"format": "jpg", "quality": 0}, "quality must lie in 1..100", id="quality"),
        pytest.param({"format": "png", "background": (0, 0, 256)}, "three values in", id="colour"),
        pytest.param({"format": "png", "background": (0, 0)}, "three values in", id="two"),
    ],
)
def test_encoding_refuses_values_outside_their_range(arguments, message):
    with pytest.raises(UsageError, match=message):
        Encoding(**arguments)
