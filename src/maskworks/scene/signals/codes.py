"""QR codes: what they say is searched for terms; that one is there is a hint, no more."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from maskworks.core.values import Box
from maskworks.scene.signals.protocol import (
    Media,
    SampledFrame,
    Sighting,
    Signal,
    SignalChoices,
    SignalInfo,
)

NAME = "codes"
_HINT = 0.3


class Codes:
    """OpenCV's reader of QR codes."""

    def __init__(self) -> None:
        self._reader = cv2.QRCodeDetector()
        self._seen: set[str] = set()
        self.info = SignalInfo(
            NAME, "picture", "frames", f"OpenCV {cv2.__version__}", ("piracy", "spam"), partial=True
        )

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Return a hint for each code that can be read, once for each text."""
        if not isinstance(media, SampledFrame):
            return ()
        grey = cv2.cvtColor(media.pixels, cv2.COLOR_RGB2GRAY)
        try:
            _, texts, corners, _ = self._reader.detectAndDecodeMulti(grey)
        except cv2.error:  # its reader fails on some pictures without a code
            return ()
        if not texts:
            return ()
        height, width = grey.shape
        found = []
        for text, each in zip(texts, corners, strict=True):
            if not text or text in self._seen:
                continue
            self._seen.add(text)
            left, top = np.clip(np.floor(each.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
            right, bottom = np.clip(np.ceil(each.max(axis=0)), 1, (width, height)).astype(int)
            found.append(
                Sighting(
                    topic="spam",
                    label="QR code",
                    confidence=_HINT,
                    time_ms=media.time_ms,
                    duration_ms=media.duration_ms,
                    source=self.info.source,
                    frame_index=media.index,
                    pts=media.pts,
                    box=Box(
                        int(top),
                        int(left),
                        max(int(bottom), int(top) + 1),
                        max(int(right), int(left) + 1),
                    ),
                    quote=text,
                    hint=True,
                )
            )
        return found

    def finish(self) -> Iterable[Sighting]:
        """Return nothing: a frame tells all by itself."""
        return ()


def open_codes(choices: SignalChoices) -> Signal:  # noqa: ARG001 - every signal is opened alike
    """Open the reader."""
    return Codes()
