from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from maskworks.core import Image, ImageError, Matte, Trimap
from maskworks.refine import RefineOptions, refine
from maskworks.refine.closed_form import SolverOptions

SIZE = 240


@pytest.fixture(scope="module")
def scene():
    """A disc with a soft edge before another colour: picture, truth, and a network's guess."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    far = np.hypot(rows - SIZE / 2, columns - SIZE / 2)
    truth = np.clip((SIZE * 0.3 - far) / 3 + 0.5, 0, 1).astype(np.float32)
    mixed = truth[..., None] * [210, 70, 40] + (1 - truth[..., None]) * [30, 60, 200]
    guess = np.clip(gaussian_filter(np.roll(truth, 2, 1), 3), 0, 1)
    return Image(np.rint(mixed).astype(np.uint8)), Matte(truth), Matte(guess)


def apart(matte, truth):
    return float(np.abs(matte.alpha - truth.alpha).sum())


@pytest.mark.parametrize("method", ["fast", "fine", "auto"])
def test_each_method_brings_the_matte_nearer_to_the_truth_and_says_what_it_did(scene, method):
    image, truth, guess = scene
    done = refine(image, guess, RefineOptions(method=method))
    assert apart(done.matte, truth) < 0.5 * apart(guess, truth)
    assert done.method == ("fast" if method == "auto" else method)
    assert 0 < done.band_share < 0.5
    assert done.soft_interior == 0


def test_off_changes_nothing(scene):
    image, _, guess = scene
    done = refine(image, guess, RefineOptions(method="off"))
    assert done.method == "off"
    assert done.matte is guess
    assert done.foreground is image


def test_auto_is_fast_and_fine_with_a_brought_trimap(scene):
    image, truth, guess = scene
    levels = np.where(truth.alpha > 0.99, 255, np.where(truth.alpha < 0.01, 0, 128))
    brought = Trimap(levels.astype(np.uint8))
    fast, fine = (refine(image, guess, RefineOptions(method=way)) for way in ("fast", "auto"))
    assert np.array_equal(fast.matte.alpha, fine.matte.alpha)
    assert refine(image, guess, trimap=brought).method == "fine"


def test_a_solver_that_does_not_converge_is_named(scene):
    image, _, guess = scene
    short = SolverOptions(max_iterations=1, tolerance=1e-9)
    done = refine(image, guess, RefineOptions(method="fine", fine=short))
    assert done.method == "fast (fine did not converge)"


@pytest.mark.parametrize("value", [pytest.param(0.0, id="empty"), pytest.param(1.0, id="full")])
def test_an_empty_and_a_full_matte_have_no_edge(scene, value):
    image, _, _ = scene
    done = refine(image, Matte(np.full((SIZE, SIZE), value, np.float32)))
    assert done.method == "none"
    assert (done.matte.alpha == value).all()
    assert done.band_share == 0


def test_colours_outside_the_band_keep_their_bits(scene):
    image, _, guess = scene
    done = refine(image, guess)
    inside = done.matte.alpha == 1
    assert np.array_equal(done.foreground.pixels[inside], image.pixels[inside])
    assert not np.array_equal(done.foreground.pixels, image.pixels)
    plain = refine(image, guess, RefineOptions(colours=False))
    assert np.array_equal(plain.foreground.pixels, image.pixels)


def test_despill_takes_the_colour_of_the_set_out_of_the_edge(scene):
    image, _, guess = scene
    plain = refine(image, guess, RefineOptions(colours=False))
    done = refine(image, guess, RefineOptions(colours=False, spill=(30, 60, 200)))
    soft = (done.matte.alpha > 0.3) & (done.matte.alpha < 0.97)
    blue = done.foreground.pixels[soft][:, 2].astype(int)
    assert blue.mean() < plain.foreground.pixels[soft][:, 2].mean() - 10


def test_a_brought_trimap_rules(scene):
    image, truth, guess = scene
    levels = np.zeros((SIZE, SIZE), np.uint8)
    levels[:, : SIZE // 2] = 255
    levels[:, SIZE // 2 - 4 : SIZE // 2 + 4] = 128
    done = refine(image, guess, trimap=Trimap(levels))
    assert (done.matte.alpha[:, :100] == 1).all()
    assert (done.matte.alpha[:, 140:] == 0).all()
    assert truth.alpha[10, 10] == 0  # it had no subject there


@pytest.mark.parametrize(
    ("level", "message"),
    [
        pytest.param(0, "no sure foreground|foreground", id="no sure foreground"),
        pytest.param(255, "no sure background|background", id="no sure background"),
    ],
)
def test_a_brought_trimap_that_says_too_little_is_refused(scene, level, message):
    image, _, guess = scene
    levels = np.full((SIZE, SIZE), 128, np.uint8)
    levels[:20] = level
    with pytest.raises(ImageError, match=message):
        refine(image, guess, RefineOptions(method="fine"), trimap=Trimap(levels))


def test_a_brought_trimap_without_an_unknown_pixel_is_the_answer(scene):
    image, _, guess = scene
    levels = np.zeros((SIZE, SIZE), np.uint8)
    levels[50:90] = 255
    done = refine(image, guess, trimap=Trimap(levels))
    assert done.method == "none"
    assert np.array_equal(done.matte.alpha * 255, levels)


def test_sizes_that_differ_are_refused_with_all_of_them(scene):
    image, _, guess = scene
    small = Trimap(np.full((10, 12), 128, np.uint8))
    with pytest.raises(ImageError, match="a trimap of 12x10"):
        refine(image, guess, trimap=small)
    with pytest.raises(ImageError, match="240x240 and 239x240"):
        refine(image, Matte(guess.alpha[:, :-1].copy()))
