from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import LabelMap
from maskworks.core.panoptic import Panoptic, Segment, ids_of_png, numbered
from maskworks.core.panoptic_conversions import (
    instances_to_semantic,
    things_by_components,
    to_instances,
    to_panoptic,
    to_semantic,
)
from maskworks.core.rle import encode_mask
from maskworks.core.taxonomy import load_taxonomy, plain_taxonomy

STREET = load_taxonomy("cityscapes-19")
ROAD, SKY, CAR = 0, 10, 13


@pytest.fixture
def street():
    """Sky over two cars and a crowd of cars on a road; one pixel is nothing."""
    ids = np.array([[5, 5, 5, 5], [2, 2, 300, 0], [1, 1, 70_000, 70_000]], np.int32)
    segments = (
        Segment(5, SKY),
        Segment(2, CAR, score=0.5),
        Segment(300, CAR),
        Segment(1, ROAD),
        Segment(70_000, CAR, crowd=True),
    )
    return Panoptic(ids, segments, STREET)


def test_segments_info_is_what_coco_writes(street):
    rows = {row["id"]: row for row in street.segments_info}
    assert rows[2] == {
        "id": 2,
        "category_id": CAR,
        "isthing": 1,
        "iscrowd": 0,
        "area": 2,
        "bbox": [0, 1, 2, 1],
        "score": 0.5,
    }
    assert (rows[5]["isthing"], rows[70_000]["iscrowd"]) == (0, 1)


def test_ids_go_through_three_channels_and_back(street):
    assert (ids_of_png(street.to_png_pixels()) == street.ids).all()


def test_the_class_of_a_segment_is_that_of_its_pixels(street):
    found = to_semantic(street)
    expected = [[10, 10, 10, 10], [13, 13, 13, 255], [0, 0, 13, 13]]
    assert found.ids.tolist() == expected
    assert found.ids.dtype == np.uint8


def test_things_become_instances_and_crowds_do_not(street):
    found = to_instances(street)
    assert (found.labels.tolist(), found.scores.tolist()) == ([13, 13], [0.5, 1.0])
    assert found.areas.tolist() == [2, 1]


@pytest.mark.parametrize(("connectivity", "areas"), [(4, [1, 1, 2]), (8, [2, 2])])
def test_things_are_the_connected_regions_of_thing_classes(connectivity, areas):
    ids = np.array([[13, 0, 0, 13], [0, 13, 0, 13]], np.uint8)
    found = things_by_components(LabelMap(ids, STREET), connectivity=connectivity)
    assert sorted(found.areas.tolist()) == areas
    assert set(found.labels.tolist()) == {13}


def test_small_regions_can_be_left_out():
    ids = np.array([[13, 0, 13, 13]], np.uint8)
    assert len(things_by_components(LabelMap(ids, STREET), least_area=2)) == 1
    with pytest.raises(UsageError, match="4 or 8, got 6"):
        things_by_components(LabelMap(ids, STREET), connectivity=6)


def cars(*rows, scores):
    masks = [encode_mask(np.array([[letter == "#" for letter in row]])) for row in rows]
    return Instances.of(masks, labels=[CAR] * len(rows), scores=scores, taxonomy=STREET)


def test_the_best_instance_labels_a_pixel():
    found = cars("##..", ".##.", scores=[0.2, 0.9])
    assert instances_to_semantic(found).ids.tolist() == [[13, 13, 13, 255]]
    assert instances_to_semantic(found, rest=ROAD).ids.tolist() == [[13, 13, 13, 0]]


def test_instances_lie_on_stuff_best_first():
    below = LabelMap(np.array([[0, 0, 0, 0, 10, 13]], np.uint8), STREET)
    found = to_panoptic(
        below, cars("###...", ".##...", "..##..", scores=[0.9, 0.8, 0.7]), stuff_area=2
    )
    assert found.ids.tolist() == [[1, 1, 1, 2, 0, 0]]
    assert [each.score for each in found.segments] == pytest.approx([0.9, 0.7])
    empty = Instances.of([], labels=[], scores=[], taxonomy=STREET, size=(1, 6))
    assert to_panoptic(below, empty, stuff_area=0).ids.tolist() == [[1, 1, 1, 1, 2, 0]]


def test_pixels_without_a_segment_need_an_id():
    bare = Panoptic(np.array([[0, 1]], np.int32), (Segment(1, 0),), plain_taxonomy(1, ignore=None))
    with pytest.raises(ImageError, match="set its `ignore`"):
        to_semantic(bare)


@pytest.mark.parametrize(
    ("ids", "segments", "message"),
    [
        pytest.param([[1]], [], "1 is in the map, not among", id="unlisted"),
        pytest.param([[0]], [Segment(1, 0)], "1 is not in the map", id="missing"),
        pytest.param([[1]], [Segment(1, 0), Segment(1, 2)], "listed twice", id="twice"),
        pytest.param([[1]], [Segment(1, 99)], "category 99, which is no id", id="category"),
        pytest.param([[-1]], [Segment(-1, 0)], "ids are 1 to", id="negative"),
    ],
)
def test_what_is_no_panoptic_map_is_refused(ids, segments, message):
    with pytest.raises(ImageError, match=message):
        Panoptic(np.array(ids, np.int32), tuple(segments), STREET)


def test_segments_are_numbered_from_one():
    assert [each.id for each in numbered([Segment(9, 0), Segment(4, 1)])] == [1, 2]
