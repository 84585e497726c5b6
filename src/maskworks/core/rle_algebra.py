"""Masks as runs against each other: union, difference, and what they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.rle import Edges, Positions, Rle, joined_runs
from maskworks.core.values import Bool2D


def union(masks: Sequence[Rle]) -> Rle:
    """Return what lies in at least one of the masks.

    Raises
    ------
    ImageError
        If there is none, or their sizes differ.
    """
    return _where_depth(masks, 1)


def difference(mask: Rle, other: Rle) -> Rle:
    """Return what lies in `mask` and not in `other`.

    Raises
    ------
    ImageError
        If their sizes differ.

    Examples
    --------
    >>> from maskworks.core.rle import encode_mask
    >>> full, left = (encode_mask(np.array([[True, right]])) for right in (True, False))
    >>> difference(full, left).edges.tolist()
    [1, 2]
    """
    inverted = Rle(other.size, _inverted(other))
    return _where_depth([mask, inverted], 2)


def intersections(ours: Sequence[Rle], theirs: Sequence[Rle]) -> Positions:
    """Count the pixels that each of one group shares with each of the other.

    Parameters
    ----------
    ours, theirs : masks of one size
        N and M of them; either may be empty.

    Returns
    -------
    int64 (N, M)

    Raises
    ------
    ImageError
        If the sizes differ.

    Notes
    -----
    How much of a mask lies before a position is linear between its edges, so the shared pixels
    are sums of that function at the other's edges. Pairs whose boxes are apart are not looked at.
    """
    _same_size([*ours, *theirs])
    shared = np.zeros((len(ours), len(theirs)), np.int64)
    if not len(ours) or not len(theirs):
        return shared
    near = _near(_boxes(ours), _boxes(theirs))
    for at, other in enumerate(theirs):
        chosen = np.flatnonzero(near[:, at]).tolist()
        if not chosen:
            continue
        edges = other.edges.astype(np.float64)
        before = np.cumsum(np.diff(edges, prepend=edges[0]) * (np.arange(edges.size) % 2))
        asked = np.concatenate([ours[n].edges for n in chosen]).astype(np.float64)
        covered = np.interp(asked, edges, before)
        signed = covered * np.where(np.arange(asked.size) % 2, 1.0, -1.0)
        lengths = np.array([ours[n].edges.size for n in chosen])
        sums = np.add.reduceat(signed, np.concatenate([[0], np.cumsum(lengths)[:-1]]))
        shared[chosen, at] = np.rint(sums).astype(np.int64)
    return shared


def ious(ours: Sequence[Rle], theirs: Sequence[Rle]) -> NDArray[np.float64]:
    """Return the intersection over union of each of one group with each of the other.

    Returns
    -------
    float64 (N, M)
        0 where both masks are empty, as COCO has it.

    Raises
    ------
    ImageError
        If the sizes differ.

    Examples
    --------
    >>> from maskworks.core.rle import encode_mask
    >>> pair = [encode_mask(np.array([row])) for row in ([True, True, False], [False, True, True])]
    >>> ious(pair, pair).round(3).tolist()
    [[1.0, 0.333], [0.333, 1.0]]
    """
    shared = intersections(ours, theirs)
    first = np.array([mask.area for mask in ours], np.int64)
    second = np.array([mask.area for mask in theirs], np.int64)
    either = first[:, np.newaxis] + second[np.newaxis] - shared
    found: NDArray[np.float64] = shared / np.maximum(either, 1)
    return found


def _inverted(mask: Rle) -> Edges:
    total = mask.size[0] * mask.size[1]
    edges = np.concatenate([[0], mask.edges.astype(np.int64), [total]])
    starts, ends = edges[::2], edges[1::2]
    return joined_runs(starts[starts < ends], ends[starts < ends])


def _where_depth(masks: Sequence[Rle], least: int) -> Rle:
    """Return what lies in at least `least` of the masks."""
    if not masks:
        raise ImageError("there is no mask to combine; give at least one")
    size = _same_size(masks)
    edges = np.concatenate([mask.edges for mask in masks]).astype(np.int64)
    step = np.concatenate([np.where(np.arange(m.edges.size) % 2, -1, 1) for m in masks])
    places, where = np.unique(edges, return_inverse=True)
    depth = np.cumsum(np.bincount(where, step, places.size).astype(np.int64))
    inside = depth >= least
    changes = np.flatnonzero(np.diff(inside, prepend=False))
    return Rle(size, places[changes].astype(np.uint32))


def _same_size(masks: Sequence[Rle]) -> tuple[int, int]:
    sizes = {mask.size for mask in masks}
    if len(sizes) > 1:
        raise ImageError(f"masks must have one size, got {sorted(sizes)}; place or crop them")
    return next(iter(sizes), (1, 1))


def _boxes(masks: Sequence[Rle]) -> Positions:
    """Return int64 (N, 4): top, left, bottom, right; all 0 of an empty mask."""
    found = [mask.box() for mask in masks]
    rows = [(0, 0, 0, 0) if b is None else (b.top, b.left, b.bottom, b.right) for b in found]
    return np.array(rows, np.int64).reshape(-1, 4)


def _near(ours: Positions, theirs: Positions) -> Bool2D:
    """Say which boxes share a pixel: bool (N, M)."""
    first = np.maximum(ours[:, np.newaxis, :2], theirs[np.newaxis, :, :2])
    behind = np.minimum(ours[:, np.newaxis, 2:], theirs[np.newaxis, :, 2:])
    return np.asarray((first < behind).all(axis=2))
