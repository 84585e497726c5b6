"""What is counted: objects by class with an interval, crossings of lines, time in zones.

Only confirmed tracks count. A line is crossed once the object was seen `hold` times in a row on
one side and then on the other, on a way that leads through the segment itself and not through
its extension.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.models.families.box_answers import box_ious
from maskworks.video.tracking.tracks import Point, Track

Direction = Literal["left-to-right", "right-to-left"]

_SAME_IOU = 0.5

HOLD = 3
"""How many frames in a row an object must be seen on a side to be there."""


@dataclass(frozen=True)
class CountLine:
    """A segment from `start` to `end`, (x, y) in pixels; its sides are as one walks along it."""

    name: str
    start: Point
    end: Point

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise UsageError(f"the line {self.name!r} begins where it ends; give two points")

    def side(self, point: Point) -> int:
        """Return 1 to the right of the line, -1 to the left, 0 on it (or on its extension).

        Examples
        --------
        >>> down = CountLine("gate", (5, 0), (5, 10))
        >>> down.side((0, 3)), down.side((9, 3)), down.side((5, 99))
        (1, -1, 0)
        """
        (ax, ay), (bx, by) = self.start, self.end
        return int(np.sign((bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)))

    def meets(self, a: Point, b: Point) -> bool:
        """Say whether the way from `a` to `b` leads through the segment, its ends included."""
        if self.side(a) * self.side(b) > 0:
            return False
        (ax, ay), (bx, by) = self.start, self.end
        way, along = (b[0] - a[0], b[1] - a[1]), (bx - ax, by - ay)
        across = along[0] * way[1] - along[1] * way[0]
        if across == 0:
            return False
        share = ((a[0] - ax) * way[1] - (a[1] - ay) * way[0]) / across
        return 0 <= share <= 1


@dataclass(frozen=True)
class CountZone:
    """A polygon of at least three corners, (x, y) in pixels."""

    name: str
    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(self.corners) < 3:
            raise UsageError(
                f"the zone {self.name!r} has {len(self.corners)} corners; give three or more"
            )

    def holds(self, point: Point) -> bool:
        """Say whether a point lies inside; a corner or an edge is inside at its top and left.

        Examples
        --------
        >>> square = CountZone("square", ((0, 0), (4, 0), (4, 4), (0, 4)))
        >>> square.holds((1, 1)), square.holds((4.5, 1))
        (True, False)
        """
        inside = False
        x, y = point
        for (ax, ay), (bx, by) in pairwise((*self.corners, self.corners[0])):
            if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
                inside = not inside
        return inside


@dataclass(frozen=True)
class Crossing:
    """One object that crossed a line: when it was first seen on the other side."""

    line: str
    track: int
    kind: str
    direction: Direction
    frame: int
    time_s: float


@dataclass(frozen=True)
class ZoneStay:
    """How long one object was in a zone, how often it came in, and when it was first there."""

    zone: str
    track: int
    kind: str
    seconds: float
    visits: int
    first_s: float


@dataclass(frozen=True)
class KindCount:
    """How many objects of a class: `counted`, and the interval that it may lie in.

    `low` joins every pair of tracks of which one could be the other again, `high` adds what was
    seen more than once and never confirmed.
    """

    kind: str
    counted: int
    low: int
    high: int


def crossings(tracks: Sequence[Track], line: CountLine, *, hold: int = HOLD) -> list[Crossing]:
    """Return who crossed a line, in the order in which they did.

    Parameters
    ----------
    tracks : confirmed tracks
    line : CountLine
    hold : int, >= 1
        Frames in a row that a side must be held for.
    """
    found = [each for track in tracks for each in _crossings_of(track, line, hold)]
    return sorted(found, key=lambda each: (each.frame, each.track))


def _crossings_of(track: Track, line: CountLine, hold: int) -> list[Crossing]:
    found: list[Crossing] = []
    path = track.path
    sides = [line.side(point) for point in path]
    held, left_at = 0, 0  # the side that counts, and the last place of the path on it
    run, begun = 0, 0
    for at, side in enumerate(sides):
        if side == 0:
            continue
        if at and side == _before(sides, at):
            run += 1
        else:
            run, begun = 1, at
        if side == held:
            left_at = at
        elif run >= hold:
            if held and _passes(path[left_at : begun + 1], line):
                seen = track.sightings[begun]
                way: Direction = "left-to-right" if side > 0 else "right-to-left"
                found.append(
                    Crossing(line.name, track.number, track.kind, way, seen.frame, seen.time_s)
                )
            held, left_at = side, at
    return found


def _before(sides: list[int], at: int) -> int:
    """Return the last side before a place that is not on the line itself; 0 if there is none."""
    return next((side for side in reversed(sides[:at]) if side), 0)


def _passes(path: Sequence[Point], line: CountLine) -> bool:
    """Say whether a way leads through the segment an odd number of times."""
    points = [path[0], *(each for each in path[1:-1] if line.side(each)), path[-1]]
    times = sum(line.meets(a, b) for a, b in pairwise(points))
    return times % 2 == 1


def stays(tracks: Sequence[Track], zone: CountZone, *, gap_s: float) -> list[ZoneStay]:
    """Return who was in a zone and for how long.

    Time runs from one sighting to the next while both are inside and no more than `gap_s`
    seconds apart; a visit of one sighting alone lasts 0 s.
    """
    found = []
    for track in tracks:
        inside = [zone.holds(point) for point in track.path]
        if not any(inside):
            continue
        times = [each.time_s for each in track.sightings]
        steps = zip(inside, inside[1:], times, times[1:], strict=False)
        seconds = sum(b - a for x, y, a, b in steps if x and y and b - a <= gap_s)
        visits = sum(now and not before for before, now in pairwise([False, *inside]))
        first = times[inside.index(True)]
        found.append(ZoneStay(zone.name, track.number, track.kind, seconds, visits, first))
    return sorted(found, key=lambda each: (each.first_s, each.track))


def counts(
    tracks: Sequence[Track], doubtful: Sequence[Track], *, patience_s: float
) -> list[KindCount]:
    """Count the objects of each class, most first.

    The low end leaves out what may be another track again: one that began where that one could
    have got to, and one that lay on it for half of its life, as a lorry does that a detector
    takes for a car as well.

    Parameters
    ----------
    tracks : those that were confirmed
    doubtful : those that were seen more than once and never confirmed
    patience_s : float
        Twice this long an object may have been hidden and still be the same one.
    """
    found = []
    for kind in sorted({each.kind for each in [*tracks, *doubtful]}):
        own = [each for each in tracks if each.kind == kind]
        more = sum(each.kind == kind for each in doubtful)
        single = [each for each in own if not _lies_on_another(each, tracks)]
        low = len(single) - _joinable(single, 2 * patience_s)
        if own or more:
            found.append(KindCount(kind, len(own), low, len(own) + more))
    return sorted(found, key=lambda each: (-each.counted, each.kind))


def _lies_on_another(track: Track, tracks: Sequence[Track]) -> bool:
    """Say whether a longer track of any class had the same box for half of this one's life."""
    enough = len(track.sightings) / 2
    for other in tracks:
        if (len(other.sightings), -other.number) <= (len(track.sightings), -track.number):
            continue
        there = {each.frame: each.box for each in other.sightings}
        both = [(each.box, there[each.frame]) for each in track.sightings if each.frame in there]
        if len(both) < enough:
            continue
        own, others = (np.array(boxes) for boxes in zip(*both, strict=True))
        if np.count_nonzero(box_ious(own, others).diagonal() >= _SAME_IOU) >= enough:
            return True
    return False


def _joinable(tracks: Sequence[Track], most_s: float) -> int:
    """Return how many tracks could be another one that ended before them, each used once."""
    from scipy.optimize import linear_sum_assignment

    able = np.zeros((len(tracks), len(tracks)))
    for row, first in enumerate(tracks):
        for column, second in enumerate(tracks):
            gap = second.sightings[0].time_s - first.sightings[-1].time_s
            able[row, column] = 0 < gap <= most_s and _within_reach(first, second, gap)
    rows, columns = linear_sum_assignment(-able)
    return int(able[rows, columns].sum())


def _within_reach(first: Track, second: Track, gap_s: float) -> bool:
    """Say whether an object of the first track may have moved to where the second begins."""
    (x1, y1), (x2, y2) = first.path[-1], second.path[0]
    box = first.sightings[-1].box
    size = max(box[2] - box[0], box[3] - box[1])
    recent = first.sightings[-10:]
    took = recent[-1].time_s - recent[0].time_s
    (ax, ay), (bx, by) = first.path[-len(recent)], first.path[-1]
    speed = np.hypot(bx - ax, by - ay) / took if took > 0 else 0.0
    return bool(np.hypot(x2 - x1, y2 - y1) <= size + 1.5 * speed * gap_s)
