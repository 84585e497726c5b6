"""Tracks drawn over their clip: masks, boxes, ids, where each came from, lines, zones, counts."""

from __future__ import annotations

import colorsys
from fractions import Fraction
from pathlib import Path

import numpy as np

from maskworks.core.errors import OutputError
from maskworks.core.reading import Limits
from maskworks.core.values import Pixels
from maskworks.video.library import pyav
from maskworks.video.reading import open_clip
from maskworks.video.tracking.result import Tracks
from maskworks.video.tracking.tracks import Track

_TAIL = 40
"""Sightings whose way is drawn behind an object."""

_SOFT = 0.4
_GOLDEN = 0.61803


def colour_of(number: int) -> tuple[int, int, int]:
    """Return a track's colour, RGB; neighbours differ.

    Examples
    --------
    >>> colour_of(1) != colour_of(2)
    True
    """
    red, green, blue = colorsys.hsv_to_rgb((number * _GOLDEN) % 1, 0.75, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_tracks(pixels: Pixels, tracks: Tracks, frame: int) -> Pixels:
    """Return a frame, uint8 (H, W, 3), with what is known of it drawn over it."""
    drawn = pixels.copy()
    scale = max(0.75, min(pixels.shape[:2]) / 900)
    wide = max(1, round(2 * scale))
    for track, at in tracks.at(frame):
        _draw_track(drawn, track, at, scale, wide)
    _draw_places(drawn, tracks, frame, scale, wide)
    said = "   ".join(
        f"{c.kind} {sum(t.sightings[0].frame <= frame for t in tracks.tracks if t.kind == c.kind)}"
        for c in tracks.counts
        if c.counted
    )
    if said:
        _write(drawn, said, (round(8 * scale), round(24 * scale)), (255, 255, 255), scale)
    return drawn


def _draw_track(drawn: Pixels, track: Track, at: int, scale: float, wide: int) -> None:
    import cv2

    seen, colour = track.sightings[at], colour_of(track.number)
    left, top, right, bottom = (round(edge) for edge in seen.box)
    if seen.mask is not None and (box := seen.mask.box()) is not None:
        piece = drawn[box.top : box.bottom, box.left : box.right]
        inside = seen.mask.to_crop(box).inside
        mixed = (1 - _SOFT) * piece[inside] + _SOFT * np.array(colour)
        piece[inside] = mixed.astype(np.uint8)
    cv2.rectangle(drawn, (left, top), (right, bottom), colour, wide)
    way = np.array(track.path[max(0, at - _TAIL) : at + 1]).round().astype(np.int32)
    cv2.polylines(drawn, [way], False, colour, wide, cv2.LINE_AA)  # noqa: FBT003
    place = (left, max(round(14 * scale), top - round(5 * scale)))
    _write(drawn, f"{track.number} {track.kind}", place, colour, scale)


def _draw_places(drawn: Pixels, tracks: Tracks, frame: int, scale: float, wide: int) -> None:
    import cv2

    white = (255, 255, 255)
    for line in tracks.request.lines:
        a, b = (tuple(round(each) for each in point) for point in (line.start, line.end))
        cv2.line(drawn, a, b, white, 2 * wide, cv2.LINE_AA)
        count = sum(c.line == line.name and c.frame <= frame for c in tracks.crossings)
        _write(drawn, f"{line.name} {count}", a, white, scale)
    for zone in tracks.request.zones:
        corners = np.array(zone.corners).round().astype(np.int32)
        cv2.polylines(drawn, [corners], True, white, wide, cv2.LINE_AA)  # noqa: FBT003
        inside = sum(zone.holds(track.path[at]) for track, at in tracks.at(frame))
        _write(drawn, f"{zone.name} {inside}", tuple(corners[0].tolist()), white, scale)


def _write(
    drawn: Pixels, text: str, place: tuple[int, ...], colour: tuple[int, int, int], scale: float
) -> None:
    import cv2

    shown = text.encode("ascii", "replace").decode()
    for ink, wide in (((0, 0, 0), 3), (colour, 1)):
        size = max(1, round(wide * scale * 1.3))
        font, large = cv2.FONT_HERSHEY_SIMPLEX, 0.6 * scale
        cv2.putText(drawn, shown, place, font, large, ink, size, cv2.LINE_AA)


def write_annotated(source: Path, tracks: Tracks, target: Path, limits: Limits) -> None:
    """Write the clip with its tracks drawn over it, as VP9 in WebM, with its own time stamps.

    Sound is not copied. A side of odd length loses its last pixel.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    av = pyav()
    part = target.with_name(f".{target.name}.part")
    try:
        with open_clip(source, limits) as clip, av.open(str(part), "w", format="webm") as out:
            stream = out.add_stream("libvpx-vp9", rate=Fraction(clip.facts.rate))
            stream.width, stream.height = clip.facts.width // 2 * 2, clip.facts.height // 2 * 2
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = clip.facts.time_base
            stream.options = {"deadline": "realtime", "cpu-used": "8", "crf": "32", "b": "0"}
            for frame in clip.frames():
                drawn = draw_tracks(frame.pixels, tracks, frame.index)
                picture = av.VideoFrame.from_ndarray(
                    np.ascontiguousarray(drawn[: stream.height, : stream.width]), format="rgb24"
                )
                picture.pts, picture.time_base = frame.pts, clip.facts.time_base
                out.mux(stream.encode(picture))
            out.mux(stream.encode(None))
        part.replace(target)
    except (OSError, av.error.FFmpegError) as error:
        raise OutputError(
            target, str(error).lower(), "free space, or name a folder that can be written"
        ) from error
    finally:
        part.unlink(missing_ok=True)
