"""Surfaces of volumes against the published code of surface-distance, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from maskworks.core.errors import ImageError, UsageError
from maskworks.quality.volumes import dice, surface_distances


def blobs(seed, shape=(18, 22, 15)):
    values = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(values, 2) > 0.05


def cube(at, side=6, shape=(20, 20, 20)):
    inside = np.zeros(shape, bool)
    inside[tuple(slice(each, each + side) for each in at)] = True
    return inside


@pytest.fixture
def oracle(monkeypatch):
    """The published implementation; it was written for an older numpy."""
    monkeypatch.setattr(np, "Inf", np.inf, raising=False)
    return pytest.importorskip("surface_distance")


@pytest.mark.filterwarnings("ignore")  # its own, of an older SciPy
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.9, 2.5)], ids=["even", "slices"])
@pytest.mark.parametrize(
    ("predicted", "truth"),
    [
        pytest.param(blobs(1), blobs(2), id="blobs"),
        pytest.param(blobs(3), np.roll(blobs(3), 1, axis=0), id="shifted"),
        pytest.param(cube((2, 2, 2)), cube((12, 12, 10)), id="apart"),
        pytest.param(cube((0, 0, 0)), cube((0, 1, 0)), id="at-the-border"),
        pytest.param(~blobs(4), blobs(5), id="full-to-the-border"),
    ],
)
def test_figures_are_those_of_the_published_code(oracle, predicted, truth, spacing):
    told = oracle.compute_surface_distances(truth, predicted, spacing)
    found = surface_distances(predicted, truth, spacing)
    assert dice(predicted, truth) == oracle.compute_dice_coefficient(truth, predicted)
    for percent in (50, 95, 100):
        expected = oracle.compute_robust_hausdorff(told, percent)
        assert found.hausdorff(percent) == pytest.approx(expected, abs=1e-9)
    for tolerance in (0.0, 1.0, 2.5):
        expected = oracle.compute_surface_dice_at_tolerance(told, tolerance)
        assert found.surface_dice(tolerance) == pytest.approx(expected, abs=1e-9)


def test_shifted_cube_is_as_far_as_it_was_shifted():
    found = surface_distances(cube((7, 5, 5)), cube((5, 5, 5)), (1.5, 1.0, 1.0))
    assert found.hausdorff(100) == pytest.approx(3.0)
    assert dice(cube((7, 5, 5)), cube((5, 5, 5))) == pytest.approx(4 / 6)


def test_equal_masks_have_no_distance():
    found = surface_distances(blobs(1), blobs(1), (1, 1, 3))
    assert found.hausdorff() == 0
    assert found.surface_dice(0) == 1


def test_area_of_a_large_ball_is_that_of_a_sphere():
    x, y, z = np.mgrid[-25:26, -25:26, -13:14]
    ball = np.sqrt(x**2 + y**2 + (2 * z) ** 2) < 22
    found = surface_distances(ball, ball, (1, 1, 2))
    assert found.true_areas.sum() == pytest.approx(4 * np.pi * 22**2, rel=0.12)


def test_empty_masks():
    none, some = np.zeros((5, 5, 5), bool), cube((1, 1, 1), 2, (5, 5, 5))
    assert np.isnan(dice(none, none))
    assert dice(none, some) == 0
    both, one = surface_distances(none, none, (1, 1, 1)), surface_distances(none, some, (1, 1, 1))
    assert np.isnan(both.hausdorff())
    assert np.isnan(both.surface_dice(1))
    assert one.hausdorff() == float("inf")
    assert one.surface_dice(1) == 0


@pytest.mark.parametrize(
    ("predicted", "spacing", "message"),
    [
        pytest.param(np.zeros((5, 5, 4), bool), (1, 1, 1), r"are \(5, 5, 4\) and", id="shape"),
        pytest.param(np.zeros((5, 5, 5), np.uint8), (1, 1, 1), "got uint8", id="bytes"),
        pytest.param(np.zeros((5, 5, 5), bool), (1, 1), "three lengths above 0", id="two"),
        pytest.param(np.zeros((5, 5, 5), bool), (1, 0, 1), r"got \[1\.0, 0\.0, 1\.0\]", id="zero"),
    ],
)
def test_what_does_not_fit_is_said(predicted, spacing, message):
    with pytest.raises(ImageError, match=message):
        surface_distances(predicted, np.zeros((5, 5, 5), bool), spacing)


def test_percent_and_tolerance_have_bounds():
    found = surface_distances(cube((1, 1, 1)), cube((2, 1, 1)), (1, 1, 1))
    with pytest.raises(UsageError, match="above 0 and at most 100, got 0"):
        found.hausdorff(0)
    with pytest.raises(UsageError, match="at least 0 mm, got -1"):
        found.surface_dice(-1)
