from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import find_contours, points_in_poly

from maskworks.core.values import Matte
from maskworks.studio.handoff.contours import iso_lines


def _area(line: np.ndarray) -> float:
    """Positive if the line runs clockwise as seen on the screen."""
    rows, columns = line.T
    return float(columns @ np.roll(rows, -1) - np.roll(columns, -1) @ rows) / 2


def _alpha(rng, kind: str) -> np.ndarray:
    alpha = rng.random(rng.integers(1, 12, 2), dtype=np.float32)
    return {"smooth": alpha, "hard": np.round(alpha), "ties": np.round(alpha * 4) / 4}[kind]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", ["smooth", "hard"])
def test_iso_lines_go_through_the_points_that_skimage_finds(seed, kind):
    alpha = _alpha(np.random.default_rng(seed), kind)
    found = np.concatenate(iso_lines(Matte(alpha)) or [np.empty((0, 2))])
    padded = np.pad(alpha.astype(float), 1)
    theirs = [line[:-1] - 0.5 for line in find_contours(padded, 0.5)]
    expected = np.concatenate(theirs or [np.empty((0, 2))])
    assert set(map(tuple, found.round(6))) == set(map(tuple, expected.round(6)))
    assert len(found) == len(expected)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", ["smooth", "hard", "ties"])
def test_iso_lines_wind_once_around_what_is_inside_and_not_around_the_rest(seed, kind):
    alpha = _alpha(np.random.default_rng(seed), kind)
    centres = np.argwhere(np.ones_like(alpha, bool)) + 0.5
    winding = np.zeros(len(centres))
    for line in iso_lines(Matte(alpha)):
        winding += np.sign(_area(line)) * points_in_poly(centres, line)
    sure = np.abs(alpha.ravel() - 0.5) > 1e-6  # on the line itself both answers are right
    assert (winding == (alpha >= 0.5).ravel())[sure].all()


@pytest.mark.parametrize(
    ("alpha", "lines"),
    [
        pytest.param([[0.8, 0.1], [0.1, 0.8]], 2, id="apart-if-the-middle-is-outside"),
        pytest.param([[0.9, 0.2], [0.2, 0.9]], 1, id="joined-if-the-middle-is-inside"),
        pytest.param([[0.1, 0.8], [0.8, 0.1]], 2, id="the-other-way-apart"),
        pytest.param([[0.2, 0.9], [0.9, 0.2]], 1, id="the-other-way-joined"),
    ],
)
def test_opposite_corners_meet_by_the_mean_of_the_four(alpha, lines):
    assert len(iso_lines(Matte(np.array(alpha, np.float32)))) == lines


def test_a_line_lies_where_alpha_passes_the_level():
    row = np.array([[0, 0.2, 0.7, 1, 0]], np.float32).repeat(9, axis=0)
    (line,) = iso_lines(Matte(row))
    middle = line[(line[:, 0] > 2) & (line[:, 0] < 7)]
    assert sorted(set(middle[:, 1].round(6))) == [2.1, 4.0]


def test_a_subject_at_the_border_is_closed_along_it():
    (line,) = iso_lines(Matte(np.ones((4, 7), np.float32)))
    assert line.min(axis=0).tolist() == [0, 0]
    assert line.max(axis=0).tolist() == [4, 7]


def test_a_hole_runs_the_other_way(shape):
    areas = sorted(map(_area, iso_lines(shape("ring"))))
    assert areas[0] < 0 < areas[1]
    assert areas == pytest.approx([-np.pi * 50**2, np.pi * 100**2], rel=0.01)


@pytest.mark.parametrize("value", [0.0, 0.49])
def test_nothing_above_the_level_has_no_line(value):
    assert iso_lines(Matte(np.full((5, 5), value, np.float32))) == []
