"""Persons and vehicles of street scenes, as `maskworks segment` labels them; they describe only.

The model `street` knows streets from a car. It is asked only where the user says that the
pictures show one (`--scene street`), as everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable

from maskworks.labels.segmenting import segment
from maskworks.scene.signals.protocol import (
    Media,
    Missing,
    SampledFrame,
    Sighting,
    Signal,
    SignalChoices,
    SignalInfo,
)

NAME = "persons and vehicles"
_CLASSES = {"pedestrian": "person", "bicyclist": "person", "car": "vehicle"}
_LEAST_SHARE = 0.002


class SeenObjects:
    """Shares of persons and vehicles in each frame."""

    def __init__(self) -> None:
        self.info = SignalInfo(NAME, "picture", "frames", "maskworks street", (), partial=True)

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Return what takes at least two thousandths of a frame."""
        if not isinstance(media, SampledFrame):
            return ()
        labels = segment(media.pixels, "street").labels
        total = media.pixels.shape[0] * media.pixels.shape[1]
        shares: dict[str, float] = {}
        for number, count in labels.counts().items():
            name = _CLASSES.get(labels.taxonomy.category(number).name)
            if name is not None:
                shares[name] = shares.get(name, 0.0) + count / total
        return [
            Sighting(
                topic=None,
                label=name,
                confidence=round(min(1.0, share), 4),
                time_ms=media.time_ms,
                duration_ms=media.duration_ms,
                source=self.info.source,
                frame_index=media.index,
                pts=media.pts,
            )
            for name, share in sorted(shares.items())
            if share >= _LEAST_SHARE
        ]

    def finish(self) -> Iterable[Sighting]:
        """Return nothing: a frame tells all by itself."""
        return ()


def open_seen(choices: SignalChoices) -> Signal:
    """Open the model where the scene is a street."""
    if choices.scene != "street":
        why = "no model for this scene; --scene street has one"
        return Missing(SignalInfo(NAME, "picture", "frames", "maskworks", (), why_not=why))
    return SeenObjects()
