from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.video.tracking.counting import CountLine, CountZone, counts, crossings, stays
from maskworks.video.tracking.tracker import DetectedObject
from maskworks.video.tracking.tracks import Track

LINE = CountLine("gate", (100, 0), (100, 50))


def track(points, number=1, kind="car", start=0, size=10):
    """Return a track whose middles are these points, a frame of 1/10 s each."""
    half = size / 2
    seen = [
        DetectedObject(at, at / 10, (x - half, y - half, x + half, y + half), 0.9, kind)
        for at, (x, y) in enumerate(points, start)
    ]
    return Track(number, tuple(seen))


def along(xs, y=25):
    return [(x, y) for x in xs]


@pytest.mark.parametrize(
    ("points", "ways"),
    [
        (along(range(60, 140, 5)), ["right-to-left"]),
        (along(range(140, 60, -5)), ["left-to-right"]),
        (along([*range(60, 140, 5), *range(140, 60, -5)]), ["right-to-left", "left-to-right"]),
        (along(range(60, 140, 5), y=70), []),
        (along([90, 95, 98, 101, 102, 99, 96, 90]), []),
        (along([80, 90, 99, 101, 99, 101, 99, 101, 105, 110]), ["right-to-left"]),
        (along([80, 90, 95, 100, 100, 100, 105, 110, 120]), ["right-to-left"]),
        (along([80, 90, 95, 100, 100, 95, 90, 80]), []),
        (along([101, 102]), []),
        ([(80, 25), (90, 40), (95, 60), (105, 60), (110, 40), (120, 25), (125, 25)], []),
    ],
    ids=[
        "across",
        "back",
        "there-and-back",
        "beyond-its-end",
        "two-frames-are-no-side",
        "jitter-counts-once",
        "rest-upon-it",
        "touch-and-return",
        "too-short",
        "around-its-end",
    ],
)
def test_a_crossing_is_one_of_the_segment_with_both_sides_held(points, ways):
    assert [each.direction for each in crossings([track(points)], LINE, hold=3)] == ways


def test_a_crossing_says_who_and_when():
    (only,) = crossings([track(along(range(60, 140, 5)), number=7)], LINE, hold=3)
    assert (only.track, only.kind, only.frame, only.time_s) == (7, "car", 9, 0.9)


def test_the_foot_of_a_box_can_stand_for_it():
    points = along(range(60, 140, 5), y=47)  # its foot, 5 lower, passes below the segment
    middle = track(points)
    assert len(crossings([middle], LINE)) == 1
    assert crossings([Track(1, middle.sightings, "foot")], LINE) == []


def test_time_in_a_zone_is_that_between_sightings_inside():
    zone = CountZone("yard", ((100, 0), (200, 0), (200, 50), (100, 50)))
    there_and_again = along([*range(85, 135, 10), *range(135, 75, -10), *range(85, 125, 10)])
    (only,) = stays([track(there_and_again)], zone, gap_s=0.2)
    # 105 115 125 135 125 115 105: six steps; then 105 115: one
    assert (only.visits, only.seconds) == (2, pytest.approx(0.7))
    assert only.first_s == pytest.approx(0.2)


def test_time_while_an_object_was_away_for_long_is_not_counted():
    zone = CountZone("yard", ((0, 0), (200, 0), (200, 50), (0, 50)))
    seen = track(along([50, 50, 50])).sightings + track(along([50, 50]), start=40).sightings
    (only,) = stays([Track(1, seen)], zone, gap_s=1.0)
    assert only.seconds == pytest.approx(0.3)


def test_a_count_has_an_interval():
    first = track(along(range(0, 100, 10)), 1)
    again = track(along(range(110, 200, 10)), 2, start=12)
    meanwhile = track(along([400] * 30), 3)
    never = track(along([300, 300]), -1)
    (only,) = counts([first, again, meanwhile], [never], patience_s=1)
    assert (only.kind, only.counted, only.low, only.high) == ("car", 3, 2, 4)


def test_what_lies_on_another_track_may_be_it_again_under_another_name():
    car = track(along(range(0, 300, 10)), 1)
    lorry = track(along(range(103, 203, 10)), 2, kind="truck", start=10)
    beside = track(along(range(103, 203, 10), y=60), 3, kind="truck", start=10)
    kinds = {each.kind: each for each in counts([car, lorry, beside], [], patience_s=1)}
    assert (kinds["car"].counted, kinds["car"].low, kinds["car"].high) == (1, 1, 1)
    assert (kinds["truck"].counted, kinds["truck"].low, kinds["truck"].high) == (2, 1, 2)


def test_a_class_that_was_never_confirmed_counts_none():
    (only,) = counts([], [track(along([1, 2]), -1, kind="dog")], patience_s=1)
    assert (only.kind, only.counted, only.low, only.high) == ("dog", 0, 0, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CountLine("gate", (1, 1), (1, 1)), "begins where it ends"),
        (lambda: CountZone("yard", ((0, 0), (1, 1))), "has 2 corners"),
    ],
    ids=["line", "zone"],
)
def test_a_place_without_extent_is_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()
