"""What one call asks for, and the plan that follows from it; nothing is done here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.models import ModelSpec, load_catalogue
from maskworks.refine.refinement import DEFAULTS, Method, RefineOptions, Spill
from maskworks.refine.regions import RegionOptions
from maskworks.studio.aim import SUFFIX_OF, Aim
from maskworks.studio.backgrounds import parse_background
from maskworks.studio.batch import Existing, settings_digest, settle
from maskworks.studio.credentials import Provenance
from maskworks.studio.inputs import find_pictures
from maskworks.studio.item import Row, Work
from maskworks.studio.manifest import read_manifest
from maskworks.studio.marking import current_signer
from maskworks.studio.plan import plan_file, plan_folder
from maskworks.studio.steps import Look, look_for


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options of one call, as they were given."""

    inputs: tuple[str, ...]
    output: str | None
    model: str = "cutout"
    form: str | None = None
    background: str | None = None
    mask_only: bool = False
    min_confidence: float = 0.0
    refine: Method = "auto"
    refine_seconds: float = DEFAULTS.time_budget_s
    trimap: str | None = None
    holes: Literal["keep", "fill"] = "keep"
    islands: Literal["drop", "keep"] = "drop"
    colours: bool = True
    despill: str = "none"
    write_no_subject: bool = False
    threads: int = 0
    existing: Existing = "refuse"
    manifest: Path | None = None
    max_pixels: int = Limits().max_pixels
    keep_metadata: bool = False
    provenance: Provenance = "none"
    provider: str = "cpu"
    commercial_only: bool = False
    style: Literal["text", "json", "quiet"] = "text"
    debug: bool = False
    again: tuple[str, ...] = ()
    scans: bool = False

    @property
    def streamed(self) -> bool:
        """Whether the picture comes from standard input."""
        return self.inputs == ("-",)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the request means: all pictures, those still to be done, rows that still hold."""

    works: tuple[Work, ...]
    todo: tuple[Work, ...]
    kept: tuple[Row, ...]
    manifest: Path | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Streams:
    """What came from standard input, and what takes a picture for standard output."""

    stdin: bytes | None = None
    deliver: Callable[[bytes], None] | None = None


def make_plan(request: Request, aim: Aim, settings: str, *, streams: Streams = Streams()) -> Plan:
    """Find the pictures, give each its output, and see what is done already.

    Raises
    ------
    UsageError
        If there is no picture, or too many for the one output.
    """
    manifest = request.manifest or (aim.folder / "manifest.jsonl" if aim.folder else None)
    manifest = Path(os.path.abspath(manifest)) if manifest else None  # noqa: PTH100
    if request.existing == "resume" and manifest is None:
        raise UsageError("--resume needs a manifest; name one with `--manifest FILE`")
    earlier = read_manifest(manifest) if manifest else {}
    notes: list[str] = []
    if request.streamed:
        works: tuple[Work, ...] = (_stdin_work(aim, streams),)
    else:
        if "-" in request.inputs:
            raise UsageError("`-` (stdin) stands alone; name it without other inputs")
        ours = frozenset(Path(row.output) for row in earlier.values() if row.output)
        finds = find_pictures(request.inputs, beside=aim.folder, ours=ours, scans=request.scans)
        notes += [f"no picture in {name}" for name in finds.barren]
        if finds.ignored:
            noun = "file that is no picture" if finds.ignored == 1 else "files that are no pictures"
            notes.append(f"{finds.ignored} {noun}, ignored")
        if aim.folder:
            suffix = SUFFIX_OF[aim.form]
            works = plan_folder(finds.pictures, aim.folder, suffix, scans=request.scans)
        elif len(finds.pictures) > 1:
            raise UsageError(
                f"{len(finds.pictures)} pictures do not fit into one output, -o "
                f"{request.output}; name a folder"
            )
        elif aim.file:
            works = (plan_file(finds.pictures[0], aim.file),)
        else:
            found = finds.pictures[0]
            out = Path("-")
            works = (
                Work(source=found.path, shown=found.shown, output=out, deliver=streams.deliver),
            )
    if manifest and manifest in {path for w in works for path in (w.output, w.source)}:
        raise UsageError(f"--manifest {manifest} is also a picture; name another file")
    todo, kept = settle(works, earlier, request.existing, settings)
    return Plan(
        works=works, todo=tuple(todo), kept=tuple(kept), manifest=manifest, notes=tuple(notes)
    )


def spec_of(request: Request) -> ModelSpec:
    """Return the model's row.

    Raises
    ------
    UsageError
        If a confidence is asked of a model that has none.
    """
    spec = load_catalogue().find(request.model, commercial_only=request.commercial_only)
    if request.min_confidence > 0 and not spec.output.confidence:
        raise UsageError(
            f"the model {spec.name!r} gives no confidence, so --min-confidence "
            f"{request.min_confidence:g} means nothing; leave it out or use the model cutout"
        )
    return spec


def look_of(request: Request, aim: Aim) -> Look:
    """Return how the outputs look.

    Raises
    ------
    UsageError
        If the options contradict each other or the background is none.
    """
    if aim.form == "jpg" and request.background == "none" and not request.mask_only:
        raise UsageError("JPEG has no alpha; give --background a colour, or write png")
    if request.mask_only and request.background not in (None, "none"):
        raise UsageError("--mask-only writes no picture that could have a --background; give one")
    if request.provenance == "c2pa":
        current_signer()  # a missing key is said before anything is cut out
    limits = Limits(request.max_pixels)
    background = parse_background(request.background, limits) if request.background else None
    return look_for(
        aim.form,
        background,
        mask_only=request.mask_only,
        keep_metadata=request.keep_metadata,
        provenance=request.provenance,
    )


def refinement_of(request: Request) -> RefineOptions:
    """Return how edges are refined.

    Raises
    ------
    UsageError
        If the colour of the set is none, or an option has nothing to work on.
    """
    if request.refine == "off" and (request.trimap is not None or request.despill != "none"):
        option = "--trimap" if request.trimap is not None else "--despill"
        raise UsageError(f"{option} needs an edge to work on; leave --refine off out")
    spill: Spill = None
    if request.despill == "auto":
        spill = "auto"
    elif request.despill != "none":
        spill = parse_colour(request.despill)
    return RefineOptions(
        method=request.refine,
        time_budget_s=request.refine_seconds,
        colours=request.colours,
        spill=spill,
        regions=RegionOptions(holes=request.holes, islands=request.islands),
    )


def settings_of(request: Request, spec: ModelSpec, aim: Aim) -> str:
    """Return the digest of everything that changes an output."""
    background = request.background or ""
    if Path(background).is_file():
        status = Path(background).stat()
        background = f"{background} {status.st_size} {status.st_mtime_ns}"
    choices: dict[str, str | float | bool] = {
        "format": aim.form,
        "background": background,
        "mask_only": request.mask_only,
        "min_confidence": request.min_confidence,
        "refine": request.refine,
        "refine_seconds": request.refine_seconds,
        "trimap": request.trimap or "",
        "regions": f"{request.holes} {request.islands}",
        "colours": f"{request.colours} {request.despill}",
        "write_no_subject": request.write_no_subject,
        "keep_metadata": request.keep_metadata,
        "provenance": request.provenance,
    }
    return settings_digest(spec, choices)


def _stdin_work(aim: Aim, streams: Streams) -> Work:
    output = aim.file or Path("-")
    return Work(
        source=Path("-"),
        shown="stdin",
        output=output,
        content=streams.stdin or b"",
        deliver=None if aim.file else streams.deliver,
    )
