"""Objects that were found tile by tile, made whole across the seams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.instances import Instances
from maskworks.core.rle_algebra import intersections

if TYPE_CHECKING:
    from maskworks.core.taxonomy import Taxonomy
    from maskworks.core.values import Box

Found = tuple["Box", Instances]
"""A tile and its objects, placed in the whole picture."""

SHARED = 0.5
"""Two objects are one if this share of what either has in the overlap is the other's too."""


def merge_tiles(found: Sequence[Found], size: tuple[int, int], taxonomy: Taxonomy) -> Instances:
    """Unite the parts of objects that lie on a seam; each object is then there once.

    Parts of one label from two tiles belong together if, within the overlap of the tiles, the
    smaller of them lies at least half in the other. The whole has the best part's score.

    Parameters
    ----------
    found : tiles with their objects, in the whole picture's frame
    size : (H, W) of the picture

    Returns
    -------
    Instances, best first
    """
    everything = [each for _, each in found]
    if not any(len(each) for each in everything):
        return Instances.of([], labels=[], scores=[], taxonomy=taxonomy, size=size)
    first = np.cumsum([0, *(len(each) for each in everything)])
    parent = list(range(int(first[-1])))
    for a in range(len(found)):
        for b in range(a + 1, len(found)):
            for ours, theirs in _pairs(found[a], found[b]):
                _unite(parent, int(first[a]) + ours, int(first[b]) + theirs)
    groups: dict[int, list[int]] = {}
    for at in range(len(parent)):
        groups.setdefault(_root(parent, at), []).append(at)
    whole = Instances.of(
        [mask for each in everything for mask in each.masks],
        labels=np.concatenate([each.labels for each in everything]),
        scores=np.concatenate([each.scores for each in everything]),
        taxonomy=taxonomy,
        size=size,
    ).merged(list(groups.values()))
    return whole.select(np.argsort(-whole.scores, kind="stable"))


def _pairs(ours: Found, theirs: Found) -> list[tuple[int, int]]:
    """Return places of objects that are one and the same."""
    from maskworks.core.values import Box

    (a, mine), (b, other) = ours, theirs
    top, left = max(a.top, b.top), max(a.left, b.left)
    bottom, right = min(a.bottom, b.bottom), min(a.right, b.right)
    if bottom <= top or right <= left or not len(mine) or not len(other):
        return []
    shared = Box(top, left, bottom, right)
    here, there = _reaching(mine, shared), _reaching(other, shared)
    if not here.size or not there.size:
        return []
    first = [mine.masks[at].crop(shared) for at in here]
    second = [other.masks[at].crop(shared) for at in there]
    both = intersections(first, second)
    areas = np.minimum.outer([mask.area for mask in first], [mask.area for mask in second])
    one = (both > 0) & (both >= SHARED * areas)
    one &= mine.labels[here][:, np.newaxis] == other.labels[there][np.newaxis]
    return [(int(here[i]), int(there[j])) for i, j in zip(*np.nonzero(one), strict=True)]


def _reaching(things: Instances, box: Box) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the places of objects whose boxes reach into a box."""
    top, left, bottom, right = things.boxes.T
    inside = (top < box.bottom) & (bottom > box.top) & (left < box.right) & (right > box.left)
    return np.flatnonzero(inside)


def _root(parent: list[int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


def _unite(parent: list[int], a: int, b: int) -> None:
    a, b = _root(parent, a), _root(parent, b)
    parent[max(a, b)] = min(a, b)
