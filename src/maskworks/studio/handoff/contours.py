"""Iso-lines of a matte at subpixel precision: marching squares, in one pass of numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from maskworks.core.values import Bool2D, Float2D, Matte

Points = NDArray[np.float64]
Index = NDArray[np.int64]

_Line = tuple[int, int]

_TOP, _RIGHT, _BOTTOM, _LEFT = range(4)

# The kind of a cell is 8 * top left + 4 * top right + 2 * bottom left + bottom right, each 1 if
# inside. For each kind the side where the line enters and the one where it leaves, inside on
# its right. Two opposite corners are two lines: apart if the middle is outside, else joined.
_LINES = {
    1: (_BOTTOM, _RIGHT),
    2: (_LEFT, _BOTTOM),
    3: (_LEFT, _RIGHT),
    4: (_RIGHT, _TOP),
    5: (_BOTTOM, _TOP),
    7: (_LEFT, _TOP),
    8: (_TOP, _LEFT),
    10: (_TOP, _BOTTOM),
    11: (_TOP, _RIGHT),
    12: (_RIGHT, _LEFT),
    13: (_BOTTOM, _LEFT),
    14: (_RIGHT, _BOTTOM),
}
_SADDLES = {
    6: (((_RIGHT, _TOP), (_LEFT, _BOTTOM)), ((_LEFT, _TOP), (_RIGHT, _BOTTOM))),
    9: (((_TOP, _LEFT), (_BOTTOM, _RIGHT)), ((_TOP, _RIGHT), (_BOTTOM, _LEFT))),
}


def iso_lines(matte: Matte, level: float = 0.5) -> list[Points]:
    """Return the closed lines on which a matte has the value `level`.

    Alpha is interpolated linearly between neighbouring pixel centres and is 0 outside the
    picture, so a subject that touches the border is closed there. Where two opposite corners
    of four pixels are inside, they are joined if the mean of the four is at least `level`.

    Parameters
    ----------
    matte : Matte of shape (H, W)
    level : float in (0, 1)

    Returns
    -------
    list of float64 arrays (n, 2), n >= 3
        (row, column), pixels, (0, 0) being the outer corner of the first pixel; the last
        point is joined to the first. Outer lines run clockwise as seen on the screen, holes
        the other way. None if nothing reaches `level`.

    References
    ----------
    Lorensen and Cline, Marching Cubes, SIGGRAPH 1987, in two dimensions.

    Examples
    --------
    >>> from maskworks.core.values import Matte
    >>> [line.tolist() for line in iso_lines(Matte(np.ones((1, 1), np.float32)))]
    [[[0.0, 0.5], [0.5, 1.0], [1.0, 0.5], [0.5, 0.0]]]
    """
    padded = np.pad(matte.alpha, 1)
    starts, ends = _segments(padded, level)
    if not starts.size:
        return []
    order = np.argsort(starts)
    starts = starts[order]
    following = np.searchsorted(starts, ends[order])
    members, line_ends = _cycles(following.tolist())
    points = _crossings(starts, padded, level)
    return _lines(points[members], line_ends)


def _segments(padded: Float2D, level: float) -> tuple[Index, Index]:
    """Return the crossing where each piece of a line starts, and where it ends.

    A crossing is numbered ``2 * (row * width + column)`` on the way right from a pixel of the
    padded picture, and one more on the way down.
    """
    width = padded.shape[1]
    kinds, cells = _active_cells(padded >= level)
    pieces: list[tuple[Index, tuple[_Line, ...]]]
    pieces = [(cells[kinds == kind], (line,)) for kind, line in _LINES.items()]
    for kind, ways in _SADDLES.items():
        at = cells[kinds == kind]
        corners = at + np.array([[0], [1], [width], [width + 1]])
        joined = padded.ravel()[corners].mean(axis=0, dtype=np.float64) >= level
        pieces += [(at[joined == way], lines) for way, lines in enumerate(ways)]
    starts = [_crossing(at, entry, width) for at, lines in pieces for entry, _ in lines]
    ends = [_crossing(at, leaving, width) for at, lines in pieces for _, leaving in lines]
    return np.concatenate(starts), np.concatenate(ends)


def _active_cells(inside: Bool2D) -> tuple[NDArray[np.uint8], Index]:
    """Return the kind and the number (that of its first corner) of each cell with a line."""
    width = inside.shape[1]
    pixels = inside.view(np.uint8)
    pairs = pixels[:, :-1] * np.uint8(2) + pixels[:, 1:]  # (left, right)
    kinds = pairs[:-1] * np.uint8(4) + pairs[1:]  # (top left, top right, bottom left, ...)
    found = np.flatnonzero((kinds != 0) & (kinds != 15))
    rows, columns = np.divmod(found, width - 1)
    return kinds.ravel()[found], rows * width + columns


def _crossing(cells: Index, side: int, width: int) -> Index:
    return 2 * cells + {_TOP: 0, _LEFT: 1, _RIGHT: 3, _BOTTOM: 2 * width}[side]


def _crossings(numbers: Index, padded: Float2D, level: float) -> Points:
    """Return where the numbered crossings lie, float64 (n, 2)."""
    width = padded.shape[1]
    first, down = np.divmod(numbers, 2)
    values = padded.ravel()
    low = values[first].astype(np.float64)
    high = values[first + np.where(down == 1, width, 1)].astype(np.float64)
    share = (level - low) / (high - low)
    rows, columns = np.divmod(first, width)
    return np.stack([rows - 0.5 + share * down, columns - 0.5 + share * (1 - down)], axis=1)


def _cycles(following: list[int]) -> tuple[Index, Index]:
    """Return the members of every cycle of a permutation in a row, and where each ends."""
    members: list[int] = []
    ends: list[int] = []
    waiting = bytearray(b"\1") * len(following)
    first = 0
    while first >= 0:
        at = first
        while waiting[at]:
            waiting[at] = 0
            members.append(at)
            at = following[at]
        ends.append(len(members))
        first = waiting.find(1, first)
    return np.array(members), np.array(ends)


def _lines(points: Points, ends: Index) -> list[Points]:
    """Cut the row of points into lines, without points that repeat the one before.

    They do where alpha equals the level at a pixel centre.
    """
    before = np.roll(points, 1, axis=0)
    before[np.concatenate([[0], ends[:-1]])] = points[ends - 1]
    new = (points != before).any(axis=1)
    lines = np.split(points[new], np.cumsum(new)[ends[:-1] - 1])
    return [line for line in lines if len(line) >= 3]
