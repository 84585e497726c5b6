"""What one call of `maskworks segment` asks for, and the run that follows from it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from maskworks.batch.backends import BackendName, Share
from maskworks.batch.choosing import backend_of
from maskworks.batch.destination import Destination, destination_of
from maskworks.batch.manifest import ManifestWriter
from maskworks.batch.output_paths import VOLUME
from maskworks.batch.planning import Plan, PlanOptions, make_plan
from maskworks.batch.resuming import Existing
from maskworks.batch.running import BatchRun
from maskworks.batch.staging import staged
from maskworks.batch.urls import is_url
from maskworks.batch.work import ManifestRow, Work
from maskworks.core.errors import UsageError
from maskworks.core.formats import scan_ending
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.core.values import Image
from maskworks.labels.job import LabelJob
from maskworks.labels.labelling import check_places, label_work, places_of
from maskworks.labels.reading.scans import Window
from maskworks.labels.writing.overlay import OverlayOptions
from maskworks.labels.writing.palettes import PaletteName
from maskworks.labels.writing.series import join_series
from maskworks.labels.writing.tables import write_tables
from maskworks.labels.writing.targets import parse_targets
from maskworks.models.labelling import Answer, Segmenter, Task
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter
from maskworks.models.tiled_labelling import Tiles


@dataclass(frozen=True, kw_only=True)
class LabelRequest:
    """The options of one call, as they were given."""

    inputs: tuple[str, ...]
    output: str
    model: str
    task: str = "auto"
    write: str | None = None
    palette: PaletteName = "taxonomy"
    opening: Opening = field(default_factory=Opening)
    bands: tuple[int, ...] | None = None
    tiles: Tiles = field(default_factory=Tiles)
    window: Window | None = None
    existing: Existing = "refuse"
    manifest: Path | None = None
    limits: Limits = field(default_factory=Limits)
    backend: BackendName = "local"
    address: str | None = None
    debug: bool = False


@dataclass(eq=False, kw_only=True)
class Labelling:
    """A run: `rows` does it, picture by picture, and writes the tables at its end."""

    run: BatchRun
    job: LabelJob
    tables: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """All pictures, those still to be done, the rows that still hold."""
        return self.run.plan

    def rows(self, stop: threading.Event | None = None) -> Iterator[ManifestRow]:
        """Yield the row of each picture as it is done; then write the manifest and the tables."""
        done = {row.source for row in self.plan.kept if row.status == "ok"}
        left = len(self.plan.todo)
        for row in self.run.rows(stop or threading.Event()):
            left -= 1
            if row.status == "ok":
                done.add(row.source)
            yield row
        if self.job.folder is not None and done:
            finished = [work for work in self.plan.works if str(work.source) in done]
            places = [each for work in finished for each in places_of(work, self.job.folder)]
            taxonomy = self.job.segmenter.taxonomy
            self.tables += write_tables(self.job.folder, places, taxonomy, self.job.targets)
            if not left:  # a run that was stopped has not seen all slices of a series
                joined, remarks = join_series(finished, taxonomy)
                self.tables += joined
                self.remarks += remarks


@public
def open_labelling(request: LabelRequest) -> Labelling:
    """Find the pictures, give each its output, and open the model.

    Raises
    ------
    UsageError
        If there is no picture, or an option is wrong or contradicts another.
    ModelError
        If the model cannot be opened.

    Examples
    --------
    >>> request = LabelRequest(inputs=("streets",), output="out", model="street")
    >>> job = open_labelling(request)  # doctest: +SKIP
    """
    if "-" in request.inputs or request.output == "-":
        raise UsageError("maskworks segment reads and writes files; name them instead of `-`")
    destination = _destination(request.output)
    if destination.form != "png":
        raise UsageError(
            f"-o {request.output}: a label map is written as PNG; name a .png file or a folder "
            f"(of a scan, a {VOLUME} file)"
        )
    segmenter = load_segmenter(request.model, request.opening)
    task = segmenter.task(request.task)
    targets = parse_targets(request.write, task)
    if destination.folder is None and request.write is not None and targets:
        raise UsageError(
            f"-o {request.output} is one file, which gets the label map alone; name a folder for "
            f"--write {request.write}"
        )
    settings = _digest(
        segmenter,
        [task, *targets, request.palette]
        + [str(each) for each in (request.tiles, request.bands, request.window)],
    )
    plan = make_plan(
        request.inputs,
        destination,
        settings,
        PlanOptions(existing=request.existing, manifest=request.manifest, scans=True),
    )
    _check_scans(request, destination, plan)
    check_places(plan.works, destination.folder)
    job = LabelJob(
        segmenter=_in_turn(segmenter),
        task=task,
        limits=request.limits,
        targets=targets,
        folder=destination.folder,
        overlay=OverlayOptions(palette=request.palette),
        bands=request.bands,
        tiles=request.tiles,
        window=request.window,
        settings=settings,
        debug=request.debug,
    )
    backend = backend_of(request.backend, request.address, threads=request.opening.threads)
    journal = ManifestWriter(plan.manifest)
    do = backend.open(LabelOpener(request, job), len(plan.todo))
    labelling = Labelling(run=BatchRun(plan=plan, journal=journal, do=do), job=job)
    labelling.remarks += segmenter.remarks
    return labelling


@dataclass(frozen=True, eq=False)
class LabelOpener:
    """Opens the model once more in every other process that labels; in this one it is open."""

    request: LabelRequest
    job: LabelJob

    def __call__(self, share: Share) -> Callable[[Work], ManifestRow]:
        """Return what labels a picture."""

        def do(work: Work) -> ManifestRow:
            return label_work(work, self.job, share.budget)

        return staged(do, again=share.again, model=self.job.segmenter.name, debug=self.job.debug)

    def __reduce__(self) -> tuple[Callable[..., LabelOpener], tuple[object, ...]]:
        """Travel without the open model."""
        fields = {f.name: getattr(self.job, f.name) for f in dataclass_fields(self.job)}
        return _open_elsewhere, (self.request, {**fields, "segmenter": None})


def _open_elsewhere(request: LabelRequest, job: dict[str, Any]) -> LabelOpener:
    segmenter = load_segmenter(request.model, replace(request.opening, threads=1))
    return LabelOpener(request, LabelJob(**{**job, "segmenter": _in_turn(segmenter)}))


def _destination(output: str) -> Destination:
    """Return where to write; a volume is a file too."""
    if is_url(output):
        raise UsageError(
            f"-o {output}: the tables of a run are made of all its files, so these are written to "
            "a folder of this machine; name one, and copy it to the store"
        )
    path = Path(output).absolute()
    if path.name.lower().endswith(VOLUME) and not path.is_dir():
        return Destination(form="png", file=path)
    return destination_of(output, None)


def _check_scans(request: LabelRequest, destination: Destination, plan: Plan) -> None:
    """Refuse options that mean nothing for these inputs."""
    scans = [work for work in plan.works if scan_ending(work.source.name) is not None]
    if request.window is not None and not scans:
        raise UsageError("--window is for DICOM and NIfTI, and there is none here; leave it out")
    if (
        destination.file is not None
        and not scans
        and destination.file.name.lower().endswith(VOLUME)
    ):
        raise UsageError(
            f"-o {request.output}: a picture's labels are PNG; name a .png or a folder"
        )


def _in_turn(segmenter: Segmenter) -> Segmenter:
    """Let one picture at a time into the model: it takes all cores by itself."""
    turn = threading.Lock()

    def answer(image: Image, task: Task) -> Answer:
        with turn:
            return segmenter.answer(image, task)

    return replace(segmenter, answer=answer)


def _digest(segmenter: Segmenter, choices: list[str]) -> str:
    written = json.dumps([segmenter.digest, choices])
    return hashlib.sha256(written.encode()).hexdigest()[:16]
