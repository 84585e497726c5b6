"""`maskworks cutout`: files, folders, globs or standard input in; cut-outs and a manifest out."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from maskworks.apps.cli.dry_run import show_plan
from maskworks.apps.cli.following import Counted, Style, follow, metrics_at, style_of, sum_up
from maskworks.apps.cli.options import (
    MOST_PIXELS,
    AddressOption,
    BackendOption,
    CommercialOption,
    DebugOption,
    JsonRowsOption,
    ManifestOption,
    MaxPixelsOption,
    MetricsOption,
    OverwriteOption,
    PictureSecondsOption,
    ProviderOption,
    QuietOption,
    ThreadsOption,
)
from maskworks.apps.cli.stopping import finishing
from maskworks.batch.destination import destination_of
from maskworks.batch.inputs import find_pictures
from maskworks.batch.memory import reuse_memory
from maskworks.batch.planning import Streams
from maskworks.batch.watching import settled_files
from maskworks.core.errors import OutputError, UsageError
from maskworks.cutouts.request import CutoutRequest, open_cutting


def cutout(
    ctx: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Files, folders (with all below them), quoted globs such as 'p/**/*.jpg', or - "
            "for stdin.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Folder; for one input also a file, whose suffix chooses the format, or - for "
            "stdout (the default for stdin).",
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="As `maskworks models list` names it.")] = "cutout",
    form: Annotated[
        Literal["png", "webp", "tiff", "jpg"] | None,
        typer.Option("--format", help="Default: what OUT ends in, else png."),
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="none|COLOUR|IMAGE|blur",
            help="The background: a colour as #f4f1ec, 244,241,236 or white, a "
            "picture that fills the frame, or the photo itself, blurred. Default none, and white "
            "for jpg.",
        ),
    ] = None,
    *,
    mask_only: Annotated[
        bool, typer.Option("--mask-only", help="Write the matte as 8-bit grey instead.")
    ] = False,
    min_confidence: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="A confidence or score below this gives the status review, as does, whatever "
            "is asked, a score below 0.5 and a cut-out that is empty or torn.",
        ),
    ] = 0.0,
    refine: Annotated[
        Literal["off", "fast", "fine", "auto"],
        typer.Option(
            help="The edge, at the picture's own resolution: off is the network's, fast a guided "
            "filter, fine matting in the band around the edge; auto is fast, and fine with a "
            "--trimap. The manifest says what was done."
        ),
    ] = "auto",
    trimap: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Your own trimap: black is background, white is subject, grey is to be found "
            "out; a folder holds one a picture, named as the outputs.",
        ),
    ] = None,
    holes: Annotated[
        Literal["keep", "fill"],
        typer.Option(help="Openings such as the handle of a cup: keep those that show background."),
    ] = "keep",
    islands: Annotated[
        Literal["drop", "keep"], typer.Option(help="Specks apart from the subject.")
    ] = "drop",
    colours: Annotated[
        bool,
        typer.Option(
            "--colours/--no-colours",
            help="Take the old background's colour out of soft pixels, so that no halo shows.",
        ),
    ] = True,
    despill: Annotated[
        str,
        typer.Option(
            metavar="none|auto|COLOUR",
            help="Take the light that a coloured set throws on the subject out; auto finds the "
            "set's colour.",
        ),
    ] = "none",
    write_no_subject: Annotated[
        bool,
        typer.Option("--write-no-subject", help="Also write a file where no subject was found."),
    ] = False,
    threads: ThreadsOption = 0,
    overwrite: OverwriteOption = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep what the manifest says is done from the same input with the same options; "
            "do the rest, replacing what is there.",
        ),
    ] = False,
    manifest: ManifestOption = None,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
    picture_seconds: PictureSecondsOption = 300.0,
    keep_metadata: Annotated[
        bool,
        typer.Option("--keep-metadata", help="Keep the EXIF: place, camera, owner, date."),
    ] = False,
    provenance: Annotated[
        Literal["none", "xmp", "c2pa"],
        typer.Option(
            help="What a picture says of how it was made: the IPTC DigitalSourceType in XMP, or "
            "that and signed content credentials (docs/governance.md)."
        ),
    ] = "none",
    provider: ProviderOption = "cpu",
    commercial_only: CommercialOption = False,
    backend: BackendOption = "local",
    address: AddressOption = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Stay, and cut out what is new in the folder once it has settled."
        ),
    ] = False,
    metrics: MetricsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")
    ] = False,
    as_json: JsonRowsOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Cut the subject out of pictures.

    Outputs keep the tree of the input folder: PHOTOS/a/shoe.jpg becomes OUT/a/shoe.png. Where
    two would meet (shoe.jpg and shoe.png in one folder) the second is called shoe.png.png. A
    picture without a subject gets a row in the manifest and no file; on stdout it is written
    fully transparent. An output that exists is an error of that picture unless --overwrite or
    --resume is given.

    Exit code: 0 all done, 1 some failed, 2 wrong use, 130 stopped.
    """
    if watch and (dry_run or len(inputs) != 1 or not Path(inputs[0]).is_dir()):
        raise UsageError("--watch looks at one folder, and does what it finds; name a folder alone")
    if overwrite and resume:
        raise UsageError("--overwrite and --resume exclude each other; give one")
    if as_json and quiet:
        raise UsageError("--json and --quiet exclude each other; give one")
    request = CutoutRequest(
        inputs=tuple(inputs),
        output=output,
        model=model,
        form=form,
        background=background,
        mask_only=mask_only,
        min_confidence=min_confidence,
        refine=refine,
        trimap=trimap,
        holes=holes,
        islands=islands,
        colours=colours,
        despill=despill,
        write_no_subject=write_no_subject,
        threads=threads,
        existing="overwrite" if overwrite else "resume" if resume else "refuse",
        manifest=manifest,
        max_pixels=max_pixels,
        picture_seconds=picture_seconds,
        keep_metadata=keep_metadata,
        provenance=provenance,
        provider=provider,
        commercial_only=commercial_only,
        backend=backend,
        address=address,
        debug=debug,
    )
    style = style_of(as_json=as_json, quiet=quiet)
    if dry_run:
        raise typer.Exit(show_plan(request, style, _streams(request, style)))
    reuse_memory()
    with metrics_at(metrics) as counted:
        if watch:
            raise typer.Exit(watch_folder(request, style, counted))
        raise typer.Exit(run(request, style, tuple(ctx.obj or ()), counted))


def run(
    request: CutoutRequest, style: Style, again: Sequence[str] = (), metrics: Counted | None = None
) -> int:
    """Do what was asked and return the exit code."""
    stop = threading.Event()
    with finishing(stop):
        cutting = open_cutting(request, _streams(request, style))
        tally = follow(cutting.plan, cutting.rows(stop), style, stop, metrics)
    return sum_up(cutting.plan, tally, style, again=again)


def watch_folder(request: CutoutRequest, style: Style, metrics: Counted | None) -> int:
    """Cut out what settles in a folder until it is stopped; return the exit code."""
    stop, failed = threading.Event(), False
    folder = destination_of(request.output, request.form).folder
    if folder is None:
        raise UsageError("--watch writes into a folder; name one with -o")

    def there() -> list[Path]:
        try:
            return [found.path for found in find_pictures(request.inputs, beside=folder).pictures]
        except UsageError:  # nothing yet
            return []

    with finishing(stop):
        if style == "text":
            print(f"watching {request.inputs[0]}; Ctrl-C ends it", flush=True)
        for fresh in settled_files(there, stop):
            cutting = open_cutting(replace(request, only=fresh))
            tally = follow(cutting.plan, cutting.rows(stop), style, stop, metrics)
            failed = failed or bool(tally.counts["failed"])
            if tally.full:
                return sum_up(cutting.plan, tally, style)
    return 1 if failed else 0


def _streams(request: CutoutRequest, style: Style) -> Streams:
    """Return standard input and output, where these carry a picture.

    Raises
    ------
    UsageError
        If a picture would go to a terminal or come from one, or stand beside JSON on stdout.
    """
    destination = destination_of(request.output, request.form, streamed=request.streamed)
    to_stdout = destination.folder is None and destination.file is None
    if to_stdout and style == "json":
        raise UsageError("--json and a picture on stdout exclude each other; give -o FILE")
    if to_stdout and sys.stdout.isatty():
        raise UsageError("a picture is not written to a terminal; give -o FILE or a pipe")
    return Streams(_from_stdin if request.streamed else None, _to_stdout if to_stdout else None)


def _from_stdin() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("`-` reads a picture from stdin, and stdin is a terminal; pipe one in")
    return sys.stdin.buffer.read()


def _to_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        away = os.open(os.devnull, os.O_WRONLY)  # or the interpreter complains when it ends
        os.dup2(away, sys.stdout.fileno())
        os.close(away)
        gone = isinstance(error, BrokenPipeError)
        reason = "its reader went away" if gone else f"cannot be written ({error.strerror})"
        raise OutputError("standard output", reason, "name a file with -o") from error
