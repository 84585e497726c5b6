"""The options of one call that cuts out, and the planned run that follows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskworks.batch.backends import BackendName, Share
from maskworks.batch.choosing import backend_of
from maskworks.batch.destination import Destination, destination_of
from maskworks.batch.manifest import ManifestWriter
from maskworks.batch.planning import NO_STREAMS, Plan, PlanOptions, Streams, make_plan
from maskworks.batch.resuming import Existing, settings_digest
from maskworks.batch.running import BatchRun
from maskworks.batch.staging import staged
from maskworks.batch.work import ManifestRow, Work
from maskworks.batch.workers import taking_turns
from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.cutouts.backgrounds import parse_background
from maskworks.cutouts.credentials import Provenance, current_signer
from maskworks.cutouts.cutout import RenderOptions, render_options_for
from maskworks.cutouts.job import CutoutJob, do_work
from maskworks.cutouts.trimaps import trimaps_at
from maskworks.models import Model, ModelSpec, load_catalogue
from maskworks.models.loading import open_model
from maskworks.refine.refinement import Method, RefineOptions, Spill
from maskworks.refine.regions import RegionOptions


@dataclass(frozen=True, kw_only=True)
class CutoutRequest:
    """The options of one call, as they were given; `only` are the inputs to do now, if not all."""

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
    picture_seconds: float = 300.0
    keep_metadata: bool = False
    provenance: Provenance = "none"
    provider: str = "cpu"
    commercial_only: bool = False
    backend: BackendName = "local"
    address: str | None = None
    only: frozenset[Path] | None = None
    debug: bool = False

    @property
    def streamed(self) -> bool:
        """Whether the picture comes from standard input."""
        return self.inputs == ("-",)


@public
def open_cutting(request: CutoutRequest, streams: Streams = NO_STREAMS) -> BatchRun:
    """Find the pictures, give each its output, and open the model.

    Raises
    ------
    UsageError
        If there is no picture, or an option is wrong or contradicts another.
    ModelError
        If the model cannot be opened.

    Examples
    --------
    >>> cutter = open_cutting(CutoutRequest(inputs=("photos",), output="out"))  # doctest: +SKIP
    """
    plan, job_with = plan_cutting(request, streams)
    journal = ManifestWriter(plan.manifest)
    spec = spec_of(request)
    backend = backend_of(request.backend, request.address, threads=request.threads, models=(spec,))
    if request.backend != "local" and any(w.deliver or w.content is not None for w in plan.works):
        raise UsageError(
            f"--backend {request.backend} works on files, and one of these is a stream; name files"
        )

    def opener(share: Share) -> Callable[[Work], ManifestRow]:
        model = open_model(spec, threads=share.threads, provider=request.provider)
        job = job_with(taking_turns(model))

        def do(work: Work) -> ManifestRow:
            return do_work(work, job, share.budget)

        return staged(do, again=share.again, model=spec.name, debug=request.debug)

    return BatchRun(plan=plan, journal=journal, do=backend.open(opener, len(plan.todo)))


def plan_cutting(
    request: CutoutRequest, streams: Streams = NO_STREAMS
) -> tuple[Plan, Callable[[Model], CutoutJob]]:
    """Check every option and plan the run; the model is not opened, and nothing is written.

    Raises
    ------
    UsageError
        If there is no picture, or an option is wrong or contradicts another.
    """
    destination = destination_of(request.output, request.form, streamed=request.streamed)
    spec = spec_of(request)
    rendering = render_options_of(request, destination)
    refinement = refinement_of(request)
    settings = settings_of(request, spec, destination)
    options = PlanOptions(
        existing=request.existing, manifest=request.manifest, streams=streams, only=request.only
    )
    plan = make_plan(request.inputs, destination, settings, options)
    trimaps = trimaps_at(request.trimap, destination.folder, pictures=len(plan.works))

    def job_with(model: Model) -> CutoutJob:
        return CutoutJob(
            model=model,
            rendering=rendering,
            limits=Limits(request.max_pixels, request.picture_seconds or None),
            refinement=refinement,
            trimaps=trimaps,
            min_confidence=request.min_confidence,
            write_no_subject=request.write_no_subject
            or destination == Destination(form=destination.form),
            settings=settings,
            debug=request.debug,
        )

    return plan, job_with


def spec_of(request: CutoutRequest) -> ModelSpec:
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


def render_options_of(request: CutoutRequest, destination: Destination) -> RenderOptions:
    """Return how the outputs look.

    Raises
    ------
    UsageError
        If the options contradict each other or the background is none.
    """
    if destination.form == "jpg" and request.background == "none" and not request.mask_only:
        raise UsageError("JPEG has no alpha; give --background a colour, or write png")
    if request.mask_only and request.background not in (None, "none"):
        raise UsageError("--mask-only writes no picture that could have a --background; give one")
    if request.provenance == "c2pa":
        current_signer()  # a missing key is said before anything is cut out
    limits = Limits(request.max_pixels)
    background = parse_background(request.background, limits) if request.background else None
    return render_options_for(
        destination.form,
        background,
        mask_only=request.mask_only,
        keep_metadata=request.keep_metadata,
        provenance=request.provenance,
    )


def refinement_of(request: CutoutRequest) -> RefineOptions:
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


def settings_of(request: CutoutRequest, spec: ModelSpec, destination: Destination) -> str:
    """Return the digest of everything that changes an output."""
    background = request.background or ""
    if Path(background).is_file():
        status = Path(background).stat()
        background = f"{background} {status.st_size} {status.st_mtime_ns}"
    choices: dict[str, str | float | bool] = {
        "format": destination.form,
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
