"""The values of tracking: a track, and everything that is known of a clip's tracks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from maskworks.video.tracking.tracker import DetectedObject, kind_of

Point = tuple[float, float]
"""x, y in pixels."""

Anchor = Literal["middle", "foot"]
"""Which point of a box stands for the object: its middle, or the middle of its lower edge."""


@dataclass(frozen=True, eq=False)
class Track:
    """One object through a clip: its number (from 1), class and sightings in order of time."""

    number: int
    sightings: tuple[DetectedObject, ...]
    anchor: Anchor = "middle"

    @cached_property
    def kind(self) -> str:
        """The class that most of the scores speak for."""
        return kind_of(list(self.sightings))

    @cached_property
    def path(self) -> tuple[Point, ...]:
        """Where the object was, a point a sighting."""
        down = 0.5 if self.anchor == "middle" else 1.0
        boxes = [each.box for each in self.sightings]
        return tuple(((x1 + x2) / 2, y1 + down * (y2 - y1)) for x1, y1, x2, y2 in boxes)

    @property
    def score(self) -> float:
        """The mean of the detector's scores, in [0, 1]."""
        return sum(each.score for each in self.sightings) / len(self.sightings)
