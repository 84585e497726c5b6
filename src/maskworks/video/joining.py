"""Parts of a clip into one file: packets are copied, with the time stamps of the clip.

Sound and subtitles of the clip go along, copied where the container takes their codec. Formats
of which packets cannot be put together (WebP, APNG, GIF) are encoded from lossless parts.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.video.encoding import FrameEncoder, Rendered, writing
from maskworks.video.formats import STORE, ClipFormat
from maskworks.video.library import pyav
from maskworks.video.reading import opened
from maskworks.video.sound import Companion, companions

if TYPE_CHECKING:
    from av.container import OutputContainer

_OPAQUE_FROM = 128
"""Alpha from which a pixel of a GIF is opaque; it has one bit for it."""

GIF_UNIT = Fraction(1, 100)


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What one file is made of.

    `parts` are files in order, `pts` the time stamp of each frame in units of `time_base`;
    `source` is the clip whose sound and subtitles go along, None for silence.
    """

    parts: Sequence[Path]
    pts: Sequence[int]
    time_base: Fraction
    rate: Fraction
    size: tuple[int, int]
    source: Path | None


def join(path: Path, form: ClipFormat, what: Joined) -> tuple[str, ...]:
    """Write one file from parts; return sentences on sound and subtitles that did not fit.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    if not form.joins:
        with writing(path, form.container) as container:
            (_write_gif if form.name == "gif" else _write_animation)(container, form, what)
        return ()
    with writing(path, form.container) as container:
        stream = _copied_stream(container, form, what)
        found, notes = (
            companions(container, what.source, form) if what.source is not None else ([], ())
        )
        video = _packets(stream, what)
        for packet in _by_time(video, [each.packets() for each in found]):
            container.mux(packet)
        for each in found:
            each.close()
    return tuple(notes)


def _copied_stream(container: OutputContainer, form: ClipFormat, what: Joined) -> Any:  # noqa: ANN401
    with opened(what.parts[0]) as first:
        template = first.streams.video[0]
        stream = container.add_stream_from_template(template)
    stream.time_base = what.time_base
    if form.codec == "libvpx-vp9" and form.alpha:
        stream.metadata["alpha_mode"] = "1"
    return stream


def _packets(stream: Any, what: Joined) -> Iterator[tuple[float, Any]]:  # noqa: ANN401
    """Yield the packets of all parts with their time, stamped as the clip is."""
    index = 0
    for part in what.parts:
        with opened(part) as container:
            for packet in container.demux(container.streams.video[0]):
                if not packet.size:
                    continue
                pts = what.pts[index]
                after = what.pts[index + 1] if index + 1 < len(what.pts) else None
                packet.stream = stream
                packet.time_base = what.time_base
                packet.pts = packet.dts = pts
                packet.duration = after - pts if after is not None else _usual_step(what)
                yield float(pts * what.time_base), packet
                index += 1


def _usual_step(what: Joined) -> int:
    if len(what.pts) > 1:
        return int(np.median(np.diff(what.pts)))
    return max(1, round(1 / (what.rate * what.time_base)))


def _by_time(
    first: Iterator[tuple[float, Any]], others: Sequence[Iterator[tuple[float, Any]]]
) -> Iterator[Any]:
    """Yield packets of all streams in the order of their times."""
    keyed = [
        ((time, at, packet) for time, packet in each) for at, each in enumerate([first, *others])
    ]
    for _, _, packet in heapq.merge(*keyed, key=lambda one: one[0]):
        yield packet


def stored_frames(parts: Sequence[Path]) -> Iterator[Any]:
    """Yield the decoded frames of lossless parts, in order."""
    for part in parts:
        with opened(part) as container:
            yield from container.decode(video=0)


def _write_animation(container: OutputContainer, form: ClipFormat, what: Joined) -> None:
    unit = Fraction(1, 1000)
    encoder = FrameEncoder(container, form, what.size, rate=what.rate, time_base=unit)
    start = what.pts[0]
    for index, raw in enumerate(stored_frames(what.parts)):
        picture = raw.to_ndarray(format="rgba")
        pts = round((what.pts[index] - start) * what.time_base / unit)
        encoder.add(Rendered(index, pts, picture[..., :3], picture[..., 3]), pts)
    encoder.finish()


def _write_gif(container: OutputContainer, form: ClipFormat, what: Joined) -> None:
    """Write a GIF with one palette, found in a first pass over the frames."""
    av = pyav()
    height, width = what.size
    palette = _palette(what)
    stream: Any = container.add_stream("gif", rate=what.rate.limit_denominator(1000))
    stream.height, stream.width, stream.pix_fmt = height, width, form.pixel_format
    stream.codec_context.time_base = GIF_UNIT
    graph = av.filter.Graph()
    frames = graph.add_buffer(width=width, height=height, format="bgra", time_base=GIF_UNIT)
    colours = graph.add_buffer(
        width=palette.width, height=palette.height, format=palette.format.name, time_base=GIF_UNIT
    )
    use = graph.add("paletteuse", f"alpha_threshold={_OPAQUE_FROM}:dither=bayer:bayer_scale=4")
    sink = graph.add("buffersink")
    frames.link_to(use, 0, 0)
    colours.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    palette.pts, palette.time_base = 0, GIF_UNIT
    colours.push(palette)
    colours.push(None)

    def drain() -> None:
        for made in _pulled(sink.pull):
            container.mux(stream.encode(made))

    last, start = -1, what.pts[0]
    for index, raw in enumerate(stored_frames(what.parts)):
        pts = max(last + 1, round((what.pts[index] - start) * what.time_base / GIF_UNIT))
        raw.pts, raw.time_base, last = pts, GIF_UNIT, pts
        frames.push(raw)
        drain()
    frames.push(None)
    drain()
    container.mux(stream.encode(None))


def _palette(what: Joined) -> Any:  # noqa: ANN401 - a frame of PyAV
    av = pyav()
    height, width = what.size
    graph = av.filter.Graph()
    frames = graph.add_buffer(width=width, height=height, format="bgra", time_base=GIF_UNIT)
    find = graph.add("palettegen", "reserve_transparent=1:stats_mode=full")
    sink = graph.add("buffersink")
    frames.link_to(find)
    find.link_to(sink)
    graph.configure()
    for index, raw in enumerate(stored_frames(what.parts)):
        raw.pts, raw.time_base = index, GIF_UNIT
        frames.push(raw)
    frames.push(None)
    return next(_pulled(sink.pull))


def _pulled(pull: Callable[[], Any]) -> Iterator[Any]:
    av = pyav()
    while True:
        try:
            yield pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


__all__ = ["STORE", "Companion", "Joined", "join", "stored_frames"]
