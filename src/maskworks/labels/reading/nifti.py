"""NIfTI volumes: read slice by slice, and label volumes written where a scan lies."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UnreadableError
from maskworks.labels.reading.scans import Scan, Window, check_extent, grey, stretched

if TYPE_CHECKING:
    from maskworks.core.reading import Limits
    from maskworks.core.values import Pixels

SHOWN = "LPS"
"""Columns run to the patient's left, rows to the back, slices up: axial, as radiology shows it."""

_COMPRESSION = 6
_LABEL = 1002
"""NIFTI_INTENT_LABEL."""


def open_file(path: Path, window: Window | None, *, label: str, limits: Limits) -> Scan:
    """Open a NIfTI file; see `maskworks.labels.reading.scans.open_scan`."""
    import nibabel as nib

    opened: Any = nib.load(path)
    if not isinstance(opened, nib.Nifti1Image | nib.Nifti2Image):
        raise UnreadableError(label, "is no NIfTI volume", "convert it with a tool of its own")
    shape = (*opened.shape, 1, 1, 1)
    if np.prod(shape[3:]) != 1 or opened.get_data_dtype().kind not in "iuf":
        extent, kind = " x ".join(map(str, opened.shape)), opened.get_data_dtype()
        raise UnreadableError(
            label, f"has {extent} values of {kind}", "save one volume of grey values"
        )
    axes = nib.orientations
    own = axes.io_orientation(opened.affine)
    turn = axes.ornt_transform(own, axes.axcodes2ornt(SHOWN))
    back = axes.ornt_transform(axes.axcodes2ornt(SHOWN), own)
    width, height, slices = (shape[list(turn[:, 0]).index(axis)] for axis in range(3))
    check_extent(label, slices, (height, width), limits)
    stored = np.asanyarray(opened.dataobj.get_unscaled()).reshape(shape[:3])
    values = axes.apply_orientation(stored, turn)
    slope, intercept = float(opened.dataobj.slope), float(opened.dataobj.inter)
    shown = window or _window_of(opened.header) or stretched(_thin(stored) * slope + intercept)

    def meant(at: int) -> NDArray[np.float32]:
        return np.asarray(values[:, :, at].T * slope + intercept, np.float32)

    def read(at: int) -> Pixels:
        return grey(shown.levels(values[:, :, at].T * slope + intercept))

    def volume(ids: NDArray[np.integer[Any]], taxonomy: str) -> bytes:
        turned = axes.apply_orientation(np.ascontiguousarray(ids.transpose(2, 1, 0)), back)
        header = opened.header.copy()
        header["cal_min"], header["cal_max"] = 0, 0
        image = type(opened)(turned.reshape(opened.shape), opened.affine, header)
        return to_bytes(image, taxonomy)

    sides = np.linalg.norm(opened.affine[:3, :3], axis=0)
    across, down, up = (float(sides[list(turn[:, 0]).index(axis)]) for axis in range(3))
    return Scan(
        slices=slices,
        size=(height, width),
        read=read,
        volume=volume,
        values=meant,
        spacing_mm=(up, down, across),
    )


def to_bytes(image: Any, taxonomy: str) -> bytes:  # noqa: ANN401 - untyped library
    """Return a label image as the bytes of ``.nii.gz``; equal labels give equal bytes."""
    header = image.header
    header.set_data_dtype(image.dataobj.dtype)
    header.set_slope_inter(1, 0)
    header.set_intent(_LABEL, name=taxonomy[:15])
    header["descrip"] = b"Class ids by Maskworks"
    return gzip.compress(image.to_bytes(), _COMPRESSION, mtime=0)


def _thin(values: NDArray[Any]) -> NDArray[np.float64]:
    step = max(1, round((values.size / 1_000_000) ** (1 / 3)))
    return values[::step, ::step, ::step].astype(np.float64)


def _window_of(header: Any) -> Window | None:  # noqa: ANN401 - untyped library
    low, high = float(header["cal_min"]), float(header["cal_max"])
    return Window((low + high) / 2, high - low) if high > low else None
