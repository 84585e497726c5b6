"""What a signal is: it takes frames, lines of text or blocks of sound, and gives sightings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Box, Pixels
from maskworks.scene.record import SignalKind
from maskworks.scene.topics import TopicName


@dataclass(frozen=True, eq=False)
class SampledFrame:
    """One frame that is looked at: uint8 (H, W, 3) RGB, and until when it stands for the clip."""

    index: int
    pts: int | None
    time_ms: int
    duration_ms: int
    pixels: Pixels


@dataclass(frozen=True)
class Line:
    """One line of text, with its time and where it came from."""

    time_ms: int
    duration_ms: int
    text: str
    source: str
    frame_index: int | None = None
    pts: int | None = None
    box: Box | None = None
    misread: bool = False
    language: str | None = None


@dataclass(frozen=True, eq=False)
class SoundBlock:
    """Mono samples, float32 (N,) in -1 to 1, at `rate` a second, from `time_s` on."""

    time_s: float
    rate: int
    samples: NDArray[np.float32]


SIGNAL_NAMES = (
    "adult pictures",
    "classifier",
    "logos",
    "codes",
    "persons and vehicles",
    "on-screen text",
    "subtitles",
    "loud transients",
    "speech and music",
)
"""What the signals are called, in the record and in a policy's thresholds."""

Media = SampledFrame | Line | SoundBlock


@dataclass(frozen=True)
class Sighting:
    """What a signal saw in one place; `topic` is None of what only describes the scene."""

    topic: TopicName | None
    label: str
    confidence: float
    time_ms: int
    duration_ms: int
    source: str
    frame_index: int | None = None
    pts: int | None = None
    box: Box | None = None
    rle: str | None = None
    quote: str | None = None
    context: tuple[str, ...] = ()
    hint: bool = False
    calibrated: bool = False


@dataclass(frozen=True)
class SignalInfo:
    """What a signal is called, takes and may find.

    `partial` signals look for something so narrow (a logo, a code) that a category is not
    assessed because of them.
    """

    name: str
    kind: SignalKind
    takes: Literal["frames", "lines", "seconds"]
    source: str
    topics: tuple[TopicName, ...]
    partial: bool = False
    why_not: str | None = None


class Signal(Protocol):
    """One signal; `examine` may keep what it needs until `finish`."""

    @property
    def info(self) -> SignalInfo:
        """Name, kind, source and the topics that it may find."""

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Return what is in one frame, line or block."""

    def finish(self) -> Iterable[Sighting]:
        """Return what only the whole tells; called once, at the end."""


@dataclass(frozen=True)
class Missing:
    """Stands for a signal that cannot run here; the record says why."""

    info: SignalInfo

    def examine(self, media: Media) -> Iterable[Sighting]:  # noqa: ARG002 - the protocol's
        """Return nothing: nobody looks."""
        return ()

    def finish(self) -> Iterable[Sighting]:
        """Return nothing."""
        return ()


@dataclass(frozen=True)
class SignalChoices:
    """What the user asked of the signals."""

    terms: str | None = None
    logos: str | None = None
    classifier: str | None = None
    language: str | None = None
    scene: str | None = None
    ocr: bool = True
    threads: int = 0
