"""One confusion matrix over a set of label maps, and the figures it gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Confusion:
    """Pixels by true class (row) and predicted class (column): int64 (N, N + 1).

    The last column counts pixels that have a truth and no predicted class. Pixels without a
    truth are not in it.

    Examples
    --------
    >>> truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    >>> found = confusion_of(truth, predicted, classes=3)
    >>> found.counts.tolist()
    [[1, 1, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0]]
    >>> found.iou.round(3).tolist(), found.present.tolist(), round(found.mean(found.iou), 4)
    ([0.5, 0.667, nan], [True, True, False], 0.5833)
    """

    counts: Counts

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(self.counts + other.counts)

    @property
    def hit(self) -> Counts:
        """Pixels of each class that were found: (N,)."""
        return np.diagonal(self.counts)

    @property
    def truth(self) -> Counts:
        """Pixels of each class in the truth: (N,)."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def predicted(self) -> Counts:
        """Pixels of each class in the predictions, where there is a truth: (N,)."""
        return np.asarray(self.counts[:, :-1].sum(axis=0))

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes occur in the truth: the means are over these."""
        return np.asarray(self.truth > 0)

    @property
    def iou(self) -> Floats:
        """Intersection over union of each class; 0 if only predicted, NaN if nowhere."""
        return _share(self.hit, self.truth + self.predicted - self.hit)

    @property
    def dice(self) -> Floats:
        """Twice the intersection over the sum of both areas; NaN if the class is nowhere."""
        return _share(2 * self.hit, self.truth + self.predicted)

    @property
    def accuracy(self) -> Floats:
        """Share of each class's pixels that were found (recall); NaN if not in the truth."""
        return _share(self.hit, self.truth)

    @property
    def pixel_accuracy(self) -> float:
        """Share of all pixels with a truth that have the right class; NaN if there is none."""
        return float(_share(self.hit.sum(), self.counts.sum()))

    @property
    def frequency_weighted_iou(self) -> float:
        """Mean IoU with each class weighing its pixels in the truth; NaN if there is none."""
        present = self.present
        if not present.any():
            return float("nan")
        return float(np.average(self.iou[present], weights=self.truth[present]))

    def mean(self, values: Floats) -> float:
        """Return the mean of a figure over the classes in the truth; NaN if there is none."""
        present = self.present
        return float(values[present].mean()) if present.any() else float("nan")


def confusion_of(
    truth: NDArray[np.integer], predicted: NDArray[np.integer], *, classes: int
) -> Confusion:
    """Count the pixels of one picture by true and predicted class.

    Parameters
    ----------
    truth, predicted : ints of one shape
        0 to `classes` - 1. Pixels with a true class of `classes` or more are left out; a
        predicted class of `classes` or more is none.
    classes : int, >= 1

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation, CVPR
    2015 (pixel accuracy, mean accuracy, mean IoU, frequency weighted IoU).
    """
    if truth.shape != predicted.shape:
        raise ImageError(f"the prediction is {predicted.shape}, the truth {truth.shape}")
    known = truth < classes
    rows = truth[known].astype(np.int64)
    columns = np.minimum(predicted[known], classes)
    wide = classes + 1
    counted = np.bincount(rows * wide + columns, minlength=classes * wide)
    return Confusion(counted.reshape(classes, wide).astype(np.int64))


def _share(part: Counts, whole: Counts) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.true_divide(part, whole), np.float64)
