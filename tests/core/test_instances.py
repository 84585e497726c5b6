from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import ImageError
from maskworks.core.instances import Instances
from maskworks.core.rle import encode_mask
from maskworks.core.taxonomy import load_taxonomy, plain_taxonomy
from maskworks.core.values import Box

VOC = load_taxonomy("voc-21")


def objects(*rows, labels=None, scores=None):
    """Instances of a picture of one row, each drawn as a text of . and #."""
    masks = [encode_mask(np.array([[letter == "#" for letter in row]])) for row in rows]
    return Instances.of(
        masks,
        labels=labels or [8] * len(rows),
        scores=scores or [1.0] * len(rows),
        taxonomy=VOC,
        size=(1, len(rows[0]) if rows else 4),
    )


def drawn(found):
    return ["".join(".#"[int(p)] for p in mask.to_mask().inside[0]) for mask in found.masks]


def test_areas_and_boxes_are_those_of_the_masks():
    found = objects("##..", "...#", "....")
    assert found.areas.tolist() == [2, 1, 0]
    assert found.boxes.tolist() == [[0, 0, 1, 2], [0, 3, 1, 4], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("across", "labels", "kept"),
    [
        pytest.param(False, [8, 8, 8], ["####.", "....#"], id="one-label"),
        pytest.param(False, [8, 9, 8], ["####.", "###..", "....#"], id="labels-apart"),
        pytest.param(True, [8, 9, 8], ["####.", "....#"], id="across"),
    ],
)
def test_lesser_objects_on_better_ones_are_dropped(across, labels, kept):
    found = objects("###..", "####.", "....#", labels=labels, scores=[0.8, 0.9, 0.1])
    assert drawn(found.suppressed(0.5, across_labels=across)) == kept


def test_what_a_dropped_object_would_suppress_stays():
    found = objects("####..", ".####.", "..####", scores=[0.9, 0.8, 0.7])
    assert drawn(found.suppressed(0.5)) == ["####..", "..####"]


def test_groups_become_one_with_the_best_label():
    found = objects("##...", "..#..", "....#", labels=[8, 12, 8], scores=[0.5, 0.9, 0.2])
    both = found.merged([[0, 1]])
    assert drawn(both) == ["###.."]
    assert (both.labels.tolist(), both.scores.tolist()) == ([12], [np.float32(0.9)])
    assert len(found.merged([])) == 0


def test_crop_and_place_keep_labels():
    found = objects("##..", "..##").crop(Box(0, 1, 1, 3))
    assert drawn(found) == ["#.", ".#"]
    assert drawn(found.placed((1, 3), top=0, left=1)) == [".#.", "..#"]


def test_joining_and_choosing():
    both = objects("#...", scores=[0.3]).joined(objects("...#", scores=[0.6]))
    assert drawn(both.above(0.5)) == ["...#"]
    assert drawn(both.select([1, 0])) == ["...#", "#..."]
    assert len(both.select([])) == 0
    with pytest.raises(ImageError, match="cannot be joined"):
        both.joined(objects("#..", scores=[0.5]))


def test_none_is_a_number_of_objects():
    none = objects()
    assert (len(none), none.size, none.iou().shape) == (0, (1, 4), (0, 0))
    assert len(none.suppressed()) == 0
    with pytest.raises(ImageError, match="give `size`"):
        Instances.of([], labels=[], scores=[], taxonomy=VOC)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"labels": [8, 8]}, "int32 array of 1", id="count"),
        pytest.param({"labels": [99]}, "99 is no id of voc-21", id="label"),
        pytest.param({"scores": [1.5]}, r"\[0, 1\]", id="score"),
        pytest.param({"scores": [np.nan]}, r"\[0, 1\]", id="nan"),
        pytest.param({"size": (2, 2)}, "must agree", id="size"),
    ],
)
def test_values_that_do_not_fit_are_refused(change, message):
    given = {"labels": [8], "scores": [1.0], "size": (1, 3)} | change
    with pytest.raises(ImageError, match=message):
        Instances.of([encode_mask(np.ones((1, 3), bool))], taxonomy=VOC, **given)


def test_hundreds_of_large_masks_cost_megabytes():
    rows, columns = np.ogrid[:400, :400]
    disc = encode_mask((rows - 200) ** 2 + (columns - 200) ** 2 < 190**2)
    masks = [disc.placed((3000, 4000), top=8 * at, left=11 * at) for at in range(300)]
    found = Instances.of(
        masks, labels=[0] * 300, scores=np.linspace(0, 1, 300), taxonomy=plain_taxonomy(1)
    )
    assert sum(mask.edges.nbytes for mask in found.masks) < 2_000_000
    assert len(found.suppressed(0.5)) < 300
