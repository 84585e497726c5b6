"""Clips in: any file that FFmpeg reads becomes upright RGB frames with their own time stamps.

A frame that cannot be decoded, or the end of a file that was cut off, costs that part alone:
`Clip.notes` says what is missing once the frames were read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import TooLargeError, UnreadableError
from maskworks.core.reading import Limits
from maskworks.core.values import Pixels
from maskworks.video.decoding import decode_packets
from maskworks.video.faults import COPY_AGAIN, NO_DECODER, Faults, why_unreadable
from maskworks.video.frame_pixels import has_alpha, upright_pixels
from maskworks.video.library import pyav

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_LIMITS = Limits()
_PICTURES = ("image2", "_pipe")  # ends of the names of FFmpeg's readers of single pictures

_HDR = {16: "PQ", 18: "HLG"}
"""Transfer functions of high dynamic range, by their number in ITU-T H.273."""

_WITH_ALPHA = {"vp9": "libvpx-vp9", "vp8": "libvpx"}
"""Decoders that keep the alpha of WebM; FFmpeg's own drop it."""

_MOST_FAULTS = 100  # of the container in a row; then the reading ends

_NO_FRAME = "holds no frame that can be decoded"
_LEAST_GAP_S = 0.5  # a stream that ends so much before what it states was cut off


@dataclass(frozen=True, kw_only=True)
class ClipFacts:
    """What a clip says of itself, before a frame is decoded.

    `width` and `height` are pixels of the upright picture; `rate` is frames a second on
    average; `time_base` is the unit of time stamps, seconds; `frames` and `seconds` are what
    the file states, None if it does not; `hdr` is "PQ" or "HLG", None otherwise.
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    time_base: Fraction
    frames: int | None
    seconds: float | None
    codec: str
    pixel_format: str
    alpha: bool
    audio: int
    subtitles: int
    hdr: str | None


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame: its place, its time stamp and its pixels.

    `index` counts from 0; `pts` is in units of the clip's time base and `time_s` the same in
    seconds, `duration` how long it is shown in that unit, 0 if that is not said; `pixels` is
    uint8 (H, W, 3), upright RGB; `alpha` is uint8 (H, W), None if the clip has none.
    """

    index: int
    pts: int
    time_s: float
    duration: int
    pixels: Pixels
    alpha: NDArray[np.uint8] | None = None


class Clip:
    """An open clip; `open_clip` makes it.

    Parameters
    ----------
    container, stream : of PyAV
    limits : Limits
        For each frame.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, facts: ClipFacts, limits: Limits
    ) -> None:
        self.facts = facts
        self._container, self._stream, self._limits = container, stream, limits
        self._faults = Faults()

    def frames(
        self, first: int = 0, last: int | None = None, *, interlaced: bool = False
    ) -> Iterator[Frame]:
        """Yield the frames in the order in which they are shown; once per opened clip.

        Parameters
        ----------
        first : int, >= 0
            Frames before this one are decoded and left out.
        last : int, optional
            The frame to stop before.
        interlaced : bool
            Take frames that show two moments at once as they are; `notes` says so.

        Raises
        ------
        UnreadableError
            If no frame can be decoded, or the clip is interlaced.
        TooLargeError
            If the stream changes to frames larger than the limit.
        """
        index, before, size, end_s = 0, None, None, 0.0
        for raw in self._decoded():
            self._faults.interlaced |= raw.interlaced_frame
            if raw.interlaced_frame and not interlaced:
                raise UnreadableError(
                    str(self.facts.path),
                    "is interlaced, its frames show two moments at once",
                    "deinterlace it first, such as with `ffmpeg -i IN -vf bwdif OUT`",
                )
            if last is not None and index >= last:
                return
            pts = self._stamp(raw, before, index)
            time_s = float(pts * self.facts.time_base)
            if raw.is_corrupt:
                self._faults.concealed.append(time_s)
            if size is None:
                size = (raw.width, raw.height)
            elif (raw.width, raw.height) != size:
                self._check_resized(raw, index)
            if index >= first:
                colours, alpha = upright_pixels(raw, size)
                yield Frame(index, pts, time_s, raw.duration or 0, colours, alpha)
            before, index = pts, index + 1
            end_s = float((pts + (raw.duration or 0)) * self.facts.time_base)
        if index == 0:
            raise UnreadableError(str(self.facts.path), _NO_FRAME, COPY_AGAIN)
        self._look_for_the_end(end_s)

    def jump(self, time_s: float) -> None:
        """Go to where decoding can begin at a time or before it; `frames` counts from there."""
        self._container.seek(int(time_s / self.facts.time_base), stream=self._stream)

    def notes(self) -> tuple[str, ...]:
        """Return what was damaged or assumed in the frames read so far, as sentences."""
        return self._faults.sentences(self.facts.hdr)

    @property
    def lost(self) -> int:
        """How many frames could not be decoded so far."""
        return len(self._faults.lost)

    def _stamp(self, raw: VideoFrame, before: int | None, index: int) -> int:
        step = max(1, round(1 / (self.facts.rate * self.facts.time_base)))
        if raw.pts is not None and (before is None or raw.pts > before):
            return int(raw.pts)
        made = index * step if before is None else before + step
        self._faults.restamped.append(float(made * self.facts.time_base))
        return made

    def _check_resized(self, raw: VideoFrame, index: int) -> None:
        pixels = raw.width * raw.height
        if pixels > self._limits.max_pixels:
            raise TooLargeError(str(self.facts.path), pixels, self._limits.max_pixels)
        self._faults.resized.append((index, raw.width, raw.height))

    def _decoded(self) -> Iterator[VideoFrame]:
        """Yield what the decoder gives; note packets that it cannot use."""
        av = pyav()
        decoder = self._stream.codec_context
        if self.facts.alpha and decoder.name in _WITH_ALPHA:
            decoder = av.CodecContext.create(_WITH_ALPHA[decoder.name], "r")
        yield from decode_packets(self._packets(), decoder, self._lose)

    def _lose(self, stamp: int | None) -> None:
        self._faults.lost.append(float((stamp or 0) * self.facts.time_base))

    def _packets(self) -> Iterator[Any]:
        """Yield packets with data; a fault of the container is passed over while it goes on."""
        av = pyav()
        faults = 0
        while faults < _MOST_FAULTS:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size:
                        faults = 0
                        yield packet
                return
            except av.error.EOFError:
                return
            except (av.error.InvalidDataError, OSError) as error:
                self._faults.broken = str(getattr(error, "strerror", None) or error).lower()
                faults += 1

    def _look_for_the_end(self, end_s: float) -> None:
        stated, start = self.facts.seconds, self._stream.start_time or 0
        if stated is None:
            return
        stated += float(start * self.facts.time_base)
        short = max(_LEAST_GAP_S, 2.5 / float(self.facts.rate))
        if stated - end_s > short and end_s > 0:
            self._faults.cut_off = (end_s, stated)


@contextmanager
def open_clip(source: str | Path, limits: Limits = _LIMITS) -> Iterator[Clip]:
    """Open a clip: whatever FFmpeg reads, from this machine alone.

    Parameters
    ----------
    source : path
    limits : Limits
        For each frame.

    Yields
    ------
    Clip

    Raises
    ------
    UnreadableError
        If there is no such file, it is no clip, has no video stream, or is a single picture.
    TooLargeError
        If a frame has more pixels than the limit.
    UsageError
        If the extra `[video]` is not installed.
    """
    path = Path(source)
    pyav()
    _check_is_there(path)
    with opened(path) as container:
        if any(part in container.format.name for part in _PICTURES):
            raise UnreadableError(
                str(path), "is a picture, not a clip", "cut it out with `maskworks cutout`"
            )
        streams = [s for s in container.streams.video if not _is_cover(s)]
        if not streams:
            held = " and ".join(sorted({str(s.type) for s in container.streams})) or "nothing"
            raise UnreadableError(
                str(path), f"has no video stream, only {held}", "name another file"
            )
        facts = _facts(path, container, streams[0])
        if facts.width * facts.height > limits.max_pixels:
            raise TooLargeError(str(path), facts.width * facts.height, limits.max_pixels)
        yield Clip(container, streams[0], facts, limits)


def _check_is_there(path: Path) -> None:
    if not path.is_file():
        reason = "is a folder" if path.is_dir() else "there is no such file"
        raise UnreadableError(str(path), reason, "name a clip that is there")
    if path.stat().st_size == 0:
        raise UnreadableError(str(path), "is empty", COPY_AGAIN)


def opened(path: Path) -> InputContainer:
    """Open a file of this machine, whatever it holds; nothing else is reached through it.

    Raises
    ------
    UnreadableError
        If FFmpeg cannot read it.
    """
    av = pyav()
    try:
        container: InputContainer = av.open(
            f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"}
        )
        return container
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnreadableError(str(path), *why_unreadable(error)) from error


def _is_cover(stream: VideoStream) -> bool:
    said = str(stream.disposition)
    return "attached_pic" in said or "timed_thumbnails" in said


def _facts(path: Path, container: InputContainer, stream: VideoStream) -> ClipFacts:
    codec = stream.codec_context
    if codec is None:
        raise UnreadableError(str(path), *NO_DECODER)
    if codec.width == 0:
        raise UnreadableError(str(path), _NO_FRAME, COPY_AGAIN)
    width, height = codec.width, codec.height
    turned = _lies_on_its_side(path)
    rate = stream.average_rate or stream.base_rate or stream.guessed_rate or Fraction(25)
    base = stream.time_base or Fraction(1, 1000)
    seconds = float(stream.duration * base) if stream.duration else None
    others = len(container.streams.audio) + len(container.streams.subtitles)
    if seconds is None and container.duration and not others:
        seconds = container.duration / 1_000_000
    said = {key.lower(): value for key, value in stream.metadata.items()}
    alpha = said.get("alpha_mode") == "1" or has_alpha(str(codec.pix_fmt))
    return ClipFacts(
        path=path,
        width=height if turned else width,
        height=width if turned else height,
        rate=Fraction(rate),
        time_base=Fraction(base),
        frames=stream.frames or None,
        seconds=seconds,
        codec=codec.name,
        pixel_format=str(codec.pix_fmt),
        alpha=alpha,
        audio=len(container.streams.audio),
        subtitles=len(container.streams.subtitles),
        hdr=_HDR.get(int(codec.color_trc or 0)),
    )


def _lies_on_its_side(path: Path) -> bool:
    """Say whether the frames are turned by a quarter; the first that is decoded says so."""
    av = pyav()
    with opened(path) as container:
        stream = next(s for s in container.streams.video if not _is_cover(s))
        try:
            for packet in container.demux(stream):
                for frame in packet.decode():
                    return frame.rotation % 180 != 0
        except (av.error.FFmpegError, OSError):  # told when the frames are read
            return False
    return False
