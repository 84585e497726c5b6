"""Closed lines of points, laid in one row: lengths, directions, corners.

Here and in `bezier` a point is one complex number, ``row + 1j * column``: a length is `abs`,
and ``(a * b.conj()).real`` is the dot product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.complex128]
Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Bool = NDArray[np.bool_]

_CORNER = np.deg2rad(50)  # a line that turns by more within `_REACH_PX` each way has a corner
_REACH_PX = 3.0  # further than the steps of a hard-edged mask
_SMOOTHING = 0.65  # times the tolerance: how far an anchor may go from its point
_EXTENSION = 0.9  # the same at corners, from the line
_NEAR = 0.25  # of the reach: past the pixel that a corner is cut off by
_CUT = 0.12  # of the reach: the middle of that cut
_SHARES = (1 / 3, 2 / 3, 1)  # of the reach, to fit to
_PARTS = 8  # a small line is seen through this share of its length instead
_NEIGHBOURS = 8  # points within `_REACH_PX`
_LONGEST_RUN = 64  # points between two knots to begin with


@dataclass(frozen=True, eq=False)
class Outline:
    """Closed lines in a row, each opened at a knot and ended by a copy of its first point.

    Parameters
    ----------
    points : complex128 (N,)
    arc : float64 (N,)
        Length along the lines, pixels; rises from point to point.
    anchor : complex128 (N,)
        Where a knot goes that stands for a point: close to the line, which has steps.
    leaving, arriving : complex128 (N,)
        Unit vectors along the line, on and back; opposite but at corners.
    side : int8 (N,)
        Which curve of a knot there must pass the point: 0 both, 1 the one that leaves, -1 the
        one that arrives (a corner moved to where its sides meet leaves its point on one).
    corner, knot : bool (N,)
        Where the line turns sharply; where curves begin and end at first: at corners, and
        often enough between them.
    first, last : int64 (n,)
        The ends of each line.
    """

    points: Points
    arc: Floats
    anchor: Points
    leaving: Points
    arriving: Points
    side: NDArray[np.int8]
    corner: Bool
    knot: Bool
    first: Index
    last: Index


@dataclass(frozen=True, eq=False)
class _Rows:
    """Lines opened somewhere: entry i is point `source` of the input, of line number `line`."""

    source: Index
    line: Index
    first: Index
    last: Index
    points: Points
    arc: Floats

    @property
    def length(self) -> Floats:
        return self.arc[self.last] - self.arc[self.first]

    def ahead(self, share: float, at: Index) -> Points:
        """Return the point of the line this share of its reach on (or back) from entries `at`.

        The reach is `_REACH_PX`, and less on a small line.
        """
        line = self.line[at]
        start, length = self.arc[self.first[line]], self.length[line]
        reach = np.minimum(_REACH_PX, length / _PARTS)
        along = np.mod(self.arc[at] - start + share * reach, length) + start
        return np.interp(along, self.arc, self.points)


def lay_out(lines: Sequence[Floats], tolerance_px: float) -> Outline:
    """Return the outline that closed lines make.

    Parameters
    ----------
    lines : float64 arrays (n, 2), n >= 3, no two neighbours equal; at least one line
        (row, column); the last point of each is joined to its first.
    tolerance_px : float, > 0
        An anchor is less than this from the line.
    """
    counts = np.array([len(line) for line in lines])
    points = np.ascontiguousarray(np.concatenate(lines)).view(np.complex128).ravel()
    opening = np.zeros(len(lines), np.int64)
    rows = _opened(points, counts, opening)
    sharp = _sharpest(rows)[::-1]
    opening[rows.line[sharp]] = sharp - rows.first[rows.line[sharp]]
    is_sharp = np.zeros(len(points), bool)
    is_sharp[rows.source[sharp]] = True
    rows = _opened(points, counts, opening)
    corner = is_sharp[rows.source]
    anchor, leaving, arriving = np.empty((3, len(corner)), np.complex128)
    side = np.zeros(len(corner), np.int8)
    at = np.flatnonzero(~corner)
    anchor[at], leaving[at], arriving[at] = _fitted_tangents(rows, at, _SMOOTHING * tolerance_px)
    at = np.flatnonzero(corner)
    anchor[at], leaving[at], arriving[at], side[at] = _met(rows, at, _EXTENSION * tolerance_px)
    knot = _first_knots(rows, corner)
    ends = rows.first, rows.last
    return Outline(rows.points, rows.arc, anchor, leaving, arriving, side, corner, knot, *ends)


def _opened(points: Points, counts: Index, opening: Index) -> _Rows:
    """Lay the lines in a row, each from point number `opening` on and back to it."""
    base = np.cumsum(counts) - counts
    first = base + np.arange(len(counts))
    line = np.repeat(np.arange(len(counts)), counts + 1)
    place = np.arange(len(line)) - first[line]
    source = base[line] + (opening[line] + place) % counts[line]
    laid = points[source]
    steps = np.abs(np.diff(laid, prepend=laid[0]))
    steps[first] = 1.0  # lines do not touch
    return _Rows(source, line, first, first + counts, laid, np.cumsum(steps))


def _sharpest(rows: _Rows) -> Index:
    """Return the entries where a line turns sharply, and most within its reach."""
    every = np.arange(len(rows.points))
    on = rows.ahead(1, every) - rows.points
    back = rows.points - rows.ahead(-1, every)
    turn = np.abs(np.angle(on * back.conj()))
    turn[rows.last] = 0  # the copies of the first points
    found = np.flatnonzero(turn > _CORNER)
    line = rows.line[found]
    first, count = rows.first[line], (rows.last - rows.first)[line]
    kept = np.ones(len(found), bool)
    for step in (*range(-_NEIGHBOURS, 0), *range(1, _NEIGHBOURS + 1)):
        other = first + (found - first + step) % count
        gap = np.abs(rows.arc[other] - rows.arc[found])
        close = np.minimum(gap, rows.length[line] - gap) < _REACH_PX
        tie = (turn[other] == turn[found]) & (other < found)
        kept &= ~(close & ((turn[other] > turn[found]) | tie))
    return found[kept]


def _fitted_tangents(rows: _Rows, at: Index, most_px: float) -> tuple[Points, Points, Points]:
    """Return anchors and directions at smooth entries.

    The steps of a hard-edged mask are no place and no direction: both are fitted to the line
    within the reach.
    """
    on = [rows.ahead(share, at) for share in _SHARES]
    back = [rows.ahead(-share, at) for share in _SHARES]
    along = np.sum([s * (a - b) for s, a, b in zip(_SHARES, on, back, strict=True)], axis=0)
    off = np.mean([rows.points[at], *on, *back], axis=0) - rows.points[at]
    off *= np.minimum(1, most_px / np.maximum(np.abs(off), 1e-9))
    return rows.points[at] + off, _unit(along), -_unit(along)


def _met(rows: _Rows, at: Index, most_px: float) -> tuple[Points, Points, Points, NDArray[np.int8]]:
    """Return anchors, directions and sides at corners.

    A corner of a mask has lost a pixel: its sides are seen from further off, and the anchor
    goes where they meet, unless that is too far from the line.
    """
    near, behind = rows.ahead(_NEAR, at), rows.ahead(-_NEAR, at)
    leaving = _unit(rows.ahead(1, at) - near)
    arriving = _unit(rows.ahead(-1, at) - behind)
    turn = (leaving * arriving.conj()).imag
    far = ((near - behind) * leaving.conj()).imag / np.where(np.abs(turn) > 1e-6, turn, np.inf)
    met = behind - far * arriving
    here = rows.points[at]
    middle = [here, rows.ahead(_CUT, at), rows.ahead(-_CUT, at)]
    fits = np.min([np.abs(met - place) for place in middle], axis=0) < most_px
    along = [(here - met) * side.conj() for side in (leaving, arriving)]
    beside = [np.abs(np.minimum(far.real, 0) + 1j * far.imag) for far in along]
    fits &= np.min(beside, axis=0) < most_px / 2
    side = np.where(fits, np.where(beside[0] < beside[1], 1, -1), 0).astype(np.int8)
    return np.where(fits, met, here), leaving, arriving, side


def _unit(vectors: Points) -> Points:
    length = np.abs(vectors)
    return vectors / np.where(length > 1e-9, length, 1.0)


def _first_knots(rows: _Rows, corner: Bool) -> Bool:
    """Mark corners, ends, the middle of each line, and every so many points between them."""
    knot = corner.copy()
    knot[rows.first] = knot[rows.last] = True
    knot[(rows.first + rows.last) // 2] = True
    at = np.flatnonzero(knot)
    place = np.arange(len(knot)) - np.repeat(at, np.diff(at, append=len(knot)))
    knot |= place % _LONGEST_RUN == 0
    return knot
