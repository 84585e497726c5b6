"""What tracking a clip gave: tracks, counts, crossings, stays, and other tools' formats."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from maskworks.core.errors import ModelError, UsageError
from maskworks.video.tracking.counting import (
    Crossing,
    KindCount,
    ZoneStay,
    counts,
    crossings,
    stays,
)
from maskworks.video.tracking.request import TrackRequest
from maskworks.video.tracking.tracks import Track


@dataclass(frozen=True, eq=False, kw_only=True)
class Tracks:
    """The objects of one clip of `size` (H, W).

    `tracks` are the confirmed ones, numbered from 1 as they began; `doubtful` were seen more
    than once and never confirmed: they count for the upper end of intervals alone, and their
    numbers are negative. `seconds` is the time of the last frame, `milliseconds` what a frame
    took that was looked at. `detector` and `masks` say in words where both came from.
    """

    source: str
    size: tuple[int, int]
    rate: float
    frames: int
    seconds: float
    detector: str
    request: TrackRequest
    tracks: tuple[Track, ...]
    doubtful: tuple[Track, ...]
    masks: str
    milliseconds: float
    notes: tuple[str, ...] = ()

    @property
    def patience_s(self) -> float:
        """How long an object may be gone, seconds."""
        return self.request.options.patience * self.request.every / max(self.rate, 1e-6)

    @cached_property
    def counts(self) -> tuple[KindCount, ...]:
        """How many objects of each class, with an interval."""
        return tuple(counts(self.tracks, self.doubtful, patience_s=self.patience_s))

    @cached_property
    def crossings(self) -> tuple[Crossing, ...]:
        """Who crossed which line, in order of time."""
        hold = self.request.hold
        found = [c for line in self.request.lines for c in crossings(self.tracks, line, hold=hold)]
        return tuple(sorted(found, key=lambda each: (each.frame, each.line, each.track)))

    @cached_property
    def stays(self) -> tuple[ZoneStay, ...]:
        """Who was in which zone, and how long."""
        gap = self.patience_s + 1.5 * self.request.every / max(self.rate, 1e-6)
        return tuple(s for zone in self.request.zones for s in stays(self.tracks, zone, gap_s=gap))

    def at(self, frame: int) -> list[tuple[Track, int]]:
        """Return the tracks that were seen in a frame, each with the place of that sighting."""
        return self._by_frame.get(frame, [])

    @cached_property
    def _by_frame(self) -> dict[int, list[tuple[Track, int]]]:
        found: dict[int, list[tuple[Track, int]]] = {}
        for track in self.tracks:
            for at, seen in enumerate(track.sightings):
                found.setdefault(seen.frame, []).append((track, at))
        return found

    def to_supervision(self, frame: int) -> Any:  # noqa: ANN401 - a library that need not be here
        """Return a frame's objects as `supervision.Detections` with `tracker_id`.

        Parameters
        ----------
        frame : int
            From 0; one in which nothing was seen gives none.

        Raises
        ------
        UsageError
            If the clip has no such frame.
        ModelError
            If the library supervision is not installed.
        """
        if not 0 <= frame < self.frames:
            raise UsageError(f"the clip has the frames 0 to {self.frames - 1}, got {frame}")
        try:
            import supervision
        except ModuleNotFoundError as error:
            raise ModelError(
                "to_supervision needs supervision, which is not installed; "
                "`pip install supervision` brings it"
            ) from error
        seen = [(track, track.sightings[at]) for track, at in self.at(frame)]
        if not seen:
            return supervision.Detections.empty()
        kinds = sorted({each.kind for each in self.tracks})
        masks = [each.mask.to_mask().inside for _, each in seen if each.mask is not None]
        return supervision.Detections(
            xyxy=np.array([each.box for _, each in seen], np.float32),
            mask=np.stack(masks) if len(masks) == len(seen) else None,
            confidence=np.array([each.score for _, each in seen], np.float32),
            class_id=np.array([kinds.index(track.kind) for track, _ in seen]),
            tracker_id=np.array([track.number for track, _ in seen]),
            data={"class_name": np.array([track.kind for track, _ in seen], object)},
        )

    def record(self) -> dict[str, Any]:
        """Return what is known of the clip as plain values: the report."""
        return {
            "source": self.source,
            "width": self.size[1],
            "height": self.size[0],
            "frames": self.frames,
            "frames_per_second": round(self.rate, 4),
            "detector": self.detector,
            "masks": self.masks,
            "looked_at_every": self.request.every,
            "milliseconds_a_frame": round(self.milliseconds, 1),
            "counts": [
                {"class": c.kind, "counted": c.counted, "low": c.low, "high": c.high}
                for c in self.counts
            ],
            "lines": [self._line_record(line.name) for line in self.request.lines],
            "zones": [self._zone_record(zone.name) for zone in self.request.zones],
            "tracks": [
                {
                    "id": t.number,
                    "class": t.kind,
                    "score": round(t.score, 4),
                    "first_s": round(t.sightings[0].time_s, 3),
                    "last_s": round(t.sightings[-1].time_s, 3),
                    "frames": len(t.sightings),
                }
                for t in self.tracks
            ],
            "notes": list(self.notes),
        }

    def _line_record(self, name: str) -> dict[str, Any]:
        own = [each for each in self.crossings if each.line == name]
        by_class: dict[str, dict[str, int]] = {}
        for each in own:
            row = by_class.setdefault(each.kind, {"left-to-right": 0, "right-to-left": 0})
            row[each.direction] += 1
        events = [
            {
                "id": each.track,
                "class": each.kind,
                "direction": each.direction,
                "frame": each.frame,
                "seconds": round(each.time_s, 3),
            }
            for each in own
        ]
        return {"name": name, "crossings": len(own), "classes": by_class, "events": events}

    def _zone_record(self, name: str) -> dict[str, Any]:
        own = [each for each in self.stays if each.zone == name]
        rows = [
            {
                "id": each.track,
                "class": each.kind,
                "seconds": round(each.seconds, 3),
                "visits": each.visits,
                "first_s": round(each.first_s, 3),
            }
            for each in own
        ]
        total = round(sum(each.seconds for each in own), 3)
        return {"name": name, "objects": len(own), "object_seconds": total, "stays": rows}
