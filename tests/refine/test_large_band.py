from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from maskworks.core import Image, Matte, Trimap
from maskworks.refine import RefineOptions, refine
from maskworks.refine.closed_form import SolverOptions
from maskworks.refine.fitting import GuidedOptions
from maskworks.refine.large_band import solve_smaller


@pytest.fixture(scope="module")
def scene():
    """A disc with a soft edge before another colour, and a trimap with a wide band."""
    size = 301  # odd: blocks at the border are cut off
    rows, columns = np.mgrid[0:size, 0:size]
    far = np.hypot(rows - size / 2, columns - size / 2)
    truth = np.clip((size * 0.3 - far) / 6 + 0.5, 0, 1).astype(np.float32)
    mixed = truth[..., None] * [210, 70, 40] + (1 - truth[..., None]) * [30, 60, 200]
    levels = np.select([far < size * 0.2, far > size * 0.4], [255, 0], 128).astype(np.uint8)
    return Image(np.rint(mixed).astype(np.uint8)), Matte(truth), Trimap(levels)


@pytest.mark.parametrize("side", [2, 4])
def test_a_band_solved_smaller_is_near_the_truth(scene, side):
    image, truth, trimap = scene
    prior = Matte(np.clip(gaussian_filter(truth.alpha, 4), 0, 1))
    options = SolverOptions(prior=prior, prior_weight=0.1)
    small = solve_smaller(image, trimap, options, side, GuidedOptions())
    band = trimap.unknown
    assert small.converged
    assert np.abs(small.matte.alpha - truth.alpha)[band].mean() < 0.02
    assert (small.matte.alpha[trimap.foreground] == 1).all()
    assert (small.matte.alpha[trimap.background] == 0).all()


def test_the_result_says_that_it_was_solved_smaller(scene, monkeypatch):
    image, truth, trimap = scene
    monkeypatch.setattr("maskworks.refine.refinement.side_for", lambda _: 2)
    done = refine(image, truth, RefineOptions(method="fine"), trimap=trimap)
    assert done.method == "fine (solved at 1/2 of the size)"
    assert np.abs(done.matte.alpha - truth.alpha).mean() < 0.01
