"""One picture from file to label map: read, segment, write; whatever happens is a row."""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from maskworks.core.errors import MaskworksError, UsageError
from maskworks.core.reading import Limits, Picture, read_picture
from maskworks.models.labelling import Labelled, Segmenter, Task, label_picture
from maskworks.studio.batch import fingerprint, header_pixels, write_file
from maskworks.studio.item import Fault, Row, Seconds, Work
from maskworks.studio.labels.overlay import OverlayOptions
from maskworks.studio.labels.targets import FOLDERS, TARGETS, Subject, found_file, label_file
from maskworks.studio.line import Room

_DIGITS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelJob:
    """All that is the same for every picture of a run; `folder` is None for a single file."""

    segmenter: Segmenter
    task: Task
    limits: Limits
    targets: tuple[str, ...]
    folder: Path | None
    overlay: OverlayOptions = field(default_factory=OverlayOptions)
    settings: str = ""
    debug: bool = False


def label_work(work: Work, job: LabelJob, room: Room) -> Row:
    """Read, segment and write one picture."""
    row = Row(source=str(work.source), output=None, status="failed", model=job.segmenter.name)
    try:
        if work.error is not None:
            raise work.error  # noqa: TRY301 - known before it was tried, told like the others
        with room.take(min(header_pixels(work), job.limits.max_pixels)):
            began = time.perf_counter()
            picture = read_picture(work.source, job.limits, name=work.shown)
            height, width = picture.image.size
            print_ = fingerprint(work.source, job.settings)
            seconds = Seconds(read=_since(began))
            row = replace(row, width=width, height=height, seconds=seconds, fingerprint=print_)
            began = time.perf_counter()
            labelled = label_picture(picture.image, job.segmenter, job.task)
            row = replace(row, seconds=replace(row.seconds, segment=_since(began)))
            began = time.perf_counter()
            write_labels(work, picture, labelled, job)
            seconds = replace(row.seconds, write=_since(began))
            return replace(row, output=str(work.output), status="ok", seconds=seconds)
    except MaskworksError as error:
        return replace(row, status="failed", error=Fault(error.code, str(error)))
    except Exception as error:  # noqa: BLE001 - one bad picture never stops the rest
        if job.debug:
            traceback.print_exc(file=sys.stderr)
        name = type(error).__name__
        message = f"{work.shown}: unexpected {name} ({error}); run it alone with `--debug`"
        return replace(row, status="failed", error=Fault("internal", message))


def write_labels(work: Work, picture: Picture, labelled: Labelled, job: LabelJob) -> None:
    """Write everything that was asked of one picture, its label map last.

    The label map says that a picture is done, so a run that was killed does it again.
    """
    subject = Subject(
        picture=picture,
        labelled=labelled,
        place=PurePosixPath(place_of(work, job.folder)),
        source=source_of(work, job.folder),
        model=job.segmenter.name,
        overlay=job.overlay,
    )
    labels = label_file(subject)
    if job.folder is not None:
        files = [found_file(subject)]
        for name in job.targets:
            if name in TARGETS:
                files += TARGETS[name](subject)
        for path, data in files:
            write_file(job.folder / path, data, may_replace=True)
    write_file(work.output, labels, may_replace=work.may_replace)


def place_of(work: Work, folder: Path | None) -> str:
    """Return where a picture's outputs lie below the output folder, without a suffix."""
    if folder is None:
        return work.output.stem
    return work.output.relative_to(folder).with_suffix("").as_posix()


def source_of(work: Work, folder: Path | None) -> str:
    """Return a picture's own name at its place in the tree."""
    if folder is None:
        return work.source.name
    return work.output.relative_to(folder).with_name(work.source.name).as_posix()


def check_places(works: tuple[Work, ...], folder: Path | None) -> None:
    """Refuse pictures in a folder that is called like one of the outputs.

    Raises
    ------
    UsageError
    """
    if folder is None:
        return
    for work in works:
        parts = work.output.relative_to(folder).parts
        if len(parts) > 1 and parts[0].lower() in FOLDERS:
            raise UsageError(
                f"{work.shown}: its folder is called {parts[0]!r}, as one of the outputs is; "
                "rename it, or name its pictures as an input of their own"
            )


def _since(began: float) -> float:
    return round(time.perf_counter() - began, _DIGITS)
