"""DICOM files of one slice each that are one series: their labels as one volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.batch.output_paths import VOLUME
from maskworks.batch.writing import write_file
from maskworks.core.formats import scan_ending

if TYPE_CHECKING:
    from maskworks.batch.work import Work
    from maskworks.core.taxonomy import Taxonomy

EVEN = 0.02
"""Slices are evenly spaced if no step differs by more than this share of the step."""

_NIFTI = (".nii", ".nii.gz")


@dataclass(frozen=True, eq=False)
class Slice:
    """One file: `key` is equal for those that belong together, `number` that of the series."""

    volume: Path
    key: tuple[object, ...]
    number: int
    affine: NDArray[np.float64]


def join_series(works: Sequence[Work], taxonomy: Taxonomy) -> tuple[list[Path], list[str]]:
    """Write a volume for each series of which each file holds one slice.

    Slices belong together if they lie in one folder and have one series, orientation, spacing
    and size; they are put in order along their normal. ``series-3.nii.gz`` lies beside the
    labels of its slices; an earlier one is replaced.

    Parameters
    ----------
    works : those that are done, their volumes written

    Returns
    -------
    paths, remarks
        What was written, and a sentence for each series that cannot be a volume since its
        slices are not evenly spaced.

    Raises
    ------
    OutputError
        If a volume cannot be written.
    """
    groups: dict[tuple[object, ...], list[Slice]] = {}
    for work in works:
        found = _slice_of(work)
        if found is not None:
            groups.setdefault(found.key, []).append(found)
    taken = {work.output for work in works}
    written: list[Path] = []
    remarks: list[str] = []
    for members in groups.values():
        if len(members) < 2:
            continue
        affine, order = _laid_out(members)
        if affine is None:
            remarks.append(
                f"series {members[0].number}: its {len(members)} slices are not evenly spaced, so "
                "each stays a volume of its own"
            )
            continue
        path = _name(members[0], taken)
        taken.add(path)
        volumes = [members[at].volume for at in order]
        write_file(path, _joined(volumes, affine, taxonomy), may_replace=True)
        written.append(path)
    return written, remarks


def _slice_of(work: Work) -> Slice | None:
    """Return what a file says of its place, None if it is no single slice with a place."""
    ending = scan_ending(work.source.name)
    if ending is None or ending.lower() in _NIFTI or not work.output.name.endswith(VOLUME):
        return None
    import pydicom

    from maskworks.labels.reading.dicom import affine_of

    dataset: Any = pydicom.dcmread(work.source, stop_before_pixels=True)
    if int(dataset.get("NumberOfFrames", 1) or 1) != 1 or "SeriesInstanceUID" not in dataset:
        return None
    affine, placed = affine_of(dataset, 1)
    if not placed:
        return None
    plane = tuple(np.round(affine[:3, :2], 3).ravel().tolist())
    size = (int(dataset.Rows), int(dataset.Columns))
    key = (work.output.parent, str(dataset.SeriesInstanceUID), plane, size)
    return Slice(work.output, key, int(dataset.get("SeriesNumber") or 0), affine)


def _laid_out(members: Sequence[Slice]) -> tuple[NDArray[np.float64] | None, list[int]]:
    """Return the affine of all slices and their order; None if they are not evenly spaced."""
    first = members[0].affine
    normal = np.cross(first[:3, 0], first[:3, 1])
    normal /= np.linalg.norm(normal)
    origins = np.array([each.affine[:3, 3] for each in members])
    order = np.argsort(origins @ normal, kind="stable")
    steps = np.diff(origins[order], axis=0)
    step = steps.mean(axis=0)
    length = float(np.linalg.norm(step))
    if length == 0 or np.abs(steps - step).max() > EVEN * length:
        return None, order.tolist()
    affine = first.copy()
    affine[:3, 2], affine[:3, 3] = step, origins[order[0]]
    return affine, order.tolist()


def _joined(volumes: Sequence[Path], affine: NDArray[np.float64], taxonomy: Taxonomy) -> bytes:
    import nibabel as nib

    from maskworks.labels.reading.nifti import to_bytes

    slices = [np.asarray(nib.load(path).dataobj)[:, :, 0] for path in volumes]
    image: Any = nib.Nifti1Image(np.stack(slices, axis=2), affine)
    image.header.set_xyzt_units("mm")
    for code in (image.set_qform, image.set_sform):
        code(affine, code=1)
    return to_bytes(image, taxonomy.name)


def _name(member: Slice, taken: set[Path]) -> Path:
    stem, more = f"series-{member.number}", 1
    path = member.volume.with_name(stem + VOLUME)
    while path in taken:
        more += 1
        path = member.volume.with_name(f"{stem}-{more}{VOLUME}")
    return path
