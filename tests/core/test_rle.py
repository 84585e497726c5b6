from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco

from maskworks.core.errors import ImageError
from maskworks.core.rle import Rle, encode_ids, encode_mask
from maskworks.core.rle_algebra import difference, intersections, ious, union
from maskworks.core.rle_coco import compress, decompress, from_coco, to_coco
from maskworks.core.values import Box

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))
MASKS = SIZES.flatmap(lambda size: arrays(bool, size))
THREE = SIZES.flatmap(lambda size: arrays(bool, (3, *size)))


def theirs(inside):
    return coco.encode(np.asfortranarray(inside.astype(np.uint8)))


@given(MASKS)
def test_a_mask_comes_back_as_it_was_and_reads_as_cocos(inside):
    ours, other = encode_mask(inside), theirs(inside)
    assert (ours.to_mask().inside == inside).all()
    assert to_coco(ours) == {"size": list(inside.shape), "counts": other["counts"].decode()}
    assert ours.area == coco.area(other)
    for record in (other, to_coco(ours, compressed=False)):
        assert (from_coco(record).edges == ours.edges).all()


@given(MASKS)
def test_the_box_is_that_of_the_pixels(inside):
    box = encode_mask(inside).box()
    if not inside.any():
        assert box is None
        return
    rows, columns = np.nonzero(inside)
    assert box == Box(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)


@given(THREE)
def test_runs_combine_as_pixels_do(masks):
    runs = [encode_mask(each) for each in masks]
    assert (union(runs).to_mask().inside == masks.any(axis=0)).all()
    assert (difference(runs[0], runs[1]).to_mask().inside == masks[0] & ~masks[1]).all()
    shared = (masks[:, np.newaxis] & masks[np.newaxis]).sum(axis=(2, 3))
    assert (intersections(runs, runs) == shared).all()
    packed = [theirs(each) for each in masks]
    assert (ious(runs, runs) == coco.iou(packed, packed, [0] * 3)).all()


@given(MASKS, st.data())
def test_a_crop_and_its_place_are_those_of_the_pixels(inside, data):
    height, width = inside.shape
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom = data.draw(st.integers(top + 1, height))
    right = data.draw(st.integers(left + 1, width))
    box = Box(top, left, bottom, right)
    crop = encode_mask(inside).crop(box)
    assert (crop.to_mask().inside == inside[top:bottom, left:right]).all()
    back = np.zeros_like(inside)
    back[top:bottom, left:right] = inside[top:bottom, left:right]
    assert (crop.placed(inside.shape, top=top, left=left).to_mask().inside == back).all()


@given(SIZES.flatmap(lambda size: arrays(np.int32, size, elements=st.integers(-2, 3))))
def test_every_value_of_an_array_has_its_mask(ids):
    found = encode_ids(ids)
    assert set(found) == set(np.unique(ids).tolist())
    for value, mask in found.items():
        assert (mask.to_mask().inside == (ids == value)).all()


@given(st.lists(st.integers(0, 2**32 - 1), max_size=12))
def test_texts_of_counts_are_read_back(counts):
    assert decompress(compress(np.array(counts, np.int64))).tolist() == counts


def test_groups_may_be_empty():
    assert ious([], [encode_mask(np.ones((1, 1), bool))]).shape == (0, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Rle((0, 3), np.zeros(0, np.uint32)), "from 1 to", id="size"),
        pytest.param(lambda: Rle((2, 2), np.array([1, 2])), "uint32", id="type"),
        pytest.param(lambda: Rle((2, 2), np.array([1], np.uint32)), "pairs", id="odd"),
        pytest.param(lambda: Rle((2, 2), np.array([1, 5], np.uint32)), "within 4", id="long"),
        pytest.param(lambda: Rle((2, 2), np.array([2, 2], np.uint32)), "increase", id="order"),
        pytest.param(lambda: union([]), "no mask", id="none"),
        pytest.param(
            lambda: union([encode_mask(np.ones((1, n), bool)) for n in (1, 2)]),
            "one size",
            id="sizes",
        ),
        pytest.param(
            lambda: encode_mask(np.ones((2, 2), bool)).crop(Box(0, 0, 3, 2)), "clip", id="crop"
        ),
        pytest.param(
            lambda: encode_mask(np.ones((2, 2), bool)).placed((2, 3), top=0, left=2),
            "does not fit",
            id="place",
        ),
        pytest.param(
            lambda: from_coco({"size": [2, 2], "counts": [1, 2]}), "add up to 3", id="sum"
        ),
        pytest.param(lambda: from_coco({"size": [2], "counts": [4]}), "height, width", id="side"),
        pytest.param(lambda: from_coco({"size": [2, 2], "counts": None}), "a text or", id="kind"),
        pytest.param(lambda: from_coco({"size": [2, 2], "counts": "!"}), "characters", id="text"),
        pytest.param(lambda: from_coco({"size": [2, 2], "counts": "T"}), "cut off", id="cut"),
        pytest.param(lambda: decompress("o" * 14 + "0"), "no picture reaches", id="huge"),
    ],
)
def test_what_is_no_mask_is_refused(make, message):
    with pytest.raises(ImageError, match=message):
        make()


def test_a_large_mask_costs_its_outline():
    rows, columns = np.ogrid[:3000, :4000]
    disc = encode_mask((rows - 1500) ** 2 + (columns - 2000) ** 2 < 1000**2)
    assert disc.edges.nbytes < 20_000
