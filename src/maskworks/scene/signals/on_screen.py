"""Text in the picture, read by RapidOCR; the same text over many frames is one sighting.

RapidOCR 3 with the PP-OCRv6 models of its wheel (both Apache-2.0); nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Box, Pixels
from maskworks.scene.signals.protocol import (
    Line,
    Media,
    Missing,
    SampledFrame,
    Sighting,
    Signal,
    SignalChoices,
    SignalInfo,
)
from maskworks.scene.signals.spoken import NEEDS_EXTRA, SpokenTerms, fuzzy_is_here, lists_of
from maskworks.scene.topics import NAMES

NAME = "on-screen text"
_LONGEST_SIDE = 1280
_SURE = 0.6
"""A line below this score of the reader is not taken for text."""

_ALIKE = 80.0
"""Likeness in percent from which two readings, one after the other, are the same text."""

_UNREAD = 2
"""Frames in a row in which a text is not read before it counts as gone: readers miss one."""

_STILL = 1.5
"""Mean change of a grey thumbnail, levels, below which a frame is not read again."""


@dataclass(frozen=True)
class ReadText:
    """A line read in a picture: its text, the reader's score in [0, 1], and its box in pixels."""

    text: str
    score: float
    box: Box


class ScreenReader:
    """RapidOCR, opened once."""

    def __init__(self, threads: int) -> None:
        import rapidocr

        params = {
            "Global.log_level": "critical",
            "Global.use_cls": False,  # words of subtitles and signs do not stand on their heads
            "EngineConfig.onnxruntime.intra_op_num_threads": threads or -1,
        }
        self._reader: Any = rapidocr.RapidOCR(params=params)
        self.source = f"rapidocr {getattr(rapidocr, '__version__', '')} PP-OCR".replace("  ", " ")

    def read(self, pixels: Pixels) -> list[ReadText]:
        """Return the lines of a picture, uint8 (H, W, 3) RGB, from top to bottom."""
        height, width = pixels.shape[:2]
        scale = min(1.0, _LONGEST_SIDE / max(height, width))
        small: NDArray[Any] = pixels
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        found = self._reader(np.ascontiguousarray(small[..., ::-1]))
        if found is None or found.txts is None:
            return []
        lines = []
        for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
            if score >= _SURE and text.strip():
                lines.append(ReadText(text, float(score), _box(corners / scale, height, width)))
        return sorted(joined_rows(lines), key=lambda line: (line.box.top, line.box.left))


kept_reader = lru_cache(maxsize=1)(ScreenReader)
"""The reader that was opened last; opening one takes seconds."""


def _box(corners: Any, height: int, width: int) -> Box:  # noqa: ANN401 - (4, 2) of x, y
    left, top = np.floor(corners.min(axis=0)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    top, left = min(max(0, int(top)), height - 1), min(max(0, int(left)), width - 1)
    return Box(
        top, left, max(top + 1, min(height, int(bottom))), max(left + 1, min(width, int(right)))
    )


def joined_rows(lines: Sequence[ReadText]) -> list[ReadText]:
    """Join what the reader split within a row: pieces side by side, less than a letter apart.

    Examples
    --------
    >>> pieces = [ReadText("stole my car", 0.9, Box(9, 70, 30, 200)),
    ...           ReadText("They", 0.8, Box(10, 20, 30, 72))]
    >>> [(line.text, line.score) for line in joined_rows(pieces)]
    [('They stole my car', 0.8)]
    """
    rows: list[ReadText] = []
    for line in sorted(lines, key=lambda each: each.box.left):
        at = next((n for n, row in enumerate(rows) if _goes_on(row.box, line.box)), None)
        if at is None:
            rows.append(line)
        else:
            row = rows[at]
            text = f"{row.text.strip()} {line.text.strip()}"
            rows[at] = ReadText(text, min(row.score, line.score), _around(row.box, line.box))
    return rows


def _goes_on(row: Box, piece: Box) -> bool:
    lower = min(row.bottom - row.top, piece.bottom - piece.top)
    shared = min(row.bottom, piece.bottom) - max(row.top, piece.top)
    return shared >= 0.6 * lower and abs(piece.left - row.right) <= 0.5 * lower


def _around(a: Box, b: Box) -> Box:
    return Box(
        min(a.top, b.top), min(a.left, b.left), max(a.bottom, b.bottom), max(a.right, b.right)
    )


@dataclass(frozen=True)
class _Shown:
    """A text that is on the screen, since its first frame; `unread` frames in a row missed it."""

    first: SampledFrame
    best: ReadText
    end_ms: int
    unread: int = 0


class OnScreenText:
    """Terms in what can be read in the frames."""

    def __init__(self, reader: ScreenReader, terms: SpokenTerms) -> None:
        self._reader, self._terms = reader, terms
        self._shown: list[_Shown] = []
        self._before: np.ndarray[Any, Any] | None = None
        self.info = SignalInfo(
            NAME, "text", "frames", f"{reader.source}; {terms.info.source}", terms.info.topics
        )

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Read a frame; what is no longer on the screen is searched for terms."""
        if not isinstance(media, SampledFrame):
            return ()
        small = cv2.resize(cv2.cvtColor(media.pixels, cv2.COLOR_RGB2GRAY), (160, 90)).astype(float)
        still = self._before is not None and np.abs(small - self._before).mean() < _STILL
        if still:  # nothing changed: what was read is still there, what was not is still not
            until = media.time_ms + media.duration_ms
            left = [each for each in self._shown if each.unread]
            self._shown = [replace(e, end_ms=until) for e in self._shown if not e.unread]
            return list(self._ended(left))
        self._before = small
        return list(self._updated(media, self._reader.read(media.pixels)))

    def _updated(self, frame: SampledFrame, lines: list[ReadText]) -> Iterator[Sighting]:
        until = frame.time_ms + frame.duration_ms
        going: list[_Shown] = []
        left = list(self._shown)
        for line in lines:
            same = next((each for each in left if _same(each.best, line)), None)
            if same is None:
                going.append(_Shown(frame, line, until))
            else:
                left.remove(same)
                best = line if line.score > same.best.score else same.best
                going.append(_Shown(same.first, best, until))
        self._shown = going
        yield from self._ended(left)

    def _ended(self, unread: Sequence[_Shown]) -> Iterator[Sighting]:
        """Tell what is gone; what one frame missed may be read in the next again."""
        for each in unread:
            if each.unread + 1 < _UNREAD:
                self._shown.append(replace(each, unread=each.unread + 1))
            else:
                yield from self._told(each)

    def _told(self, shown: _Shown) -> Iterator[Sighting]:
        first = shown.first
        line = Line(
            time_ms=first.time_ms,
            duration_ms=max(0, shown.end_ms - first.time_ms),
            text=shown.best.text,
            source=self._reader.source,
            frame_index=first.index,
            pts=first.pts,
            box=shown.best.box,
            misread=True,
        )
        for sighting in self._terms.of_line(line):
            yield replace(sighting, confidence=round(sighting.confidence * shown.best.score, 4))

    def finish(self) -> Iterable[Sighting]:
        """Return the terms of what was still on the screen."""
        left, self._shown = self._shown, []
        return [sighting for each in left for sighting in self._told(each)]


def _same(a: ReadText, b: ReadText) -> bool:
    from rapidfuzz import fuzz

    near = abs(a.box.top - b.box.top) <= 2 * (a.box.bottom - a.box.top)
    return near and fuzz.ratio(a.text.lower(), b.text.lower()) >= _ALIKE


def open_on_screen(choices: SignalChoices) -> Signal:
    """Open the reader and the term lists; a reader that is not installed is said in the record."""
    info = SignalInfo(NAME, "text", "frames", "rapidocr", NAMES)
    if not choices.ocr:
        return Missing(replace(info, why_not="turned off (--no-ocr)"))
    try:
        import rapidocr
    except ImportError:
        return Missing(replace(info, why_not=NEEDS_EXTRA))
    if not fuzzy_is_here():
        return Missing(replace(info, why_not=NEEDS_EXTRA))
    models = Path(rapidocr.__file__).parent / "models"
    if not list(models.glob("*.onnx")):  # it would fetch them
        return Missing(replace(info, why_not="rapidocr is installed without its models"))
    terms = SpokenTerms(lists_of(choices), choices.language, NAME)
    return OnScreenText(kept_reader(choices.threads), terms)
