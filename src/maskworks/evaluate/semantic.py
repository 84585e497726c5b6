"""Label maps against label maps: one confusion matrix over the set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.reading import Limits
from maskworks.core.taxonomy import Category, Taxonomy, colour_of
from maskworks.evaluate.label_masks import IDS, WHITE, LabelMeaning, refuse_masks
from maskworks.evaluate.label_pictures import places_table, read_places
from maskworks.evaluate.outcome import (
    RESIZE_RULE,
    finite,
    measured,
    refuse_problems,
    versions,
)
from maskworks.evaluate.pairing import Pair, pair_files
from maskworks.evaluate.reading import LIMITS
from maskworks.quality.boundary_band import RATIO, band_width, square_band
from maskworks.quality.confusion import Confusion, confusion_of
from maskworks.quality.groups import mean_iou_interval

ABSENT = (
    "means are over the classes that occur in the truth, and there are none if only one of several "
    "does; a class that is only predicted has IoU 0 "
    "and costs the others, but is not in the means; one that is nowhere has none (null)"
)
BOUNDARY = (
    "of each class the pixels within 2 % of the picture's diagonal (whole pixels, by squares) of "
    "its border, intersection and union summed over the set; Cheng et al., CVPR 2021"
)

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PictureScore:
    """One picture: its own confusion and the bands' shared and joint pixels by class, (N, 2).

    `unlabelled` counts its true pixels without a label.
    """

    name: str
    confusion: Confusion
    bands: Counts
    truth: Path
    prediction: Path | None
    unlabelled: int = 0

    @property
    def iou(self) -> float:
        """Mean IoU over the classes in this picture's truth."""
        return self.confusion.mean(self.confusion.iou)


@dataclass(frozen=True, eq=False)
class SemanticReport:
    """What a set of label maps reached; `pictures` are in order of their names."""

    truth: Path
    predictions: Path
    taxonomy: Taxonomy
    pictures: tuple[PictureScore, ...]
    spare: tuple[str, ...] = ()
    binary: bool = False

    @property
    def confusion(self) -> Confusion:
        """Every pixel of the set."""
        wide = len(self.taxonomy)
        counts = [picture.confusion.counts for picture in self.pictures]
        return Confusion(sum(counts, np.zeros((wide, wide + 1), np.int64)))

    @property
    def boundary_iou(self) -> NDArray[np.float64]:
        """Boundary IoU of each class over the set; NaN if it is nowhere."""
        bands = sum(
            (picture.bands for picture in self.pictures),
            np.zeros((len(self.taxonomy), 2), np.int64),
        )
        with np.errstate(invalid="ignore"):
            return np.asarray(bands[:, 0] / bands[:, 1])

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        total = self.confusion
        unlabelled = sum(each.unlabelled for each in self.pictures)
        missing = [each.name for each in self.pictures if each.prediction is None]
        return {
            "task": "semantic",
            "mIoU": self._mean(total.iou),
            "mIoU_interval": [finite(end) for end in self._interval()] if self._several else None,
            "pixel_accuracy": finite(total.pixel_accuracy),
            "mean_accuracy": self._mean(total.accuracy),
            "fwIoU": finite(total.frequency_weighted_iou),
            "Dice": self._mean(total.dice),
            "boundary_IoU": self._mean(self.boundary_iou),
            "IoU": {
                each.name: finite(value)
                for each, value in zip(self.taxonomy.categories, total.iou, strict=True)
            },
            "per_class": self._classes(total),
            "confusion_matrix": {
                "rows": "truth",
                "columns": "prediction; the last one counts pixels without a predicted class",
                "classes": list(self.taxonomy.names),
                "pixels": total.counts.tolist(),
            },
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "taxonomy": self.taxonomy.name,
            "ignore_label": self.taxonomy.ignore,
            "resize_rule": RESIZE_RULE,
            "absent_classes": ABSENT,
            "binary": self.binary,
            "notes": self.notes(),
            "boundary": BOUNDARY,
            "unit": "shares from 0 to 1",
            "counts": {
                "pictures": len(self.pictures),
                "classes": len(self.taxonomy),
                "classes_in_truth": int(total.present.sum()),
                "pixels": int(total.counts.sum()),
                "pixels_without_truth": unlabelled,
                "pixels_without_prediction": int(total.counts[:, -1].sum()),
                "missing_counted_as_empty": len(missing),
                "predictions_without_truth": len(self.spare),
            },
            "missing": missing,
            "left_aside": list(self.spare),
            "pictures": [{"name": each.name, "mIoU": finite(each.iou)} for each in self.pictures],
            "versions": versions(),
        }

    @property
    def _several(self) -> bool:
        """Whether the truth has more than one class, or no other is named."""
        return len(self.taxonomy) == 1 or int(self.confusion.present.sum()) != 1

    def _mean(self, values: NDArray[np.float64]) -> float | None:
        return finite(self.confusion.mean(values)) if self._several else None

    def notes(self) -> list[str]:
        """Return what may mislead whoever reads the figures alone."""
        total = self.confusion
        absent = [
            name
            for name, there in zip(self.taxonomy.names, total.present, strict=True)
            if not there
        ]
        found = []
        if absent:
            names = f"{', '.join(absent[:8])}{', ...' if len(absent) > 8 else ''}"
            found.append(
                f"the truth has no pixel of {len(absent)} of {len(self.taxonomy)} classes: {names}"
            )
        if not self._several:
            found.append("one class alone has no mean")
        unlabelled = sum(each.unlabelled for each in self.pictures)
        pixels = int(total.counts.sum()) + unlabelled
        if unlabelled * 2 > pixels:
            found.append(
                f"{unlabelled / pixels:.1%} of the true pixels have no label "
                f"(id {self.taxonomy.ignore}) and count nowhere"
            )
        return found

    def _interval(self) -> tuple[float, float]:
        found = [picture.confusion for picture in self.pictures]
        return mean_iou_interval(
            [each.hit for each in found],
            [each.truth for each in found],
            [each.predicted for each in found],
        )

    def _classes(self, total: Confusion) -> list[dict[str, object]]:
        columns = zip(
            self.taxonomy.categories,
            total.iou,
            total.dice,
            total.accuracy,
            self.boundary_iou,
            total.truth,
            total.predicted,
            strict=True,
        )
        return [
            {
                "id": category.id,
                "name": category.name,
                "IoU": finite(iou),
                "Dice": finite(dice),
                "accuracy": finite(accuracy),
                "boundary_IoU": finite(boundary),
                "truth_pixels": int(truth),
                "predicted_pixels": int(predicted),
                "in_means": bool(truth > 0),
            }
            for category, iou, dice, accuracy, boundary, truth, predicted in columns
        ]


def numbered_taxonomy(classes: int, ignore: int | None) -> Taxonomy:
    """Return the taxonomy of ids 0 to `classes` - 1; one of them may be the one without a label.

    Raises
    ------
    UsageError
        If no class is left.

    Examples
    --------
    >>> numbered_taxonomy(3, 2).ids
    (0, 1)
    """
    rows = (Category(at, f"class {at}", colour_of(at)) for at in range(classes) if at != ignore)
    kept = tuple(rows)
    if not kept:
        raise UsageError(f"--classes {classes} --ignore {ignore} leaves no class; give more")
    return Taxonomy(f"{len(kept)} classes", kept, ignore)


def evaluate_semantic(
    truth: Path,
    predictions: Path,
    taxonomy: Taxonomy,
    *,
    limits: Limits = LIMITS,
    allow_missing: bool = False,
    meaning: LabelMeaning = IDS,
) -> SemanticReport:
    """Measure a folder of label maps.

    Parameters
    ----------
    truth, predictions : folders
        Files belong together by their path without the suffix.
    taxonomy : Taxonomy
        Whose ids the pictures hold. True pixels of its `ignore` id are left out; predicted ones
        are pixels without a class, and never right.
    allow_missing : bool
        Count a missing prediction as a picture without any class.

    Raises
    ------
    UsageError
        As `pair_files`; or if `binary` and the taxonomy lacks id 0 or 1.
    EvaluationError
        If a set of files is one of masks; or a prediction is missing, has another size or an id
        that the taxonomy lacks, or a file cannot be read; it names every such file.
    """
    pairing = pair_files(truth, predictions, allow_missing=allow_missing)
    spare = refuse_problems(pairing)
    table = places_table(taxonomy)
    if meaning.binary and not {0, 1} <= set(taxonomy.ids):
        raise UsageError(
            f"--binary reads ids 0 and 1, {taxonomy.name} has {min(taxonomy.ids)} to "
            f"{max(taxonomy.ids)}; say --classes 2"
        )

    def score(pair: Pair) -> PictureScore:
        theirs = read_places(pair.truth, taxonomy, table, limits, binary=meaning.binary)
        if pair.prediction is None:
            ours = np.full_like(theirs, len(taxonomy))
        else:
            ours = read_places(pair.prediction, taxonomy, table, limits, binary=meaning.binary)
            check_size(pair.prediction, ours.shape, theirs.shape)
        found = confusion_of(theirs, ours, classes=len(taxonomy))
        return PictureScore(
            pair.name,
            found,
            _bands(theirs, ours, found),
            pair.truth,
            pair.prediction,
            int(np.count_nonzero(theirs >= len(taxonomy))),
        )

    report = SemanticReport(
        truth, predictions, taxonomy, tuple(measured(score, pairing.pairs)), spare, meaning.binary
    )
    if taxonomy.ignore == WHITE and not meaning.ignore_meant:
        total = report.confusion
        theirs = [(each.truth, each.unlabelled) for each in report.pictures]
        ours = [
            (each.prediction, int(each.confusion.counts[:, -1].sum()))
            for each in report.pictures
            if each.prediction is not None
        ]
        refuse_masks(taxonomy, (total.truth, theirs), (total.predicted, ours))
    return report


def check_size(path: Path, found: tuple[int, ...], needed: tuple[int, ...]) -> None:
    """Raise if a prediction has not the size of its truth; both are (H, W).

    Raises
    ------
    ImageError
        With the file and both sizes.
    """
    if found != needed:
        raise ImageError(
            f"{path}: the prediction is {found[1]}x{found[0]} (width x height), the truth "
            f"{needed[1]}x{needed[0]}; write it at the size of the truth"
        )


def _bands(truth: NDArray[np.int32], ours: NDArray[np.int32], found: Confusion) -> Counts:
    """Return the shared and joint pixels of each class's bands: int64 (N, 2)."""
    classes = len(found.counts)
    known = truth < classes
    width = band_width((truth.shape[0], truth.shape[1]), RATIO)
    bands = np.zeros((classes, 2), np.int64)
    for at in np.flatnonzero((found.truth > 0) | (found.predicted > 0)):
        first, second = square_band(truth == at, width), square_band(ours == at, width)
        bands[at] = (
            np.count_nonzero(first & second & known),
            np.count_nonzero((first | second) & known),
        )
    return bands
