"""Solve symmetric positive definite systems of 4x4 blocks: banded Cholesky, or nested grids.

The band around a subject is long and narrow, so its tiles can be numbered such that linked
ones lie close together, and Cholesky within that bandwidth is exact and quick. Where the band
is so wide that this would cost too much, tiles are joined two by two until it does not, and
the levels in between are solved by a few steps of conjugate gradients (a K-cycle).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.refine.blas import one_blas_thread

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Index = NDArray[np.intp]
Solver = Callable[[NDArray[np.floating]], NDArray[np.floating]]
"""From right-hand sides (n, 4) to solutions (n, 4)."""

BLOCK = 4
LARGEST_FACTOR = 16_000_000
"""Numbers a Cholesky factor may hold: 128 MB while it is computed, half of that after."""
SHIFTS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
"""Shares of the diagonal added before factorising: the next one if rounding defeats the first."""
EMPTY = 1e-9
"""Energy below which a joined function is none: joining found nothing new to represent."""
INNER_STEPS = 2
"""Steps of conjugate gradients on each level between the finest and the direct solve."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A symmetric matrix of (n, n) blocks, each pair of blocks named once.

    Attributes
    ----------
    size : int, n
    rows, columns : int (m,)
    values : float (m, 4, 4); entry (f, e) stands in row 4 r + f, column 4 c + e
    """

    size: int
    rows: Index
    columns: Index
    values: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the blocks stand, for joining them two by two.

    Attributes
    ----------
    rows, columns : int (n,)
    lines : float64 (n, 4, 4)
        Column f holds the coefficients of the f-th function that every level must represent.
    """

    rows: Index
    columns: Index
    lines: Float64


def inverse(blocks: Blocks, grid: Callable[[], Grid], largest: int = LARGEST_FACTOR) -> Solver:
    """Return a function that solves `blocks`, exactly or, if too wide for that, nearly.

    Parameters
    ----------
    blocks : Blocks, positive definite but for rounding
    grid : callable that returns the Grid; called only if the direct solver is too costly
    largest : int, most numbers the direct solver may hold
    """
    position, reach = _numbering(blocks)
    if blocks.size * BLOCK**2 * (reach + 1) <= largest or blocks.size <= BLOCK:
        return _direct(blocks, position, reach)
    return _nested(_to_sparse(blocks), grid(), largest)


def _numbering(blocks: Blocks) -> tuple[Index, int]:
    """Return each block's position in a narrow order, and how far linked ones then lie apart."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    pairs = (
        np.concatenate([blocks.rows, blocks.columns]),
        np.concatenate([blocks.columns, blocks.rows]),
    )
    ones = np.ones(pairs[0].size, np.int8)
    graph = coo_matrix((ones, pairs), shape=(blocks.size, blocks.size)).tocsr()
    position = np.empty(blocks.size, np.intp)
    position[reverse_cuthill_mckee(graph, symmetric_mode=True)] = np.arange(blocks.size)
    reach = np.abs(position[blocks.rows] - position[blocks.columns]).max(initial=0)
    return position, int(reach)


def _direct(blocks: Blocks, position: Index, reach: int) -> Solver:
    from scipy.linalg import LinAlgError, cho_solve_banded, cholesky_banded

    across = BLOCK * (reach + 1)
    each = np.arange(BLOCK)
    row = BLOCK * position[blocks.rows, None, None] + each[:, None]
    column = BLOCK * position[blocks.columns, None, None] + each
    place = np.minimum(row, column) * across + np.abs(row - column)
    factor = None
    for shift in SHIFTS:
        lower = np.zeros((blocks.size * BLOCK, across))
        lower.reshape(-1)[place] = blocks.values
        lower[:, 0] *= 1 + shift
        try:
            with one_blas_thread():
                factor = cholesky_banded(lower.T, overwrite_ab=True, lower=True, check_finite=False)
            break
        except LinAlgError:
            continue
    if factor is None:  # only the blocks' own diagonal is left to go by
        lower = np.zeros((blocks.size * BLOCK, across))
        lower.reshape(-1)[place] = blocks.values
        lower[:, 0] = np.sqrt(np.abs(lower[:, 0])) + 1e-6
        lower[:, 1:] = 0
        factor = lower.T
    small = factor.astype(np.float32, order="F")

    def solve(load: NDArray[np.floating]) -> NDArray[np.floating]:
        ordered = np.empty((blocks.size, BLOCK), np.float32)
        ordered[position] = load
        flat = cho_solve_banded(
            (small, True), ordered.reshape(-1), overwrite_b=True, check_finite=False
        )
        found: Float32 = flat.reshape(-1, BLOCK)[position]
        return found

    return solve


def _to_sparse(blocks: Blocks) -> Any:  # noqa: ANN401 - scipy has no types
    from scipy.sparse import coo_matrix

    each = np.arange(BLOCK)
    shape = blocks.values.shape
    row = np.broadcast_to(BLOCK * blocks.rows[:, None, None] + each[:, None], shape).ravel()
    column = np.broadcast_to(BLOCK * blocks.columns[:, None, None] + each, shape).ravel()
    values = blocks.values.astype(np.float64).ravel()
    upper = np.repeat(blocks.rows != blocks.columns, BLOCK**2)
    pairs = np.concatenate([row, column[upper]]), np.concatenate([column, row[upper]])
    size = BLOCK * blocks.size
    matrix = coo_matrix((np.concatenate([values, values[upper]]), pairs), shape=(size, size))
    return matrix.tobsr((BLOCK, BLOCK))


def _nested(matrix: Any, grid: Grid, largest: int) -> Solver:  # noqa: ANN401
    """Return a solver that does a few steps on this level and asks the next, coarser one."""
    from scipy.sparse import diags

    join, coarser = _join(grid)
    below = join.T @ matrix @ join
    below += diags((below.diagonal() < EMPTY).astype(np.float64))
    below = below.tobsr((BLOCK, BLOCK))
    below.sort_indices()
    rows = np.repeat(np.arange(coarser.rows.size), np.diff(below.indptr))
    once = rows >= below.indices
    blocks = Blocks(coarser.rows.size, rows[once], below.indices[once], below.data[once])
    next_solver = inverse(blocks, lambda: coarser, largest)
    relax = _relaxation(matrix)

    def cycle(load: Float64) -> Float64:
        found = relax(load)
        rest = join.T @ (load - matrix @ found)
        found += join @ next_solver(rest.reshape(-1, BLOCK)).ravel().astype(np.float64)
        return found + relax(load - matrix @ found)

    def solve(load: NDArray[np.floating]) -> NDArray[np.floating]:
        return conjugate(matrix, cycle, load.astype(np.float64).ravel()).reshape(-1, BLOCK)

    return solve


def conjugate(matrix: Any, cycle: Callable[[Float64], Float64], load: Float64) -> Float64:  # noqa: ANN401
    """Take `INNER_STEPS` steps of flexible conjugate gradients from 0."""
    found, rest = np.zeros_like(load), load.copy()
    direction, applied, energy = np.zeros_like(load), np.zeros_like(load), 1.0
    for _ in range(INNER_STEPS):
        step = cycle(rest)
        step -= _dot(step, applied) / energy * direction
        applied = matrix @ step
        direction, energy = step, _dot(step, applied)
        if energy <= 0:
            break
        length = _dot(direction, rest) / energy
        found += length * direction
        rest -= length * applied
    return found


def _dot(a: Float64, b: Float64) -> float:
    return float(np.einsum("i,i->", a, b))  # not a @ b: OpenBLAS would spin on all cores


def _join(grid: Grid) -> tuple[Any, Grid]:
    """Join blocks two by two so that the functions of `grid.lines` stay representable."""
    from scipy.sparse import bsr_matrix

    across = int(grid.columns.max()) // 2 + 1
    key, parent = np.unique(grid.rows // 2 * across + grid.columns // 2, return_inverse=True)
    child = grid.rows % 2 * 2 + grid.columns % 2
    stacked = np.zeros((key.size, 4, BLOCK, BLOCK))
    stacked[parent, child] = grid.lines
    orthogonal, lines = np.linalg.qr(stacked.reshape(key.size, 4 * BLOCK, BLOCK))
    values = orthogonal.reshape(key.size, 4, BLOCK, BLOCK)[parent, child]
    shape = BLOCK * grid.rows.size, BLOCK * key.size
    join = bsr_matrix((values, parent, np.arange(grid.rows.size + 1)), shape=shape)
    return join, Grid(key // across, key % across, lines)


def _relaxation(matrix: Any) -> Callable[[Float64], Float64]:  # noqa: ANN401
    """Return damped block Jacobi, scaled by its largest eigenvalue (power iteration)."""
    size = matrix.shape[0] // BLOCK
    rows = np.repeat(np.arange(size), np.diff(matrix.indptr))
    own = np.zeros((size, BLOCK, BLOCK))
    own[rows[rows == matrix.indices]] = matrix.data[rows == matrix.indices]
    values, vectors = np.linalg.eigh(own)
    values = np.maximum(values, 1e-6 * values[:, -1:] + 1e-12)
    inverses = np.einsum("nij,nj,nkj->nik", vectors, 1 / values, vectors)

    def apply(load: Float64) -> Float64:
        relaxed: Float64 = np.einsum("nij,nj->ni", inverses, load.reshape(-1, BLOCK)).ravel()
        return relaxed

    vector = np.random.default_rng(0).standard_normal(BLOCK * size)
    largest = 1.0
    for _ in range(12):
        vector = apply(matrix @ vector)
        largest = math.sqrt(_dot(vector, vector))
        vector /= largest
    damping = 1.5 / largest
    return lambda load: damping * apply(load)
