"""Label volumes against their truth, class by class: Dice, surface Dice, HD95 and volume, in mm."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, ModelError, UsageError
from maskworks.core.extras import how_to_install
from maskworks.core.public import public
from maskworks.evaluate.outcome import finite_record, versions
from maskworks.evaluate.pairing import check_folders, files_below
from maskworks.quality.volumes import dice, surface_distances

ENDINGS = (".nii.gz", ".nii")
BACKGROUND = 0
RULES = (
    "every id but 0 is a class; one that neither volume of a scan has does not count there; one "
    "that only one has scores a Dice and a surface Dice of 0 and an infinite HD95, which is left "
    "out of its mean and counted; means are over scans, first each class, then the classes"
)

_CLOSE = 1e-3


@dataclass(frozen=True, kw_only=True)
class ClassOfScan:
    """One class in one scan; NaN where neither volume has it.

    `dice` and `surface_dice` in [0, 1]; `hd95_mm` infinite where only one has it; `truth_ml` and
    `predicted_ml` the volumes, millilitres.
    """

    scan: str
    id: int
    dice: float
    surface_dice: float
    hd95_mm: float
    truth_ml: float
    predicted_ml: float

    @property
    def figures(self) -> dict[str, float]:
        """The measures by name."""
        names = ("dice", "surface_dice", "hd95_mm", "truth_ml", "predicted_ml")
        return {name: float(getattr(self, name)) for name in names}


@dataclass(frozen=True, kw_only=True)
class VolumeReport:
    """What was measured; `spare` are predictions without a truth."""

    truth: Path
    predictions: Path
    tolerance_mm: float
    scores: tuple[ClassOfScan, ...]
    missing: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[int, ...]:
        """The ids that occur."""
        return tuple(sorted({each.id for each in self.scores}))

    def of_class(self, number: int) -> dict[str, float]:
        """Return the means of a class over the scans that have it, and where it was missed."""
        mine = [each for each in self.scores if each.id == number]
        both = [each.hd95_mm for each in mine if np.isfinite(each.hd95_mm)]
        return {
            "dice": _mean([each.dice for each in mine]),
            "surface_dice": _mean([each.surface_dice for each in mine]),
            "hd95_mm": _mean(both),
            "scans": float(len(mine)),
            "only_one_has_it": float(len(mine) - len(both)),
        }

    def figures(self) -> dict[str, float]:
        """Return the means over the classes."""
        each = [self.of_class(number) for number in self.classes]
        return {
            name: _mean([row[name] for row in each if np.isfinite(row[name])])
            for name in ("dice", "surface_dice", "hd95_mm")
        }

    def record(self) -> dict[str, Any]:
        """Return what the JSON file holds."""
        return {
            "task": "volumes",
            **finite_record(self.figures()),
            "per_class": {
                str(number): finite_record(self.of_class(number)) for number in self.classes
            },
            "scans": [
                {"scan": each.scan, "id": each.id, **finite_record(each.figures)}
                for each in self.scores
            ],
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "rules": RULES,
            "tolerance_mm": self.tolerance_mm,
            "unit": "shares from 0 to 1; distances in mm, volumes in ml",
            "counts": {
                "scans": len({each.scan for each in self.scores}),
                "missing_counted_as_empty": len(self.missing),
                "predictions_without_truth": len(self.spare),
            },
            "missing": list(self.missing),
            "left_aside": list(self.spare),
            "versions": versions(),
        }


@public
def evaluate_volumes(
    truth: str | Path,
    predictions: str | Path,
    *,
    tolerance_mm: float = 1.0,
    allow_missing: bool = False,
) -> VolumeReport:
    """Measure label volumes: Dice, surface Dice and the 95th percentile of surface distances.

    Parameters
    ----------
    truth, predictions : path
        Folders of NIfTI files with class ids, that belong together by their path, or two files.
    tolerance_mm : float, >= 0
        How far apart two surfaces count as one in the surface Dice.
    allow_missing : bool
        Count a missing prediction as empty.

    Raises
    ------
    UsageError
        If nothing can be paired, or a prediction is missing.
    ImageError
        If a file cannot be read, holds no ids, or the two of a pair lie elsewhere.
    ModelError
        If nibabel is not installed.

    Examples
    --------
    >>> evaluate_volumes("truth", "ours", tolerance_mm=2).record()["dice"]  # doctest: +SKIP
    """
    if not 0 <= tolerance_mm < float("inf"):
        raise UsageError(f"--tolerance-mm is a length of at least 0, got {tolerance_mm:g}")
    true, ours = Path(truth), Path(predictions)
    pairs, missing, spare = _pairs(true, ours, allow_missing=allow_missing)
    scores: list[ClassOfScan] = []
    for name, mine, other in pairs:
        scores += score_volumes(name, mine, other, tolerance_mm)
    return VolumeReport(
        truth=true,
        predictions=ours,
        tolerance_mm=tolerance_mm,
        scores=tuple(scores),
        missing=tuple(missing),
        spare=tuple(spare),
    )


def score_volumes(
    name: str, truth: Path, prediction: Path | None, tolerance_mm: float
) -> list[ClassOfScan]:
    """Measure one scan, each class that either volume has."""
    true, spacing, affine = read_ids(truth)
    if prediction is None:
        ours = np.zeros_like(true)
    else:
        ours, _, placed = read_ids(prediction)
        if ours.shape != true.shape or not np.allclose(placed, affine, atol=_CLOSE):
            raise ImageError(
                f"{prediction}: has {ours.shape} voxels at {_shown(placed)}, its truth "
                f"{true.shape} at {_shown(affine)}; resample it to the truth's grid first"
            )
    voxel_ml = float(np.prod(spacing)) / 1000
    found: list[ClassOfScan] = []
    for number in sorted({*np.unique(true).tolist(), *np.unique(ours).tolist()} - {BACKGROUND}):
        mine, other = true == number, ours == number
        surfaces = surface_distances(other, mine, spacing)
        found.append(
            ClassOfScan(
                scan=name,
                id=int(number),
                dice=dice(other, mine),
                surface_dice=surfaces.surface_dice(tolerance_mm),
                hd95_mm=surfaces.hausdorff(95),
                truth_ml=float(mine.sum()) * voxel_ml,
                predicted_ml=float(other.sum()) * voxel_ml,
            )
        )
    return found


def read_ids(path: Path) -> tuple[NDArray[np.integer[Any]], tuple[float, ...], NDArray[np.float64]]:
    """Read a volume of class ids: ints (X, Y, Z), the spacing in mm, the affine (4, 4).

    Raises
    ------
    ImageError
        If it cannot be read, is no volume of three axes, or holds anything but whole numbers.
    ModelError
        If nibabel is not installed.
    """
    try:
        import nibabel as nib
    except ModuleNotFoundError as error:
        raise ModelError(
            f"volumes need nibabel, which is not installed; {how_to_install('medical')}"
        ) from error
    try:
        opened: Any = nib.load(path)
        values = np.asanyarray(opened.dataobj)
        affine = np.asarray(opened.affine, np.float64)
    except Exception as error:  # the library raises anything from OSError to zlib.error
        reason = " ".join(str(error).split())[:150] or type(error).__name__
        raise ImageError(f"{path}: cannot be read as NIfTI ({reason}); write it anew") from error
    extra = values.shape[3:]
    if values.ndim < 3 or np.prod(extra, dtype=int) != 1:
        raise ImageError(f"{path}: has the shape {values.shape}, ids are a volume of three axes")
    values = values.reshape(values.shape[:3])
    whole = values.astype(np.int64)
    if values.dtype.kind not in "iufb" or not np.array_equal(whole, values) or whole.min() < 0:
        raise ImageError(
            f"{path}: holds values that are no ids, such as {_odd(values, whole):g}; ids are whole "
            "numbers from 0"
        )
    spacing = tuple(float(each) for each in np.linalg.norm(affine[:3, :3], axis=0))
    return whole, spacing, affine


def _odd(values: NDArray[Any], whole: NDArray[np.int64]) -> float:
    wrong = values[(whole != values) | (whole < 0)]
    return float(wrong.flat[0]) if wrong.size else float("nan")


def _pairs(
    truth: Path, predictions: Path, *, allow_missing: bool
) -> tuple[list[tuple[str, Path, Path | None]], list[str], list[str]]:
    """Return the pairs by name, the names without a prediction, and those without a truth."""
    if truth.is_file() and predictions.is_file():
        return [(_name(truth, truth.parent), truth, predictions)], [], []
    for folder in (truth, predictions):
        if not folder.is_dir():
            raise UsageError(
                f"{folder}: is no folder, and --truth and --predictions are not two files"
            )
    check_folders({"--truth": truth, "--predictions": predictions})
    apart = {os.path.realpath(folder) for folder in (truth, predictions)}
    true, ours = _volumes(truth, apart), _volumes(predictions, apart)
    missing = sorted(true.keys() - ours.keys())
    if not true:
        raise UsageError(f"--truth {truth}: holds no NIfTI file ({', '.join(ENDINGS)})")
    if missing and not allow_missing:
        raise UsageError(
            f"--predictions {predictions}: lacks {missing[0]} ({len(missing)} of {len(true)} "
            "missing); add it, or count it as empty with --allow-missing"
        )
    pairs = [(name, path, ours.get(name)) for name, path in sorted(true.items())]
    return pairs, missing, sorted(ours.keys() - true.keys())


def _volumes(folder: Path, apart: set[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in files_below(folder, apart):
        if path.name.lower().endswith(ENDINGS):
            name = _name(path, folder)
            if name in found:
                raise UsageError(f"{folder}: holds {found[name].name} and {path.name}; keep one")
            found[name] = path
    return found


def _name(path: Path, folder: Path) -> str:
    plain = path.relative_to(folder).as_posix()
    ending = next((each for each in ENDINGS if plain.lower().endswith(each)), "")
    return plain[: len(plain) - len(ending)]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _shown(affine: NDArray[np.float64]) -> str:
    return str(np.round(affine[:3], 3).tolist())
