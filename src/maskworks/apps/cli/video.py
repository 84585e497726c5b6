"""`maskworks video`: clips in; cut-outs with alpha, reports and a manifest out."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from maskworks.apps.cli.following import Style, follow, style_of, sum_up
from maskworks.apps.cli.live import live
from maskworks.apps.cli.options import ProviderOption, ThreadsOption
from maskworks.apps.cli.stopping import finishing
from maskworks.batch.memory import reuse_memory
from maskworks.core.errors import UsageError
from maskworks.video.cut_clips import keys_beside
from maskworks.video.job import ClipProgress
from maskworks.video.request import MOST_PIXELS, VideoRequest, open_video

_EVERY_S = 5.0


class VideoCommands(typer.core.TyperGroup):
    """Takes a clip without a word before it for `maskworks video cut`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own click
        """Put the word in front of what is no command."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["cut", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(
    cls=VideoCommands,
    add_completion=False,
    no_args_is_help=True,
    help="Cut the subject out of clips: `maskworks video CLIP -o OUT`, which is `video cut`.",
)


@app.command("cut")
def cut(
    ctx: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="CLIP", help="Files, folders (with all below them), quoted globs."),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Folder; for one clip also a file, see --format."
        ),
    ],
    form: Annotated[
        Literal["webm", "prores", "qtrle", "ffv1", "webp", "apng", "gif", "png", "matte", "mp4"]
        | None,
        typer.Option(
            "--format",
            help="webm is VP9 with alpha, prores ProRes 4444, qtrle Animation, ffv1 lossless; "
            "webp, apng and gif are animations, png a folder of frames, matte black and white; "
            "mp4 is opaque. Default: what OUT ends in, else webm.",
        ),
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="none|COLOUR|IMAGE|CLIP|blur|green",
            help="What lies behind the subject; without it the clip has alpha.",
        ),
    ] = None,
    *,
    portrait: Annotated[
        bool,
        typer.Option(
            "--portrait", help="Keep the subject sharp; blur behind it, more the farther away."
        ),
    ] = False,
    crop: Annotated[
        str | None,
        typer.Option(metavar="W:H", help="A window that follows the subject, such as 9:16."),
    ] = None,
    steady: Annotated[
        Literal["off", "quick", "fine"],
        typer.Option(
            help="quick asks the network about every second frame and fills in by optical flow; "
            "fine asks about every frame and averages along the flow; off is frame by frame."
        ),
    ] = "quick",
    refine: Annotated[
        Literal["off", "fast", "fine", "auto"],
        typer.Option(help="The edge, as `maskworks cutout` refines it."),
    ] = "auto",
    colours: Annotated[
        bool,
        typer.Option(
            "--colours/--no-colours", help="Take the old background's colour out of soft pixels."
        ),
    ] = True,
    despill: Annotated[
        str,
        typer.Option(
            metavar="none|auto|COLOUR", help="Take the light of a coloured set out of the subject."
        ),
    ] = "none",
    codec: Annotated[
        Literal["vp9", "h264"] | None,
        typer.Option(
            help="Of an opaque mp4: VP9 by default. h264 is written by x264 (GPL, in PyAV's wheel) "
            "and only when asked for."
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="As `maskworks models list` names it.")] = "cutout",
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="A frame below this is for review; 0 is never.")
    ] = 0.0,
    report: Annotated[
        bool,
        typer.Option(
            "--report/--no-report",
            help="Write OUT.html, OUT.jsonl (a row a frame) and OUT.otio (shots, doubtful frames).",
        ),
    ] = True,
    threads: ThreadsOption = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with an earlier run: whole clips, and shots that are done."
        ),
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One JSON line a clip. Default OUT/manifest.jsonl."),
    ] = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Clips with larger frames are refused.")
    ] = MOST_PIXELS,
    provider: ProviderOption = "cpu",
    commercial_only: Annotated[
        bool,
        typer.Option(
            "--commercial-only", help="Refuse weights whose licence forbids commercial use."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a clip on stdout, nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Cut the subject out of clips, with alpha.

    Frames in are frames out, time stamps stay, sound and subtitles go along where the format
    takes them. Rotated clips come out upright; interlaced ones are refused. What a killed run has
    done of a clip stays, and --resume goes on with the next shot.

    Exit code: 0 all done, 1 some failed, 2 wrong use, 130 stopped.
    """
    request = VideoRequest(
        inputs=tuple(inputs),
        output=output,
        model=model,
        form=form,
        codec=codec,
        background=background,
        portrait=portrait,
        crop=crop,
        steady=steady,
        refine=refine,
        colours=colours,
        despill=despill,
        min_confidence=min_confidence,
        threads=threads,
        existing=_existing(overwrite=overwrite, resume=resume),
        manifest=manifest,
        max_pixels=max_pixels,
        provider=provider,
        commercial_only=commercial_only,
        report=report,
        debug=debug,
    )
    raise typer.Exit(run(request, _style(as_json=as_json, quiet=quiet), tuple(ctx.obj or ())))


app.command("live")(live)


@app.command("fix")
def fix(
    ctx: typer.Context,
    clip: Annotated[str, typer.Argument(metavar="CLIP", help="One clip.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="As for `maskworks video`.")
    ],
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Masks as PNGs, white or opaque where the subject is, each called by the number "
            "of its frame counted from 0: 00020.png. Default: OUT.keys beside a file OUT, where "
            "the review page keeps them (`maskworks serve --clips`).",
        ),
    ] = None,
    form: Annotated[
        Literal["webm", "prores", "qtrle", "ffv1", "webp", "apng", "gif", "png", "matte", "mp4"]
        | None,
        typer.Option("--format", help="As for `maskworks video`."),
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="none|COLOUR|IMAGE|CLIP|blur|green", help="What lies behind the subject."
        ),
    ] = None,
    *,
    refine: Annotated[
        Literal["off", "fast", "fine", "auto"],
        typer.Option(help="The edge, as `maskworks cutout` refines it."),
    ] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout, nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Correct a clip at a few frames; optical flow carries the masks through the rest.

    Between two keys both are carried and blended by distance; where the network agrees with the
    keys it has a say. The frame on which another mask would help most is written beside the
    output and named in the row.
    """
    request = VideoRequest(
        inputs=(clip,),
        output=output,
        form=form,
        background=background,
        refine=refine,
        keys=str(keys or keys_beside(Path(output))),
        existing=_existing(overwrite=overwrite, resume=False),
        debug=debug,
    )
    raise typer.Exit(run(request, _style(as_json=as_json, quiet=quiet), tuple(ctx.obj or ())))


def run(request: VideoRequest, style: Style, again: tuple[str, ...] = ()) -> int:
    """Do what was asked and return the exit code."""
    stop = threading.Event()
    reuse_memory()
    meter = _Meter(silent=style != "text")
    with finishing(stop):
        opened = open_video(request, meter.tell)
        tally = follow(opened.plan, meter.between(opened.rows(stop)), style, stop)
    return sum_up(opened.plan, tally, style, again=again, noun="clip")


def _existing(*, overwrite: bool, resume: bool) -> Literal["refuse", "overwrite", "resume"]:
    if overwrite and resume:
        raise UsageError("--overwrite and --resume exclude each other; give one")
    return "overwrite" if overwrite else "resume" if resume else "refuse"


def _style(*, as_json: bool, quiet: bool) -> Style:
    if as_json and quiet:
        raise UsageError("--json and --quiet exclude each other; give one")
    return style_of(as_json=as_json, quiet=quiet)


class _Meter:
    """Says how far a clip is: one line that is written over on a terminal, else now and then."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._terminal = sys.stderr.isatty()
        self._said = time.perf_counter()
        self._open = False

    def tell(self, progress: ClipProgress) -> None:
        """Say it, if it is time to."""
        now = time.perf_counter()
        if self._silent or now - self._said < (0.2 if self._terminal else _EVERY_S):
            return
        self._said = now
        line = progress_line(progress)
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line}")
            self._open = True
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def between(self, rows: Any) -> Any:  # noqa: ANN401 - an iterator of rows, passed on
        """Yield rows; the line is taken away before each is told."""
        for row in rows:
            if self._open:
                sys.stderr.write("\r\x1b[K")
                self._open = False
            yield row


def progress_line(progress: ClipProgress) -> str:
    """Return how far a clip is, as one line.

    Examples
    --------
    >>> progress_line(ClipProgress("a.mp4", 50, 250, 10.0))
    'a.mp4: 50 of 250 frames, 5.0 a second, 40 s left'
    """
    whole = "" if progress.total is None else f" of {progress.total}"
    left = progress.left_s
    rest = "" if left is None else f", {left:.0f} s left"
    return f"{progress.shown}: {progress.done}{whole} frames, {progress.rate:.1f} a second{rest}"
