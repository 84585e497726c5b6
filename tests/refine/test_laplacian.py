from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.values import Image, Trimap
from maskworks.refine.band import cover
from maskworks.refine.laplacian import factorise, matting_laplacian


def dense(laplacian):
    """The matrix of a Laplacian, by applying it to every pixel of its tiles in turn."""
    pixels = np.flatnonzero(laplacian.unknown)
    matrix = np.zeros((pixels.size, pixels.size))
    out = laplacian.band.field()
    for place, pixel in enumerate(pixels):
        unit = laplacian.band.field()
        unit.reshape(-1)[pixel] = 1
        matrix[:, place] = laplacian.apply(unit, out).reshape(-1)[pixels]
    return matrix


def build(pixels, levels=None, **options):
    if levels is None:
        levels = np.full(pixels.shape[:2], 128, np.uint8)
    trimap = Trimap(levels)
    return matting_laplacian(
        Image(pixels), trimap, cover(trimap), **{"epsilon": 1e-7, "prior": None, **options}
    )


PICTURES = {
    "noise": lambda rng: rng.integers(0, 256, (13, 18, 3)),
    "grain": lambda rng: 120 + rng.integers(-3, 4, (13, 18, 3)),
    "grey ramp": lambda _: np.full((13, 18, 3), np.arange(18)[:, None] * 12),
    "flat": lambda _: np.full((13, 18, 3), 200),
    "one odd pixel": lambda _: np.where(np.arange(13 * 18).reshape(13, 18, 1) == 100, 250, [9] * 3),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_it_is_symmetric_positive_and_its_rows_sum_to_0(picture, rng):
    matrix = dense(build(picture(rng).astype(np.uint8)))
    assert (matrix == matrix.T).all()
    assert np.abs(matrix.sum(axis=1)).max() < 3e-6
    assert np.linalg.eigvalsh(matrix).min() > -3e-6
    assert matrix.max() > 0.5


def test_colours_are_in_its_null_space(rng):
    pixels = rng.integers(0, 256, (13, 18, 3)).astype(np.uint8)
    laplacian = build(pixels)
    matrix, alpha = dense(laplacian), laplacian.band.field()
    for chunk in laplacian.band.chunks:
        rows, columns = laplacian.band.pixels(chunk, 0)
        colours = pixels[rows.clip(0, 12)[:, None], columns.clip(0, 17)[None]] / 255
        alpha[..., chunk] = 0.2 + colours @ [0.3, -0.5, 0.9]
    flat = alpha.reshape(-1)[np.flatnonzero(laplacian.unknown)]
    assert flat @ matrix @ flat < 1e-5 * (flat @ flat)


def test_windows_that_leave_the_picture_do_not_count():
    diagonal = np.diag(dense(build(np.full((4, 6, 3), 50, np.uint8))))
    assert sorted(diagonal * 9 / 8) == pytest.approx(
        sorted([1, 2, 3, 3, 2, 1, 2, 4, 6, 6, 4, 2] * 2), abs=1e-5
    )


def test_sure_pixels_leave_the_rows_and_pull_by_their_weight(rng):
    pixels = rng.integers(0, 256, (13, 18, 3)).astype(np.uint8)
    levels = rng.choice(np.array([0, 128, 128, 255], np.uint8), (13, 18))
    everywhere, some = build(pixels), build(pixels, levels)
    matrix = dense(everywhere)
    where = np.flatnonzero(everywhere.unknown)
    known = everywhere.band.field()
    for chunk in everywhere.band.chunks:
        rows, columns = everywhere.band.pixels(chunk, 0)
        known[..., chunk] = levels[rows.clip(0, 12)[:, None], columns.clip(0, 17)[None]]
    flat = known.reshape(-1)[where]
    inner = matrix[np.ix_(flat == 128, flat == 128)]
    assert dense(some) == pytest.approx(inner, abs=1e-6)
    pull = -matrix[np.ix_(flat == 128, flat == 255)].sum(axis=1)
    assert some.load.reshape(-1)[np.flatnonzero(some.unknown)] == pytest.approx(pull, abs=1e-5)


def test_a_prior_adds_to_the_diagonal_and_to_the_load(rng):
    pixels = rng.integers(0, 256, (9, 9, 3)).astype(np.uint8)
    prior = rng.random((9, 9)).astype(np.float32)
    plain, pulled = build(pixels), build(pixels, prior=(prior, 0.5))
    assert dense(pulled) - dense(plain) == pytest.approx(0.5 * np.eye(81), abs=1e-6)
    assert np.sort(pulled.load[pulled.unknown > 0]) == pytest.approx(np.sort(prior.ravel()) / 2)


def test_factors_multiply_back_to_the_matrix(rng):
    half = rng.standard_normal((5, 3, 3))
    matrices = half @ half.swapaxes(1, 2) + 0.1 * np.eye(3)
    entries = tuple(matrices[:, i, j] for i in range(3) for j in range(i, 3))
    l10, l20, l21, *pivots = factorise(entries)
    for n, matrix in enumerate(matrices):
        lower = np.array([[1, 0, 0], [l10[n], 1, 0], [l20[n], l21[n], 1]])
        assert lower @ np.diag([p[n] for p in pivots]) @ lower.T == pytest.approx(matrix)
