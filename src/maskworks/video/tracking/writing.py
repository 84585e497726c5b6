"""Tracks as other tools read them: CSV, MOT challenge, COCO of videos, and a clip to look at."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from maskworks.core.atomic import write_text_atomic
from maskworks.core.rle_coco import to_coco
from maskworks.video.tracking.result import Tracks

COLUMNS = ("frame", "seconds", "id", "class", "score", "left", "top", "right", "bottom", "area")


ENDINGS = {
    "csv": "tracks.csv",
    "mot": "mot.txt",
    "coco": "coco.json",
    "report": "report.json",
    "clip": "tracks.webm",
}
"""What can be written, and how its file's name ends behind that of the clip."""


def csv_of(tracks: Tracks) -> str:
    """Return a row a sighting, in order of frames; `area` is the mask's, in pixels."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for frame, track, at in _sightings(tracks):
        seen = track.sightings[at]
        edges = [f"{edge:.2f}" for edge in seen.box]
        area = "" if seen.mask is None else seen.mask.area
        time_s = f"{seen.time_s:.3f}"
        rows.writerow([frame, time_s, track.number, track.kind, f"{seen.score:.4f}", *edges, area])
    return text.getvalue()


def mot_of(tracks: Tracks) -> str:
    """Return the lines of a result of the MOT challenge: frames and pixels count from 1.

    frame, id, left, top, width, height, score, -1, -1, -1.
    """
    lines = []
    for frame, track, at in _sightings(tracks):
        x1, y1, x2, y2 = track.sightings[at].box
        edges = f"{x1 + 1:.2f},{y1 + 1:.2f},{x2 - x1:.2f},{y2 - y1:.2f}"
        lines.append(f"{frame + 1},{track.number},{edges},{track.sightings[at].score:.4f},-1,-1,-1")
    return "".join(f"{line}\n" for line in lines)


def coco_of(tracks: Tracks) -> dict[str, Any]:
    """Return the clip as COCO of videos (YouTube-VIS): for each track a list as long as the clip.

    `segmentations` are compressed runs, `bboxes` left, top, width, height; None where the object
    was not seen.
    """
    kinds = sorted({each.kind for each in tracks.tracks})
    height, width = tracks.size
    annotations = []
    for track in tracks.tracks:
        segments: list[Any] = [None] * tracks.frames
        boxes: list[Any] = [None] * tracks.frames
        areas: list[Any] = [None] * tracks.frames
        for seen in track.sightings:
            x1, y1, x2, y2 = seen.box
            boxes[seen.frame] = [round(each, 2) for each in (x1, y1, x2 - x1, y2 - y1)]
            if seen.mask is not None:
                segments[seen.frame] = to_coco(seen.mask)
                areas[seen.frame] = seen.mask.area
        annotations.append(
            {
                "id": track.number,
                "video_id": 1,
                "category_id": kinds.index(track.kind) + 1,
                "segmentations": segments,
                "bboxes": boxes,
                "areas": areas,
                "score": round(track.score, 4),
                "iscrowd": 0,
                "width": width,
                "height": height,
                "length": tracks.frames,
            }
        )
    video = {"id": 1, "name": Path(tracks.source).name, "width": width, "height": height}
    return {
        "info": {"description": f"tracked by maskworks; {tracks.detector}"},
        "videos": [{**video, "length": tracks.frames, "fps": tracks.rate}],
        "categories": [{"id": at, "name": kind} for at, kind in enumerate(kinds, 1)],
        "annotations": annotations,
    }


def write_tracks(tracks: Tracks, folder: Path, stem: str, wanted: tuple[str, ...]) -> list[Path]:
    """Write the tables that are wanted of "csv", "mot", "coco" and "report"; return their paths.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    made: dict[str, Callable[[], str]] = {
        "csv": lambda: csv_of(tracks),
        "mot": lambda: mot_of(tracks),
        "coco": lambda: json.dumps(coco_of(tracks)),
        "report": lambda: json.dumps(tracks.record(), indent=1) + "\n",
    }
    written = []
    for name, text in made.items():
        if name in wanted:
            path = folder / f"{stem}.{ENDINGS[name]}"
            write_text_atomic(path, text())
            written.append(path)
    return written


def _sightings(tracks: Tracks) -> Iterator[tuple[int, Any, int]]:
    for frame in range(tracks.frames):
        for track, at in sorted(tracks.at(frame), key=lambda each: each[0].number):
            yield frame, track, at
