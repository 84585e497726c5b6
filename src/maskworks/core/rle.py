"""Masks as runs: what a mask costs follows its outline, not the picture.

A mask is the sorted positions at which it begins and ends, in column-major order as COCO counts
pixels: position ``column * H + row``. Everything here works on these positions; only `encode_mask`
and `Rle.to_mask` touch pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.given_masks import inside_of_any
from maskworks.core.public import public
from maskworks.core.values import Box, Mask

Edges = NDArray[np.uint32]
Positions = NDArray[np.int64]

MOST_PIXELS = 2**32 - 1
"""Positions are kept in 32 bits."""


@dataclass(frozen=True, eq=False)
class Rle:
    """A mask of `size` (H, W) as runs: `edges` is uint32 (2 R,): start, end, start, end ...

    Edges strictly increase and lie in [0, H * W]; an end is the first position behind its run.

    Raises
    ------
    ImageError
        If the size holds no pixel or too many, or the edges are not of this form.

    Examples
    --------
    >>> one = encode_mask(np.array([[False, True], [True, True]]))
    >>> one.edges.tolist(), one.area, one.counts.tolist()
    ([1, 4], 3, [1, 3])
    """

    size: tuple[int, int]
    edges: Edges

    def __post_init__(self) -> None:
        height, width = self.size
        if not (height > 0 and width > 0 and height * width <= MOST_PIXELS):
            raise ImageError(
                f"a mask has from 1 to {MOST_PIXELS:,} pixels, got {height}x{width} "
                "(height x width); cut the picture into tiles"
            )
        edges = self.edges
        if edges.ndim != 1 or edges.dtype != np.uint32:
            raise ImageError("edges must be a 1-D uint32 array; make it with `encode_mask`")
        if edges.size % 2 or (edges.size and int(edges[-1]) > height * width):
            raise ImageError(
                f"edges are pairs of start and end within {height * width:,} pixels, got "
                f"{edges.size} that end at {int(edges[-1])}"
            )
        if not (edges[1:] > edges[:-1]).all():
            raise ImageError("edges must strictly increase; make them with `encode_mask`")

    @property
    def area(self) -> int:
        """Pixels inside."""
        edges = self.edges.astype(np.int64)
        return int((edges[1::2] - edges[::2]).sum())

    @property
    def counts(self) -> Positions:
        """Lengths of the runs as COCO writes them: background first, which may be 0."""
        total = self.size[0] * self.size[1]
        ends = self.edges.astype(np.int64)
        if ends.size == 0 or ends[-1] != total:
            ends = np.append(ends, total)
        return np.diff(ends, prepend=0)

    def box(self) -> Box | None:
        """Return the smallest box around the pixels inside, None of an empty mask.

        Examples
        --------
        >>> encode_mask(np.array([[False, False, False], [False, True, True]])).box()
        Box(top=1, left=1, bottom=2, right=3)
        """
        if self.edges.size == 0:
            return None
        first, last = _first_and_last(self)
        height = self.size[0]
        left, right = int(first[0]) // height, int(last[-1]) // height
        if (first // height != last // height).any():  # a run over a column's end touches both
            top, bottom = 0, height - 1
        else:
            top, bottom = int((first % height).min()), int((last % height).max())
        return Box(top, left, bottom + 1, right + 1)

    def to_mask(self) -> Mask:
        """Draw the mask: bool (H, W)."""
        height, width = self.size
        inside = np.repeat(np.arange(self.counts.size) % 2 == 1, self.counts)
        return Mask(inside.reshape(width, height).T)

    def to_crop(self, box: Box) -> Mask:
        """Draw what lies in a box: bool of the box's size; the rest is never made.

        Raises
        ------
        ImageError
            If the box reaches beyond the mask.
        """
        return self.crop(box).to_mask()

    def crop(self, box: Box) -> Rle:
        """Return what lies in a box, as a mask of the box's size.

        Raises
        ------
        ImageError
            If the box reaches beyond the mask.

        Examples
        --------
        >>> ring = encode_mask(np.array([[True, True, True], [True, False, True]]))
        >>> ring.crop(Box(0, 1, 2, 3)).to_mask().inside.tolist()
        [[True, True], [False, True]]
        """
        if box.bottom > self.size[0] or box.right > self.size[1]:
            raise ImageError(
                f"the box ends at ({box.bottom}, {box.right}), the mask is {self.size[0]}x"
                f"{self.size[1]} (height x width); clip it first"
            )
        column, top, bottom = _columns(self)
        top, bottom = np.maximum(top, box.top), np.minimum(bottom, box.bottom)
        kept = (column >= box.left) & (column < box.right) & (top < bottom)
        height = box.bottom - box.top
        base = (column[kept] - box.left) * height - box.top
        return Rle(box.size, joined_runs(base + top[kept], base + bottom[kept]))

    def placed(self, size: tuple[int, int], *, top: int, left: int) -> Rle:
        """Put the mask into a larger picture, its first pixel at (`top`, `left`).

        Parameters
        ----------
        size : (H, W) of the picture
        top, left : int, >= 0
            The mask must fit.

        Raises
        ------
        ImageError
            If it does not fit.

        Examples
        --------
        >>> dot = encode_mask(np.ones((1, 1), bool))
        >>> dot.placed((2, 2), top=1, left=0).to_mask().inside.tolist()
        [[False, False], [True, False]]
        """
        bottom, right = top + self.size[0], left + self.size[1]
        if top < 0 or left < 0 or bottom > size[0] or right > size[1]:
            raise ImageError(
                f"a mask of {self.size} at ({top}, {left}) does not fit into {size}; crop it first"
            )
        column, start, end = _columns(self)
        base = (column + left) * size[0] + top
        return Rle(size, joined_runs(base + start, base + end))


@public
def encode_mask(inside: Any) -> Rle:  # noqa: ANN401 - a mask as a caller has it
    """Return the runs of a mask: an array (H, W) of bool, 0 and 1, 0 to 255, or float in [0, 1].

    Of a soft one what is at least 0.5 is inside.

    Raises
    ------
    ImageError
        If it has another rank or type, or no pixel.

    Examples
    --------
    >>> encode_mask(np.array([[True, False]])).edges.tolist()
    [0, 1]
    """
    inside = inside_of_any(inside)
    flat = np.ascontiguousarray(inside.T).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    first = [0] if flat[0] else []
    last = [flat.size] if flat[-1] else []
    edges = np.concatenate([np.array(first), changes, np.array(last)])
    return Rle((inside.shape[0], inside.shape[1]), edges.astype(np.uint32))


def encode_ids(ids: NDArray[np.integer]) -> dict[int, Rle]:
    """Return the mask of every value of an integer (H, W) array, in one pass.

    Raises
    ------
    ImageError
        If it is no 2-D integer array, or has no pixel.

    Examples
    --------
    >>> {value: rle.area for value, rle in encode_ids(np.array([[7, 7, 0], [7, 0, 0]])).items()}
    {0: 3, 7: 3}
    """
    if ids.ndim != 2 or ids.size == 0 or not np.issubdtype(ids.dtype, np.integer):
        raise ImageError(f"ids must be a 2-D integer array, got {ids.ndim}-D {ids.dtype}")
    flat = np.ascontiguousarray(ids.T).ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [flat.size]])
    values = flat[starts]
    order = np.argsort(values, kind="stable")
    edges = np.stack([starts[order], ends[order]], axis=1).astype(np.uint32)
    found, first = np.unique(values[order], return_index=True)
    size = (ids.shape[0], ids.shape[1])
    parts = np.split(edges, first[1:])
    return {int(value): Rle(size, part.ravel()) for value, part in zip(found, parts, strict=True)}


def _first_and_last(mask: Rle) -> tuple[Positions, Positions]:
    edges = mask.edges.astype(np.int64)
    return edges[::2], edges[1::2] - 1


def _columns(mask: Rle) -> tuple[Positions, Positions, Positions]:
    """Cut the runs at the ends of columns: column, first row, row behind the last, each int64."""
    height = mask.size[0]
    first, last = _first_and_last(mask)
    begins, ends = first // height, last // height
    pieces = ends - begins + 1
    run = np.repeat(np.arange(first.size), pieces)
    within = np.arange(run.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    column = begins[run] + within
    top = np.where(within == 0, first[run] % height, 0)
    bottom = np.where(column == ends[run], last[run] % height + 1, height)
    return column, top, bottom


def joined_runs(starts: Positions, ends: Positions) -> Edges:
    """Return the edges of sorted runs that do not overlap but may touch."""
    if starts.size == 0:
        return np.zeros(0, np.uint32)
    apart = starts[1:] > ends[:-1]
    first = np.concatenate([[True], apart])
    last = np.concatenate([apart, [True]])
    return np.stack([starts[first], ends[last]], axis=1).astype(np.uint32).ravel()
