from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label
from skimage import data

from maskworks.core.errors import UsageError
from maskworks.core.values import Box, Image
from maskworks.models.families.classical import kmeans, multi_otsu, otsu, within
from maskworks.models.families.regions import grabcut, numbered, slic_merge, watershed


def colour(grey):
    return Image(np.repeat(grey[..., np.newaxis], 3, axis=2))


def on_backdrop(rng, size=(120, 160)):
    """A red disc on a backdrop that a lamp lights from the left; and where the disc is."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    disc = np.hypot(rows - size[0] / 2, columns - size[1] / 2) < min(size) / 4
    light = np.linspace(235, 170, size[1])[np.newaxis, :] + rng.normal(0, 2, size)
    pixels = np.repeat(light[..., np.newaxis], 3, axis=2)
    pixels[disc] = (190, 40, 40)
    return Image(np.clip(pixels, 0, 255).astype(np.uint8)), disc


def iou(found, truth):
    return (found & truth).sum() / (found | truth).sum()


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(lambda image: otsu(image) == 1, id="otsu"),
        pytest.param(lambda image: grabcut(image) == 1, id="grabcut"),
        pytest.param(lambda image: watershed(image) == 1, id="watershed"),
    ],
)
def test_object_on_an_unevenly_lit_backdrop_is_found(method, rng):
    image, disc = on_backdrop(rng)
    assert iou(method(image), disc) > 0.97


@pytest.mark.parametrize(
    "method", [otsu, multi_otsu, kmeans, watershed, slic_merge, grabcut], ids=lambda m: m.__name__
)
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 3000), (3000, 1), (2, 2), (30, 40)], ids=lambda s: f"{s[0]}x{s[1]}"
)
def test_picture_of_one_colour_is_one_region(method, size):
    found = method(Image(np.full((*size, 3), 77, np.uint8)))
    assert found.shape == size
    assert np.unique(found).size == 1


@pytest.mark.parametrize("method", [otsu, grabcut], ids=lambda m: m.__name__)
def test_coins_are_separate_from_their_backdrop(method):
    found = method(colour(data.coins())) == 1
    pieces, count = label(found)
    large = np.bincount(pieces.ravel())[1:] > 300
    assert large.sum() in (23, 24), count
    assert found[[0, -1]].mean() < 0.02


def test_watershed_counts_the_coins():
    found = watershed(colour(data.coins()))
    areas = np.bincount(found.ravel())[1:]
    assert len(areas) == 24
    assert areas.min() > 500


def test_watershed_parts_objects_that_touch():
    rows, columns = np.mgrid[:100, :160]
    discs = (np.hypot(rows - 50, columns - 55) < 28) | (np.hypot(rows - 50, columns - 105) < 28)
    grey = np.where(discs, 220, 30).astype(np.uint8)
    found = watershed(colour(grey))
    assert found.max() == 2
    assert found[50, 55] != found[50, 105]


def test_levels_and_clusters_are_ordered():
    bars = np.repeat(np.array([[200, 20, 110]], np.uint8), 30, axis=0).repeat([30, 10, 20], axis=1)
    assert np.unique(multi_otsu(colour(bars))[0, [0, 30, 59]]).tolist() == [0, 1, 2]
    assert multi_otsu(colour(bars))[0, [30, 59, 0]].tolist() == [0, 1, 2]  # dark to light
    assert kmeans(colour(bars))[0, [0, 59, 30]].tolist() == [0, 1, 2]  # large to small


def test_methods_answer_the_same_twice(rng):
    image, _ = on_backdrop(rng)
    for method in (otsu, multi_otsu, kmeans, watershed, slic_merge, grabcut):
        assert (method(image) == method(image)).all()


def test_regions_cover_the_picture_and_follow_its_edges():
    quarters = np.zeros((80, 80, 3), np.uint8)
    quarters[:40, :40], quarters[:40, 40:] = (250, 0, 0), (0, 250, 0)
    quarters[40:, :40], quarters[40:, 40:] = (0, 0, 250), (250, 250, 0)
    found = slic_merge(Image(quarters))
    assert sorted(np.unique(found)) == [1, 2, 3, 4]
    assert [len(np.unique(part)) for part in (found[:40, :40], found[40:, 40:])] == [1, 1]


def test_grabcut_takes_the_object_in_the_box():
    pixels = np.full((90, 180, 3), 240, np.uint8)
    pixels[30:60, 30:60] = pixels[30:60, 120:150] = (20, 60, 160)
    found = grabcut(Image(pixels), Box(20, 20, 70, 70))
    assert found[45, 45] == 1
    assert found[45, 135] == 0


def test_large_picture_is_fitted_small_and_answered_large(rng):
    image, disc = on_backdrop(rng, (1050, 1300))
    assert iou(otsu(image) == 1, disc) > 0.97
    assert watershed(image).shape == (1050, 1300)
    assert within(image.pixels, 1000).size <= 3000


@pytest.mark.parametrize(("method", "most"), [(multi_otsu, 6), (kmeans, 9)])
def test_too_many_classes_are_refused(method, most):
    with pytest.raises(UsageError, match=f"got {most}"):
        method(Image(np.zeros((4, 4, 3), np.uint8)), most)


def test_numbers_follow_the_picture_from_the_top():
    found = numbered(np.array([[0, 7, 7], [3, 3, 0]], np.int32))
    assert found.tolist() == [[0, 1, 1], [2, 2, 0]]
    assert numbered(np.array([[7, 3]], np.int32)).tolist() == [[1, 2]]
