"""`maskworks track`: objects followed through a clip, counted, and written for other tools."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from maskworks.apps.cli.options import ThreadsOption
from maskworks.batch.memory import reuse_memory
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskworks.video.tracking.result import Tracks


def track(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Any file that FFmpeg reads.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Folder for what is written.")
    ],
    *,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="A model of objects, as maskworks segment takes it: a folder, hf:OWNER/NAME or an "
            "imported file; or background, which finds what moves before a fixed camera, such as "
            "one that looks down from above.",
        ),
    ],
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Only these, such as car,person. Default: all."),
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'X1,Y1,X2,Y2 NAME'",
            help="Count who crosses this segment, pixels from the top left; one argument, in "
            "quotes. May be repeated.",
        ),
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'X1,Y1,X2,Y2,... NAME'",
            help="Measure the time in this polygon of three corners or more. May be repeated.",
        ),
    ] = None,
    write: Annotated[
        str,
        typer.Option(
            metavar="WHAT,...",
            help="csv, mot (MOT challenge), coco (COCO of videos, with masks), report (JSON), clip "
            "(the clip with everything drawn over it, WebM), or none.",
        ),
    ] = "csv,mot,coco,report,clip",
    masks: Annotated[
        Literal["cutout", "box"],
        typer.Option(help="Cut each object out in its box, or take the box (quicker)."),
    ] = "cutout",
    every: Annotated[
        int, typer.Option(min=1, help="Look at every n-th frame; not with background.")
    ] = 1,
    hold: Annotated[
        int, typer.Option(min=1, help="Looks in a row that a side of a line must be held for.")
    ] = 3,
    anchor: Annotated[
        Literal["middle", "foot"],
        typer.Option(
            help="The point of a box that crosses lines: its middle, or that of its foot."
        ),
    ] = "middle",
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="From which a box may begin a track.")
    ] = 0.4,
    confirm: Annotated[
        int, typer.Option(min=1, help="Looks in which an object must be seen to count.")
    ] = 5,
    patience: Annotated[
        int, typer.Option(min=0, help="Looks for which an object may be gone and stay the same.")
    ] = 30,
    threads: ThreadsOption = 0,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Larger frames are refused.")
    ] = Limits().max_pixels,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The report on stdout, nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
) -> None:
    """Follow objects through a clip: ids, masks, counts, crossings of lines, time in zones.

    OUT/clip.tracks.csv has a row for each object of each frame, OUT/clip.mot.txt and
    OUT/clip.coco.json are for other tools, OUT/clip.report.json holds counts with their interval,
    crossings and times, and says which detector was used; OUT/clip.tracks.webm shows it all.

    A track counts once it was seen in --confirm looks. The low end of a count's interval joins
    tracks of which one may be the other again; the high end adds what was never confirmed.

    Exit code: 0 done, 1 failed, 2 wrong use, 130 stopped.
    """
    from maskworks.video.tracking.call import parse_line, parse_zone, track_into
    from maskworks.video.tracking.request import TrackRequest
    from maskworks.video.tracking.tracker import TrackOptions

    if as_json and quiet:
        raise UsageError("--json and --quiet exclude each other; give one")
    reuse_memory()
    request = TrackRequest(
        model=model,
        classes=tuple(each.strip() for each in classes.split(",")) if classes else (),
        lines=tuple(map(parse_line, line or ())),
        zones=tuple(map(parse_zone, zone or ())),
        masks=masks,
        every=every,
        hold=hold,
        anchor=anchor,
        options=TrackOptions(
            sure=min_score, doubtful=min(0.15, min_score), confirm=confirm, patience=patience
        ),
        threads=threads,
        limits=Limits(max_pixels),
    )
    try:
        found, written = track_into(
            clip,
            output,
            request,
            write=tuple(each.strip() for each in write.split(",")),
            overwrite=overwrite,
            report=None if as_json or quiet else _progress(),
        )
    except KeyboardInterrupt:
        typer.echo("stopped; nothing was written", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(json.dumps(found.record()))
    elif not quiet:
        _tell(found)
        for path in written:
            typer.echo(f"written: {path}")


def _progress() -> Callable[[int, int | None], None] | None:
    """Return what shows how far a run is, on a terminal alone."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int | None) -> None:
        sys.stderr.write(f"\r{done} of {total or '?'} frames")
        if done == total:
            sys.stderr.write("\n")

    return show


def _tell(found: Tracks) -> None:
    typer.echo(f"{found.frames} frames, {found.milliseconds:.0f} ms each; {found.detector}")
    if not found.counts:
        typer.echo("no objects")
    for each in found.counts:
        typer.echo(f"{each.kind}: {each.counted} (between {each.low} and {each.high})")
    for line in found.request.lines:
        own = [each for each in found.crossings if each.line == line.name]
        right = sum(each.direction == "left-to-right" for each in own)
        typer.echo(
            f"line {line.name}: {len(own)} crossed, {right} from its left to its right, "
            f"{len(own) - right} back"
        )
    for zone in found.request.zones:
        inside = [each for each in found.stays if each.zone == zone.name]
        seconds = sum(each.seconds for each in inside)
        typer.echo(f"zone {zone.name}: {len(inside)} objects, {seconds:.1f} s in all")
    for note in found.notes:
        typer.echo(f"note: {note}")
