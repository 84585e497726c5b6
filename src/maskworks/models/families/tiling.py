"""A picture of any size through a network: tiles that overlap, seams that fade into each other.

In the overlap of two tiles the weight of one falls from 1 to 0 while the other's rises, and
the outermost part of a tile, where a network sees least around, has none. What is kept from
tile to tile is a strip of the overlap, so memory follows the tile and the picture's width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.values import Box, Image, Pixels
from maskworks.models.families.class_scores import ClassScores, Scores

Read = Callable[[Box], Pixels]
"""Returns a part of a picture, uint8 (h, w, 3)."""

Block = tuple[Box, Scores]
"""A part of the picture and its probabilities, float32 (C, h, w)."""


@dataclass(frozen=True)
class Tiling:
    """Square tiles of `side` pixels that overlap by `overlap`; both are multiples of `stride`.

    Raises
    ------
    UsageError
        If the overlap is more than half a tile, or a side is no multiple of the stride.

    Examples
    --------
    >>> Tiling(side=512, overlap=128).starts(1000)
    [0, 384, 488]
    """

    side: int
    overlap: int
    stride: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.overlap <= self.side // 2:
            raise UsageError(
                f"tiles of {self.side} pixels overlap by 0 to {self.side // 2}, got {self.overlap}"
            )
        if self.side < 1 or self.side % self.stride or self.overlap % self.stride:
            raise UsageError(
                f"tile and overlap must be multiples of the network's stride {self.stride}, got "
                f"{self.side} and {self.overlap}"
            )

    def starts(self, length: int) -> list[int]:
        """Return where tiles begin along a side of `length` pixels; the last may end beyond."""
        if length <= self.side:
            return [0]
        step = self.side - self.overlap
        last = -(-(length - self.side) // self.stride) * self.stride
        return [*range(0, last, step), last]


def tiles_of(size: tuple[int, int], tiling: Tiling) -> list[Box]:
    """Return the tiles of a picture of `size` (H, W), row by row."""
    height, width = size
    return [
        Box(top, left, min(top + tiling.side, height), min(left + tiling.side, width))
        for top in tiling.starts(height)
        for left in tiling.starts(width)
    ]


def blended(
    read: Read,
    size: tuple[int, int],
    predict: Callable[[Image], ClassScores],
    tiling: Tiling,
) -> Iterator[Block]:
    """Yield the probabilities of a picture, tile by tile, each pixel once.

    Parameters
    ----------
    read : callable
        Gives the pixels of a part of the picture.
    size : (H, W)
    predict : callable
        What the network says of one tile.

    Yields
    ------
    Box and float32 (C, h, w)
        The boxes cover the picture without gap or overlap, a row of tiles after the other.
    """
    tops, lefts = tiling.starts(size[0]), tiling.starts(size[1])
    down = _ramps(tops, tiling, size[0])
    across = _ramps(lefts, tiling, size[1])
    above: NDArray[np.float32] | None = None
    for row, top in enumerate(tops):
        bottom = min(top + tiling.side, size[0])
        until = tops[row + 1] if row + 1 < len(tops) else bottom
        below: NDArray[np.float32] | None = None
        beside: NDArray[np.float32] | None = None
        for column, left in enumerate(lefts):
            right = min(left + tiling.side, size[1])
            stop = lefts[column + 1] if column + 1 < len(lefts) else right
            found = predict(Image(np.ascontiguousarray(read(Box(top, left, bottom, right)))))
            values = found.rows(0, bottom - top) * down[row][:, np.newaxis] * across[column]
            if beside is not None:
                values[:, :, : beside.shape[2]] += beside
            beside = values[:, :, stop - left :].copy()
            done = values[:, :, : stop - left]
            if above is not None:
                done[:, : above.shape[1]] += above[:, :, left:stop]
            if until < bottom:
                if below is None:
                    below = np.empty((len(done), bottom - until, size[1]), np.float32)
                below[:, :, left:stop] = done[:, until - top :]
            yield Box(top, left, until, stop), done[:, : until - top]
        above = below


def _ramps(starts: list[int], tiling: Tiling, length: int) -> list[NDArray[np.float32]]:
    """Return the weights along one side of each tile; over all tiles they add up to 1."""
    quiet = tiling.overlap // 4
    rise = max(1, tiling.overlap - 2 * quiet)
    total = np.zeros(length)
    weights: list[NDArray[np.float64]] = []
    for start in starts:
        end = min(start + tiling.side, length)
        at = np.arange(start, end) + 0.5
        before = np.inf if start == 0 else at - start
        behind = np.inf if end == length else end - at
        weight = np.clip((np.minimum(before, behind) - quiet) / rise, 0, 1) * np.ones(end - start)
        total[start:end] += weight
        weights.append(weight)
    return [
        (weight / total[start : start + len(weight)]).astype(np.float32)
        for start, weight in zip(starts, weights, strict=True)
    ]
