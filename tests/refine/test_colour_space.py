from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.values import Image, Trimap
from maskworks.refine.band import cover
from maskworks.refine.blocks import inverse
from maskworks.refine.colour_space import colour_space
from maskworks.refine.laplacian import matting_laplacian

SIZE = (70, 90)


def scene(rng, picture="noise"):
    """A picture, and its Laplacian on a ragged band."""
    pixels = rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    if picture == "flat":
        pixels[:] = 90
    if picture == "grey":
        pixels[:] = pixels[..., :1]
    levels = np.full(SIZE, 128, np.uint8)
    levels[:20], levels[:, -9:] = 0, 255
    levels[rng.random(SIZE) < 0.1] = 0
    trimap = Trimap(levels)
    return Image(pixels), matting_laplacian(Image(pixels), trimap, cover(trimap), epsilon=1e-7)


@pytest.mark.parametrize("picture", ["noise", "flat", "grey"])
def test_what_is_left_after_a_correction_has_no_part_in_the_space(picture, rng):
    image, laplacian = scene(rng, picture)
    space = colour_space(image, laplacian)
    residual = rng.standard_normal(laplacian.unknown.shape).astype(np.float32) * laplacian.unknown
    found = space.correct(residual)
    left = residual - laplacian.apply(found, laplacian.band.field())
    before, after = (np.einsum("eijn,ijn->en", space.basis, rest) for rest in (residual, left))
    assert np.abs(after).max() < 1e-3 * np.abs(before).max()


def test_alpha_that_is_one_colour_line_per_tile_is_found_at_once(rng):
    image, laplacian = scene(rng)
    space = colour_space(image, laplacian)
    weights = rng.standard_normal((4, laplacian.band.tiles + 2)).astype(np.float32)
    alpha = np.einsum("eijn,en->ijn", space.basis, weights)
    found = space.correct(laplacian.apply(alpha, laplacian.band.field()))
    assert np.abs(found - alpha).max() < 1e-2 * np.abs(alpha).max()


def test_the_basis_is_1_and_uncorrelated_colours_of_unit_size(rng):
    image, laplacian = scene(rng)
    basis, counts = colour_space(image, laplacian).basis, laplacian.unknown.sum(axis=(0, 1))
    full = counts > 30
    gram = np.einsum("eijn,fijn->nef", basis, basis)[full] / counts[full, None, None]
    assert np.abs(gram - np.eye(4)).max() < 1e-3
    assert (basis[0] == laplacian.unknown).all()


def test_joined_tiles_correct_nearly_as_well_as_the_direct_solver(rng, monkeypatch):
    image, laplacian = scene(rng)
    direct = colour_space(image, laplacian)
    monkeypatch.setattr(
        "maskworks.refine.colour_space.inverse",
        lambda blocks, grid: inverse(blocks, grid, largest=1000),
    )
    joined = colour_space(image, laplacian)
    exact, near = direct.correct(laplacian.load), joined.correct(laplacian.load)
    apart = laplacian.apply(exact - near, laplacian.band.field())
    whole = laplacian.apply(exact, laplacian.band.field())
    energy = float(((exact - near) * apart).sum()) / float((exact * whole).sum())
    assert 0 < energy < 0.02
