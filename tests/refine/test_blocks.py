from __future__ import annotations

import numpy as np
import pytest

from maskworks.refine.blocks import BLOCK, Blocks, Grid, inverse


def lattice(rng, down, across):
    """A random positive definite block matrix on a lattice, its dense form and its grid."""
    rows, columns = (place.ravel() for place in np.mgrid[:down, :across])
    size = down * across
    total = np.zeros((BLOCK * size, BLOCK * size))
    for a in range(size):
        for b in range(a):
            if max(abs(rows[a] - rows[b]), abs(columns[a] - columns[b])) == 1:
                both = np.r_[BLOCK * a : BLOCK * (a + 1), BLOCK * b : BLOCK * (b + 1)]
                turn = np.linalg.qr(rng.standard_normal((BLOCK, BLOCK)))[0] * 0.1 + np.eye(BLOCK)
                step = np.hstack([turn, -np.eye(BLOCK)])
                total[np.ix_(both, both)] += step.T @ step
    total += 0.01 * np.eye(BLOCK * size)
    parts = total.reshape(size, BLOCK, size, BLOCK).swapaxes(1, 2)
    pairs = np.argwhere(np.tril(np.abs(parts).sum(axis=(2, 3)) > 0))
    blocks = Blocks(size, pairs[:, 0], pairs[:, 1], parts[pairs[:, 0], pairs[:, 1]])
    lines = np.broadcast_to(np.eye(BLOCK), (size, BLOCK, BLOCK))
    return blocks, total, Grid(rows, columns, lines)


def never():
    raise AssertionError("the direct solver needs no grid")


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 6)])
def test_the_direct_solver_is_exact_up_to_float32(shape, rng):
    blocks, dense, _ = lattice(rng, *shape)
    load = rng.standard_normal((blocks.size, BLOCK))
    expected = np.linalg.solve(dense, load.ravel()).reshape(-1, BLOCK)
    assert inverse(blocks, never)(load) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_blocks_of_two_parts_without_a_link_are_solved_apart(rng):
    blocks, dense, _ = lattice(rng, 2, 3)
    rows, columns = (np.concatenate([part, part + 6]) for part in (blocks.rows, blocks.columns))
    twice = Blocks(12, rows, columns, np.concatenate([blocks.values, blocks.values]))
    load = rng.standard_normal((12, BLOCK))
    expected = [np.linalg.solve(dense, half.ravel()) for half in (load[:6], load[6:])]
    assert inverse(twice, never)(load).ravel() == pytest.approx(
        np.concatenate(expected), rel=1e-3, abs=1e-2
    )


def test_joining_blocks_solves_nearly(rng):
    blocks, dense, grid = lattice(rng, 16, 16)
    load = rng.standard_normal((blocks.size, BLOCK))
    found = inverse(blocks, lambda: grid, 600)(load).ravel()
    exact = np.linalg.solve(dense, load.ravel())
    wrong = found - exact
    assert wrong @ dense @ wrong < 0.05 * (exact @ dense @ exact)


def test_a_matrix_that_rounding_has_made_indefinite_is_still_solved(rng):
    blocks, dense, _ = lattice(rng, 4, 4)
    own = blocks.rows == blocks.columns
    blocks.values[own] -= (np.linalg.eigvalsh(dense)[0] + 1e-6) * np.eye(BLOCK)
    load = rng.standard_normal((blocks.size, BLOCK))
    assert np.isfinite(inverse(blocks, never)(load)).all()


def test_a_matrix_beyond_rescue_is_solved_by_its_diagonal(rng):
    blocks, _, _ = lattice(rng, 3, 3)
    blocks.values[blocks.rows != blocks.columns] *= -9
    load = rng.standard_normal((blocks.size, BLOCK))
    diagonal = blocks.values[blocks.rows == blocks.columns][:, range(BLOCK), range(BLOCK)]
    assert inverse(blocks, never)(load) == pytest.approx(load / diagonal, rel=1e-4)
