"""`maskworks cutout`: files, folders, globs or standard input in; cut-outs and a manifest out."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from maskworks.apps.cli.dry_run import aim_of, show_plan
from maskworks.apps.cli.memory import reuse_memory
from maskworks.apps.cli.report import Tally, reporting, short
from maskworks.apps.cli.stopping import INTERRUPTED, finishing
from maskworks.batch.destination import Aim
from maskworks.batch.manifest import Journal
from maskworks.batch.planning import Plan, Streams, make_plan
from maskworks.batch.work import Row
from maskworks.batch.workers import Room, run_line, share_cores, taking_turns
from maskworks.batch.writing import sweep
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.cutouts.job import Job, do_work
from maskworks.cutouts.request import (
    Request,
    look_of,
    plan_options,
    refinement_of,
    settings_of,
    spec_of,
)
from maskworks.cutouts.trimaps import trimaps_at
from maskworks.models import load_model

LONGEST_COMMAND = 2000


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
            help="What lies behind the subject: a colour as #f4f1ec, 244,241,236 or white, a "
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
            min=0, max=1, help="A confidence below this gives the status review; 0 is never."
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
    threads: Annotated[int, typer.Option(min=0, help="Cores to use; 0 takes all.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep what the manifest says is done from the same input with the same options; "
            "do the rest, replacing what is there.",
        ),
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One JSON line an input. Default OUT/manifest.jsonl."),
    ] = None,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Larger pictures are refused before they are decoded.")
    ] = Limits().max_pixels,
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
    provider: Annotated[
        str, typer.Option(help="cpu, cuda, openvino, coreml or directml; never another instead.")
    ] = "cpu",
    commercial_only: Annotated[
        bool,
        typer.Option(
            "--commercial-only", help="Refuse weights whose licence forbids commercial use."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a picture on stdout, nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Cut the subject out of pictures.

    Outputs keep the tree of the input folder: PHOTOS/a/shoe.jpg becomes OUT/a/shoe.png. Where
    two would meet (shoe.jpg and shoe.png in one folder) the second is called shoe.png.png. A
    picture without a subject gets a row in the manifest and no file; on stdout it is written
    fully transparent. An output that exists is an error of that picture unless --overwrite or
    --resume is given.

    Exit code: 0 all done, 1 some failed, 2 wrong use, 130 stopped.
    """
    if overwrite and resume:
        raise UsageError("--overwrite and --resume exclude each other; give one")
    if as_json and quiet:
        raise UsageError("--json and --quiet exclude each other; give one")
    request = Request(
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
        keep_metadata=keep_metadata,
        provenance=provenance,
        provider=provider,
        commercial_only=commercial_only,
        style="json" if as_json else "quiet" if quiet else "text",
        debug=debug,
        again=tuple(ctx.obj or ()),
    )
    raise typer.Exit(show_plan(request) if dry_run else run(request))


def run(request: Request) -> int:
    """Do what was asked and return the exit code."""
    stop = threading.Event()
    reuse_memory()
    with finishing(stop):
        aim = aim_of(request)
        spec = spec_of(request)
        look = look_of(request, aim)
        settings = settings_of(request, spec, aim)
        plan = make_plan(
            request.inputs, aim, settings, plan_options(request, _streams(request, aim))
        )
        refinement = refinement_of(request)
        trimaps = trimaps_at(request.trimap, aim.folder, pictures=len(plan.works))
        journal = Journal(plan.manifest)
        crew = share_cores(request.threads, len(plan.todo))
        model = load_model(
            request.model,
            threads=crew.threads,
            provider=request.provider,
            commercial_only=request.commercial_only,
        )
        job = Job(
            model=taking_turns(model),
            look=look,
            limits=Limits(request.max_pixels),
            refinement=refinement,
            trimaps=trimaps,
            min_confidence=request.min_confidence,
            write_no_subject=request.write_no_subject or aim == Aim(form=aim.form),
            settings=settings,
            debug=request.debug,
        )
        room = Room()
        rows = run_line(
            plan.todo, lambda work: do_work(work, job, room), workers=crew.workers, stop=stop
        )
        return follow(request, plan, journal, rows)


def follow(request: Request, plan: Plan, journal: Journal, rows: Iterator[Row]) -> int:
    """Write down and report each row, then sum up; return the exit code."""
    shown = {str(work.source): work.shown for work in plan.works}
    piped = plan.works[0].output == Path("-")
    style = "errors" if piped and request.style == "text" else request.style
    tally = Tally(kept=len(plan.kept))
    folders = sorted({work.output.parent for work in plan.todo} - {Path()})
    sweep(folders)
    try:
        with reporting(len(plan.todo), shown, style=style) as say:
            for row in plan.kept:
                tally.counts[row.status] += 1
                if style == "json":
                    say(row)
            for row in rows:
                journal.add(row)
                tally.counts[row.status] += 1
                say(row)
    finally:
        journal.finish([str(work.source) for work in plan.works])
        sweep(folders)
    return _sum_up(request, plan, tally)


def _sum_up(request: Request, plan: Plan, tally: Tally) -> int:
    left = len(plan.works) - sum(tally.counts.values())
    failed = tally.counts["failed"]
    notes = [tally.sentence(), *plan.notes]
    if plan.manifest:
        notes.append(f"manifest: {short(str(plan.manifest))}")
    wordy = request.style != "quiet" and (len(plan.works) > 1 or plan.manifest is not None)
    if wordy:
        to_stderr = request.style == "json" or plan.works[0].output == Path("-")
        print("\n".join(notes), file=sys.stderr if to_stderr else sys.stdout)
    if left:
        print(f"stopped with {left} left to do; {_how_to_resume(request, plan)}", file=sys.stderr)
        return INTERRUPTED
    return 1 if failed else 0


def _how_to_resume(request: Request, plan: Plan) -> str:
    if plan.manifest is None or not request.again:
        return "run it again"
    words = [w for w in ("maskworks", *request.again) if w not in ("--overwrite", "--resume")]
    command = shlex.join([*words, "--resume"])
    if len(command) > LONGEST_COMMAND:
        return "go on with the same command and `--resume`"
    return f"go on with:\n  {command}"


def _streams(request: Request, aim: Aim) -> Streams:
    deliver = _to_stdout if aim.folder is None and aim.file is None else None
    if not request.streamed:
        return Streams(deliver=deliver)
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("`-` reads a picture from stdin, and stdin is a terminal; pipe one in")
    return Streams(stdin=sys.stdin.buffer.read(), deliver=deliver)


def _to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
