from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter

from maskworks.core import Image, Matte
from maskworks.refine import RefineOptions, refine

SIZE = 320
FUR, WALL = np.array([150, 110, 80], np.float32), np.array([205, 190, 170], np.float32)


def disc(radius, row=SIZE / 2, column=SIZE / 2):
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    return np.hypot(rows - row, columns - column) < radius


@pytest.fixture
def cat():
    """A round animal with a forehead in the wall's colour: picture and truth."""
    body, forehead = disc(110), disc(35)
    grain = np.random.default_rng(2).normal(0, 14, (SIZE, SIZE, 1)).astype(np.float32)
    coloured = np.where((body & ~forehead)[..., None], FUR + grain, WALL + 0.3 * grain)
    return Image(np.clip(coloured, 0, 255).astype(np.uint8)), body


@pytest.mark.parametrize("method", ["fast", "fine"])
@pytest.mark.parametrize("said", [0.85, 0.95], ids=["doubtful", "nearly-sure"])
def test_the_deep_inside_of_an_opaque_subject_stays_opaque_whatever_its_colours(cat, method, said):
    image, body = cat
    guess = gaussian_filter(np.where(disc(40), said, body).astype(np.float32), 2)
    done = refine(image, Matte(guess), RefineOptions(method=method))
    deep = distance_transform_edt(body) > 12
    assert (np.rint(done.matte.alpha[deep] * 255) == 255).all()
    assert np.abs(done.matte.alpha - body).mean() < 0.01


@pytest.mark.parametrize("method", ["fast", "fine"])
def test_what_is_see_through_stays_see_through(method):
    pane, frame = disc(90), disc(110)
    alpha = np.where(pane, 0.5, frame).astype(np.float32)
    mixed = alpha[..., None] * FUR + (1 - alpha[..., None]) * WALL
    guess = gaussian_filter(alpha, 2)
    done = refine(Image(mixed.astype(np.uint8)), Matte(guess), RefineOptions(method=method))
    assert np.abs(done.matte.alpha[disc(80)] - 0.5).max() < 0.03
    assert done.soft_interior == pytest.approx(
        np.count_nonzero(pane) / np.count_nonzero(frame), abs=0.05
    )


def test_an_opening_is_no_inside(cat):
    image, body = cat
    ring = body & ~disc(35)
    done = refine(image, Matte(gaussian_filter(ring.astype(np.float32), 2)))
    assert (done.matte.alpha[disc(30)] == 0).all()
