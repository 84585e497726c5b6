"""`maskworks suitability`: clips and pictures in; evidence by category, for a person to judge."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from maskworks.apps.cli.options import ThreadsOption
from maskworks.apps.cli.report import short
from maskworks.apps.cli.stopping import INTERRUPTED, finishing
from maskworks.scene.options import SuitabilityOptions
from maskworks.scene.record import SuitabilityRecord
from maskworks.scene.running import (
    SuitabilityRequest,
    SuitabilityRow,
    find_media,
    run_suitability,
    to_manifest,
)
from maskworks.scene.signals.protocol import SignalChoices
from maskworks.scene.topics import RISKS


def suitability(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT", help="Clips, pictures, or folders with all below them."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="Folder; of several inputs one each."),
    ],
    subtitles: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of one clip: SRT, WebVTT or ASS, in any encoding. Default: what lies beside the "
            "clip under its name, and the streams in it.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML: from evidence to a proposed risk. Default: our own, see "
            "docs/suitability.md.",
        ),
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What it is for, which changes risk: news, opinion, entertainment."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where it comes from: professional, user-generated, aggregated."
        ),
    ] = None,
    *,
    every: Annotated[
        float, typer.Option(min=0.04, metavar="SECONDS", help="A frame is looked at so often.")
    ] = 2.0,
    terms: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Your term lists, TOML by language, instead of ours."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Of the text, such as de; default: told line by line."),
    ] = None,
    logos: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Symbols to look for: FOLDER/CATEGORY/name.png, such as hate/."
        ),
    ] = None,
    classifier: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Your own: model.onnx, and classes.toml with categories."
        ),
    ] = None,
    scene: Annotated[
        Literal["street"] | None,
        typer.Option(help="What the pictures show: of streets persons and vehicles are noted."),
    ] = None,
    ocr: Annotated[
        bool, typer.Option("--ocr/--no-ocr", help="Read the text that is in the picture.")
    ] = True,
    blur_faces: Annotated[
        bool,
        typer.Option("--blur-faces", help="Make faces in kept frames unrecognisable ([faces])."),
    ] = False,
    threads: ThreadsOption = 0,
    clip_seconds: Annotated[
        float | None,
        typer.Option(
            min=1, metavar="SECONDS", help="Assess each in a process that is ended after so long."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Keep what was made from the same input with the same options."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object an input on stdout, nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
) -> None:
    """Collect evidence of sensitive topics in clips and pictures; a person decides.

    OUT gets suitability.json (the whole record), report.html, findings.csv, openrtb.json, and of
    clips chapters.vtt and timeline.otio; of several inputs also ranking.csv and index.html. Each
    of the twelve categories says whether it was assessed, by text and sound only, or not at all.

    Exit code: 0 all done, 1 some failed, 2 wrong use, 130 stopped. What was found never changes it.
    """
    request = SuitabilityRequest(
        inputs=tuple(inputs),
        output=output,
        options=SuitabilityOptions(
            every_s=every,
            policy=policy,
            subtitles=subtitles,
            source=source,
            purpose=purpose,
            choices=SignalChoices(
                terms=None if terms is None else str(terms),
                logos=None if logos is None else str(logos),
                classifier=None if classifier is None else str(classifier),
                language=language,
                scene=scene,
                ocr=ocr,
                threads=threads,
            ),
            blur_faces=blur_faces,
        ),
        overwrite=overwrite,
        resume=resume,
        clip_seconds=clip_seconds,
    )
    raise typer.Exit(_run(request, as_json=as_json, quiet=quiet))


def _run(request: SuitabilityRequest, *, as_json: bool, quiet: bool) -> int:
    stop = threading.Event()
    shows = not as_json and not quiet and sys.stderr.isatty()
    total = len(find_media(request.inputs, request.output))
    rows: list[SuitabilityRow] = []
    with finishing(stop):
        for row in run_suitability(request, stop=stop, progress=_show if shows else None):
            rows.append(row)
            _say(row, as_json=as_json, quiet=quiet, shows=shows)
    failed = sum(row.status == "failed" for row in rows)
    if not as_json and not quiet:
        kept = sum(row.status == "kept" for row in rows)
        first = "report.html" if total == 1 else "index.html"
        print(f"{len(rows) - failed - kept} assessed, {kept} kept, {failed} failed")
        print(f"evidence for review: {short(str(request.output / first))}")
    if len(rows) < total:
        print(f"stopped with {total - len(rows)} left; go on with --resume", file=sys.stderr)
        return INTERRUPTED
    return 1 if failed else 0


def _show(name: str, seconds: float) -> None:
    print(f"\r{short(name)}: {seconds:.0f} s looked at", end="", file=sys.stderr, flush=True)


def _say(row: SuitabilityRow, *, as_json: bool, quiet: bool, shows: bool) -> None:
    if shows:
        print("\r\x1b[K", end="", file=sys.stderr)
    if as_json:
        print(json.dumps(to_manifest(row)))
    elif row.error is not None:
        print(f"maskworks: {row.error}", file=sys.stderr)
    elif not quiet and row.record is not None:
        print(f"{row.source}: {_sentence(row.record)}")


def _sentence(record: SuitabilityRecord) -> str:
    """Say what was found, and always what nobody looked at."""
    found = [
        f"{each.category} {each.extent}, likelihood {each.likelihood}, proposed risk "
        f"{RISKS[each.proposed_risk] if each.proposed_risk else 'none, since no rule fits'}"
        for each in record.categories
        if each.segments
    ]
    by_text = [c.category for c in record.categories if c.coverage == "text and sound only"]
    nobody = [c.category for c in record.categories if c.coverage == "not assessed"]
    told = "; ".join(found) or "no finding"
    if by_text:
        told += f". By text and sound only: {', '.join(by_text)}"
    if nobody:
        told += f". Not assessed: {', '.join(nobody)}"
    return told
