"""One picture from file to label map: read, segment, write; whatever happens is a row."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.batch.output_paths import VOLUME
from maskworks.batch.resuming import fingerprint
from maskworks.batch.running import Draft, attempt
from maskworks.batch.work import ManifestRow, Seconds, Work
from maskworks.batch.workers import PixelBudget, header_pixels
from maskworks.batch.writing import prepare_output, write_file
from maskworks.core.deadline import deadline, go_on
from maskworks.core.errors import UnreadableError, UsageError
from maskworks.core.reading import Details, Picture, read_picture
from maskworks.core.values import Box, Image
from maskworks.labels.job import LabelJob
from maskworks.labels.large import label_large, large_files, large_record
from maskworks.labels.reading.apart import scan_apart, windows_apart
from maskworks.labels.reading.scans import Scan, is_scan
from maskworks.labels.reading.window import Windows, in_time
from maskworks.labels.reading.windows import WINDOWED_PIXELS
from maskworks.labels.writing.geotiff import write_label_raster
from maskworks.labels.writing.label_png import label_png
from maskworks.labels.writing.palettes import palette_of
from maskworks.labels.writing.targets import (
    FOLDERS,
    TARGETS,
    Geo,
    LabelledItem,
    found_file,
    label_file,
    to_json,
)
from maskworks.models.labelling import Labelled, label_picture
from maskworks.models.tiled_labelling import label_tiled, tiling_for

_DIGITS = 4


def label_work(work: Work, job: LabelJob, budget: PixelBudget) -> ManifestRow:
    """Read, segment and write one picture; whatever happens, the answer is a row."""
    row = ManifestRow(
        source=str(work.source), output=None, status="failed", model=job.segmenter.name
    )
    return attempt(work, Draft(row), lambda: _label(row, work, job, budget), debug=job.debug)


def _label(row: ManifestRow, work: Work, job: LabelJob, budget: PixelBudget) -> ManifestRow:
    if is_scan(work.source, label=work.shown):
        with budget.take(job.limits.max_pixels):  # one scan at a time
            return _slice_by_slice(row, work, job)
    with budget.take(min(header_pixels(work), job.limits.max_pixels)):
        with deadline(job.limits.seconds):
            windows = windows_apart(
                work.source, bands=job.bands, label=work.shown, limits=job.limits
            )
        if windows is None:
            return _at_once(row, work, job)
        with closing(windows):
            if windows.size[0] * windows.size[1] > WINDOWED_PIXELS:
                return _part_by_part(row, work, job, windows)
            return _at_once(row, work, job, windows)


def _at_once(
    row: ManifestRow, work: Work, job: LabelJob, windows: Windows | None = None
) -> ManifestRow:
    """Label a picture that fits into memory."""
    with deadline(job.limits.seconds):
        return _in_time(row, work, job, windows)


def _in_time(row: ManifestRow, work: Work, job: LabelJob, windows: Windows | None) -> ManifestRow:
    began = time.perf_counter()
    if windows is None:
        picture = read_picture(work.source, job.limits, name=work.shown)
    else:
        pixels = windows.read(Box(0, 0, *windows.size))
        picture = Picture(Image(pixels), None, Details(format="TIFF"))
    row = _read_row(row, work, job, picture.image.size)
    row = replace(row, seconds=Seconds(read=_since(began)), notes=picture.details.notes)
    began = time.perf_counter()
    go_on(work.shown)
    labelled = label_whole_or_tiled(picture, job)
    row = replace(row, seconds=replace(row.seconds, segment=_since(began)))
    began = time.perf_counter()
    geo = None if windows is None else windows.geo
    write_labels(work, _subject(work, job, picture, labelled, geo), job)
    seconds = replace(row.seconds, write=_since(began))
    return replace(row, output=str(work.output), status="ok", seconds=seconds)


def _part_by_part(row: ManifestRow, work: Work, job: LabelJob, windows: Windows) -> ManifestRow:
    """Label a picture that does not fit into memory; its label map is written as it goes."""
    row = _read_row(row, work, job, windows.size)
    began = time.perf_counter()
    prepare_output(work.output, may_replace=work.may_replace)
    result = label_large(in_time(windows, job.limits.seconds, work.shown), job, work.output)
    row = replace(row, seconds=Seconds(segment=_since(began)))
    began = time.perf_counter()
    if job.folder is not None:
        reduced = Picture(result.overview, None, Details(format="TIFF"))
        subject = _subject(work, job, reduced, result.labelled, windows.geo)
        record = large_record(
            result,
            windows.size,
            source=subject.source,
            output=f"{subject.place}.png",
            model=subject.model,
        )
        files = [(f"found/{subject.place}.json", to_json(record))]
        files += large_files(subject, result, job.targets)
        for path, data in files:
            write_file(job.folder / path, data, may_replace=True)
    seconds = replace(row.seconds, write=_since(began))
    return replace(row, output=str(work.output), status="ok", seconds=seconds)


def _slice_by_slice(row: ManifestRow, work: Work, job: LabelJob) -> ManifestRow:
    """Label the slices of a scan; its volume of ids is written last."""
    if job.bands is not None:
        raise UsageError(f"{work.shown}: --bands chooses bands of a TIFF, this is none")
    prepare_output(work.output, may_replace=work.may_replace)
    began = time.perf_counter()
    with deadline(job.limits.seconds):
        scan = scan_apart(work.source, job.window, limits=job.limits, label=work.shown)
    with closing(scan):
        row = replace(row, seconds=Seconds(read=_since(began)))
        return _label_scan(row, work, job, scan)


def _label_scan(row: ManifestRow, work: Work, job: LabelJob, scan: Scan) -> ManifestRow:
    flat = not work.output.name.endswith(VOLUME)
    if flat and scan.slices > 1:
        raise UsageError(
            f"{work.shown}: labels of {scan.slices} slices are a volume; name a folder, or a "
            f"{VOLUME} file"
        )
    row = _read_row(row, work, job, scan.size)
    began = time.perf_counter()
    most = max(*job.segmenter.taxonomy.ids, job.segmenter.taxonomy.ignore or 0)
    ids = np.empty((scan.slices, *scan.size), np.uint8 if most < 256 else np.uint16)
    for at in range(scan.slices):
        ids[at] = _label_slice(scan, at, work, job)
    row = replace(row, seconds=replace(row.seconds, segment=_since(began)))
    began = time.perf_counter()
    if job.folder is not None:
        record = {"slices": scan.slices, "volume": work.output.relative_to(job.folder).as_posix()}
        place = job.folder / "found" / f"{place_of(work, job.folder)}.json"
        write_file(place, to_json(record), may_replace=True)
    taxonomy = job.segmenter.taxonomy
    if flat:
        data = label_png(ids[0], palette_of(taxonomy, job.overlay.palette))
    else:
        data = scan.volume(ids, taxonomy.name)
    write_file(work.output, data, may_replace=work.may_replace)
    seconds = replace(row.seconds, write=_since(began))
    return replace(row, output=str(work.output), status="ok", seconds=seconds)


def _label_slice(scan: Scan, at: int, work: Work, job: LabelJob) -> NDArray[np.integer[Any]]:
    """Label a slice, write what was asked of it, and return its ids."""
    part = work.shown if scan.slices == 1 else f"{work.shown}: slice {at + 1}"
    with deadline(job.limits.seconds):
        picture = Picture(Image(scan.read(at)), None, Details(format="TIFF"))
        go_on(part)
        labelled = label_whole_or_tiled(picture, job)
        go_on(part)
    if job.folder is not None:
        alone = scan.slices == 1
        subject = replace(
            _subject(work, job, picture, labelled, None),
            place=PurePosixPath(slice_places(work, job.folder, scan.slices)[at]),
            source=source_of(work, job.folder) + ("" if alone else f"#{at + 1:04d}"),
        )
        may_replace = work.may_replace or not alone
        write_file(
            job.folder / f"{subject.place}.png", label_file(subject), may_replace=may_replace
        )
        _write_beside(subject, job.folder, job)
    return labelled.labels.ids


def _read_row(row: ManifestRow, work: Work, job: LabelJob, size: tuple[int, int]) -> ManifestRow:
    print_ = fingerprint(work.source, job.settings)
    return replace(row, width=size[1], height=size[0], fingerprint=print_)


def _subject(
    work: Work, job: LabelJob, picture: Picture, labelled: Labelled, geo: Geo | None
) -> LabelledItem:
    return LabelledItem(
        picture=picture,
        labelled=labelled,
        place=PurePosixPath(place_of(work, job.folder)),
        source=source_of(work, job.folder),
        model=job.segmenter.name,
        overlay=job.overlay,
        geo=geo,
    )


def label_whole_or_tiled(picture: Picture, job: LabelJob) -> Labelled:
    """Label a picture at once, or in tiles where it is large or these were asked for."""
    tiling = tiling_for(job.segmenter, picture.image.size, job.tiles)
    if tiling is None:
        return label_picture(picture.image, job.segmenter, job.task)
    return label_tiled(picture.image, job.segmenter, job.task, tiling)


def _write_beside(subject: LabelledItem, folder: Path, job: LabelJob) -> None:
    """Write what is asked for besides the label map."""
    files = [found_file(subject)]
    for name in job.targets:
        if name in TARGETS:
            files += TARGETS[name](subject)
    for path, data in files:
        write_file(folder / path, data, may_replace=True)


def write_labels(work: Work, subject: LabelledItem, job: LabelJob) -> None:
    """Write everything that was asked of one picture, its label map last.

    The label map says that a picture is done, so a run that was killed does it again.
    """
    labels = label_file(subject)
    if job.folder is not None:
        _write_beside(subject, job.folder, job)
    if subject.geo is not None:
        raster = work.output.with_suffix(".tif")
        prepare_output(raster, may_replace=work.may_replace)
        palette = palette_of(subject.labelled.labels.taxonomy, job.overlay.palette)
        write_label_raster(raster, subject.labelled.labels, palette, subject.geo)
    write_file(work.output, labels, may_replace=work.may_replace)


def place_of(work: Work, folder: Path | None) -> str:
    """Return where a picture's outputs lie below the output folder, without a suffix."""
    if folder is None:
        return work.output.stem
    return work.output.relative_to(folder).with_suffix("").as_posix()


def slice_places(work: Work, folder: Path, slices: int) -> list[str]:
    """Return where the outputs of a scan's slices lie; those of a single one as a picture's."""
    place = place_of(work, folder)
    if slices == 1:
        return [place.removesuffix(".nii")]
    return [f"{place}/{at + 1:04d}" for at in range(slices)]


def places_of(work: Work, folder: Path) -> list[str]:
    """Return where the outputs of a picture lie, or of each slice of a scan that is done.

    Raises
    ------
    UnreadableError
        If what a run said of the scan is not there.
    """
    place = place_of(work, folder)
    if not work.output.name.endswith(VOLUME):
        return [place]
    record = folder / "found" / f"{place}.json"
    try:
        slices = int(json.loads(record.read_text(encoding="utf-8"))["slices"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"is not what a run wrote of a scan ({error})"
        raise UnreadableError(str(record), reason, "run with `--overwrite`") from error
    return slice_places(work, folder, slices)


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
