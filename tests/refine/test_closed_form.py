from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Image, Matte, Trimap
from maskworks.refine.closed_form import SolverOptions, closed_form

EXACT = SolverOptions(tolerance=2e-7, max_iterations=400)


def dense_laplacian(pixels, epsilon=1e-7):
    """The matting Laplacian as the paper writes it, window by window."""
    height, width = pixels.shape[:2]
    colours = pixels.reshape(-1, 3) / 255
    total = np.zeros((height * width, height * width))
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            rows, columns = np.mgrid[row - 1 : row + 2, column - 1 : column + 2]
            window = (rows * width + columns).ravel()
            offset = colours[window] - colours[window].mean(axis=0)
            covariance = offset.T @ offset / 9 + epsilon / 9 * np.eye(3)
            affinity = (1 + offset @ np.linalg.solve(covariance, offset.T)) / 9
            total[np.ix_(window, window)] += np.eye(9) - affinity
    return total


def dense_alpha(pixels, levels, *, prior=None, weight=0.0, epsilon=1e-7):
    laplacian, flat = dense_laplacian(pixels, epsilon), levels.ravel()
    unknown, alpha = flat == 128, (flat == 255).astype(float)
    matrix = laplacian[np.ix_(unknown, unknown)]
    load = -laplacian[np.ix_(unknown, ~unknown)] @ alpha[~unknown]
    if prior is not None:
        matrix = matrix + weight * np.eye(len(load))
        load = load + weight * prior.ravel()[unknown]
    alpha[unknown] = np.linalg.solve(matrix, load)
    return alpha.reshape(levels.shape).clip(0, 1)


def soft_edge(size, rng, grain=0.0):
    """Two colours with a wavy soft edge between them."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    alpha = 1 / (1 + np.exp(-(columns - size[1] / 2 + 3 * np.sin(rows / 3)) / 2))
    colours = np.array([200, 120, 80]), np.array([30, 90, 160])
    mixed = alpha[..., None] * colours[0] + (1 - alpha[..., None]) * colours[1]
    noisy = mixed + rng.normal(0, 1, mixed.shape) * grain
    return np.rint(noisy).clip(0, 255).astype(np.uint8)


def flat(size, rng):
    return np.full((*size, 3), 77, np.uint8)


def noise(size, rng):
    return rng.integers(0, 256, (*size, 3)).astype(np.uint8)


def step_with_odd_pixels(size, rng):
    pixels = np.full((*size, 3), 30, np.uint8)
    pixels[:, size[1] // 2 :] = 220
    pixels[size[0] // 2, size[1] // 2 - 3] = 250
    pixels[size[0] // 2 + 3, size[1] // 2 + 3] = 0
    return pixels


PICTURES = {
    "soft edge": soft_edge,
    "grainy edge": lambda size, rng: soft_edge(size, rng, grain=4),
    "noise": noise,
    "flat": flat,
    "step with odd pixels": step_with_odd_pixels,
}


def columns(size):
    levels = np.full(size, 128, np.uint8)
    levels[:, :3], levels[:, -3:] = 0, 255
    return levels


def open_border(size):
    """Everything unknown but two patches inside: the band runs along the picture's edge."""
    levels = np.full(size, 128, np.uint8)
    levels[2:-2, 3:6], levels[2:-2, -6:-3] = 0, 255
    return levels


def islands(size):
    """Unknown patches that have nothing to do with each other, each across sure pixels."""
    levels = np.zeros(size, np.uint8)
    levels[:, size[1] // 2 :] = 255
    middle = size[1] // 2
    levels[1:4, middle - 2 : middle + 3] = 128
    levels[9:17, middle - 6 : middle + 4] = 128
    levels[-2:, :2] = 128
    return levels


TRIMAPS = {"columns": columns, "open border": open_border, "islands": islands}


@pytest.mark.parametrize("levels", TRIMAPS.values(), ids=TRIMAPS)
@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_alpha_is_that_of_the_dense_system(picture, levels, rng):
    size = (24, 29)
    pixels, known = picture(size, rng), levels(size)
    solution = closed_form(Image(pixels), Trimap(known), EXACT)
    assert solution.converged
    assert solution.unknowns == (known == 128).sum()
    assert np.abs(solution.matte.alpha - dense_alpha(pixels, known)).max() < 2e-4


@pytest.mark.parametrize("epsilon", [1e-8, 1e-5, 1e-2])
def test_epsilon_is_the_papers(epsilon, rng):
    pixels, levels = soft_edge((18, 21), rng, grain=4), columns((18, 21))
    found = closed_form(Image(pixels), Trimap(levels), replace(EXACT, epsilon=epsilon))
    expected = dense_alpha(pixels, levels, epsilon=epsilon)
    assert np.abs(found.matte.alpha - expected).max() < 2e-4


def test_the_error_left_is_about_what_the_tolerance_allows(rng):
    pixels, levels = soft_edge((40, 50), rng, grain=6), columns((40, 50))
    expected = dense_alpha(pixels, levels)
    for tolerance in (1e-2, 1e-3, 1e-4):
        options = SolverOptions(tolerance=tolerance)
        solution = closed_form(Image(pixels), Trimap(levels), options)
        assert solution.converged
        assert solution.error <= tolerance
        assert np.abs(solution.matte.alpha - expected)[levels == 128].mean() < 2 * tolerance


def test_a_mixture_of_two_colours_is_unmixed(rng):
    alpha = rng.integers(0, 21, (20, 30)) / 20
    alpha[:, :3], alpha[:, -3:] = 0, 1
    mixed = alpha[..., None] * [200, 100, 40] + [20, 110, 60]  # whole numbers at every twentieth
    picture = Image(np.rint(mixed).astype(np.uint8))
    solution = closed_form(picture, Trimap(columns((20, 30))), EXACT)
    assert np.abs(solution.matte.alpha - alpha).max() < 1e-3


@pytest.mark.slow  # numba compiles pymatting first
def test_alpha_is_that_of_pymatting(rng):
    pymatting = pytest.importorskip("pymatting")
    size = (240, 320)
    rows, across = np.mgrid[: size[0], : size[1]]
    radius = np.hypot(rows - 120, across - 160) + 8 * np.sin(
        np.arctan2(rows - 120, across - 160) * 40
    )
    truth = 1 / (1 + np.exp((radius - 70) / 1.5))
    fore = 128 + 60 * np.sin(rows / 9)[..., None] * [1, 0.4, -0.6]
    back = 110 + 50 * np.cos(across / 13)[..., None] * [-0.5, 0.8, 1]
    mixed = truth[..., None] * fore + (1 - truth[..., None]) * back
    pixels = np.rint(mixed + rng.normal(0, 2, mixed.shape)).clip(0, 255).astype(np.uint8)
    levels = np.where(radius < 55, 255, np.where(radius > 88, 0, 128)).astype(np.uint8)
    solution = closed_form(Image(pixels), Trimap(levels))
    expected = pymatting.estimate_alpha_cf(pixels / 255, np.where(levels == 128, 0.5, levels / 255))
    assert np.abs(solution.matte.alpha - expected)[levels == 128].mean() < 0.01


def test_sure_pixels_stay_exactly_sure(rng):
    levels = islands((24, 29))
    alpha = closed_form(Image(noise((24, 29), rng)), Trimap(levels)).matte.alpha
    assert set(alpha[levels == 0]) == {0}
    assert set(alpha[levels == 255]) == {1}


def test_the_answer_depends_neither_on_the_run_nor_on_the_threads(rng):
    size = (150, 700)  # several chunks of tiles
    image, trimap = Image(soft_edge(size, rng, grain=5)), Trimap(columns(size))
    one, again, two = (
        closed_form(image, trimap, SolverOptions(threads=threads)) for threads in (1, 1, 2)
    )
    assert (one.matte.alpha == again.matte.alpha).all()
    assert (one.matte.alpha == two.matte.alpha).all()
    assert one.iterations == two.iterations


def test_a_weighted_prior_pulls_alpha_as_it_does_in_the_dense_system(rng):
    pixels, levels = soft_edge((20, 23), rng, grain=4), columns((20, 23))
    prior = rng.random((20, 23)).astype(np.float32)
    options = replace(EXACT, prior=Matte(prior), prior_weight=0.3)
    expected = dense_alpha(pixels, levels, prior=prior, weight=0.3)
    found = closed_form(Image(pixels), Trimap(levels), options).matte.alpha
    assert np.abs(found - expected).max() < 2e-4


def test_a_prior_without_weight_changes_nothing(rng):
    image, trimap = Image(noise((20, 23), rng)), Trimap(columns((20, 23)))
    prior = Matte(rng.random((20, 23)).astype(np.float32))
    plain, given = (
        closed_form(image, trimap),
        closed_form(image, trimap, SolverOptions(prior=prior)),
    )
    assert (plain.matte.alpha == given.matte.alpha).all()


def test_a_weighted_prior_stands_in_for_sure_pixels(rng):
    prior = np.full((12, 12), 0.25, np.float32)
    options = replace(EXACT, prior=Matte(prior), prior_weight=0.1)
    trimap = Trimap(np.full((12, 12), 128, np.uint8))
    solution = closed_form(Image(noise((12, 12), rng)), trimap, options)
    assert np.abs(solution.matte.alpha - 0.25).max() < 1e-4


@pytest.mark.parametrize(
    ("limits", "iterations"),
    [
        pytest.param({"max_iterations": 3}, 3, id="iterations"),
        pytest.param({"time_limit_s": 1e-9}, 0, id="time"),
    ],
)
def test_a_limit_stops_the_solver_and_says_so(limits, iterations, rng):
    levels = columns((60, 80))
    options = SolverOptions(tolerance=1e-9, **limits)
    solution = closed_form(Image(soft_edge((60, 80), rng, grain=5)), Trimap(levels), options)
    assert not solution.converged
    assert solution.iterations == iterations
    assert 0 <= solution.matte.alpha.min() <= solution.matte.alpha.max() <= 1
    assert solution.matte.alpha.mean() == pytest.approx(0.5, abs=0.1)  # not thrown away


def test_what_float32_cannot_reach_is_not_called_converged(rng):
    image, trimap = Image(noise((60, 80), rng)), Trimap(columns((60, 80)))
    solution = closed_form(image, trimap, SolverOptions(tolerance=1e-15, max_iterations=500))
    assert solution.iterations < 500 or not solution.converged


def test_without_unknown_pixels_the_trimap_is_the_answer(rng):
    levels = np.array([[0, 255, 0], [255, 255, 0], [0, 0, 0]], np.uint8)
    solution = closed_form(Image(noise((3, 3), rng)), Trimap(levels))
    assert (solution.matte.alpha == levels / 255).all()
    assert (solution.converged, solution.iterations, solution.unknowns) == (True, 0, 0)


@pytest.mark.parametrize(
    ("levels", "alpha"),
    [
        pytest.param([[0, 128, 128, 128, 255]], [[0, 0, None, 1, 1]], id="1x5"),
        pytest.param([[0, 128], [255, 255]], [[0, None], [1, 1]], id="2x2"),
        pytest.param([[0], [128], [128], [255]], [[0], [0], [1], [1]], id="4x1"),
    ],
)
def test_too_small_for_a_window_means_the_nearest_sure_pixel(levels, alpha, rng):
    levels = np.array(levels, np.uint8)
    solution = closed_form(Image(noise(levels.shape, rng)), Trimap(levels))
    for place, found in np.ndenumerate(solution.matte.alpha):
        expected = alpha[place[0]][place[1]]
        assert found in ({0, 1} if expected is None else {expected})
    assert solution.converged


def test_too_small_for_a_window_means_the_prior_if_there_is_one(rng):
    prior = Matte(np.array([[0.1, 0.6], [0.2, 0.3]], np.float32))
    levels = np.array([[0, 128], [255, 255]], np.uint8)
    options = SolverOptions(prior=prior)
    found = closed_form(Image(noise((2, 2), rng)), Trimap(levels), options).matte.alpha
    assert found.ravel().tolist() == pytest.approx([0, 0.6, 1, 1])


def test_a_picture_of_one_window_is_solved(rng):
    levels = np.array([[0, 128, 255], [0, 128, 255], [0, 128, 255]], np.uint8)
    pixels = np.array([[10, 60, 110]] * 3, np.uint8)[..., None].repeat(3, axis=2)
    alpha = closed_form(Image(pixels), Trimap(levels), EXACT).matte.alpha
    assert alpha[:, 1] == pytest.approx(0.5, abs=1e-4)


def test_nearly_everything_may_be_unknown(rng):
    size = (40, 50)
    levels = np.full(size, 128, np.uint8)
    levels[:, 0], levels[20, 49] = 0, 255
    pixels = soft_edge(size, rng, grain=3)
    solution = closed_form(Image(pixels), Trimap(levels), EXACT)
    assert solution.converged
    assert np.abs(solution.matte.alpha - dense_alpha(pixels, levels)).mean() < 1e-2


def test_memory_follows_the_band_and_not_the_picture(rng):
    size = (1500, 2000)
    levels = np.zeros(size, np.uint8)
    levels[:, 1000:] = 255
    levels[600:700, 990:1010] = 128
    image, trimap = Image(flat(size, rng)), Trimap(levels)
    closed_form(image, trimap)  # imports
    tracemalloc.start()
    closed_form(image, trimap)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 7 * size[0] * size[1]  # four bytes a pixel are the matte


GOOD = np.array([[0, 128, 255]] * 3, np.uint8)


@pytest.mark.parametrize(
    ("size", "levels", "options", "message"),
    [
        pytest.param((3, 4), GOOD, {}, "the trimap is 3x3, the picture 4x3", id="trimap's size"),
        pytest.param(
            (3, 3),
            GOOD,
            {"prior": Matte(np.zeros((4, 3), np.float32))},
            "the prior is 3x4, the picture 3x3",
            id="prior's size",
        ),
        pytest.param((3, 3), GOOD.clip(0, 128), {}, "no sure foreground", id="no foreground"),
        pytest.param((3, 3), GOOD.clip(128, 255), {}, "no sure background", id="no background"),
        pytest.param((1, 1), GOOD[:1, 1:2], {}, "1 unknown pixels but no sure", id="one pixel"),
    ],
)
def test_input_that_has_no_answer_is_refused(size, levels, options, message):
    image = Image(np.zeros((*size, 3), np.uint8))
    with pytest.raises(ImageError, match=message):
        closed_form(image, Trimap(levels), SolverOptions(**options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"epsilon": 0.0}, r"epsilon must lie in \[1e-09, 1\], got 0", id="epsilon 0"),
        pytest.param({"epsilon": np.nan}, "epsilon must lie in", id="epsilon NaN"),
        pytest.param({"tolerance": 0.0}, "tolerance must be a positive number", id="tolerance"),
        pytest.param({"tolerance": np.inf}, "positive number, got inf", id="infinite"),
        pytest.param({"max_iterations": 0}, "max_iterations must be a positive", id="iterations"),
        pytest.param({"time_limit_s": -1.0}, "time_limit_s must be a positive", id="time"),
        pytest.param({"threads": 0}, "threads must be a positive", id="threads"),
        pytest.param({"prior_weight": -0.1}, "prior_weight must be 0 or more", id="weight"),
        pytest.param({"prior_weight": 0.1}, "there is no prior", id="weight of nothing"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        SolverOptions(**options)
