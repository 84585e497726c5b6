from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import UsageError
from maskworks.video.tracking.found import Found
from maskworks.video.tracking.tracker import Tracker, TrackOptions, kind_of


def found(*rows, kinds=None):
    """Return objects of (left, top, width, height, score)."""
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in rows], float).reshape(-1, 4)
    return Found(boxes, np.array([r[4] for r in rows], float), kinds or ("car",) * len(rows))


def confirmed(tracker):
    return [each for each in tracker.trails() if each.confirmed]


def test_two_that_pass_each_other_keep_their_ids():
    tracker = Tracker()
    for frame in range(60):
        right, left = (5 * frame, 50, 20, 40, 0.9), (300 - 5 * frame, 60, 20, 40, 0.9)
        owners = tracker.step(frame, frame / 25, found(right, left))
        assert owners == [1, 2]
    assert [len(each.sightings) for each in confirmed(tracker)] == [60, 60]


def test_an_object_that_was_hidden_is_the_same_one_again():
    tracker = Tracker()
    for frame in range(60):
        rows = [] if 20 <= frame < 35 else [(4 * frame, 50, 30, 40, 0.9)]
        tracker.step(frame, frame / 25, found(*rows))
    assert [len(each.sightings) for each in confirmed(tracker)] == [45]


def test_one_that_was_hidden_and_looks_other_is_another():
    red, blue = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    for after, count in ((red, 1), (blue, 2)):
        tracker = Tracker()
        for frame in range(40):
            gone = 20 <= frame < 25
            rows = [] if gone else [(100, 50, 30, 40, 0.9)]
            colours = np.zeros((0, 2)) if gone else red if frame < 20 else after
            tracker.step(frame, frame / 25, found(*rows), colours)
        assert len(confirmed(tracker)) == count


def test_a_doubtful_box_carries_a_track_on_and_never_begins_one():
    tracker = Tracker()
    for frame in range(20):
        score = 0.9 if frame < 10 else 0.2
        tracker.step(frame, frame / 25, found((10, 10, 20, 20, score), (90, 90, 20, 20, 0.2)))
    assert [len(each.sightings) for each in tracker.trails()] == [20]


def test_what_is_seen_too_seldom_is_not_confirmed():
    tracker = Tracker(TrackOptions(confirm=5))
    for frame in range(4):
        tracker.step(frame, frame / 25, found((10, 10, 20, 20, 0.9)))
    for frame in range(4, 12):
        tracker.step(frame, frame / 25, found())
    assert confirmed(tracker) == []
    assert len(tracker.trails()) == 1


def test_an_empty_clip_has_no_tracks():
    tracker = Tracker()
    assert [tracker.step(frame, 0, found()) for frame in range(3)] == [[], [], []]
    assert tracker.trails() == []


def test_the_class_is_that_which_most_of_the_scores_speak_for():
    tracker = Tracker(TrackOptions(confirm=1))
    for frame, (kind, score) in enumerate([("truck", 0.5), ("car", 0.9), ("truck", 0.5)]):
        tracker.step(frame, 0, found((10, 10, 20, 20, score), kinds=(kind,)))
    (only,) = tracker.trails()
    assert kind_of(only.sightings) == "truck"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sure": 1.5}, r"sure lies in \[0, 1\], got 1.5"),
        ({"sure": 0.2, "doubtful": 0.3}, "doubtful is 0.3, above sure, 0.2"),
        ({"confirm": 0}, "confirm is at least 1"),
    ],
    ids=["score", "order", "confirm"],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        TrackOptions(**options)
