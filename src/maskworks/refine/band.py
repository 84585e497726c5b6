"""The unknown band of a trimap as a list of small square tiles.

Whatever the closed-form solver stores lives on the 8x8 tiles that hold an unknown pixel, so
memory follows the band and not the picture. A *field* is one number per pixel of these tiles:
float32 (8, 8, n + 2), the tile last, so that every step of the solver runs over long rows of
memory. Tiles count from 1, row by row; the first and the last entry of that axis are no tile
and stay 0: what lies outside the band reads as 0 there.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from maskworks.core.values import UNKNOWN, Trimap

TILE = 8
REACH = 2
"""Two pixels share a 3x3 window if they lie at most so many rows and columns apart."""
PADDED = TILE + 2 * REACH
TAPS = 2 * REACH + 1
CHUNK = 256
"""Tiles that one step works on at once: enough to drown Python's own cost, few enough for cache."""

Field = NDArray[np.float32]
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Band:
    """The tiles that hold an unknown pixel.

    Attributes
    ----------
    size : (H, W) of the picture, pixels
    rows, columns : int (n,), which row and column of tiles each one is
    neighbours : int (3, 3, n)
        Number of the tile above, level, below and left, same, right of each; 0 if there is
        none in the band.

    Examples
    --------
    >>> levels = np.zeros((20, 20), np.uint8)
    >>> levels[3, 17] = levels[9, 9] = 128
    >>> band = cover(Trimap(levels))
    >>> band.rows.tolist(), band.columns.tolist()
    ([0, 1], [2, 1])
    >>> band.neighbours[0, 2].tolist()  # above, to the right
    [0, 1]
    """

    size: tuple[int, int]
    rows: Index
    columns: Index
    neighbours: Index

    @property
    def tiles(self) -> int:
        """How many tiles there are."""
        return self.rows.size

    @property
    def chunks(self) -> tuple[slice, ...]:
        """The tiles in portions of about `CHUNK`, as slices of a field's last axis."""
        count = -(-self.tiles // CHUNK)
        ends = [1 + self.tiles * part // count for part in range(count + 1)] if count else [1]
        return tuple(slice(a, b) for a, b in pairwise(ends))

    def field(self, *leading: int) -> Field:
        """Return zeros of shape (*leading, 8, 8, n + 2)."""
        return np.zeros((*leading, TILE, TILE, self.tiles + 2), np.float32)

    def pixels(self, chunk: slice, margin: int) -> tuple[Index, Index]:
        """Return the picture rows (8 + 2 margin, c) and columns of a chunk's pixels.

        They are not clipped: some lie outside the picture.
        """
        steps = np.arange(-margin, TILE + margin)[:, None]
        real = slice(chunk.start - 1, chunk.stop - 1)
        return self.rows[real] * TILE + steps, self.columns[real] * TILE + steps


def cover(trimap: Trimap) -> Band:
    """Return the tiles that hold at least one unknown pixel of `trimap`."""
    height, width = trimap.size
    down, across = -(-height // TILE), -(-width // TILE)
    unknown = trimap.levels == UNKNOWN
    strips = np.zeros((down, across * TILE), bool)
    for offset in range(TILE):
        part = unknown[offset::TILE]
        strips[: part.shape[0], :width] |= part
    rows, columns = np.nonzero(strips.view(np.uint64))  # eight bytes are one tile's width
    number = np.zeros((down + 2, across + 2), np.intp)
    number[rows + 1, columns + 1] = np.arange(1, rows.size + 1)
    neighbours = np.empty((3, 3, rows.size), np.intp)
    for row in range(3):
        for column in range(3):
            neighbours[row, column] = number[rows + row, columns + column]
    return Band((height, width), rows, columns, neighbours)


@dataclass(frozen=True, eq=False)
class Halo:
    """Where the pixels around each tile of a chunk are found in a field.

    Tiles count row by row, so the left and the right neighbour are the previous and the next
    tile or none (a factor 0 or 1); only the rows above and below are gathered by index.

    Attributes
    ----------
    chunk : slice of the tile axis, c long
    left, right : float32 (c,), 1 where that neighbour is in the band
    above, below : int (2, 12, c), positions in the flat field
    """

    chunk: slice
    left: NDArray[np.float32]
    right: NDArray[np.float32]
    above: Index
    below: Index

    def pad(self, field: Field) -> Field:
        """Return the tiles of the chunk with two more pixels on each side, (12, 12, c)."""
        start, stop = self.chunk.start, self.chunk.stop
        out = np.empty((PADDED, PADDED, stop - start), np.float32)
        flat = field.reshape(-1)
        np.take(flat, self.above, out=out[:REACH], mode="clip")  # "clip" writes without a copy
        np.take(flat, self.below, out=out[-REACH:], mode="clip")
        inner = out[REACH:-REACH]
        inner[:, REACH:-REACH] = field[..., start:stop]
        np.multiply(field[:, -REACH:, start - 1 : stop - 1], self.left, out=inner[:, :REACH])
        np.multiply(field[:, :REACH, start + 1 : stop + 1], self.right, out=inner[:, -REACH:])
        return out


def halos(band: Band) -> tuple[Halo, ...]:
    """Return the halo of every chunk of `band`."""
    steps = np.arange(-REACH, TILE + REACH)
    side = (steps >= 0).astype(np.intp) + (steps >= TILE)  # 0 left, 1 same, 2 right
    found = []
    for chunk in band.chunks:
        near = band.neighbours[:, :, chunk.start - 1 : chunk.stop - 1]
        rows = []
        for row, inside in ((0, range(TILE - REACH, TILE)), (2, range(REACH))):
            place = np.add.outer(np.array(inside) * TILE, steps % TILE) * (band.tiles + 2)
            rows.append(place[:, :, None] + near[row][side][None])
        left, right = ((near[1, column] > 0).astype(np.float32) for column in (0, 2))
        found.append(Halo(chunk, left, right, rows[0], rows[1]))
    return tuple(found)


def shifted(padded: NDArray[np.float32], taps: tuple[int, int] = (TAPS, TAPS)) -> Field:
    """View (..., h, w, c) as its shifts (..., p, q, h - p + 1, w - q + 1, c), `taps` = (p, q).

    Entry [p, q, i, j] is pixel [i + p, j + q]; nothing is copied, so do not write into it.
    """
    *leading, height, width, count = padded.shape
    *outer, row, column, tile = padded.strides
    shape = (*leading, *taps, height - taps[0] + 1, width - taps[1] + 1, count)
    strides = (*outer, row, column, row, column, tile)
    return as_strided(padded, shape, strides, writeable=False)


def run(work: Callable[[int], None], count: int, pool: Executor | None) -> None:
    """Call `work` with 0 to `count` - 1, on the threads of `pool` if there is one."""
    for _ in map(work, range(count)) if pool is None else pool.map(work, range(count)):
        pass
