"""Loud transients: a bang, a slam, a shot or a drum; a hint, since sound does not say which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from maskworks.scene.signals.protocol import (
    Media,
    Sighting,
    Signal,
    SignalChoices,
    SignalInfo,
    SoundBlock,
)

NAME = "loud transients"
WINDOW_S = 0.05
"""Seconds over which loudness is taken."""

RISE_DB = 20.0
"""How much louder than the second before it a transient is."""

LOUD_DBFS = -15.0
"""How loud it is at least, below full scale."""

_BEFORE = 20
_APART_S = 1.0
_HINT = 0.3
_FLOOR_DB = -90.0


class LoudTransients:
    """Sudden loudness in the sound."""

    def __init__(self) -> None:
        self._rest: NDArray[np.float32] = np.zeros(0, np.float32)
        self._levels: list[float] = []
        self._at_s: float | None = None
        self._last_s = -_APART_S
        self.info = SignalInfo(
            NAME, "sound", "seconds", "loudness of 50 ms windows", ("arms",), partial=True
        )

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Return a hint for each transient of a block."""
        return self._of_block(media) if isinstance(media, SoundBlock) else ()

    def _of_block(self, block: SoundBlock) -> Iterator[Sighting]:
        if self._at_s is None:
            self._at_s = block.time_s
        samples = np.concatenate([self._rest, block.samples])
        width = max(1, round(WINDOW_S * block.rate))
        whole = samples.size // width
        self._rest = samples[whole * width :]
        for window in samples[: whole * width].reshape(whole, width):
            level = max(_FLOOR_DB, 10 * np.log10(float(np.mean(window**2)) + 1e-12))
            before = float(np.median(self._levels[-_BEFORE:])) if self._levels else None
            self._levels = [*self._levels[-_BEFORE:], level]
            now, self._at_s = self._at_s, self._at_s + WINDOW_S
            sudden = before is not None and level - before >= RISE_DB and level >= LOUD_DBFS
            if sudden and now - self._last_s >= _APART_S:
                self._last_s = now
                yield Sighting(
                    topic="arms",
                    label=f"loud transient, {level - (before or 0):.0f} dB above the second before",
                    confidence=_HINT,
                    time_ms=round(1000 * now),
                    duration_ms=round(1000 * WINDOW_S),
                    source=self.info.source,
                    hint=True,
                )

    def finish(self) -> Iterable[Sighting]:
        """Return nothing: a block tells all by itself."""
        return ()


def open_loudness(choices: SignalChoices) -> Signal:  # noqa: ARG001 - every signal is opened alike
    """Open the measure."""
    return LoudTransients()
