"""Where one shot ends and the next begins: a sudden change of the whole picture."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Pixels

_SIDE_PX = (36, 64)
LEAST_CHANGE = 17.0
"""Mean change of colour from frame to frame below which there is no cut, grey levels."""

TIMES_USUAL = 3.5
"""A cut changes so many times more than the frames before it did."""

_RECENT = 8


class ShotFinder:
    """Says of each frame whether a new shot begins with it; `number` is that of the shot."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self._before: NDArray[np.float32] | None = None
        self._usual: deque[float] = deque(maxlen=_RECENT)

    def begins(self, pixels: Pixels) -> bool:
        """Take the next frame, uint8 (h, w, 3); True for the first frame of a later shot."""
        import cv2

        height, width = _SIDE_PX
        small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        now = np.asarray(small, np.float32)
        before, self._before = self._before, now
        if before is None:
            return False
        change = float(np.abs(now - before).mean())
        usual = float(np.median(self._usual)) if self._usual else 0.0
        if change >= LEAST_CHANGE and change >= TIMES_USUAL * usual:
            self._usual.clear()
            self.number += 1
            return True
        self._usual.append(change)
        return False
