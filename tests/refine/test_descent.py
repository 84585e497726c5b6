from __future__ import annotations

import math

import numpy as np
import pytest

from maskworks.core.values import Image, Trimap
from maskworks.refine.band import cover
from maskworks.refine.colour_space import colour_space
from maskworks.refine.descent import StopRule, descend
from maskworks.refine.laplacian import matting_laplacian

FOREVER = StopRule(tolerance=1e-6, steps=500, deadline=math.inf)


def system(rng, foreground=255):
    levels = np.full((40, 60), 128, np.uint8)
    levels[:, :5], levels[:, -5:] = 0, foreground
    image = Image(rng.integers(0, 256, (40, 60, 3)).astype(np.uint8))
    laplacian = matting_laplacian(image, Trimap(levels), cover(Trimap(levels)), epsilon=1e-7)
    return laplacian, colour_space(image, laplacian)


def test_little_is_left_of_the_system(rng):
    laplacian, space = system(rng)
    found = descend(laplacian, space, StopRule(tolerance=1e-4, steps=500, deadline=math.inf))
    left = laplacian.load - laplacian.apply(found.alpha, laplacian.band.field())
    assert 0 <= found.alpha.min() <= found.alpha.max() <= 1
    assert found.residual < 1e-3
    assert np.linalg.norm(left) < 0.01 * np.linalg.norm(laplacian.load)  # clipping leaves some


def test_more_steps_leave_less_error(rng):
    laplacian, space = system(rng)
    exact = descend(laplacian, space, FOREVER).alpha
    errors = [
        np.abs(descend(laplacian, space, StopRule(1e-9, steps, math.inf)).alpha - exact).sum()
        for steps in (1, 4, 8, 16)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * errors[0]


def test_a_band_that_touches_no_foreground_is_background_at_once(rng):
    laplacian, space = system(rng, foreground=0)
    found = descend(laplacian, space, FOREVER)
    assert (found.converged, found.steps, found.residual, found.error) == (True, 0, 0, 0)
    assert not found.alpha.any()


def test_a_deadline_in_the_past_leaves_the_coarse_solution(rng):
    laplacian, space = system(rng)
    found = descend(laplacian, space, StopRule(1e-6, 500, -math.inf))
    assert (found.converged, found.steps, found.error) == (False, 0, math.inf)
    assert found.alpha == pytest.approx(space.correct(laplacian.load).clip(0, 1))
