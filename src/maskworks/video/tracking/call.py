"""`maskworks.track`: a clip tracked in one call, and what was asked for written into a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path

from maskworks.core.errors import OutputError, UsageError
from maskworks.core.public import public
from maskworks.models.labelling import Segmenter
from maskworks.video.tracking.counting import CountLine, CountZone
from maskworks.video.tracking.drawing import write_annotated
from maskworks.video.tracking.request import MaskKind, TrackRequest
from maskworks.video.tracking.result import Tracks
from maskworks.video.tracking.tracker import TrackOptions
from maskworks.video.tracking.tracking import track_clip
from maskworks.video.tracking.writing import ENDINGS, write_tracks

Report = Callable[[int, int | None], None]
_OPTIONS = TrackOptions()


@public
def track(  # noqa: PLR0913 - one for each option that matters
    source: str | Path,
    model: Segmenter | str,
    *,
    classes: Sequence[str] = (),
    lines: Mapping[str, Sequence[float]] | None = None,
    zones: Mapping[str, Sequence[float]] | None = None,
    masks: MaskKind = "cutout",
    options: TrackOptions = _OPTIONS,
) -> Tracks:
    """Follow the objects of a clip and count them.

    Parameters
    ----------
    source : path of the clip
    model : Segmenter or its name
        A model of objects, or "background" for what moves before a fixed camera.
    classes : names of the model's classes that matter, all by default
    lines : by name, x1 y1 x2 y2 in pixels
    zones : by name, x1 y1 x2 y2 x3 y3 ... in pixels
    masks : "cutout" or "box"
        Whether each object is cut out in its box; of a model of boxes.
    options : TrackOptions

    Returns
    -------
    Tracks
        Its `tracks`, `counts`, `crossings`, `stays`, `record()` and `to_supervision(frame)`.

    Raises
    ------
    UnreadableError
        If the clip cannot be read.
    UsageError
        If an option does not fit the model or the clip.
    ModelError
        If the model is unknown, not on this machine, or fails.

    Examples
    --------
    >>> found = track("yard.mp4", "background", lines={"gate": (0, 90, 160, 90)})  # doctest: +SKIP
    >>> [(each.kind, each.counted) for each in found.counts]  # doctest: +SKIP
    [('moving', 4)]
    """
    request = TrackRequest(
        model=model,
        classes=tuple(classes),
        lines=tuple(line_of(points, name) for name, points in (lines or {}).items()),
        zones=tuple(zone_of(points, name) for name, points in (zones or {}).items()),
        masks=masks,
        options=options,
    )
    return track_clip(source, request)


def track_into(
    source: Path,
    folder: Path,
    request: TrackRequest,
    *,
    write: tuple[str, ...],
    overwrite: bool = False,
    report: Report | None = None,
) -> tuple[Tracks, list[Path]]:
    """Track a clip and write what is wanted into a folder; return both.

    Raises
    ------
    UsageError
        If something else is wanted than csv, mot, coco, report, clip or none.
    OutputError
        If an output exists and may not be replaced, or cannot be written.
    """
    wanted = () if write == ("none",) else write
    strange = [each for each in wanted if each not in ENDINGS]
    if strange:
        raise UsageError(f"--write knows {', '.join(ENDINGS)} and none, got {strange[0]!r}")
    if folder.exists() and not folder.is_dir():
        raise OutputError(folder, "is a file", "name a folder")
    paths = {each: folder / f"{source.stem}.{ENDINGS[each]}" for each in wanted}
    there = [path for path in paths.values() if path.exists()]
    if there and not overwrite:
        raise OutputError(there[0], "exists", "name another folder, or replace with --overwrite")
    found = track_clip(source, request, report=report)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(folder, str(error.strerror).lower(), "name another folder") from error
    written = write_tracks(found, folder, source.stem, wanted)
    if "clip" in paths:
        write_annotated(source, found, paths["clip"], request.limits)
        written.append(paths["clip"])
    return found, written


def parse_line(text: str) -> CountLine:
    """Return the line that "x1,y1,x2,y2 NAME" means.

    Raises
    ------
    UsageError
        If it is not four numbers and a name.

    Examples
    --------
    >>> parse_line("0,300,1280,300 gate")
    CountLine(name='gate', start=(0.0, 300.0), end=(1280.0, 300.0))
    """
    return line_of(*_numbers(text, "line", "x1,y1,x2,y2 NAME"))


def parse_zone(text: str) -> CountZone:
    """Return the zone that "x1,y1,x2,y2,x3,y3,... NAME" means.

    Raises
    ------
    UsageError
        If these are not the corners of a polygon and a name.
    """
    return zone_of(*_numbers(text, "zone", "x1,y1,x2,y2,x3,y3,... NAME"))


def line_of(numbers: Sequence[float], name: str) -> CountLine:
    """Return the line through two points.

    Raises
    ------
    UsageError
        If there are not four numbers, or the points are one.
    """
    if len(numbers) != 4:
        raise UsageError(f"the line {name!r} is x1,y1,x2,y2, got {len(numbers)} numbers")
    x1, y1, x2, y2 = (float(each) for each in numbers)
    return CountLine(name, (x1, y1), (x2, y2))


def zone_of(numbers: Sequence[float], name: str) -> CountZone:
    """Return the zone with these corners.

    Raises
    ------
    UsageError
        If a number is missing, or there are fewer than three corners.
    """
    if len(numbers) % 2:
        raise UsageError(f"the zone {name!r} is x,y for each corner, got {len(numbers)} numbers")
    values = [float(each) for each in numbers]
    return CountZone(name, tuple(zip(values[::2], values[1::2], strict=True)))


def _numbers(text: str, what: str, form: str) -> tuple[list[float], str]:
    places, _, name = text.strip().partition(" ")
    try:
        found = [float(part) for part in places.split(",")]
    except ValueError as error:
        raise UsageError(f"a {what} is '{form}', in pixels, in quotes, got {text!r}") from error
    if not name.strip():
        raise UsageError(f"a {what} is '{form}', in pixels, in quotes, got {text!r} without a name")
    if not all(map(isfinite, found)):
        raise UsageError(f"a {what} is '{form}', in numbers that are finite, got {text!r}")
    return found, name.strip()
