"""Rectangles of a picture that are worked on one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from maskworks.core.values import Box


def slices(box: Box) -> tuple[slice, slice]:
    """Return what cuts the box out of an array (H, W, ...).

    Examples
    --------
    >>> slices(Box(top=0, left=1, bottom=2, right=4))
    (slice(0, 2, None), slice(1, 4, None))
    """
    return slice(box.top, box.bottom), slice(box.left, box.right)


def inside(box: Box, outer: Box) -> Box:
    """Return the same rectangle counted from the corner of `outer`, which holds it.

    Examples
    --------
    >>> inside(Box(5, 7, 6, 9), Box(4, 4, 9, 9))
    Box(top=1, left=3, bottom=2, right=5)
    """
    return Box(
        box.top - outer.top, box.left - outer.left, box.bottom - outer.top, box.right - outer.left
    )


def grown(box: Box, by_px: int, size: tuple[int, int]) -> Box:
    """Return the box with `by_px` more on every side, as far as a picture (H, W) goes.

    Examples
    --------
    >>> grown(Box(1, 5, 3, 7), 2, (9, 8))
    Box(top=0, left=3, bottom=5, right=8)
    """
    return Box(
        max(box.top - by_px, 0),
        max(box.left - by_px, 0),
        min(box.bottom + by_px, size[0]),
        min(box.right + by_px, size[1]),
    )


def around(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that holds all of them, at least one.

    Examples
    --------
    >>> around([Box(1, 5, 3, 7), Box(2, 0, 9, 2)])
    Box(top=1, left=0, bottom=9, right=7)
    """
    tops, lefts, bottoms, rights = zip(
        *((box.top, box.left, box.bottom, box.right) for box in boxes), strict=True
    )
    return Box(min(tops), min(lefts), max(bottoms), max(rights))


def grid(size: tuple[int, int], side_px: int) -> Iterator[Box]:
    """Yield squares that cover a picture (H, W), row by row; the last are cut at its edge.

    Examples
    --------
    >>> list(grid((3, 2), 2))
    [Box(top=0, left=0, bottom=2, right=2), Box(top=2, left=0, bottom=3, right=2)]
    """
    height, width = size
    for top in range(0, height, side_px):
        for left in range(0, width, side_px):
            yield Box(top, left, min(top + side_px, height), min(left + side_px, width))
