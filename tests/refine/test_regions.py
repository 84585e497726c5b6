from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Image, ImageError, Matte, UsageError
from maskworks.refine import RegionOptions, clean_regions

SUBJECT, BEHIND = (200, 60, 40), (40, 120, 220)


def ring(size=300, *, through=BEHIND, radius=0.05):
    """A disc with a hole, and what the picture shows through it."""
    rows, columns = np.mgrid[0:size, 0:size]
    far = np.hypot(rows - size / 2, columns - size / 2) / size
    alpha = ((far < 0.35) & (far >= radius)).astype(np.float32)
    pixels = np.full((size, size, 3), BEHIND, np.uint8)
    pixels[far < 0.35] = SUBJECT
    pixels[far < radius] = through
    return Image(pixels), Matte(alpha)


def middle(matte):
    height, width = matte.size
    return float(matte.alpha[height // 2, width // 2])


@pytest.mark.parametrize(
    ("through", "holes", "alpha"),
    [
        pytest.param(BEHIND, "keep", 0.0, id="a handle stays open"),
        pytest.param(SUBJECT, "keep", 1.0, id="an error is closed"),
        pytest.param(BEHIND, "fill", 1.0, id="fill closes whatever it shows"),
    ],
)
def test_holes_are_judged_by_what_the_picture_shows_through_them(through, holes, alpha):
    image, matte = ring(through=through)
    assert middle(clean_regions(matte, image, RegionOptions(holes=holes))) == alpha


def test_a_large_hole_stays_whatever_its_colours():
    image, matte = ring(through=SUBJECT, radius=0.15)
    assert middle(clean_regions(matte, image)) == 0


def test_the_answer_does_not_depend_on_the_size_of_the_picture():
    for size in (150, 600, 2000):
        opened, _ = ring(size)
        closed, matte = ring(size, through=SUBJECT)
        assert middle(clean_regions(matte, opened)) == 0
        assert middle(clean_regions(matte, closed)) == 1


def specks():
    alpha = np.zeros((300, 300), np.float32)
    alpha[100:200, 100:200] = 1
    alpha[20:24, 20:24] = 1
    alpha[250:280, 250:280] = 1
    return Matte(alpha), Image(np.zeros((300, 300, 3), np.uint8))


def test_a_speck_goes_and_a_second_subject_stays():
    matte, image = specks()
    alpha = clean_regions(matte, image).alpha
    assert alpha[22, 22] == 0
    assert alpha[265, 265] == 1


def test_islands_keep_keeps_every_speck_and_every_bit():
    matte, image = specks()
    assert clean_regions(matte, image, RegionOptions(islands="keep")) is matte


def test_the_largest_island_stays_even_where_all_are_small():
    matte, image = specks()
    strict = RegionOptions(smallest_island=1.0)
    alpha = clean_regions(matte, image, strict).alpha
    assert alpha[150, 150] == 1
    assert alpha[265, 265] == 0


def test_outside_what_is_mended_alpha_keeps_its_bits(rng):
    matte, image = specks()
    noisy = np.where(matte.alpha > 0, 1 - rng.random((300, 300)) / 4, 0).astype(np.float32)
    cleaned = clean_regions(Matte(noisy), image).alpha
    assert np.array_equal(cleaned[90:210, 90:210], noisy[90:210, 90:210])


@pytest.mark.parametrize("value", [pytest.param(0.0, id="empty"), pytest.param(1.0, id="full")])
def test_an_empty_and_a_full_matte_come_back_as_they_are(value):
    matte = Matte(np.full((20, 20), value, np.float32))
    assert clean_regions(matte, Image(np.zeros((20, 20, 3), np.uint8))) is matte


def test_sizes_that_differ_are_refused():
    matte, _ = specks()
    with pytest.raises(ImageError, match="resize the matte first"):
        clean_regions(matte, Image(np.zeros((300, 299, 3), np.uint8)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"holes": "close"}, "holes is keep or fill", id="holes"),
        pytest.param({"islands": "fill"}, "islands is drop or keep", id="islands"),
        pytest.param({"smallest_hole": 2.0}, "smallest_hole is a share", id="share"),
        pytest.param({"smallest_island": -1.0}, "smallest_island is a share", id="negative"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        RegionOptions(**options)
