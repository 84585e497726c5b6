"""The coarse half of the closed-form preconditioner: one colour line per tile.

What converges slowly in closed-form matting is alpha that is locally a linear function of the
colour, because windows cannot see it. A coarse grid of plain averages cannot represent that
either: constants alone leave 3 to 5 % of error after fifty cycles. So each 8x8 tile gets four
basis functions, the constant and the three colour channels, and the coarse system is the
Laplacian restricted to them: 4 unknowns for up to 64, and small enough to be solved directly.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Image
from maskworks.refine.band import PADDED, REACH, TAPS, TILE, Field, Index, run, shifted
from maskworks.refine.blocks import BLOCK, Blocks, Grid, Solver, inverse
from maskworks.refine.laplacian import Laplacian, factorise

Float32 = NDArray[np.float32]

FLAT = 0.05
"""Grey levels squared: colours that vary less within a tile are taken as one colour."""


@dataclass(frozen=True)
class _Span:
    """Along one axis, the part of a tile that is linked to a neighbour.

    own: the tile's pixels; taps: those that reach the neighbour; reach: all they read of the
    padded tile; theirs: which of that is the neighbour's.
    """

    own: slice
    taps: slice
    reach: slice
    theirs: slice


SPANS = (
    _Span(slice(0, 2), slice(0, 2), slice(0, 3), slice(0, 2)),
    _Span(slice(0, TILE), slice(0, TAPS), slice(0, PADDED), slice(REACH, PADDED - REACH)),
    _Span(slice(TILE - 2, TILE), slice(3, TAPS), slice(PADDED - 3, PADDED), slice(1, 3)),
)
"""What is linked to the tile before, to the tile itself and to the one after."""

ONCE = ((1, 1), (1, 2), (2, 0), (2, 1), (2, 2))
"""The neighbours that, with symmetry, name every pair of tiles once."""

Links = dict[tuple[int, int], Float32]
"""For each of `ONCE`, float32 (4, 4, n): own function, neighbour's function, tile."""


@dataclass(frozen=True, eq=False)
class ColourSpace:
    """The coarse space and its solver.

    Attributes
    ----------
    basis : float32 (4, 8, 8, n + 2), 0 where a pixel is not unknown
    solve : the inverse of the coarse system, on (n, 4)
    """

    basis: Float32
    solve: Solver

    def correct(self, residual: Field) -> Field:
        """Return the field in this space whose Laplacian has the coarse sums of `residual`."""
        load = np.einsum("eijn,ijn->en", self.basis, residual)
        weights = np.zeros_like(load)
        weights[:, 1:-1] = self.solve(load[:, 1:-1].T).T
        found: Field = np.einsum("eijn,en->ijn", self.basis, weights)
        return found


def colour_space(
    image: Image, laplacian: Laplacian, *, pool: Executor | None = None
) -> ColourSpace:
    """Build the coarse space of `laplacian`, whose colours are those of `image`."""
    basis = laplacian.band.field(BLOCK)
    halos = laplacian.halos
    links = {near: np.zeros((BLOCK, BLOCK, laplacian.band.tiles), np.float32) for near in ONCE}

    def fill(part: int) -> None:
        chunk = halos[part].chunk
        basis[..., chunk] = _tile_basis(image, laplacian, chunk)

    def link(part: int) -> None:
        chunk = halos[part].chunk
        padded = np.stack([halos[part].pad(function) for function in basis])
        for near in ONCE:
            out = links[near][..., chunk.start - 1 : chunk.stop - 1]
            _link(basis[..., chunk], laplacian.taps[part], padded, near=near, out=out)

    run(fill, len(halos), pool)
    run(link, len(halos), pool)
    solve = inverse(_blocks(laplacian, links), lambda: _grid(image, laplacian, basis))
    return ColourSpace(basis, solve)


def _tile_basis(image: Image, laplacian: Laplacian, chunk: slice) -> Float32:
    """Return 1 and the whitened colours of each tile's unknown pixels, (4, 8, 8, c)."""
    place = _places(laplacian, chunk)
    unknown = laplacian.unknown[..., chunk]
    count = unknown.sum(axis=(0, 1))
    out = np.empty((BLOCK, *unknown.shape), np.float32)
    out[0] = unknown
    colours = out[1:]
    np.copyto(colours, np.moveaxis(image.pixels.reshape(-1, 3)[place], -1, 0))
    colours -= (np.einsum("cijn,ijn->cn", colours, unknown) / count)[:, None, None]
    colours *= unknown
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    spread = [np.einsum("ijn,ijn->n", colours[a], colours[b]) / count for a, b in pairs]
    l10, l20, l21, *pivots = factorise(
        tuple(
            s.astype(np.float64) + FLAT * (a == b) for s, (a, b) in zip(spread, pairs, strict=True)
        )
    )
    first, second, third = colours
    second -= l10.astype(np.float32) * first
    third -= l20.astype(np.float32) * first + l21.astype(np.float32) * second
    for channel, pivot in enumerate(pivots):
        scale = (pivot > 2 * FLAT) / np.sqrt(np.maximum(pivot, FLAT))
        colours[channel] *= scale.astype(np.float32)
    return out


def _places(laplacian: Laplacian, chunk: slice) -> Index:
    """Return the positions of the tiles' pixels in the flat picture, (8, 8, c)."""
    height, width = laplacian.band.size
    rows, columns = laplacian.band.pixels(chunk, 0)
    place: Index = rows.clip(0, height - 1)[:, None] * width + columns.clip(0, width - 1)[None]
    return place


def _link(
    basis: Float32, taps: Float32, padded: Float32, *, near: tuple[int, int], out: Float32
) -> None:
    """Write into `out` (4, 4, c) what links each tile's functions to those of a neighbour."""
    down, across = SPANS[near[0]], SPANS[near[1]]
    alone = np.zeros_like(padded[:, down.reach, across.reach])
    part = slice(None), down.theirs, across.theirs
    alone[part] = padded[:, down.reach, across.reach][part]
    shifts = shifted(
        alone, (down.taps.stop - down.taps.start, across.taps.stop - across.taps.start)
    )
    weights = taps[down.taps, across.taps, down.own, across.own]
    applied = np.einsum("pqijn,epqijn->eijn", weights, shifts)
    np.einsum("fijn,eijn->fen", basis[:, down.own, across.own], applied, out=out)


def _blocks(laplacian: Laplacian, links: Links) -> Blocks:
    """Gather the links into a symmetric block matrix; empty basis functions get a 1."""
    neighbours, tiles = laplacian.band.neighbours, laplacian.band.tiles
    empty = links[1, 1][range(BLOCK), range(BLOCK)] <= 0  # (4, n)
    links[1, 1][range(BLOCK), range(BLOCK)] += empty
    rows, columns, values = [], [], []
    for near in ONCE:
        other = neighbours[near] - 1
        real = np.flatnonzero(other >= 0)
        rows.append(real)
        columns.append(other[real])
        values.append(np.moveaxis(links[near][..., real], -1, 0))
    whole = (np.concatenate(part) for part in (rows, columns, values))
    return Blocks(tiles, *whole)


def _grid(image: Image, laplacian: Laplacian, basis: Float32) -> Grid:
    """Say where the tiles stand, and what 1 and the three channels are in each tile's basis."""
    band = laplacian.band
    lines = np.zeros((band.tiles, BLOCK, BLOCK))
    for halo in laplacian.halos:
        functions = basis[..., halo.chunk]
        place = _places(laplacian, halo.chunk)
        wanted = np.empty_like(functions)
        wanted[0] = 1
        np.copyto(wanted[1:], np.moveaxis(image.pixels.reshape(-1, 3)[place], -1, 0))
        size = np.einsum("eijn,eijn->en", functions, functions)
        share = np.einsum("eijn,fijn->nef", functions, wanted)
        real = slice(halo.chunk.start - 1, halo.chunk.stop - 1)
        lines[real] = share / np.maximum(size, 1e-6).T[:, :, None]
    return Grid(band.rows, band.columns, lines)
