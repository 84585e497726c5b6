"""Closed lines of points to cubic Bezier curves: Schneider's fit, all pieces at once.

P. J. Schneider, An Algorithm for Automatically Fitting Digitized Curves, Graphics Gems,
1990: fit one curve to a run of points with given end directions by least squares, improve the
parameters by Newton's method, and where the worst point is still too far off, divide there.
Here the runs of all lines are fitted in the same numpy calls, level by level, and neighbours
are joined where one curve is enough. Points are complex numbers, as in `outline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskworks.studio.handoff.outline import Bool, Floats, Index, Outline, Points

_IMPROVEMENTS = 4
_HOPELESS = 4.0  # times the tolerance: divided at once
_SHORTEST_HANDLE, _LONGEST_HANDLE = 1e-3, 1.0  # times the length of the run, against loops
_TINY = 1e-12
_BETWEEN = (1 / 3, 2 / 3)  # where a curve is measured between two points
_FEWEST_FREE = 4  # steps of a run that say where a corner's side goes


@dataclass(frozen=True, eq=False)
class Subpath:
    """One closed curve.

    `knots` is float64 (n, 3, 2), n >= 2: of each knot the control point before it, the knot
    itself, and the control point after it, as (row, column), pixels. `smooth` is bool (n,):
    the three points of a knot lie on one straight line.
    """

    knots: Floats
    smooth: Bool


@dataclass(frozen=True, eq=False)
class _Curves:
    """Runs of an outline, from point `start` to point `end`, and their curves.

    `control` is complex (n, 4), `error` the largest distance in pixels, `worst` the point to
    divide the run at; `refused` says that one curve for it and the next is not near enough.
    """

    start: Index
    end: Index
    control: Points
    error: Floats
    worst: Index
    refused: Bool

    def pick(self, which: Bool | Index) -> _Curves:
        return _Curves(
            self.start[which],
            self.end[which],
            self.control[which],
            self.error[which],
            self.worst[which],
            self.refused[which],
        )


def fit(outline: Outline, tolerance_px: float) -> list[Subpath]:
    """Fit curves to an outline, smooth but for its corners.

    Parameters
    ----------
    tolerance_px : float, > 0
        No point of a line, nor a third of the way between two, is further than this from its
        curve.

    Returns
    -------
    list of Subpath, one for each line, in the same direction
    """
    knots = np.flatnonzero(outline.knot)
    one_line = ~np.isin(knots[:-1], outline.last)
    curves = _divided(outline, knots[:-1][one_line], knots[1:][one_line], tolerance_px)
    return _subpaths(outline, _joined(outline, curves, tolerance_px))


def _divided(outline: Outline, start: Index, end: Index, tolerance_px: float) -> _Curves:
    """Fit each run, and the two parts of each run whose curve is too far off, and so on."""
    done = []
    while start.size:
        curves = _fitted(outline, start, end, tolerance_px)
        near = (curves.error <= tolerance_px) | (end - start == 1)
        done.append(curves.pick(near))
        far = curves.pick(~near)
        start = np.concatenate([far.start, far.worst])
        end = np.concatenate([far.worst, far.end])
    return _together(done)


def _joined(outline: Outline, curves: _Curves, tolerance_px: float) -> _Curves:
    """Replace pairs of neighbours by one curve where it is near enough, again and again."""
    while True:
        first = _apart(_joinable(outline, curves))
        if not first.size:
            return curves
        joined = _fitted(outline, curves.start[first], curves.end[first + 1], tolerance_px)
        near = joined.error <= tolerance_px
        refused = curves.refused.copy()
        refused[first[~near]] = True
        refused[np.maximum(first[near] - 1, 0)] = False  # its neighbour is a new one now
        kept = np.ones(len(refused), bool)
        kept[first[near]] = kept[first[near] + 1] = False
        curves = _together([replace(curves, refused=refused).pick(kept), joined.pick(near)])


def _joinable(outline: Outline, curves: _Curves) -> Bool:
    """Say of each curve whether joining it with the next is allowed and was not tried."""
    start, end = curves.start[:-1], curves.end[1:]
    meeting = curves.end[:-1]
    smooth = (meeting == curves.start[1:]) & ~outline.corner[meeting]
    whole = np.isin(start, outline.first) & np.isin(end, outline.last)
    allowed: Bool = smooth & ~whole & ~curves.refused[:-1]
    return allowed


def _apart(wanted: Bool) -> Index:
    """Return every other one of those that stand side by side."""
    at = np.arange(len(wanted))
    before = np.maximum.accumulate(np.where(wanted, -1, at))
    return np.flatnonzero(wanted & ((at - before) % 2 == 1))


def _together(parts: Sequence[_Curves]) -> _Curves:
    """Return all curves in the order of their outline."""
    whole = _Curves(
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.control for part in parts]),
        np.concatenate([part.error for part in parts]),
        np.concatenate([part.worst for part in parts]),
        np.concatenate([part.refused for part in parts]),
    )
    return whole.pick(np.argsort(whole.start))


@dataclass(frozen=True, eq=False)
class _Runs:
    """The points of many runs in a row: `points`, those `at` of the outline, of run `of`.

    `offset` is where each run begins in the row, `start` and `end` its ends in the outline,
    `length` that of its line, pixels. A run is not divided at its ends, only at `inner` points,
    and must pass those that are `its_own`.
    """

    start: Index
    end: Index
    length: Floats
    of: Index
    at: Index
    offset: Index
    points: Points
    inner: Bool
    its_own: Bool

    @classmethod
    def between(cls, outline: Outline, start: Index, end: Index) -> _Runs:
        counts = end - start + 1
        offset = np.cumsum(counts) - counts
        of = np.repeat(np.arange(len(start)), counts)
        at = np.arange(len(of)) + (start - offset)[of]
        length = outline.arc[end] - outline.arc[start]
        begins, ends = at == start[of], at == end[of]
        others = (begins & (outline.side[at] < 0)) | (ends & (outline.side[at] > 0))
        points, inner = outline.points[at], ~begins & ~ends
        return cls(start, end, length, of, at, offset, points, inner, ~others)


def _fitted(outline: Outline, start: Index, end: Index, tolerance_px: float) -> _Curves:
    """Fit one curve to each run of points; the best of some attempts counts."""
    if not start.size:
        none = np.zeros(0, np.int64)
        return _Curves(none, none, np.zeros((0, 4), complex), np.zeros(0), none, none > 0)
    runs = _Runs.between(outline, start, end)
    share = (outline.arc[runs.at] - outline.arc[start][runs.of]) / runs.length[runs.of]
    best = current = _measured(runs, _solved(outline, runs, share), share)
    number = np.arange(len(start))
    for _ in range(_IMPROVEMENTS):
        hopeful = (current.error > tolerance_px) & (current.error < _HOPELESS * tolerance_px)
        if not hopeful.any():
            break
        number, share = number[hopeful], share[hopeful[runs.of]]
        runs = _Runs.between(outline, start[number], end[number])
        share = _nearer(current.control[hopeful], runs, share)
        current = _measured(runs, _solved(outline, runs, share), share)
        better = current.error < best.error[number]
        best.control[number[better]] = current.control[better]
        best.error[number[better]] = current.error[better]
        best.worst[number[better]] = current.worst[better]
    return best


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums of least squares over each run: weights of the two handles, weights and points."""

    c11: Floats
    c12: Floats
    c22: Floats
    x1: Points
    x2: Points


def _solved(outline: Outline, runs: _Runs, share: Floats) -> Points:
    """Return the curves whose handles fit best, (n, 4).

    At smooth knots only the length of a handle is free, at corners its direction too.
    """
    begin, finish = outline.anchor[runs.start], outline.anchor[runs.end]
    rest = 1 - share
    one, two = 3 * share * rest * rest, 3 * share * share * rest
    near_begin = rest * rest * rest + one
    left = runs.points - (near_begin * (begin - finish)[runs.of] + finish[runs.of])
    terms = (one * one, one * two, two * two, one * left, two * left)
    sums = _Sums(*(np.add.reduceat(term, runs.offset) for term in terms))
    on, back = _along(sums, outline.leaving[runs.start], outline.arriving[runs.end], runs.length)
    straight = runs.end - runs.start == 1
    on = np.where(straight, (finish - begin) / 3, on)
    back = np.where(straight, (begin - finish) / 3, back)
    free = runs.end - runs.start >= _FEWEST_FREE
    better = (sums.x1 - sums.c12 * back) / np.where(sums.c11 > _TINY, sums.c11, np.inf)
    on = _turned(on, better, free & outline.corner[runs.start], runs.length)
    better = (sums.x2 - sums.c12 * on) / np.where(sums.c22 > _TINY, sums.c22, np.inf)
    back = _turned(back, better, free & outline.corner[runs.end], runs.length)
    return np.stack([begin, begin + on, finish + back, finish], axis=1)


def _along(sums: _Sums, leaving: Points, arriving: Points, length: Floats) -> tuple[Points, Points]:
    """Return the handles of best length in given directions; a third of the run if none fits."""
    c12 = sums.c12 * (leaving * arriving.conj()).real
    x1, x2 = (sums.x1 * leaving.conj()).real, (sums.x2 * arriving.conj()).real
    determinant = sums.c11 * sums.c22 - c12 * c12
    divisor = np.where(determinant > 1e-9 * sums.c11 * sums.c22 + _TINY, determinant, np.inf)
    first = (x1 * sums.c22 - x2 * c12) / divisor
    second = (x2 * sums.c11 - x1 * c12) / divisor
    usable = np.minimum(first, second) > _SHORTEST_HANDLE * length
    usable &= np.maximum(first, second) < _LONGEST_HANDLE * length
    third = length / 3
    return np.where(usable, first, third) * leaving, np.where(usable, second, third) * arriving


def _turned(handle: Points, better: Points, allowed: Bool, length: Floats) -> Points:
    usable = allowed & (np.abs(better) < _LONGEST_HANDLE * length)
    return np.where(usable, better, handle)


def _measured(runs: _Runs, control: Points, share: Floats) -> _Curves:
    """Measure each curve at the shares of its points and at two places between them."""
    off = np.abs(_at(control, runs.of, share) - runs.points)
    off = np.where(runs.its_own, off, 0.0)
    one_run = runs.of[1:] == runs.of[:-1]
    for part in _BETWEEN:
        between = share[:-1] + part * (share[1:] - share[:-1])
        point = runs.points[:-1] + part * (runs.points[1:] - runs.points[:-1])
        slack = np.abs(_at(control, runs.of[1:], between) - point)
        off[1:] = np.maximum(off[1:], slack * one_run)
    candidates = np.where(runs.inner, off, -1.0)
    reached = np.flatnonzero(candidates == np.maximum.reduceat(candidates, runs.offset)[runs.of])
    worst = np.empty(len(runs.start), np.int64)
    worst[runs.of[reached]] = runs.at[reached]
    error = np.maximum.reduceat(off, runs.offset)
    return _Curves(runs.start, runs.end, control, error, worst, np.zeros(len(worst), bool))


def _nearer(control: Points, runs: _Runs, share: Floats) -> Floats:
    """Move each share towards where the curve is nearest to its point; one step of Newton's."""
    third = np.diff(control, axis=1) * 3
    second = np.diff(third, axis=1) * 2
    rest = 1 - share
    off = _at(control, runs.of, share) - runs.points
    slope = rest * rest * third[runs.of, 0] + 2 * share * rest * third[runs.of, 1]
    slope += share * share * third[runs.of, 2]
    bend = rest * second[runs.of, 0] + share * second[runs.of, 1]
    above = (off * slope.conj()).real
    below = (slope * slope.conj() + off * bend.conj()).real
    moved = share - above / np.where(below > _TINY, below, np.inf)
    return np.asarray(np.clip(moved, 0.0, 1.0))


def _at(control: Points, of: Index, share: Floats) -> Points:
    """Return the curves `of` at `share`, as polynomials in it."""
    p0, p1, p2, p3 = control.T
    cubic, square, linear = p3 - p0 + 3 * (p1 - p2), 3 * (p0 - 2 * p1 + p2), 3 * (p1 - p0)
    points: Points = ((cubic[of] * share + square[of]) * share + linear[of]) * share + p0[of]
    return points


def _subpaths(outline: Outline, curves: _Curves) -> list[Subpath]:
    begins = np.flatnonzero(np.isin(curves.start, outline.first))
    before = np.arange(len(curves.start)) - 1
    before[begins] = np.append(begins[1:], len(curves.start)) - 1
    arms = np.stack([curves.control[before, 2], curves.control[:, 0], curves.control[:, 1]], 1)
    back, on = arms[:, 1] - arms[:, 0], arms[:, 2] - arms[:, 1]
    smooth = (back * on.conj()).real > (1 - 1e-6) * np.abs(back) * np.abs(on)
    knots = np.stack([arms.real, arms.imag], axis=2)
    return [
        Subpath(*pair)
        for pair in zip(np.split(knots, begins[1:]), np.split(smooth, begins[1:]), strict=True)
    ]
