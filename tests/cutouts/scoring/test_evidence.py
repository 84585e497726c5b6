from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage.color import rgb2lab
from skimage.measure import blur_effect

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Box, Image, Matte
from maskworks.cutouts.scoring import evidence as evidence_module
from maskworks.cutouts.scoring.evidence import ALIKE_BELOW, Evidence, measure

RED, GREEN = (200, 40, 40), (40, 160, 60)


def scene(height=120, width=160, box=(40, 50, 90, 110), inside=RED, outside=GREEN):
    """A plain rectangle on a plain ground: top, left, bottom, right."""
    top, left, bottom, right = box
    pixels = np.full((height, width, 3), outside, np.uint8)
    alpha = np.zeros((height, width), np.float32)
    pixels[top:bottom, left:right] = inside
    alpha[top:bottom, left:right] = 1
    return Image(pixels), Matte(alpha)


def take(image, matte, **said) -> Evidence:
    said = {"confidence": 0.9, "presence": 1.0, "soft_interior": 0.0, "band_share": 0.0} | said
    return measure(image, said.pop("foreground", image), matte, **said)


def enlarged(image, matte, factor):
    size = (image.size[1] * factor, image.size[0] * factor)
    pixels = cv2.resize(image.pixels, size, interpolation=cv2.INTER_NEAREST)
    return Image(pixels), Matte(cv2.resize(matte.alpha, size, interpolation=cv2.INTER_NEAREST))


def textured(height=300, width=300, sigma=0.0):
    """Grain all over, softened by `sigma` pixels."""
    grain = np.random.default_rng(3).normal(128, 60, (height, width, 1)).repeat(3, axis=2)
    soft = ndimage.gaussian_filter(grain, (sigma, sigma, 0)) if sigma else grain
    return Image(np.clip(soft, 0, 255).astype(np.uint8))


def test_evidence_counts_area_and_the_box():
    found = take(*scene())
    assert found.area == pytest.approx(50 * 60 / (120 * 160))
    assert found.fill == found.area
    assert found.second == 0
    assert found.border == (0, 0, 0, 0)


def test_evidence_names_the_sides_that_the_subject_covers():
    found = take(*scene(box=(60, 0, 120, 40)))
    assert found.sides == {"top": 0, "right": 0, "bottom": 0.25, "left": 0.5}


def test_second_piece_is_told_by_the_first():
    image, matte = scene()
    alpha = matte.alpha.copy()
    alpha[5:20, 5:25] = 1
    assert take(image, Matte(alpha)).second == pytest.approx(300 / 3000)


@pytest.mark.parametrize(
    ("inside", "outside", "share"),
    [
        pytest.param(RED, GREEN, 0.0, id="other"),
        pytest.param(RED, RED, 1.0, id="same"),
        pytest.param((120, 120, 120), (126, 126, 126), 1.0, id="nearly"),
    ],
)
def test_low_contrast_is_the_share_of_the_outline_with_one_colour(inside, outside, share):
    assert take(*scene(inside=inside, outside=outside)).low_contrast == share


def test_low_contrast_counts_the_side_that_is_alike():
    image, matte = scene(box=(0, 60, 120, 100))  # an upright bar: two long edges
    pixels = image.pixels.copy()
    pixels[:, 100:] = RED
    assert take(Image(pixels), matte).low_contrast == pytest.approx(0.5)


def test_low_contrast_agrees_with_counting_pixel_by_pixel():
    rng = np.random.default_rng(1)
    blobs = ndimage.gaussian_filter(rng.normal(size=(60, 70, 3)), (6, 6, 0))
    pixels = np.clip(128 + 400 * blobs, 0, 255).astype(np.uint8)
    alpha = (ndimage.gaussian_filter(rng.normal(size=(60, 70)), 8) > 0).astype(np.float32)
    inside = alpha >= 0.5
    lab = rgb2lab(pixels)
    depth_in, depth_out = (ndimage.distance_transform_edt(side) for side in (inside, ~inside))
    alike = total = 0
    for row, column in np.argwhere(inside):
        beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
        if all(inside[r, c] for r, c in beside if 0 <= r < 60 and 0 <= c < 70):
            continue
        near = np.s_[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4]
        means = [lab[near][depth[near] > 1.5] for depth in (depth_in, depth_out)]
        if all(len(colours) for colours in means):
            total += 1
            away = np.linalg.norm(means[0].mean(axis=0) - means[1].mean(axis=0))
            alike += away < ALIKE_BELOW
    found = take(Image(pixels), Matte(alpha)).low_contrast
    assert 0 < alike < total
    assert found == pytest.approx(alike / total, abs=2 / total)


def test_low_contrast_takes_the_subject_from_the_foreground():
    image, matte = scene(inside=GREEN)
    foreground = Image(np.full((*image.size, 3), RED, np.uint8))
    assert take(image, matte).low_contrast == 1
    assert take(image, matte, foreground=foreground).low_contrast == 0


def test_soft_edge_is_the_band_by_outline_and_size():
    image, matte = scene()
    outline, pixels = 2 * (50 + 60) - 4, 50 * 60
    band = 4 * outline  # four pixels wide
    found = take(image, matte, band_share=band / (120 * 160))
    assert found.soft_edge == pytest.approx(4 / np.sqrt(pixels))


def test_soft_edge_needs_an_edge():
    image, _ = scene()
    full = Matte(np.ones(image.size, np.float32))
    assert take(image, full, band_share=0.1).soft_edge == 0


@pytest.mark.parametrize("sigma", [0.7, 1.5, 3.0])
def test_blur_is_the_published_measure(sigma):
    image = textured(sigma=sigma)
    everything = Matte(np.ones(image.size, np.float32))
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY)
    assert take(image, everything).blur == pytest.approx(blur_effect(grey), abs=0.02)


def test_blur_rises_with_blur_and_not_with_less_contrast():
    sharp, soft = textured(), textured(sigma=2)
    faint = Image((128 + 0.25 * (sharp.pixels.astype(float) - 128)).astype(np.uint8))
    matte = scene(300, 300, (20, 20, 280, 280))[1]
    values = [take(image, matte).blur for image in (sharp, faint, soft)]
    assert values[1] == pytest.approx(values[0], abs=0.02)
    assert values[2] > values[0] + 0.2


def test_blur_looks_inside_the_subject_only():
    matte = scene(300, 300, (60, 60, 240, 240))[1]
    sharp, soft = textured(), textured(sigma=4)
    inside = matte.alpha[..., None] > 0.5
    portrait = Image(np.where(inside, sharp.pixels, soft.pixels))
    assert take(portrait, matte).blur == pytest.approx(take(sharp, matte).blur, abs=0.03)


@pytest.mark.parametrize(
    "box", [pytest.param((40, 50, 90, 110), id="plain"), pytest.param((5, 5, 15, 15), id="small")]
)
def test_blur_is_unknown_where_there_is_nothing_to_see(box):
    assert take(*scene(box=box)).blur is None


def test_evidence_does_not_depend_on_the_size_of_the_picture():
    small = scene(256, 512, (60, 0, 200, 300), inside=(130, 120, 120), outside=(118, 120, 126))
    large = enlarged(*small, 3)
    one, other = (vars(take(*each, band_share=0.02)) for each in (small, large))
    for name, value in one.items():
        assert other[name] == pytest.approx(value, abs=0.01), name


def test_evidence_of_nothing_is_nothing():
    image, matte = scene()
    found = take(image, Matte(np.zeros_like(matte.alpha)), confidence=None, presence=0.1)
    assert (found.area, found.fill, found.second, found.low_contrast) == (0, 0, 0, 0)
    assert found.blur is None
    assert found.confidence is None


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (700, 2), (3, 5)])
@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_evidence_is_taken_from_any_shape(size, value):
    image = Image(np.full((*size, 3), 90, np.uint8))
    found = take(image, Matte(np.full(size, value, np.float32)), band_share=0.5)
    assert found.area == (1 if value == 1 else 0)


def test_evidence_refuses_other_sizes():
    image, matte = scene()
    with pytest.raises(ImageError, match=r"must have one size, got \(120, 160\)"):
        take(image, Matte(matte.alpha[1:]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("confidence", 1.1, id="above"),
        pytest.param("transparent", -0.1, id="below"),
        pytest.param("blur", float("nan"), id="nan"),
        pytest.param("soft_edge", float("inf"), id="infinite"),
        pytest.param("border", (0.0, 0.0, 2.0, 0.0), id="a side"),
    ],
)
def test_evidence_refuses_a_number_out_of_range(name, value):
    with pytest.raises(UsageError, match=name):
        replace(take(*scene()), **{name: value})


def test_evidence_is_measured_at_a_small_size():
    shrunk = evidence_module._shrink(np.zeros((1999, 3001, 3), np.uint8))
    assert shrunk.shape == (341, 512, 3)


@pytest.mark.parametrize("size", [(1999, 3001), (1030, 700), (700, 530)])
@pytest.mark.parametrize("box", [Box(0, 0, 9, 7), Box(50, 101, 160, 103), Box(300, 200, 341, 300)])
def test_what_is_shrunk_within_a_box_is_that_of_the_whole(size, box):
    pixels = np.random.default_rng(4).integers(0, 256, (*size, 3), np.uint8)
    part = (slice(box.top, box.bottom), slice(box.left, box.right))
    within = evidence_module._shrink(pixels, box)[part]
    assert np.array_equal(within, evidence_module._shrink(pixels)[part])
