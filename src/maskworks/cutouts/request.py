"""What one call asks for, and the plan that follows from it; nothing is done here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskworks.batch.destination import Aim
from maskworks.batch.planning import NO_STREAMS, PlanOptions, Streams
from maskworks.batch.resuming import Existing, settings_digest
from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.cutouts.backgrounds import parse_background
from maskworks.cutouts.credentials import Provenance, current_signer
from maskworks.cutouts.cutout import Look, look_for
from maskworks.models import ModelSpec, load_catalogue
from maskworks.refine.refinement import Method, RefineOptions, Spill
from maskworks.refine.regions import RegionOptions


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

    @property
    def streamed(self) -> bool:
        """Whether the picture comes from standard input."""
        return self.inputs == ("-",)


def plan_options(request: Request, streams: Streams = NO_STREAMS) -> PlanOptions:
    """Return how the run is planned."""
    return PlanOptions(existing=request.existing, manifest=request.manifest, streams=streams)


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
        "trimap": request.trimap or "",
        "regions": f"{request.holes} {request.islands}",
        "colours": f"{request.colours} {request.despill}",
        "write_no_subject": request.write_no_subject,
        "keep_metadata": request.keep_metadata,
        "provenance": request.provenance,
    }
    return settings_digest(spec, choices)
