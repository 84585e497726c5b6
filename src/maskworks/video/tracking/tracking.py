"""A clip's objects followed and counted, in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.models.families.box_answers import box_mask
from maskworks.models.labelling import Segmenter
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter
from maskworks.video.reading import Frame, open_clip
from maskworks.video.tracking.found import (
    BACKGROUND,
    Detector,
    of_background,
    of_segmenter,
)
from maskworks.video.tracking.looks import looks
from maskworks.video.tracking.request import TrackRequest
from maskworks.video.tracking.result import Tracks
from maskworks.video.tracking.tracker import DetectedObject, Tracker
from maskworks.video.tracking.tracks import Track

TRAVEL = 1.0
"""How far, in sizes of its own, something must have gone that a background model found: leaves
and shadows flicker where they are.
"""


def open_detector(request: TrackRequest) -> Detector:
    """Open the detector that a request names.

    Raises
    ------
    UsageError, ModelError
        If there is no such model, it finds no objects, or it does not know a class.
    """
    if request.model == BACKGROUND:
        return of_background(request.classes)
    if isinstance(request.model, Segmenter):
        return of_segmenter(request.model, request.classes)
    opening = Opening(threads=request.threads, min_score=request.options.doubtful)
    return of_segmenter(load_segmenter(request.model, opening), request.classes)


def track_clip(
    source: str | Path,
    request: TrackRequest,
    *,
    report: Callable[[int, int | None], None] | None = None,
) -> Tracks:
    """Follow the objects of a clip.

    Parameters
    ----------
    source : path of the clip
    request : TrackRequest
    report : takes how many frames are done and how many there are, if the clip says so

    Returns
    -------
    Tracks

    Raises
    ------
    UnreadableError
        If the clip cannot be read.
    UsageError, ModelError
        As `open_detector`; or if a line or zone lies wholly outside the picture.
    """
    detector = open_detector(request)
    with open_clip(source, request.limits) as clip:
        size = (clip.facts.height, clip.facts.width)
        check_places(request, size)
        told = _telling(clip.frames(), report, clip.facts.frames)
        tracks = track_frames(told, detector, request, size=size, rate=float(clip.facts.rate))
        return replace(tracks, source=str(source), notes=(*clip.notes(), *tracks.notes))


def track_frames(
    frames: Iterable[Frame],
    detector: Detector,
    request: TrackRequest,
    *,
    size: tuple[int, int],
    rate: float,
) -> Tracks:
    """Follow the objects through frames; one of them is in memory at a time."""
    tracker = Tracker(request.options)
    cut: dict[tuple[int, int], DetectedObject] = {}
    count, took, end_s = 0, 0.0, 0.0
    for frame in frames:
        count, end_s = count + 1, frame.time_s
        if frame.index % request.every:
            continue
        began = time.perf_counter()
        found = detector.find(frame.pixels)
        colours = looks(frame.pixels, found.boxes)
        tracker.step(frame.index, frame.time_s, found, colours)
        _cut_seen(frame, tracker, detector, request, cut)
        took += time.perf_counter() - began
    trails, shaky = [], []
    for each in tracker.trails():
        way = travelled(each.sightings) if detector.moving else np.inf
        if each.confirmed and way >= TRAVEL:
            trails.append(each)
        elif len(each.sightings) > 1 and way >= TRAVEL / 2:
            shaky.append(each)

    def track(number: int, trail_number: int, seen: Sequence[DetectedObject]) -> Track:
        full = tuple(cut.get((trail_number, each.frame), each) for each in seen)
        return Track(number, full, request.anchor)

    return Tracks(
        source="",
        size=size,
        rate=rate,
        frames=count,
        seconds=end_s,
        detector=detector.described,
        request=request,
        tracks=tuple(track(at, t.number, t.sightings) for at, t in enumerate(trails, 1)),
        doubtful=tuple(track(-at, t.number, t.sightings) for at, t in enumerate(shaky, 1)),
        masks=_masks_said(detector, request),
        milliseconds=1000 * took / max(1, -(-count // request.every)),
    )


def travelled(sightings: Sequence[DetectedObject]) -> float:
    """Return how far an object got from where it was first seen, in longer sides of its box."""
    boxes = np.array([each.box for each in sightings])
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    size = float(np.median((boxes[:, 2:] - boxes[:, :2]).max(1)))
    return float(np.hypot(*(middles - middles[0]).T).max()) / max(size, 1.0)


def _cut_seen(
    frame: Frame,
    tracker: Tracker,
    detector: Detector,
    request: TrackRequest,
    cut: dict[tuple[int, int], DetectedObject],
) -> None:
    """Add the masks of the tracks that were seen in a frame, where the detector gave none."""
    seen = [t for t in tracker.alive if t.sightings[-1].frame == frame.index]
    seen = [t for t in seen if t.sightings[-1].mask is None]
    if not seen:
        return
    boxes = np.array([t.sightings[-1].box for t in seen])
    if request.masks == "cutout" and detector.cut is not None:
        masks = detector.cut(frame.pixels, boxes)
    else:
        height, width = frame.pixels.shape[:2]
        masks = [box_mask(box, (height, width)) for box in boxes]
    for trail, mask in zip(seen, masks, strict=True):
        cut[trail.number, frame.index] = replace(trail.sightings[-1], mask=mask)


def _masks_said(detector: Detector, request: TrackRequest) -> str:
    if detector.cut is None:
        return f"the masks of {detector.name}"
    return "cut out in each box" if request.masks == "cutout" else "the boxes themselves"


def check_places(request: TrackRequest, size: tuple[int, int]) -> None:
    """Refuse lines and zones of which no part lies in a picture of `size` (H, W).

    Raises
    ------
    UsageError
        If one does; the message says how large the picture is.
    """
    height, width = size
    places = {line.name: (line.start, line.end) for line in request.lines}
    corners = {zone.name: zone.corners for zone in request.zones}
    for name, points in (*places.items(), *corners.items()):
        xs, ys = zip(*points, strict=True)
        if max(xs) < 0 or min(xs) > width or max(ys) < 0 or min(ys) > height:
            raise UsageError(
                f"{name!r} lies outside the picture, which is {width} wide and {height} high; "
                "give x,y in its pixels"
            )


def _telling(
    frames: Iterable[Frame], report: Callable[[int, int | None], None] | None, total: int | None
) -> Iterable[Frame]:
    for frame in frames:
        yield frame
        if report is not None:
            report(frame.index + 1, total)
