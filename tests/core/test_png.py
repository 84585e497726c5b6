from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as PillowImage

from maskworks.core import png
from maskworks.core.errors import ImageError
from maskworks.core.png import encode_png


def decoded(content: bytes) -> np.ndarray:
    picture = PillowImage.open(BytesIO(content))
    picture.verify()  # every checksum
    return np.asarray(PillowImage.open(BytesIO(content)))


@st.composite
def pictures(draw, channels):
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    return draw(arrays(np.uint8, (height, width, channels) if channels > 1 else (height, width)))


@pytest.mark.parametrize("channels", [1, 3, 4])
@given(data=st.data())
def test_encode_png_is_decoded_by_pillow_bit_for_bit(channels, data):
    pixels = data.draw(pictures(channels))
    assert (decoded(encode_png(pixels)) == pixels).all()


@given(data=st.data())
def test_encode_png_writes_zero_where_alpha_is_zero_and_every_other_pixel_as_it_is(data):
    rgba = data.draw(pictures(4))
    rgb, alpha = np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])
    expected = np.where(alpha[..., np.newaxis] == 0, 0, rgba)
    assert (decoded(encode_png(rgb, alpha)) == expected).all()


@pytest.mark.parametrize("size", [(70, 5000), (3000, 3), (1, 90_000), (513, 511)])
def test_encode_png_joins_its_bands(rng, size):
    rgb = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    alpha = rng.integers(0, 3, size, dtype=np.uint8)
    expected = np.dstack([rgb * (alpha != 0)[..., np.newaxis], alpha])
    assert (decoded(encode_png(rgb, alpha)) == expected).all()


def test_encode_png_takes_arrays_that_are_views(rng):
    large = rng.integers(0, 256, (40, 60, 4), dtype=np.uint8)
    view = large[::-2, 3::3]
    assert (decoded(encode_png(view)) == view).all()
    assert (decoded(encode_png(view[..., :3])) == view[..., :3]).all()


def test_encode_png_does_not_change_its_arguments(rng):
    rgb = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    alpha = np.zeros((8, 8), np.uint8)
    before = rgb.copy()
    rgb.flags.writeable = alpha.flags.writeable = False
    encode_png(rgb, alpha)
    assert (rgb == before).all()


def test_encode_png_splits_what_one_chunk_cannot_hold(monkeypatch, rng):
    monkeypatch.setattr(png, "_MAX_CHUNK", 100)
    pixels = rng.integers(0, 256, (20, 20), dtype=np.uint8)
    content = encode_png(pixels)
    assert content.count(b"IDAT") > 3
    assert (decoded(content) == pixels).all()


def test_encode_png_writes_dpi_profile_and_exif():
    content = encode_png(np.zeros((2, 2), np.uint8), dpi=(300, 72), icc=b"profile", exif=b"II*\0")
    with warnings.catch_warnings(action="ignore"):
        picture = PillowImage.open(BytesIO(content))
    assert picture.info["dpi"] == pytest.approx((300, 72), abs=0.02)
    assert picture.info["icc_profile"] == b"profile"
    assert picture.info["exif"] == b"Exif\0\0II*\0"


@pytest.mark.parametrize(
    ("pixels", "alpha", "message"),
    [
        pytest.param(np.zeros((2, 2, 2), np.uint8), None, "1, 3 or 4 channels, got 2", id="two"),
        pytest.param(np.zeros((2, 2, 3)), None, "3-D uint8 array, got 3-D float64", id="float"),
        pytest.param(np.zeros((0, 2), np.uint8), None, "at least 1x1", id="empty"),
        pytest.param(
            np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3), np.uint8), "must agree", id="sizes"
        ),
        pytest.param(
            np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), "alpha must be a 2-D uint8", id="alpha"
        ),
        pytest.param(
            np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8), "3-D uint8", id="grey-alpha"
        ),
    ],
)
def test_encode_png_refuses_other_arrays(pixels, alpha, message):
    with pytest.raises(ImageError, match=message):
        encode_png(pixels, alpha)
