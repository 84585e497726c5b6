"""A time line for editing programs: shots as clips, doubtful frames as markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskworks.core.errors import UsageError
from maskworks.core.writing import write_atomic
from maskworks.video.doubt import doubtful
from maskworks.video.parts import ClipResult


def timeline_json(result: ClipResult) -> str:
    """Return an OpenTimelineIO document with one track: a clip a shot, a marker a doubtful frame.

    Parameters
    ----------
    result : ClipResult

    Raises
    ------
    UsageError
        If the extra `[video]` is not installed.
    """
    try:
        import opentimelineio as otio
    except ImportError as error:
        raise UsageError("a time line needs the extra: pip install 'maskworks[video]'") from error
    rate = float(result.rate)
    schema = otio.schema
    timeline = schema.Timeline(name=result.output.stem)
    track = schema.Track(name="cut-out", kind=schema.TrackKind.Video)
    timeline.tracks.append(track)
    doubts = doubtful(result.rows)

    def span(first: int, count: int) -> Any:  # noqa: ANN401 - a TimeRange
        time = otio.opentime.RationalTime
        return otio.opentime.TimeRange(time(first, rate), time(count, rate))

    total = len(result.rows)
    for number, (first, behind) in enumerate(result.shots, start=1):
        media = schema.ExternalReference(
            target_url=result.output.name, available_range=span(0, total)
        )
        clip = schema.Clip(
            name=f"shot {number}", media_reference=media, source_range=span(first, behind - first)
        )
        for row in doubts:
            if first <= row.frame < behind:
                clip.markers.append(_marker(schema, row, span(row.frame, 1)))
        track.append(clip)
    text: str = otio.adapters.write_to_string(timeline, "otio_json")
    return text


def _marker(schema: Any, row: Any, span: Any) -> Any:  # noqa: ANN401 - of the library
    sure = "" if row.confidence is None else f", confidence {row.confidence:.2f}"
    return schema.Marker(
        name=f"look at frame {row.frame}",
        marked_range=span,
        color=schema.MarkerColor.RED,
        metadata={"maskworks": {"status": row.status, "warp_error": row.warp_error}},
        comment=f"{row.status}{sure}",
    )


def write_timeline(path: Path, result: ClipResult) -> None:
    """Write the document.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_atomic(path, timeline_json(result).encode())
