"""What other programs read: the IAB's forms, WebVTT chapters, OpenTimelineIO markers."""

from __future__ import annotations

from typing import Any

from maskworks.scene.record import EvidenceSegment, SuitabilityRecord, TopicResult
from maskworks.scene.topics import CATTAX, RISKS


def to_openrtb(record: SuitabilityRecord) -> dict[str, Any]:
    """Return `content` (OpenRTB 2.6) and `catswithsuitability` (IAB Tech Lab) of a record.

    Only categories with findings that count and an id in the taxonomy are in it; what a category
    that is missing here had for coverage stands in `coverage`. Content source and purpose are
    outside the eleven topics: their suitability is null.
    """
    found = [each for each in record.categories if each.proposed_risk and each.iab_id]
    context = [number for number in (record.context.source_id, record.context.purpose_id) if number]
    content: dict[str, Any] = {
        "title": record.source,
        "cat": [*(each.iab_id for each in found), *context],
        "cattax": CATTAX,
    }
    if record.media == "clip":
        content["len"] = round(record.duration_ms / 1000)
    pairs = [{"category": each.iab_id, "suitability": each.proposed_risk} for each in found]
    return {
        "content": content,
        "catswithsuitability": [
            *pairs,
            *({"category": number, "suitability": None} for number in context),
        ],
        "ext": {
            "coverage": {each.iab_id: each.coverage for each in record.categories if each.iab_id},
            "statement": record.statement,
        },
    }


def to_chapters(record: SuitabilityRecord) -> str:
    """Return the segments as WebVTT chapters, in the order of their start."""
    parts = ["WEBVTT", "", f"NOTE {record.statement}", ""]
    for result, segment in _segments(record):
        end = max(segment.end_ms, segment.start_ms + 1)
        parts += [
            f"{timecode(segment.start_ms)} --> {timecode(end)}",
            _caption(result, segment),
            "",
        ]
    return "\n".join(parts)


def to_timeline(record: SuitabilityRecord) -> str:
    """Return an OpenTimelineIO timeline with a marker for each segment."""
    import opentimelineio as otio

    rate = 1000.0
    time, span = otio.opentime.RationalTime, otio.opentime.TimeRange
    whole = span(time(0, rate), time(max(1, record.duration_ms), rate))
    clip = otio.schema.Clip(
        name=record.source,
        media_reference=otio.schema.ExternalReference(
            target_url=record.source, available_range=whole
        ),
        source_range=whole,
    )
    for result, segment in _segments(record):
        clip.markers.append(
            otio.schema.Marker(
                name=_caption(result, segment),
                marked_range=span(
                    time(segment.start_ms, rate), time(max(1, segment.duration_ms), rate)
                ),
                color=_COLOURS.get(result.proposed_risk or "", "GREEN"),
                metadata={
                    "maskworks": {
                        "category": result.category,
                        "iab_id": result.iab_id or "",
                        "proposed_risk": result.proposed_risk or "",
                        "peak_frame": segment.peak_frame or 0,
                        "peak_confidence": segment.peak_confidence,
                    }
                },
            )
        )
    track = otio.schema.Track(name="evidence", kind=otio.schema.TrackKind.Video)
    track.append(clip)
    timeline = otio.schema.Timeline(name=record.source)
    timeline.tracks.append(track)
    return str(timeline.to_json_string(indent=2))


_COLOURS = {"bsr001": "RED", "bsr002": "ORANGE", "bsr003": "YELLOW", "bsr004": "CYAN"}


def _segments(record: SuitabilityRecord) -> list[tuple[TopicResult, EvidenceSegment]]:
    pairs = [(result, each) for result in record.categories for each in result.segments]
    return sorted(pairs, key=lambda pair: (pair[1].start_ms, pair[0].category))


def _caption(result: TopicResult, segment: EvidenceSegment) -> str:
    risk = RISKS[result.proposed_risk] if result.proposed_risk else "none proposed"
    count = len(segment.findings)
    noun = "finding" if count == 1 else "findings"
    return (
        f"{result.title}: {count} {noun}, peak {segment.peak_confidence:.2f}, "
        f"{result.extent}, proposed risk {risk}"
    )


def timecode(ms: int) -> str:
    """Return hours, minutes, seconds and milliseconds.

    Examples
    --------
    >>> timecode(3_723_004)
    '01:02:03.004'
    """
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{rest:03}"
