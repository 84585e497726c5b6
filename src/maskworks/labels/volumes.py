"""Label a volume with a network of volumes: any ONNX file, in windows, in bounded memory.

No such network comes with Maskworks, and what one says of a scan is no medical statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import ModelError, UsageError
from maskworks.core.formats import scan_ending
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.core.taxonomy import Taxonomy, plain_taxonomy
from maskworks.labels.reading.scans import Scan, Window, open_scan
from maskworks.models.families.volume_windows import Float3D, Scores4D, VolumeWindows, label_slices

ENDINGS = (".nii", ".nii.gz")
_TOUCHING = np.ones((3, 3, 3), bool)
"""Voxels that share a corner belong together."""


@dataclass(frozen=True, kw_only=True)
class VolumeNetwork:
    """An ONNX file that takes (1, 1, D, H, W) and answers scores (1, C, D, H, W).

    Axes are slices upwards, rows to the back, columns to the patient's left.

    Parameters
    ----------
    file : Path
    classes : names of the C classes, the first one is the background
    window : (D, H, W), voxels of what it sees at once
    shows : Window, optional
        Values of the scan that become 0 and 1, such as ``Window(40, 400)``; by default they are
        made to have a mean of 0 and a deviation of 1.
    spacing_mm : (D, H, W), optional
        The grid it was trained on, to which a scan is resampled and its labels back.
    overlap : float in [0, 1)
    """

    file: Path
    classes: tuple[str, ...]
    window: tuple[int, int, int]
    shows: Window | None = None
    spacing_mm: tuple[float, float, float] | None = None
    overlap: float = 0.5

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise UsageError(f"classes are two names at least, got {list(self.classes)}")
        if self.spacing_mm is not None and not all(each > 0 for each in self.spacing_mm):
            raise UsageError(f"spacing_mm is three lengths above 0, got {self.spacing_mm}")


@dataclass(frozen=True, eq=False, kw_only=True)
class VolumeSegmentation:
    """The labels of a volume: `ids` is uint16 (D, H, W), places of `taxonomy`'s classes."""

    ids: NDArray[np.uint16] = field(repr=False)
    taxonomy: Taxonomy
    spacing_mm: tuple[float, float, float]
    scan: Scan = field(repr=False)

    def volumes_ml(self) -> dict[str, float]:
        """Return how much of each class there is, millilitres, by name."""
        voxel = float(np.prod(self.spacing_mm)) / 1000
        counts = np.bincount(self.ids.ravel(), minlength=len(self.taxonomy))
        return {
            name: float(count) * voxel
            for name, count in zip(self.taxonomy.names, counts, strict=True)
        }

    def save(self, path: str | Path) -> Path:
        """Write the labels as NIfTI that lies where the scan lies; an existing file is replaced.

        Raises
        ------
        UsageError
            If the file's name does not end in .nii.gz.
        OutputError
            If it cannot be written.
        """
        target = Path(path)
        if not target.name.lower().endswith(".nii.gz"):
            raise UsageError(f"{target}: labels of a volume are NIfTI; name a .nii.gz file")
        narrow = self.ids.astype(np.uint8) if len(self.taxonomy) <= 256 else self.ids
        write_atomic(target, self.scan.volume(narrow, self.taxonomy.name))
        return target


@public
def segment_volume(
    source: str | Path,
    network: VolumeNetwork,
    *,
    keep_largest: bool = False,
    least_ml: float = 0.0,
    threads: int = 0,
) -> VolumeSegmentation:
    """Label every voxel of a NIfTI scan with an ONNX network of volumes.

    Windows overlap and are weighted by a Gaussian; memory follows a slab of slices.

    Parameters
    ----------
    source : path of a .nii or .nii.gz file
    network : VolumeNetwork
    keep_largest : bool
        Of each class but the first, keep the largest connected part only.
    least_ml : float, >= 0
        Connected parts below this many millilitres become the first class.
    threads : int
        0 for every core.

    Raises
    ------
    UsageError
        If the source is no NIfTI file, or an option does not fit.
    ImageError
        If it cannot be read.
    ModelError
        If the network cannot be opened, takes something else, or answers something else.

    Examples
    --------
    >>> organs = VolumeNetwork(
    ...     file=Path("organs.onnx"), classes=("rest", "liver"), window=(64, 128, 128)
    ... )
    >>> segment_volume("ct.nii.gz", organs).save("ct-labels.nii.gz")  # doctest: +SKIP
    """
    path = Path(source)
    if (scan_ending(path.name) or "").lower() not in ENDINGS:
        raise UsageError(f"{path}: volumes are read from NIfTI (.nii, .nii.gz); convert it first")
    if not least_ml >= 0:
        raise UsageError(f"least_ml is at least 0, got {least_ml:g}")
    predict = _opened(network, threads)
    windows = VolumeWindows(network.window, network.overlap)
    scan = open_scan(path, None, limits=Limits(), label=str(path))
    if scan.values is None or scan.spacing_mm is None:
        raise AssertionError(path)  # NIfTI has both
    values = np.stack([scan.values(at) for at in range(scan.slices)])
    resampled = _resampled(_normalised(values, network.shows), scan.spacing_mm, network.spacing_mm)
    slices = label_slices(resampled, predict, windows, name=network.file.stem)
    ids = _at_grid(np.stack(list(slices)), values.shape)
    if keep_largest or least_ml:
        voxel_ml = float(np.prod(scan.spacing_mm)) / 1000
        ids = connected_parts(ids, least_voxels=least_ml / voxel_ml, keep_largest=keep_largest)
    taxonomy = plain_taxonomy(network.classes, ignore=None, name=network.file.stem)
    return VolumeSegmentation(ids=ids, taxonomy=taxonomy, spacing_mm=scan.spacing_mm, scan=scan)


def connected_parts(
    ids: NDArray[np.uint16], *, least_voxels: float = 0.0, keep_largest: bool = False
) -> NDArray[np.uint16]:
    """Return labels without small connected parts; these become class 0.

    Parameters
    ----------
    ids : uint16 (D, H, W)
        Voxels of one class that share a face, an edge or a corner are one part.
    least_voxels : float
        Smaller parts go.
    keep_largest : bool
        All but the largest part of each class go; of several the first one stays.

    Examples
    --------
    >>> row = np.array([[[1, 1, 0, 1, 2]]], np.uint16)
    >>> connected_parts(row, keep_largest=True).tolist()
    [[[1, 1, 0, 0, 2]]]
    """
    from scipy import ndimage

    kept = ids.copy()
    for number in np.unique(ids[ids > 0]).tolist():
        parts, count = ndimage.label(ids == number, _TOUCHING)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        sizes[0] = 0
        goes = sizes < least_voxels
        if keep_largest:
            goes |= np.arange(count + 1) != sizes.argmax()
        goes[0] = False
        kept[goes[parts]] = 0
    return kept


def _opened(network: VolumeNetwork, threads: int) -> Any:  # noqa: ANN401 - a callable
    from maskworks.models.runtimes.onnx import describe_onnx, open_onnx

    path = Path(network.file)
    run = open_onnx(path, threads=threads)
    (given,) = describe_onnx(path).inputs
    fixed = [
        side == wanted
        for side, wanted in zip(given.shape[2:], network.window, strict=False)
        if side is not None
    ]
    if len(given.shape) != 5 or given.shape[1] not in (1, None) or not all(fixed):
        raise ModelError(
            f"{path}: takes {given}, a volume is (1, 1, "
            f"{', '.join(map(str, network.window))}); correct `window`, or export it anew"
        )

    def predict(part: Float3D) -> Scores4D:
        found = np.asarray(run(part[np.newaxis, np.newaxis])[0], np.float32)
        if found.ndim != 5 or found.shape[:2] != (1, len(network.classes)):
            raise ModelError(
                f"{path}: answers {found.shape}, and `classes` names {len(network.classes)}; "
                "scores are (1, classes, depth, height, width)"
            )
        scores: Scores4D = found[0]
        return scores

    return predict


def _normalised(values: Float3D, shows: Window | None) -> Float3D:
    if shows is not None:
        low = shows.centre - shows.width / 2
        shown: Float3D = np.clip((values - np.float32(low)) / np.float32(shows.width), 0, 1)
        return shown
    deviation = float(values.std()) or 1.0
    centred: Float3D = ((values - values.mean()) / np.float32(deviation)).astype(np.float32)
    return centred


def _resampled(values: Float3D, have: Sequence[float], wanted: Sequence[float] | None) -> Float3D:
    """Return the values on a grid of another spacing, linear in between."""
    if wanted is None or np.allclose(have, wanted, rtol=1e-3):
        return values
    from scipy.ndimage import zoom

    sizes = [
        max(1, round(side * own / other))
        for side, own, other in zip(values.shape, have, wanted, strict=True)
    ]
    factors = [new / old for new, old in zip(sizes, values.shape, strict=True)]
    found = zoom(values, factors, order=1, mode="nearest", grid_mode=True)
    return np.asarray(found, np.float32)


def _at_grid(ids: NDArray[np.uint16], shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return labels on the scan's grid, each voxel the nearest one's."""
    for axis, (have, wanted) in enumerate(zip(ids.shape, shape, strict=True)):
        if have != wanted:
            nearest = ((np.arange(wanted) + 0.5) * have / wanted).astype(np.intp)
            ids = np.take(ids, nearest, axis=axis)
    return ids
