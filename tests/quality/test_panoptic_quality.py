from __future__ import annotations

from itertools import product

import numpy as np
import panoptic as plain_ways
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskworks.core.errors import ImageError
from maskworks.core.panoptic import Segment
from maskworks.quality.panoptic_quality import PanopticCounts, SegmentMap, panoptic_counts

CATEGORIES = (10, 20)


def by_hand(ours, truth):
    """Match segment by segment, as the definition reads."""
    rows = {category: [0.0, 0, 0, 0] for category in CATEGORIES}
    void = truth.ids == 0
    matched_ours, matched_theirs = set(), set()
    for true, mine in product(truth.segments, ours.segments):
        if true.category != mine.category or true.crowd:
            continue
        its, guess = truth.ids == true.id, ours.ids == mine.id
        union = (its | (guess & ~void)).sum()
        iou = (its & guess).sum() / union if union else 0
        if iou > 0.5:
            rows[true.category][0] += iou
            rows[true.category][1] += 1
            matched_ours.add(mine.id)
            matched_theirs.add(true.id)
    for mine in ours.segments:
        guess = ours.ids == mine.id
        crowds = [s for s in truth.segments if s.crowd and s.category == mine.category][-1:]
        free = void | np.isin(truth.ids, [crowd.id for crowd in crowds])
        if mine.id not in matched_ours and (guess & free).sum() <= guess.sum() / 2:
            rows[mine.category][2] += 1
    for true in truth.segments:
        rows[true.category][3] += int(true.id not in matched_theirs and not true.crowd)
    return rows


@st.composite
def cases(draw):
    size = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    sides = []
    for _ in range(2):
        ids = draw(arrays(np.int32, size, elements=st.sampled_from([0, 1, 2, 70_000])))
        found = [int(number) for number in np.unique(ids) if number]
        segments = [
            Segment(number, draw(st.sampled_from(CATEGORIES)), crowd=draw(st.booleans()))
            for number in found
        ]
        sides.append(SegmentMap(ids, segments, {}))
    return sides


@given(cases())
def test_counts_are_those_of_the_definition(sides):
    ours, truth = sides
    found = panoptic_counts(ours, truth, categories=CATEGORIES)
    rows = by_hand(ours, truth)
    for at, category in enumerate(CATEGORIES):
        got = [found.iou[at], found.matched[at], found.spurious[at], found.missed[at]]
        assert got == pytest.approx(rows[category])


@pytest.mark.parametrize("seed", range(3))
def test_the_plain_ways_that_the_benchmark_times_count_the_same(seed):
    sides = plain_ways.draw((90, 130), seed)
    found = plain_ways.ours_of(*sides)
    assert found.matched.sum() > 10
    assert found.spurious.sum() > 0
    assert found.missed.sum() > 0
    assert plain_ways.agree(found, plain_ways.by_segment(*sides))
    assert plain_ways.agree(found, plain_ways.by_pairs(*sides))
    assert not plain_ways.agree(found, found + found)


def test_quality_is_recognition_times_segmentation():
    counts = PanopticCounts(
        np.array([1.5, 0.0, 0.0]), np.array([2, 0, 0]), np.array([1, 0, 0]), np.array([1, 2, 0])
    )
    assert counts.sq[:2].tolist() == [0.75, 0.0]
    assert counts.rq[0] == pytest.approx(2 / 3)
    assert counts.pq[0] == pytest.approx(counts.sq[0] * counts.rq[0])
    assert counts.present.tolist() == [True, True, False]
    assert counts.means(np.array([True, True, True]))["PQ"] == pytest.approx(0.25)
    assert np.isnan(counts.means(np.array([False, False, True]))["PQ"])


def test_a_stated_area_is_used_for_the_truth():
    ids = np.array([[1, 1]], np.int32)
    ours = SegmentMap(ids, [Segment(1, 10)], {})
    found = panoptic_counts(ours, SegmentMap(ids, [Segment(1, 10)], {1: 3}), categories=[10])
    assert found.iou[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("ours", "truth", "message"),
    [
        pytest.param([[1]], [[1, 1]], "the truth", id="size"),
        pytest.param([[9]], [[1]], "the prediction holds segment 9, which", id="prediction"),
        pytest.param([[1]], [[9]], "the truth holds segment 9, which", id="truth"),
        pytest.param([[0]], [[1]], "segment 1 of the prediction is listed", id="absent"),
    ],
)
def test_ids_that_do_not_fit_are_refused(ours, truth, message):
    sides = [SegmentMap(np.array(ids, np.int32), [Segment(1, 10)], {}) for ids in (ours, truth)]
    with pytest.raises(ImageError, match=message):
        panoptic_counts(*sides, categories=[10])
