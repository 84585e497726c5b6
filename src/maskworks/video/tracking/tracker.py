"""Boxes of one frame joined to those of the frames before: one id an object.

Zhang et al., ByteTrack, ECCV 2022: sure boxes are joined first, doubtful ones may carry a known
track on but never begin one; joined by the assignment that costs least in all (Kuhn, 1955).
A track counts once it was seen often enough, and then back to its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.rle import Rle
from maskworks.models.families.box_answers import box_ious
from maskworks.video.tracking import motion
from maskworks.video.tracking.found import Found

_NEVER = 1e3
_OTHER_KIND = 0.5
_FRESH = 0.1
_SHRINKS = 0.4
_SHORT = 2
"""How many frames a track that does not count yet may be gone."""


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """How boxes become tracks.

    `sure` is the score from which a box may begin a track, `doubtful` that from which it may
    carry one on; `overlap` the least IoU of a box with where its track should be; `confirm` how
    many frames a track must be seen in to count; `patience` how many frames it may be gone.
    `likeness` is how much alike, 0 to 1, the colours of a box and of a track that was gone must
    be for it to be the same one again.
    """

    sure: float = 0.4
    doubtful: float = 0.15
    overlap: float = 0.2
    confirm: int = 5
    patience: int = 30
    likeness: float = 0.6

    def __post_init__(self) -> None:
        for name in ("sure", "doubtful", "overlap", "likeness"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise UsageError(f"{name} lies in [0, 1], got {value:g}")
        if self.doubtful > self.sure:
            raise UsageError(
                f"doubtful is {self.doubtful:g}, above sure, {self.sure:g}; it must not be"
            )
        if self.confirm < 1 or self.patience < 0:
            raise UsageError(
                f"confirm is at least 1 and patience at least 0, got {self.confirm} and "
                f"{self.patience}"
            )


@dataclass(frozen=True, eq=False)
class DetectedObject:
    """An object in one frame: its box x1 y1 x2 y2, how sure the detector was, and its mask."""

    frame: int
    time_s: float
    box: tuple[float, float, float, float]
    score: float
    kind: str
    mask: Rle | None = None


@dataclass(eq=False)
class Trail:
    """A track in the making; `gone` is for how many frames it was not seen."""

    number: int
    sightings: list[DetectedObject]
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    colours: NDArray[np.float64] | None
    confirmed: bool = False
    gone: int = 0


@dataclass(frozen=True, eq=False)
class _Look:
    """What was found in one frame, and which track each object was given, 0 for none."""

    frame: int
    time_s: float
    found: Found
    colours: NDArray[np.float64] | None
    owners: list[int]

    def sighting(self, at: int) -> DetectedObject:
        x1, y1, x2, y2 = (float(edge) for edge in self.found.boxes[at])
        mask = None if self.found.masks is None else self.found.masks[at]
        score, kind = float(self.found.scores[at]), self.found.kinds[at]
        return DetectedObject(self.frame, self.time_s, (x1, y1, x2, y2), score, kind, mask)


@dataclass(eq=False)
class Tracker:
    """Joins what was found in frame after frame."""

    options: TrackOptions = field(default_factory=TrackOptions)
    alive: list[Trail] = field(default_factory=list)
    ended: list[Trail] = field(default_factory=list)
    begun: int = 0

    def step(
        self, frame: int, time_s: float, found: Found, colours: NDArray[np.float64] | None = None
    ) -> list[int]:
        """Take the next frame.

        Parameters
        ----------
        frame : int
            Its place in the clip; frames that were left out between two steps are allowed.
        time_s : float, seconds
        found : Found
        colours : float64 (N, B), optional
            How each object looks: a histogram that adds up to 1.

        Returns
        -------
        list of N ints
            The number of the track that each object belongs to, 0 for none.
        """
        rule = self.options
        look = _Look(frame, time_s, found, colours, [0] * len(found))
        self._move()
        sure = np.flatnonzero(found.scores >= rule.sure)
        weak = np.flatnonzero((found.scores >= rule.doubtful) & (found.scores < rule.sure))
        present = [each for each in self.alive if each.gone == 0]
        left = self._join(self.alive, sure, look)
        still = [each for each in present if each.sightings[-1].frame != frame]
        self._join(still, weak, look)
        for at in left:
            look.owners[at] = self._begin(at, look)
        kept: list[Trail] = []
        for trail in self.alive:
            trail.gone = 0 if trail.sightings[-1].frame == frame else trail.gone + 1
            dropped = trail.gone > (rule.patience if trail.confirmed else _SHORT)
            (self.ended if dropped else kept).append(trail)
        self.alive = kept
        return look.owners

    def _move(self) -> None:
        if not self.alive:
            return
        means = np.stack([each.mean for each in self.alive])
        spreads = np.stack([each.covariance for each in self.alive])
        moved = zip(self.alive, *motion.predict(means, spreads), strict=True)
        for trail, mean, covariance in moved:
            trail.mean, trail.covariance = mean, covariance

    def _join(self, trails: list[Trail], chosen: NDArray[np.intp], look: _Look) -> list[int]:
        """Give boxes to tracks; return the boxes that were left over."""
        from scipy.optimize import linear_sum_assignment

        if not trails or not len(chosen):
            return [int(at) for at in chosen]
        cost = self._cost(trails, chosen, look)
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            if cost[row, column] < _NEVER:
                self._carry_on(trails[row], int(chosen[column]), look)
        return [int(at) for at in chosen if not look.owners[at]]

    def _carry_on(self, trail: Trail, at: int, look: _Look) -> None:
        box = look.found.boxes[at : at + 1]
        mean, covariance = motion.correct(trail.mean[None], trail.covariance[None], box)
        trail.mean, trail.covariance = mean[0], covariance[0]
        trail.sightings.append(look.sighting(at))
        trail.confirmed |= len(trail.sightings) >= self.options.confirm
        if look.colours is not None and trail.colours is not None:
            trail.colours = (1 - _FRESH) * trail.colours + _FRESH * look.colours[at]
        look.owners[at] = trail.number

    def _cost(
        self, trails: list[Trail], chosen: NDArray[np.intp], look: _Look
    ) -> NDArray[np.float64]:
        """Return what joining each track (row) to each box (column) costs.

        Boxes must overlap; a track that was gone must look alike too, and may then have moved on.
        """
        expected = motion.to_boxes(np.stack([each.mean for each in trails]))
        boxes = look.found.boxes[chosen]
        iou = box_ious(expected, boxes)
        cost = np.where(iou < self.options.overlap, _NEVER, 1 - iou)
        kinds = np.array([kind_of(each.sightings) for each in trails], object)
        found = np.array([look.found.kinds[at] for at in chosen], object)
        for row, trail in enumerate(trails):
            if not trail.gone or look.colours is None or trail.colours is None:
                continue
            alike = np.sqrt(trail.colours * look.colours[chosen]).sum(1)
            near = _near(expected[row], boxes, min(1.0, trail.gone / max(self.options.patience, 1)))
            cost[row] = np.where(near & (cost[row] >= _NEVER), 2 - alike, cost[row])
            cost[row, alike < self.options.likeness] = _NEVER
        others = np.asarray(kinds[:, np.newaxis] != found[np.newaxis], np.float64)
        whole: NDArray[np.float64] = cost + _OTHER_KIND * others
        return whole

    def _begin(self, at: int, look: _Look) -> int:
        self.begun += 1
        mean, covariance = motion.start(look.found.boxes[at : at + 1])
        colours = None if look.colours is None else look.colours[at]
        trail = Trail(self.begun, [look.sighting(at)], mean[0], covariance[0], colours)
        trail.confirmed = self.options.confirm == 1
        self.alive.append(trail)
        return trail.number

    def trails(self) -> list[Trail]:
        """Return every track that was begun, in the order of their beginning."""
        return sorted([*self.ended, *self.alive], key=lambda each: each.number)


def _near(
    expected: NDArray[np.float64], boxes: NDArray[np.float64], gone: float
) -> NDArray[np.bool_]:
    """Say which boxes lie where an object that was gone a share of its time may have got to."""
    own, sizes = expected[2:] - expected[:2], boxes[:, 2:] - boxes[:, :2]
    apart = np.abs((expected[:2] + expected[2:]) / 2 - (boxes[:, :2] + boxes[:, 2:]) / 2)
    ratio = sizes.prod(1) / max(float(own.prod()), 1.0)
    within = (apart < (0.5 + 0.5 * gone) * np.maximum(own, sizes)).all(1)
    found: NDArray[np.bool_] = within & (ratio > _SHRINKS) & (ratio < 1 / _SHRINKS)
    return found


def kind_of(sightings: list[DetectedObject]) -> str:
    """Return the class that most of the scores speak for; of equals the first by name."""
    votes: dict[str, float] = {}
    for each in sightings:
        votes[each.kind] = votes.get(each.kind, 0.0) + each.score
    return min(votes, key=lambda kind: (-votes[kind], kind))
