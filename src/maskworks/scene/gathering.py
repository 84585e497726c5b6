"""What is gathered of a clip or picture while the signals examine it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskworks.core.errors import UnreadableError
from maskworks.core.reading import Limits, read_picture
from maskworks.core.values import Pixels
from maskworks.scene.faces import blur_faces
from maskworks.scene.signals.protocol import (
    Line,
    Media,
    SampledFrame,
    Sighting,
    Signal,
    SoundBlock,
)
from maskworks.scene.signals.speech import RATE
from maskworks.scene.text.subtitles import find_subtitles, read_subtitles
from maskworks.video import open_clip
from maskworks.video.embedded_subtitles import embedded_cues
from maskworks.video.listening import sound_of
from maskworks.video.shots import ShotFinder

_THUMBNAIL = 360
_QUALITY = 82
_MOST_LINES = 20_000  # a film of three hours has three thousand
_LONGEST_LINE = 2000  # of a subtitle; what is longer is none


@dataclass
class Gathered:
    """What is gathered while a clip is looked at."""

    sightings: list[tuple[Signal, Sighting]] = field(default_factory=list)
    looked: dict[str, float] = field(default_factory=dict)
    thumbnails: dict[int, bytes] = field(default_factory=dict)
    sampled: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)
    shots: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    size: tuple[int, int] = (1, 1)
    end_ms: int = 0

    def show(self, signals: Sequence[Signal], media: Media, amount: float = 1.0) -> None:
        """Let each signal that takes this look at it."""
        takes = {SampledFrame: "frames", Line: "lines", SoundBlock: "seconds"}[type(media)]
        for signal in signals:
            if signal.info.takes == takes and signal.info.why_not is None:
                name = signal.info.name
                self.looked[name] = self.looked.get(name, 0.0) + amount
                self.sightings += [(signal, each) for each in signal.examine(media)]


def examine_picture(path: Path, signals: Sequence[Signal], run: Gathered, limits: Limits) -> None:
    """Let the signals examine a picture.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    pixels = read_picture(path, limits).image.pixels
    run.size = (pixels.shape[0], pixels.shape[1])
    run.times, run.stamps, run.sampled = [0], [0], [0]
    run.thumbnails[0] = thumbnail(pixels)
    run.show(signals, SampledFrame(0, None, 0, 0, pixels))


def examine_clip(
    path: Path,
    every_s: float,
    signals: Sequence[Signal],
    run: Gathered,
    *,
    limits: Limits,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Let the signals examine a frame every so many seconds, and the first of each shot.

    Raises
    ------
    UnreadableError
        If it is no clip.
    TooLargeError
        If a frame has more pixels than the limit.
    """
    every = max(1, round(1000 * every_s))
    shots = ShotFinder()
    with open_clip(path, limits) as clip:
        for frame in clip.frames(interlaced=True):
            fresh = shots.begins(frame.pixels) or not run.times
            time = max(0, round(1000 * frame.time_s))
            lasts = round(1000 * frame.duration * float(clip.facts.time_base))
            run.times.append(time)
            run.stamps.append(frame.pts)
            run.end_ms = max(run.end_ms, time + lasts)
            if fresh:
                run.shots.append(time)
            due = not run.sampled or time - run.times[run.sampled[-1]] >= every
            if not (due or fresh):
                continue
            run.sampled.append(frame.index)
            run.thumbnails[frame.index] = thumbnail(frame.pixels)
            run.size = (frame.pixels.shape[0], frame.pixels.shape[1])
            run.show(signals, SampledFrame(frame.index, frame.pts, time, every, frame.pixels))
            if progress is not None:
                progress(time / 1000)
        run.notes += clip.notes()


def thumbnail(pixels: Pixels) -> bytes:
    """Return a picture, uint8 (H, W, 3) RGB, as a small JPEG."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _THUMBNAIL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return _jpeg(small[..., ::-1])


def _jpeg(bgr: Any) -> bytes:  # noqa: ANN401 - what OpenCV returns
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(data)


def without_faces(pictures: Mapping[int, bytes]) -> tuple[dict[int, bytes], int]:
    """Return small JPEGs with their faces blurred, and how many faces were found.

    Raises
    ------
    UsageError
        If the extra `[faces]` is not installed.
    """
    shown, count = {}, 0
    for index, data in pictures.items():
        bgr = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
        blurred, found = blur_faces(np.ascontiguousarray(bgr[..., ::-1], np.uint8))
        shown[index] = _jpeg(blurred[..., ::-1]) if found else data
        count += found
    return shown, count


def read_lines(
    path: Path, subtitles: Path | None, signals: Sequence[Signal], run: Gathered
) -> None:
    """Show the subtitles: those named, else those beside the clip, and those in it.

    Raises
    ------
    UnreadableError
        If those named cannot be read; what was found beside the clip is told in the notes then.
    """
    lines: list[Line] = []
    beside = subtitles or find_subtitles(path)
    if beside is not None:
        try:
            cues, notes = read_subtitles(beside)
        except UnreadableError as error:
            if subtitles is not None:
                raise
            cues, notes = [], (f"{beside.name}: {error.reason}; not read",)
        run.notes += notes
        lines += [Line(c.start_ms, c.end_ms - c.start_ms, c.text, c.source) for c in cues]
    if subtitles is None:
        inside, notes = embedded_cues(path)
        run.notes += notes
        lines += [
            Line(c.start_ms, c.end_ms - c.start_ms, c.text, f"subtitle stream {c.stream}")
            for c in inside
        ]
    if len(lines) > _MOST_LINES:
        left = len(lines) - _MOST_LINES
        lines = lines[:_MOST_LINES]
        run.notes.append(f"{left:,} subtitles behind the first {_MOST_LINES:,} were not read")
    long = sum(len(line.text) > _LONGEST_LINE for line in lines)
    if long:
        lines = [replace(line, text=line.text[:_LONGEST_LINE]) for line in lines]
        run.notes.append(f"{long} subtitles are cut to {_LONGEST_LINE:,} characters each")
    if not lines:
        run.notes.append("no subtitles: none that can be read in the clip, beside it or named")
    late = sum(line.time_ms > run.end_ms for line in lines)
    if late:
        run.notes.append(f"{late} subtitles begin after the clip's end: read all the same")
    for line in lines:
        run.show(signals, _placed(line, run))


def _placed(line: Line, run: Gathered) -> Line:
    """Name the frame that is shown when a line begins."""
    at = bisect_right(run.times, line.time_ms) - 1
    return replace(line, frame_index=max(0, at), pts=run.stamps[max(0, at)])


def listen(path: Path, signals: Sequence[Signal], run: Gathered) -> None:
    """Let the signals hear the sound, block by block."""
    if not any(s.info.takes == "seconds" and s.info.why_not is None for s in signals):
        return
    heard = False
    for time_s, samples in sound_of(path, RATE):
        heard = True
        run.show(signals, SoundBlock(time_s, RATE, samples), samples.size / RATE)
    if not heard:
        run.notes.append("no sound: the clip has no audio stream that can be read")
