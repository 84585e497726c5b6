"""A part of a clip while it is written, and the seconds that each step takes."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

from maskworks.core.values import Image, Matte, Pixels
from maskworks.cutouts.backgrounds import blend
from maskworks.video.doubt import worst
from maskworks.video.encoding import PartEncoder, Rendered
from maskworks.video.formats import ClipFormat
from maskworks.video.parts import FrameRow, Part, PartStore, Thumbnail
from maskworks.video.pngs import PngFolder
from maskworks.video.steadying import MattedFrame

T = TypeVar("T")

PART_FRAMES = 240
"""A shot longer than this is done in parts, so that a killed run loses less."""

_THUMBNAILS = 4
_THUMBNAIL_PX = 192
_DIGITS = 4


@dataclass
class StepClock:
    """Seconds that each step took."""

    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, items: Iterable[T], step: str) -> Iterator[T]:
        """Yield items and count the time that each takes."""
        waiting = iter(items)
        while True:
            began = time.perf_counter()
            try:
                item = next(waiting)
            except StopIteration:
                return
            finally:
                self.add(step, time.perf_counter() - began)
            yield item

    def add(self, step: str, seconds: float) -> None:
        """Count seconds for a step."""
        self.seconds[step] = self.seconds.get(step, 0.0) + seconds


class OpenPart:
    """A part that is being written, and what is said of its frames.

    Parameters
    ----------
    path : of the part; for PNGs the folder they go to
    form : ClipFormat
    first : its first frame
    rate : frames a second, on average
    """

    def __init__(self, path: Path, form: ClipFormat, first: Rendered, rate: Fraction) -> None:
        self._size = first.pixels.shape[:2]
        self._pts: list[int] = []
        self._rows: list[FrameRow] = []
        self._small: dict[int, Pixels] = {}
        self._carry: dict[str, object] = {}
        self._path = None if form.name == "png" else path
        self._target = (
            PngFolder(path) if form.name == "png" else PartEncoder(path, form, self._size, rate)
        )

    @property
    def full(self) -> bool:
        """Whether it holds as many frames as a part may."""
        return len(self._rows) >= PART_FRAMES

    def add(self, frame: MattedFrame, rendered: Rendered, carry: dict[str, object]) -> None:
        """Write the next frame and note what is said of it."""
        self._target.add(rendered)
        self._pts.append(rendered.pts)
        self._rows.append(
            FrameRow(
                frame=frame.frame.index,
                time_s=round(frame.frame.time_s, 6),
                shot=frame.shot,
                status=frame.status,
                confidence=_rounded(frame.confidence),
                asked=frame.asked,
                covered=round(float((frame.alpha >= 0.5).mean()), _DIGITS),
                warp_error=_rounded(frame.warp_error),
            )
        )
        self._small[frame.frame.index] = _small(frame)
        if len(self._small) > 4 * _THUMBNAILS:
            self._keep_worst(2 * _THUMBNAILS)
        self._carry = carry

    def _keep_worst(self, most: int) -> None:
        known = [row for row in self._rows if row.frame in self._small]
        kept = {row.frame for row in worst(known, most, apart=1)}
        self._small = {index: picture for index, picture in self._small.items() if index in kept}

    def close(self, store: PartStore, clock: StepClock) -> None:
        """Finish the part and note it in the store."""
        self._target.close()
        self._keep_worst(_THUMBNAILS)
        seconds, clock.seconds = clock.seconds, {}
        store.add(
            Part(
                file=None if self._path is None else self._path.name,
                pts=tuple(self._pts),
                rows=tuple(self._rows),
                thumbnails=tuple(
                    Thumbnail(frame=index, jpeg=_jpeg(picture))
                    for index, picture in self._small.items()
                ),
                carry=self._carry,
                size=self._size,
                seconds={step: round(took, _DIGITS) for step, took in seconds.items()},
            )
        )

    def drop(self) -> None:
        """Leave it unfinished; nothing stays of it."""
        self._target.drop()


def _small(frame: MattedFrame) -> Pixels:
    """Return a frame with its matte over grey, for a report."""
    import cv2

    height, width = frame.frame.pixels.shape[:2]
    scale = _THUMBNAIL_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = np.asarray(
        cv2.resize(frame.frame.pixels, size, interpolation=cv2.INTER_AREA), np.uint8
    )
    alpha = np.clip(cv2.resize(frame.alpha, size, interpolation=cv2.INTER_AREA), 0, 1)
    faded = (picture * 0.25 + 140).astype(np.uint8)
    return blend(Image(picture), Matte(alpha.astype(np.float32)), Image(faded)).pixels


def _jpeg(pixels: Pixels) -> str:
    import cv2

    _, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]))
    return base64.b64encode(data.tobytes()).decode("ascii")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
