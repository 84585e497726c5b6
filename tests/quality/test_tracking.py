from __future__ import annotations

import numpy as np
import pytest

from maskworks.quality.tracking import ALPHAS, TrackedFrame, clear_mot, hota, identity


def sequence(true, found, alike=1.0):
    """Return frames of lists of ids; equal places of both lists are the same object."""
    frames = []
    for ids, guessed in zip(true, found, strict=True):
        likeness = alike * np.eye(len(ids), len(guessed))
        frames.append(TrackedFrame(np.array(ids, int), np.array(guessed, int), likeness))
    return frames


def test_perfect_tracks_score_one():
    frames = sequence([[1, 2]] * 5, [[7, 8]] * 5)
    assert hota(frames).hota == pytest.approx(np.ones(19))
    assert (clear_mot(frames).mota, identity(frames).f1) == (1, 1)


def test_the_example_of_a_switch_in_the_middle():
    """One object, two halves with two ids: DetA 1, AssA 1/2, IDF1 1/2, one switch (by hand)."""
    frames = sequence([[1]] * 10, [[5]] * 5 + [[6]] * 5)
    score = hota(frames)
    assert score.deta == pytest.approx(np.ones(19))
    assert score.assa == pytest.approx(np.full(19, 0.5))
    assert score.hota == pytest.approx(np.full(19, np.sqrt(0.5)))
    assert clear_mot(frames).switches == 1
    assert clear_mot(frames).mota == pytest.approx(0.9)
    assert identity(frames).f1 == pytest.approx(0.5)


def test_half_of_the_frames_found():
    """DetA 1/2, AssA 1/2 (the id covers half of the object), MOTA 1/2, IDF1 2/3 (by hand)."""
    frames = sequence([[1]] * 8, [[5], []] * 4)
    score = hota(frames)
    assert (score.deta[0], score.assa[0]) == (pytest.approx(0.5), pytest.approx(0.5))
    assert clear_mot(frames).mota == pytest.approx(0.5)
    assert identity(frames).f1 == pytest.approx(2 / 3)


def test_likeness_counts_at_the_thresholds_below_it():
    score = hota(sequence([[1]] * 3, [[1]] * 3, alike=0.62))
    assert score.tp.tolist() == [3.0 if alpha <= 0.62 else 0.0 for alpha in ALPHAS]
    assert score.loca[0] == pytest.approx(0.62)


@pytest.mark.parametrize(
    ("true", "found"), [([[1]] * 3, [[]] * 3), ([[]] * 3, [[1]] * 3)], ids=["missed", "invented"]
)
def test_one_side_empty_scores_nothing(true, found):
    frames = sequence(true, found)
    assert hota(frames).hota == pytest.approx(np.zeros(19))
    assert clear_mot(frames).tp == identity(frames).tp == 0
    assert clear_mot(frames).fn + clear_mot(frames).fp == 3


def test_no_frames_and_nothing_in_them_are_zero_counts():
    for frames in ([], sequence([[]], [[]])):
        assert hota(frames).tp.sum() == clear_mot(frames).tp == identity(frames).fp == 0
