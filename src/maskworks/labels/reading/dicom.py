"""DICOM pictures, one or many frames, as slices; their labels are a NIfTI volume.

Why not DICOM: docs/decisions/0003-labels-of-scans.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UnreadableError
from maskworks.labels.reading.nifti import to_bytes
from maskworks.labels.reading.scans import Scan, Window, check_extent, grey, stretched

if TYPE_CHECKING:
    from maskworks.core.reading import Limits
    from maskworks.core.values import Pixels

_PALETTE = "PALETTE COLOR"

_EVEN = 0.01
"""Frames are evenly spaced if no step differs by more than this share of the step."""


def open_file(path: Path, window: Window | None, *, label: str, limits: Limits) -> Scan:
    """Open a DICOM file; see `maskworks.labels.reading.scans.open_scan`."""
    import pydicom

    dataset: Any = pydicom.dcmread(path)
    if "PixelData" not in dataset:
        raise UnreadableError(label, "holds no pixels", "name the files of its pictures")
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    size = int(dataset.Rows), int(dataset.Columns)
    check_extent(label, frames, size, limits)
    stored = _decoded(dataset, label)
    if dataset.get("SamplesPerPixel", 1) > 1 or dataset.PhotometricInterpretation == _PALETTE:
        coloured = _colours(stored, dataset, label).reshape(frames, *size, 3)

        def read(at: int) -> Pixels:
            return np.ascontiguousarray(coloured[at])

    else:
        read = _grey_reader(stored.reshape(frames, *size), dataset, window)

    def volume(ids: NDArray[np.integer[Any]], taxonomy: str) -> bytes:
        import nibabel as nib

        affine, placed = affine_of(dataset, frames)
        image: Any = nib.Nifti1Image(np.ascontiguousarray(ids.transpose(2, 1, 0)), affine)
        image.header.set_xyzt_units("mm")
        for code in (image.set_qform, image.set_sform):
            code(affine, code=1 if placed else 0)
        return to_bytes(image, taxonomy)

    return Scan(slices=frames, size=size, read=read, volume=volume)


def _decoded(dataset: Any, label: str) -> NDArray[Any]:  # noqa: ANN401 - untyped library
    try:
        return np.asarray(dataset.pixel_array)
    except Exception as error:
        syntax = dataset.file_meta.TransferSyntaxUID
        if not syntax.is_compressed:
            raise
        reason = " ".join(str(error).split())[:160]
        raise UnreadableError(
            label,
            f"is compressed as {syntax.name} ({syntax}), which is not decoded here ({reason})",
            "decompress it first (`dcmdjpeg IN OUT`, `gdcmconv --raw IN OUT`), or install a "
            "decoder of pydicom's such as pylibjpeg",
        ) from error


def _grey_reader(stored: NDArray[Any], dataset: Any, window: Window | None) -> Any:  # noqa: ANN401
    """Return the reader of grey frames: rescaled, through the window, white as it is meant."""
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    dark = dataset.PhotometricInterpretation == "MONOCHROME1"
    table = "VOILUTSequence" in dataset and window is None and "WindowCenter" not in dataset
    looked_up = "ModalityLUTSequence" in dataset

    def values(at: int) -> NDArray[Any]:
        if looked_up:
            looked: NDArray[Any] = np.asarray(apply_modality_lut(stored[at], dataset))
            return looked
        slope = _group_value(dataset, at, "PixelValueTransformationSequence", "RescaleSlope")
        intercept = _group_value(
            dataset, at, "PixelValueTransformationSequence", "RescaleIntercept"
        )
        factor = 1.0 if slope is None else float(slope)
        added = 0.0 if intercept is None else float(intercept)
        rescaled: NDArray[Any] = stored[at] * factor + added
        return rescaled

    step = max(1, len(stored) // 16)
    several = np.stack([values(at)[::2, ::2] for at in range(0, len(stored), step)])
    usual = stretched(several)

    def read(at: int) -> Pixels:
        if table:
            bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
            full = float(2**bits - 1)
            whole = np.rint(values(at)).astype(np.int32)
            shown = apply_voi_lut(whole, dataset, prefer_lut=True)
            levels = Window(full / 2, full).levels(np.asarray(shown))
        else:
            levels = (window or _window_of(dataset, at) or usual).levels(values(at))
        return grey(255 - levels if dark else levels)

    return read


def _colours(stored: NDArray[Any], dataset: Any, label: str) -> NDArray[np.uint8]:  # noqa: ANN401
    """Return 8-bit RGB; pydicom has turned luma and chroma into it already."""
    if dataset.PhotometricInterpretation == _PALETTE:
        from pydicom.pixels import apply_color_lut

        stored = apply_color_lut(stored, dataset)[..., :3]
        if stored.dtype == np.uint16:
            stored = (stored >> 8).astype(np.uint8)
    if stored.dtype != np.uint8:
        raise UnreadableError(label, f"has colours of {stored.dtype}", "save them with 8 bits")
    return stored


def _window_of(dataset: Any, frame: int) -> Window | None:  # noqa: ANN401 - untyped library
    """Return the first window a frame names (DICOM PS3.3, C.11.2.1.2)."""
    place = "FrameVOILUTSequence"
    centre = _group_value(dataset, frame, place, "WindowCenter")
    width = _group_value(dataset, frame, place, "WindowWidth")
    if centre is None or width is None:
        return None
    at, wide = (float(np.atleast_1d(np.asarray(value, float))[0]) for value in (centre, width))
    shape = str(_group_value(dataset, frame, place, "VOILUTFunction") or "LINEAR")
    if shape == "SIGMOID":
        return Window(at, wide, "sigmoid") if wide > 0 else None
    if shape == "LINEAR":  # counts both ends: half a step to the left, a step narrower
        at, wide = at - 0.5, max(wide - 1, 1e-3)
    return Window(at, wide) if wide > 0 else None


def _group_value(dataset: Any, frame: int, group: str, name: str) -> Any:  # noqa: ANN401
    """Return what a file says of a frame: itself, or in its functional groups; None if nothing."""
    if name in dataset:
        return dataset[name].value
    each = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for groups in [*each[frame : frame + 1], *shared[:1]]:
        found = groups.get(group)
        if found and name in found[0]:
            return found[0][name].value
    return None


def affine_of(dataset: Any, frames: int) -> tuple[NDArray[np.float64], bool]:  # noqa: ANN401
    """Return where the voxel (column, row, frame) lies, in mm, right, front and up positive.

    DICOM PS3.3, C.7.6.2.1.1, whose axes run to the left and to the back.

    Returns
    -------
    affine : float64 (4, 4)
    placed : bool
        False if the file does not say where it lies, or its frames are not evenly spaced; the
        affine then has the pixel's size alone.
    """
    spacing = _group_value(dataset, 0, "PixelMeasuresSequence", "PixelSpacing") or dataset.get(
        "ImagerPixelSpacing"
    )
    down, right = _numbers(spacing, 2) or (1.0, 1.0)
    thick = _group_value(dataset, 0, "PixelMeasuresSequence", "SpacingBetweenSlices")
    thick = thick or _group_value(dataset, 0, "PixelMeasuresSequence", "SliceThickness") or 1
    plain = np.diag([right, down, float(thick), 1.0])
    turned = _numbers(
        _group_value(dataset, 0, "PlaneOrientationSequence", "ImageOrientationPatient"), 6
    )
    places = [
        _numbers(_group_value(dataset, at, "PlanePositionSequence", "ImagePositionPatient"), 3)
        for at in range(frames)
    ]
    if turned is None or any(place is None for place in places):
        return plain, False
    along, below = np.array(turned[:3]), np.array(turned[3:])
    origins = np.array(places, np.float64)
    step = np.cross(along, below) * float(thick)
    if frames > 1:
        steps = np.diff(origins, axis=0)
        step = steps.mean(axis=0)
        length = float(np.linalg.norm(step))
        if length == 0 or np.abs(steps - step).max() > _EVEN * length:
            return plain, False
    affine = np.eye(4)
    affine[:3] = np.column_stack([along * right, below * down, step, origins[0]])
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, True


def _numbers(values: Sequence[Any] | None, count: int) -> tuple[float, ...] | None:
    if values is None or len(values) != count:
        return None
    return tuple(float(value) for value in values)
