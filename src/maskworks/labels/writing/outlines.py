"""Outlines of masks along pixel edges: the polygon covers exactly the mask's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from maskworks.core.values import Bool2D

Ring = NDArray[np.int64]
"""int64 (n, 2): (row, column) of corners of pixels; the last is joined to the first."""

Vertex = tuple[int, int]


def rings_of(inside: Bool2D, *, top: int = 0, left: int = 0) -> list[Ring]:
    """Return the outlines of a mask.

    Parameters
    ----------
    inside : bool (H, W)
    top, left : int
        Added to every row and column, for a mask that was cut out of a picture.

    Returns
    -------
    list of int64 (n, 2)
        Pixels that touch only at a corner are apart. Outer rings run clockwise as seen on the
        screen, holes the other way; only corners are kept, so consecutive points share a row
        or a column.

    Examples
    --------
    >>> [ring.tolist() for ring in rings_of(np.ones((1, 2), bool))]
    [[[0, 0], [0, 2], [1, 2], [1, 0]]]
    >>> signed_area(rings_of(np.ones((1, 2), bool))[0])
    2
    """
    following = _edges(np.pad(inside, 1))
    rings: list[Ring] = []
    while following:
        start = next(iter(following))
        rings.append(_walk(start, following) + (top - 1, left - 1))
    return rings


def signed_area(ring: Ring) -> int:
    """Return the area inside a ring, pixels: positive for outer rings, negative for holes."""
    rows, columns = ring[:, 0], ring[:, 1]
    twice = np.dot(columns, np.roll(rows, -1)) - np.dot(np.roll(columns, -1), rows)
    return int(twice) // 2


def simplified(ring: Ring, tolerance_px: float) -> NDArray[np.float64]:
    """Return a ring with fewer points, none of which moved, at most so far away.

    Douglas and Peucker, Algorithms for the Reduction of the Number of Points, 1973. At least
    three points stay.

    Examples
    --------
    >>> stairs = np.array([[0, 0], [0, 1], [1, 1], [1, 2], [2, 2], [2, 0]])
    >>> len(simplified(stairs, 1.0)) < len(stairs)
    True
    """
    import cv2

    if tolerance_px <= 0 or len(ring) <= 4:
        return ring.astype(np.float64)
    points = ring[:, np.newaxis, ::-1].astype(np.int32)
    fewer = cv2.approxPolyDP(points, tolerance_px, closed=True)[:, 0, ::-1]
    return (fewer if len(fewer) >= 3 else ring).astype(np.float64)


def grouped(rings: list[Ring]) -> list[tuple[Ring, list[Ring]]]:
    """Return each outer ring with the holes that lie in it."""
    outer = [ring for ring in rings if signed_area(ring) > 0]
    holes = [ring for ring in rings if signed_area(ring) < 0]
    boxes = [(ring.min(axis=0), ring.max(axis=0)) for ring in outer]
    groups: list[tuple[Ring, list[Ring]]] = [(ring, []) for ring in outer]
    order = sorted(range(len(outer)), key=lambda at: signed_area(outer[at]))
    for hole in holes:
        at = next((i for i in order if _holds(outer[i], boxes[i], hole)), None)
        if at is not None:
            groups[at][1].append(hole)
    return groups


def _edges(padded: Bool2D) -> dict[Vertex, list[Vertex]]:
    """Return where each corner of the outline leads, with the mask on the right hand."""
    following: dict[Vertex, list[Vertex]] = {}
    sideways = padded[1:].astype(np.int8) - padded[:-1]
    upright = padded[:, 1:].astype(np.int8) - padded[:, :-1]
    for difference, value, ends in (
        (sideways, 1, ((1, 0), (1, 1))),  # a pixel's upper edge runs to the right
        (sideways, -1, ((1, 1), (1, 0))),
        (upright, 1, ((1, 1), (0, 1))),  # a pixel's left edge runs upwards
        (upright, -1, ((0, 1), (1, 1))),
    ):
        rows, columns = np.nonzero(difference == value)
        (a, b), (c, d) = ends
        starts = zip((rows + a).tolist(), (columns + b).tolist(), strict=True)
        stops = zip((rows + c).tolist(), (columns + d).tolist(), strict=True)
        for start, stop in zip(starts, stops, strict=True):
            following.setdefault(start, []).append(stop)
    return following


def _walk(start: Vertex, following: dict[Vertex, list[Vertex]]) -> Ring:
    corners: list[Vertex] = []
    here, heading = start, (0, 0)
    while True:
        options = following.get(here)
        if not options:
            break
        ahead = options[0] if len(options) == 1 else _right_turn(here, heading, options)
        options.remove(ahead)
        if not options:
            del following[here]
        turn = (ahead[0] - here[0], ahead[1] - here[1])
        if turn != heading:
            corners.append(here)
        here, heading = ahead, turn
    first = corners[1] if len(corners) > 1 else start
    if heading == (np.sign(first[0] - start[0]), np.sign(first[1] - start[1])):
        corners = corners[1:]  # the walk began in the middle of a straight edge
    return np.array(corners, np.int64)


def _right_turn(here: Vertex, heading: Vertex, options: list[Vertex]) -> Vertex:
    """Where two pixels meet at a corner turn right, which keeps to the same pixel."""
    right = (heading[1], -heading[0])
    wanted = (here[0] + right[0], here[1] + right[1])
    return wanted if wanted in options else options[0]


def _holds(ring: Ring, box: tuple[Ring, Ring], hole: Ring) -> bool:
    low, high = box
    point = hole[0] + 0.5 * np.sign(hole.mean(axis=0) - hole[0])
    if (hole.min(axis=0) < low).any() or (hole.max(axis=0) > high).any():
        return False
    rows, columns = ring[:, 0], ring[:, 1]
    after_rows, after_columns = np.roll(rows, -1), np.roll(columns, -1)
    crosses = (rows > point[0]) != (after_rows > point[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = columns + (point[0] - rows) / (after_rows - rows) * (after_columns - columns)
    return bool((crosses & (at > point[1])).sum() % 2)
