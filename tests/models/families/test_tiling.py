from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label, uniform_filter

from maskworks.core.errors import UsageError
from maskworks.core.instances import Instances
from maskworks.core.rle import encode_ids
from maskworks.core.taxonomy import plain_taxonomy
from maskworks.core.values import Image
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.families.tiling import Tiling, blended, tiles_of
from maskworks.models.labelling import Segmenter, label_picture
from maskworks.models.tiled_labelling import Tiles, label_tiled, tiling_for

THREE = plain_taxonomy(["dark", "middle", "light"])


def reader(pixels):
    return lambda box: pixels[box.top : box.bottom, box.left : box.right]


def network(*, reach=1, stride=1):
    """Three classes by brightness, each pixel seen with its surroundings."""

    def answer(image, _task="semantic"):
        grey = uniform_filter(image.pixels[..., 0].astype(np.float32), reach, mode="nearest")
        near = grey[::stride, ::stride]
        away = np.stack([-np.abs(near - level) / 9 for level in (60, 128, 196)])
        return ClassScores(np.ascontiguousarray(away, np.float32), image.size, logits=True)

    return answer


def segmenter(**fields):
    plain = {"name": "plain", "taxonomy": THREE, "own": "semantic", "digest": ""}
    return Segmenter(**{**plain, "answer": network(), "tileable": True, **fields})


def cloudy(rng, size):
    soft = gaussian_filter(rng.random(size), 24)
    grey = np.interp(soft, [soft.min(), soft.max()], [0, 255]).astype(np.uint8)
    return Image(np.repeat(grey[..., np.newaxis], 3, axis=2))


@pytest.mark.parametrize(
    ("size", "tiling"),
    [
        pytest.param((50, 70), Tiling(16, 8), id="half-overlap"),
        pytest.param((33, 16), Tiling(16, 4, 4), id="stride"),
        pytest.param((10, 10), Tiling(16, 4), id="smaller-than-a-tile"),
        pytest.param((1, 300), Tiling(32, 16, 8), id="strip"),
        pytest.param((129, 65), Tiling(32, 12, 4), id="odd"),
        pytest.param((40, 40), Tiling(16, 0), id="no-overlap"),
    ],
)
def test_blocks_cover_the_picture_once_and_weights_add_up_to_one(rng, size, tiling):
    pixels = rng.integers(0, 256, (*size, 3)).astype(np.uint8)

    def shares(image):
        share = image.pixels[..., 0] / np.float32(255)
        return ClassScores(np.stack([share, 1 - share]).astype(np.float32), image.size)

    found, times = np.zeros(size), np.zeros(size, int)
    for box, values in blended(reader(pixels), size, shares, tiling):
        found[box.top : box.bottom, box.left : box.right] = values[0]
        times[box.top : box.bottom, box.left : box.right] += 1
    assert (times == 1).all()
    assert np.abs(found - pixels[..., 0] / 255).max() < 1e-5


def test_four_megapixels_in_tiles_differ_from_the_whole_by_less_than_half_a_percent(rng):
    image = cloudy(rng, (1600, 2500))
    model = segmenter(answer=network(reach=65, stride=4))
    whole = label_picture(image, model, "semantic").labels.ids
    tiled = label_tiled(image, model, "semantic", Tiling(512, 128, 4)).labels.ids
    assert (whole != tiled).mean() < 0.005


def discs(rng, size=(300, 420)):
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside = np.zeros(size, bool)
    for y in range(40, size[0], 75):
        for x in range(40, size[1], 75):
            inside |= np.hypot(rows - y, columns - x) < rng.integers(12, 30)
    return inside


def objects(taxonomy):
    def answer(image, _task):
        pieces, count = label(image.pixels[..., 0] > 128)
        found = encode_ids(pieces.astype(np.int32))
        masks = [found[at] for at in range(1, count + 1)]
        scores = [0.9] * count
        return Instances.of(
            masks, labels=[2] * count, scores=scores, taxonomy=taxonomy, size=image.size
        )

    return answer


def test_objects_on_seams_are_made_whole(rng):
    inside = discs(rng)
    image = Image(np.repeat(inside[..., np.newaxis], 3, axis=2).astype(np.uint8) * 255)
    model = segmenter(answer=objects(THREE), objects=True, own="instance")
    tiled = label_tiled(image, model, "instance", Tiling(128, 32)).instances
    whole = label_picture(image, model, "instance").instances
    assert len(tiled) == len(whole)
    assert sorted(tiled.areas.tolist()) == sorted(whole.areas.tolist())
    assert np.isclose(tiled.iou(whole).max(axis=1), 1).all()


def test_objects_of_no_tile_are_no_objects():
    image = Image(np.zeros((300, 300, 3), np.uint8))
    model = segmenter(answer=objects(THREE), objects=True)
    assert len(label_tiled(image, model, "instance", Tiling(128, 32)).instances) == 0


@pytest.mark.parametrize(
    ("fields", "size", "asked", "expected"),
    [
        pytest.param({"tile": 512}, (400, 400), Tiles(), None, id="small"),
        pytest.param({"tile": 512}, (3000, 3000), Tiles(), Tiling(512, 128), id="large"),
        pytest.param({}, (3000, 3000), Tiles(), None, id="one-size-model"),
        pytest.param({}, (300, 300), Tiles(100, 20), Tiling(100, 20), id="asked"),
        pytest.param(
            {"stride": 32}, (300, 300), Tiles(100, 20), Tiling(128, 32, 32), id="rounded-up"
        ),
    ],
)
def test_pictures_are_cut_when_large_or_asked(fields, size, asked, expected):
    assert tiling_for(segmenter(**fields), size, asked) == expected


def test_model_of_whole_pictures_cannot_be_tiled():
    with pytest.raises(UsageError, match="plain looks at whole pictures"):
        tiling_for(segmenter(tileable=False), (300, 300), Tiles(64))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((16, 9, 1), "overlap by 0 to 8, got 9"), ((20, 4, 8), "multiples of the network's stride 8")],
)
def test_tilings_that_cannot_be_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        Tiling(*arguments)


def test_tiles_reach_the_far_corner():
    assert tiles_of((100, 130), Tiling(64, 16))[-1].bottom == 100
    assert tiles_of((100, 130), Tiling(64, 16))[-1].right == 130
