"""Sound and subtitles of a clip, copied beside its new picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskworks.video.formats import ClipFormat
from maskworks.video.library import pyav
from maskworks.video.reading import opened

if TYPE_CHECKING:
    from av.container import OutputContainer

_SUBTITLES = {
    "webm": ("webvtt",),
    "mp4": ("mov_text",),
    "mov": ("mov_text",),
    "matroska": None,
}
"""What each container takes; None is anything."""


class Companion:
    """One stream that goes along, copied or, where the container cannot hold it, as Opus.

    Parameters
    ----------
    source : the clip
    index : of the stream in it
    stream : of the output
    convert : whether it is encoded anew
    """

    def __init__(self, source: Path, index: int, stream: Any, *, convert: bool) -> None:  # noqa: ANN401
        self._stack = ExitStack()
        self._container = self._stack.enter_context(opened(source))
        self._source = self._container.streams[index]
        self._stream, self._convert = stream, convert

    def packets(self) -> Iterator[tuple[float, Any]]:
        """Yield packets with their times, seconds; a damaged one is passed over."""
        av = pyav()
        made = self._encoded() if self._convert else self._copied()
        try:
            for packet in made:
                stamp = packet.dts if packet.dts is not None else packet.pts
                yield float((stamp or 0) * packet.time_base), packet
        except (av.error.InvalidDataError, av.error.EOFError):  # cut off: what came before is kept
            return

    def close(self) -> None:
        """Close the clip."""
        self._stack.close()

    def _copied(self) -> Iterator[Any]:
        for packet in self._container.demux(self._source):
            if packet.size and packet.dts is not None:
                packet.stream = self._stream
                yield packet

    def _encoded(self) -> Iterator[Any]:
        av = pyav()
        codec = self._stream.codec_context
        resampler = av.AudioResampler(format="flt", layout=codec.layout, rate=48000)
        for packet in self._container.demux(self._source):
            try:
                decoded = packet.decode() if packet.size else []
            except av.error.FFmpegError:
                continue
            for frame in decoded:
                for piece in resampler.resample(frame):
                    yield from self._stream.encode(piece)
        for piece in resampler.resample(None):
            yield from self._stream.encode(piece)
        yield from self._stream.encode(None)


def companions(
    container: OutputContainer, source: Path, form: ClipFormat
) -> tuple[list[Companion], list[str]]:
    """Add a stream for each that goes along, before anything is written.

    Returns
    -------
    companions, notes
        Notes are sentences on what was converted or does not fit.
    """
    found: list[Companion] = []
    stream: Any
    notes: list[str] = []
    with opened(source) as clip:
        for stream in clip.streams:
            if stream.type == "audio":
                name = _codec_of(stream)
                if form.sound is None or name in form.sound:
                    copy = container.add_stream_from_template(stream)
                    found.append(Companion(source, stream.index, copy, convert=False))
                elif form.sound:
                    opus: Any = container.add_stream("libopus", rate=48000)
                    opus.layout = "mono" if stream.codec_context.channels == 1 else "stereo"
                    found.append(Companion(source, stream.index, opus, convert=True))
                    notes.append(f"sound ({name}) does not go into {form.name}: converted to Opus")
                else:
                    notes.append(f"{form.name} has no room for sound: left out")
            elif stream.type == "subtitle":
                name = _codec_of(stream)
                taken = _SUBTITLES.get(form.container, ())
                if taken is None or name in taken:
                    copy = container.add_stream_from_template(stream)
                    found.append(Companion(source, stream.index, copy, convert=False))
                else:
                    notes.append(f"subtitles ({name}) do not go into {form.name}: left out")
    return found, notes


def _codec_of(stream: Any) -> str:  # noqa: ANN401 - of PyAV
    return "unknown" if stream.codec_context is None else str(stream.codec_context.name)
