"""The options of one call that cuts clips out, and the planned run that follows from them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from maskworks.batch.inputs import InputKind, find_pictures
from maskworks.batch.manifest import ManifestWriter, read_manifest
from maskworks.batch.output_paths import plan_file, plan_folder
from maskworks.batch.planning import Plan
from maskworks.batch.resuming import Existing, settings_digest, settle
from maskworks.batch.work import ManifestRow, Work
from maskworks.batch.workers import usable_cores
from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.models import ModelSpec, load_catalogue, load_model
from maskworks.refine.refinement import Method, RefineOptions, Spill
from maskworks.video.following import parse_aspect
from maskworks.video.formats import BY_SUFFIX, ClipFormat, CodecName, FormatName, clip_format
from maskworks.video.job import Tell, VideoJob, cut_clip, do_clip
from maskworks.video.keyed import KeyMasks, read_keys
from maskworks.video.library import pyav
from maskworks.video.rendering import CLIP_SUFFIXES, ClipRenderOptions, behind_of
from maskworks.video.steadying import Steady

CLIPS = InputKind("clip", CLIP_SUFFIXES)
FRAMES_SUFFIX = ".frames"
"""Of the folder that a clip becomes as PNGs."""

MOST_PIXELS = 40_000_000
"""The largest frame that is taken by default: 8K."""


@dataclass(frozen=True, kw_only=True)
class VideoRequest:
    """The options of one call, as they were given."""

    inputs: tuple[str, ...]
    output: str
    model: str = "cutout"
    form: FormatName | None = None
    codec: CodecName | None = None
    background: str | None = None
    portrait: bool = False
    crop: str | None = None
    steady: Steady = "quick"
    refine: Method = "auto"
    colours: bool = True
    despill: str = "none"
    keys: str | None = None
    min_confidence: float = 0.0
    threads: int = 0
    existing: Existing = "refuse"
    manifest: Path | None = None
    max_pixels: int = MOST_PIXELS
    provider: str = "cpu"
    commercial_only: bool = False
    report: bool = True
    debug: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoRun:
    """A planned run that is ready to begin: one clip after the other."""

    plan: Plan
    journal: ManifestWriter
    job: VideoJob
    tell: Tell

    def rows(self, stop: threading.Event) -> Iterator[ManifestRow]:
        """Yield the row of each clip as it is done; parts of a stopped one stay."""
        import cv2

        inner = cv2.getNumThreads()
        cv2.setNumThreads(max(1, min(inner, usable_cores())))
        try:
            for work in self.plan.todo:
                if stop.is_set():
                    return
                row = do_clip(work, self.job, stop, self.tell)
                if row is None:
                    return
                self.journal.add(row)
                yield row
        finally:
            cv2.setNumThreads(inner)
            self.journal.finish([str(work.source) for work in self.plan.works])


def open_video(request: VideoRequest, tell: Tell = lambda _: None) -> VideoRun:
    """Find the clips, give each its output, and open the model.

    Parameters
    ----------
    request : VideoRequest
    tell : called with a `ClipProgress` after every frame

    Raises
    ------
    UsageError
        If there is no clip, or an option is wrong or contradicts another.
    ModelError
        If the model cannot be opened.
    """
    pyav()
    limits = Limits(request.max_pixels)
    render = _render_options(request, limits)
    form, folder, file = _destination(request, render)
    spec = load_catalogue().find(request.model, commercial_only=request.commercial_only)
    keys = None if request.keys is None else read_keys(Path(request.keys), limits)
    settings = _settings(request, spec, form, keys)
    plan = _plan(request, form, (folder, file), settings)
    if keys is not None and len(plan.works) != 1:
        raise UsageError(f"key frames belong to one clip, and there are {len(plan.works)}")
    journal = ManifestWriter(plan.manifest)
    model = load_model(
        request.model,
        threads=request.threads,
        provider=request.provider,
        commercial_only=request.commercial_only,
    )
    job = VideoJob(
        model=model,
        form=form,
        render=render,
        steady=request.steady,
        keys=keys,
        min_confidence=request.min_confidence,
        limits=limits,
        resume=request.existing == "resume",
        report=request.report,
        settings=settings,
        debug=request.debug,
    )
    return VideoRun(plan=plan, journal=journal, job=job, tell=tell)


def _render_options(request: VideoRequest, limits: Limits) -> ClipRenderOptions:
    background = behind_of(request.background, limits)
    if request.portrait and request.background is not None:
        raise UsageError("--portrait has a background of its own; leave --background out")
    if request.refine == "off" and request.despill != "none":
        raise UsageError("--despill needs an edge to work on; leave --refine off out")
    spill: Spill = None
    if request.despill == "auto":
        spill = "auto"
    elif request.despill != "none":
        spill = parse_colour(request.despill)
    return ClipRenderOptions(
        refinement=RefineOptions(method=request.refine, colours=request.colours, spill=spill),
        background=background,
        portrait=request.portrait,
        crop=None if request.crop is None else parse_aspect(request.crop),
    )


def _destination(
    request: VideoRequest, render: ClipRenderOptions
) -> tuple[ClipFormat, Path | None, Path | None]:
    """Return the format, and the folder or the file that `-o` names."""
    path = Path(os.path.abspath(request.output))  # noqa: PTH100 - resolve() would follow links
    named = None if path.is_dir() or request.output.endswith("/") else path.suffix.lower()
    if named and named not in BY_SUFFIX and named in CLIP_SUFFIXES | {".png", ".jpg"}:
        raise UsageError(
            f"-o {request.output}: cannot write {named}; use a name that ends in "
            f"{', '.join(BY_SUFFIX)}, or a folder"
        )
    asked = BY_SUFFIX.get(named or "")
    name: FormatName = request.form or asked or "webm"
    form = clip_format(name, opaque=render.opaque, codec=request.codec)
    if form.matte_only and render.opaque:
        raise UsageError("--format matte shows no picture that could have a --background")
    if asked is None:
        if path.exists() and not path.is_dir():
            raise UsageError(f"-o {request.output} is a file, not a folder; name another place")
        return form, path, None
    if form.suffix != named:
        raise UsageError(
            f"-o {request.output} ends in {named} and --format {name} in "
            f"{form.suffix or 'nothing: it is a folder'}; give one of the two"
        )
    return form, None, path


def _plan(
    request: VideoRequest,
    form: ClipFormat,
    place: tuple[Path | None, Path | None],
    settings: str,
) -> Plan:
    folder, file = place
    manifest = request.manifest or (folder / "manifest.jsonl" if folder else None)
    manifest = Path(os.path.abspath(manifest)) if manifest else None  # noqa: PTH100
    earlier = read_manifest(manifest) if manifest else {}
    ours = frozenset(Path(row.output) for row in earlier.values() if row.output)
    finds = find_pictures(request.inputs, beside=folder, ours=ours, kind=CLIPS)
    if file is not None:
        if len(finds.pictures) > 1:
            raise UsageError(
                f"{len(finds.pictures)} clips do not fit into one output, -o {file}; name a folder"
            )
        works: tuple[Work, ...] = (plan_file(finds.pictures[0], file),)
    else:
        works = plan_folder(finds.pictures, folder or Path(), form.suffix or FRAMES_SUFFIX)
    todo, kept = settle(works, earlier, request.existing, settings)
    return Plan(
        works=works,
        todo=tuple(todo),
        kept=tuple(kept),
        manifest=manifest,
        notes=tuple(finds.notes()),
    )


def _settings(
    request: VideoRequest, spec: ModelSpec, form: ClipFormat, keys: KeyMasks | None
) -> str:
    """Return the digest of everything that changes an output."""
    background = request.background or ""
    if Path(background).is_file():
        status = Path(background).stat()
        background = f"{background} {status.st_size} {status.st_mtime_ns}"
    choices: dict[str, str | float | bool] = {
        "format": f"{form.name} {form.codec}",
        "background": background,
        "portrait": request.portrait,
        "crop": request.crop or "",
        "steady": request.steady,
        "refine": request.refine,
        "colours": f"{request.colours} {request.despill}",
        "keys": "" if keys is None else keys.digest,
        "min_confidence": request.min_confidence,
    }
    return settings_digest(spec, choices)


@public
def cutout_video(
    source: str | Path,
    output: str | Path,
    *,
    options: VideoRequest | None = None,
    tell: Tell = lambda _: None,
) -> ManifestRow:
    """Cut the subject out of one clip and write it; `maskworks video` in Python.

    Parameters
    ----------
    source : path of a clip
    output : path
        Its suffix chooses the format: ``.webm`` (VP9 with alpha), ``.mov`` (ProRes 4444),
        ``.mkv`` (FFV1), ``.webp``, ``.apng``, ``.gif``, ``.mp4`` (opaque).
    options : VideoRequest, optional
        Everything else; its inputs and output are not looked at.
    tell : called with a `ClipProgress` after every frame

    Returns
    -------
    ManifestRow
        Frames, shots, mean confidence, seconds and notes.

    Raises
    ------
    MaskworksError
        If the clip cannot be read or written.

    Examples
    --------
    >>> cutout_video("no-such-clip.mp4", "out.webm")
    Traceback (most recent call last):
    maskworks.core.errors.UnreadableError: ...no-such-clip.mp4: there is no such file...
    """
    base = options or VideoRequest(inputs=(), output="")
    request = replace(base, inputs=(str(source),), output=str(output))
    run = open_video(request, tell)
    if not run.plan.todo:
        return run.plan.kept[0]
    work = run.plan.todo[0]
    if work.error is not None:
        raise work.error
    return cut_clip(work, run.job, threading.Event(), tell)
