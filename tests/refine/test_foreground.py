from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Image, ImageError, Matte, UsageError
from maskworks.refine import estimate_foreground
from maskworks.refine.foreground import ForegroundOptions


def portrait(size=240):
    """A red and green disc with a wide soft edge before blue stripes, its alpha and colours."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    distance = np.hypot(rows - size / 2, columns - size / 2)
    alpha = np.clip((size * 0.3 - distance) / 16 + 0.5, 0, 1).astype(np.float32)
    fore = np.stack([120 + 80 * np.sin(rows / 20), 90 + 60 * np.cos(columns / 25), 0 * rows], -1)
    behind = np.stack([0 * rows, 40 + 0 * rows, 140 + 100 * (rows // 12 % 2)], -1)
    mixed = alpha[..., None] * fore + (1 - alpha[..., None]) * behind
    return Image(np.rint(mixed).astype(np.uint8)), Matte(alpha), fore


def error_over(colours, alpha, fore, light):
    soft = (alpha > 0.02) & (alpha < 0.98)
    share = alpha[soft][:, None]
    given = share * colours[soft] + (1 - share) * np.array(light)
    wanted = share * fore[soft] + (1 - share) * np.array(light)
    return float(np.abs(given - wanted).mean())


@pytest.mark.parametrize(
    "light",
    [
        pytest.param((255, 0, 0), id="red"),
        pytest.param((0, 255, 0), id="green"),
        pytest.param((0, 0, 255), id="blue"),
    ],
)
def test_a_cutout_over_another_colour_shows_at_most_half_the_old_halo(light):
    image, matte, fore = portrait()
    ours = estimate_foreground(image, matte).pixels
    before = error_over(image.pixels, matte.alpha, fore, light)
    assert error_over(ours, matte.alpha, fore, light) <= 0.5 * before


@pytest.mark.filterwarnings("ignore")  # numba's own
def test_the_colours_are_at_least_as_near_as_those_of_pymatting():
    from pymatting import estimate_foreground_ml

    image, matte, fore = portrait()
    theirs = estimate_foreground_ml(image.pixels / 255.0, matte.alpha.astype(float)) * 255
    ours = estimate_foreground(image, matte).pixels
    black = (0, 0, 0)
    assert error_over(ours, matte.alpha, fore, black) <= error_over(
        theirs, matte.alpha, fore, black
    )


def test_sure_pixels_keep_their_bits():
    image, matte, _ = portrait()
    ours = estimate_foreground(image, matte, ForegroundOptions(margin=0)).pixels
    sure = (matte.alpha == 1) | (matte.alpha == 0)
    assert np.array_equal(ours[sure], image.pixels[sure])


def test_a_matte_without_a_soft_pixel_gives_the_very_picture(rng):
    image = Image(rng.integers(0, 256, (30, 40, 3), np.uint8))
    hard = Matte((image.pixels[..., 0] > 90).astype(np.float32))
    assert estimate_foreground(image, hard) is image


def test_tiles_join_without_a_seam(monkeypatch):
    image, matte, _ = portrait()
    whole = estimate_foreground(image, matte).pixels.astype(int)
    monkeypatch.setattr("maskworks.refine.foreground.WHOLE_PX", 1 << 12)
    monkeypatch.setattr("maskworks.refine.foreground.TILE_PX", 64)
    tiled = estimate_foreground(image, matte).pixels.astype(int)
    assert np.abs(whole - tiled).mean() < 1
    assert np.percentile(np.abs(whole - tiled), 99) < 12


def test_a_matte_of_another_size_is_refused():
    image, matte, _ = portrait(40)
    with pytest.raises(ImageError, match="must have one shape"):
        estimate_foreground(image, Matte(matte.alpha[:-1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"margin": -0.1}, "margin must lie in", id="margin"),
        pytest.param({"alpha_error": 1.0}, "alpha_error must lie in", id="alpha error"),
        pytest.param({"grain": 0.0}, "grain must be greater than 0", id="grain"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        ForegroundOptions(**options)
