"""Equal tiles of a picture, gathered into one array and put back.

A band fills little of a picture and lies all over it. Its tiles are worked many at a time: few
calls on long arrays, which is what NumPy is fast at and what threads share well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from maskworks.core.values import Bool2D

TILE_PX = 32
BATCH_PX = 1 << 17
"""Pixels that are worked at once: with fewer, two threads wait for each other."""

Indices = NDArray[np.intp]
Field = NDArray[np.float32]
Number = TypeVar("Number", np.uint8, np.float32)


@dataclass(frozen=True, eq=False)
class Mosaic:
    """N tiles of one size, by the places of their corners.

    `tops` and `lefts` are (N,), pixels; all tops lie alike to the blocks of a small copy, and
    so do all lefts. `size` is (h, w).
    """

    tops: Indices
    lefts: Indices
    size: tuple[int, int]

    def of(self, plane: NDArray[Number]) -> NDArray[Number]:
        """Return the tiles of an array (H, W) as (N, h, w), of (H, W, C) as (N, C, h, w)."""
        return sliding_window_view(plane, self.size, axis=(0, 1))[self.tops, self.lefts]

    def put(self, plane: NDArray[Number], tiles: NDArray[Number]) -> None:
        """Write tiles, shaped as `of` gives them, into an array."""
        view = sliding_window_view(plane, self.size, axis=(0, 1), writeable=True)
        view[self.tops, self.lefts] = tiles

    def enlarged(self, small: Field, side: int) -> Field:
        """Return what lies smooth between the centres of a small copy's blocks.

        Parameters
        ----------
        small : float32 (C, h', w')
        side : int
            Of the blocks, pixels.

        Returns
        -------
        float32 (N, C, h, w)
        """
        rows, down = _between(self.tops, self.size[0], side, small.shape[1])
        columns, across = _between(self.lefts, self.size[1], side, small.shape[2])
        cells = np.moveaxis(small[:, rows[:, :, np.newaxis], columns[:, np.newaxis, :]], 0, 1)
        count, planes, high, wide = cells.shape
        # One product a tile for all planes: thousands of tiny ones would cost more in calls.
        across_all = cells.reshape(count, planes * high, wide) @ across.T
        found: Field = np.matmul(down, across_all.reshape(count, planes, high, -1))
        return found


def _between(starts: Indices, length: int, side: int, cells: int) -> tuple[Indices, Field]:
    """Return which cells tiles lie between, (N, k), and their shares in each pixel, (length, k)."""
    at = (starts[0] + np.arange(length) + 0.5) / side - 0.5
    first = np.floor(at).astype(np.intp)
    count = int(first[-1] - first[0]) + 2
    weights = np.zeros((length, count), np.float32)
    pixel, cell, share = np.arange(length), first - first[0], at - first
    weights[pixel, cell] = 1 - share
    weights[pixel, cell + 1] += share
    begin = first[0] + (starts - starts[0]) // side
    which = (begin[:, np.newaxis] + np.arange(count)).clip(0, cells - 1)
    return which, weights


def mosaics(touched: Bool2D, side: int, size: tuple[int, int]) -> Iterator[Mosaic]:
    """Yield all tiles of a picture that hold a touched block, in portions.

    Parameters
    ----------
    touched : bool (h', w')
        Blocks of `side` pixels.
    side : int, a power of two
    size : (H, W) of the picture

    Yields
    ------
    Mosaic
        The tiles at the far edges reach back, so that all have one size.

    Examples
    --------
    >>> touched = np.zeros((3, 9), np.bool_)
    >>> touched[1, 8] = True
    >>> [(m.tops.tolist(), m.lefts.tolist(), m.size) for m in mosaics(touched, 8, (24, 70))]
    [([0], [38], (24, 32))]
    """
    tile = max(TILE_PX, side)
    height, width = min(tile, size[0]), min(tile, size[1])
    tops = np.minimum(np.arange(0, size[0], tile), size[0] - height)
    lefts = np.minimum(np.arange(0, size[1], tile), size[1] - width)
    step = tile // side
    rows, columns = np.nonzero(touched)
    held = np.zeros((tops.size, lefts.size), np.bool_)
    held[np.minimum(rows // step, tops.size - 1), np.minimum(columns // step, lefts.size - 1)] = (
        True
    )
    most = max(1, BATCH_PX // (height * width))
    first, last = slice(-1), slice(-1, None)  # the last reach back, so they lie otherwise
    for part in ((first, first), (first, last), (last, first), (last, last)):
        chosen = np.zeros_like(held)
        chosen[part] = held[part]
        down, across = np.nonzero(chosen)
        for start in range(0, down.size, most):
            some = slice(start, start + most)
            yield Mosaic(tops[down[some]], lefts[across[some]], (height, width))
