"""Panoptic quality: segments of one class matched where they overlap by more than half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.panoptic import VOID, Segment

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

MATCH = 0.5
"""Segments match above this IoU: then there is never more than one partner."""


@dataclass(frozen=True, eq=False)
class PanopticCounts:
    """What was matched, by the class's place in a list: each array is (N,).

    `iou` is the sum of the matched pairs' IoU, `matched` their number, `spurious` counts
    predicted segments without a partner, `missed` true ones.
    """

    iou: Floats
    matched: Counts
    spurious: Counts
    missed: Counts

    @classmethod
    def none(cls, classes: int) -> PanopticCounts:
        """Return the counts of no picture."""
        zeros = np.zeros(classes, np.int64)
        return cls(np.zeros(classes), zeros, zeros, zeros)

    def __add__(self, other: PanopticCounts) -> PanopticCounts:
        return PanopticCounts(
            self.iou + other.iou,
            self.matched + other.matched,
            self.spurious + other.spurious,
            self.missed + other.missed,
        )

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes occur, in the truth or among the predictions: the means are over these."""
        return np.asarray(self.matched + self.spurious + self.missed > 0)

    @property
    def sq(self) -> Floats:
        """Segmentation quality: mean IoU of the matched; 0 without a match, NaN if absent."""
        return np.where(self.present, self.iou / np.maximum(self.matched, 1), np.nan)

    @property
    def rq(self) -> Floats:
        """Recognition quality: F1 of the matches; NaN if absent."""
        below = self.matched + (self.spurious + self.missed) / 2
        return np.where(self.present, self.matched / np.where(below > 0, below, 1), np.nan)

    @property
    def pq(self) -> Floats:
        """Panoptic quality: `sq` times `rq`; NaN if absent."""
        below = self.matched + (self.spurious + self.missed) / 2
        return np.where(self.present, self.iou / np.where(below > 0, below, 1), np.nan)

    def means(self, chosen: NDArray[np.bool_]) -> dict[str, float]:
        """Return the means of PQ, SQ and RQ over the chosen classes that occur; NaN if none."""
        kept = chosen & self.present
        if not kept.any():
            return dict.fromkeys(("PQ", "SQ", "RQ"), float("nan"))
        return {
            "PQ": float(self.pq[kept].mean()),
            "SQ": float(self.sq[kept].mean()),
            "RQ": float(self.rq[kept].mean()),
        }


@dataclass(frozen=True, eq=False)
class SegmentMap:
    """The segments of one picture: `ids` int32 (H, W) and what each id is.

    `areas` gives the area of segments where it is stated rather than counted.
    """

    ids: NDArray[np.int32]
    segments: Sequence[Segment]
    areas: Mapping[int, int]


def panoptic_counts(
    predicted: SegmentMap, truth: SegmentMap, *, categories: Sequence[int]
) -> PanopticCounts:
    """Match the segments of one picture.

    A predicted and a true segment of one class match if their IoU is above one half, pixels void
    in the truth left out of the union. Crowds are matched with nothing; a predicted segment
    without a partner is left out if more than half of it is void or crowd of its class (of
    several such crowds the last one listed), as in the COCO panoptic API.

    Parameters
    ----------
    predicted, truth : SegmentMap of (H, W)
        Every id but 0 is listed. Listed segments that do not occur count as missed in the truth.
    categories : ids of the classes
        Their order is that of the result.

    Raises
    ------
    ImageError
        If the sizes differ, an id of a map is not listed, or a predicted segment does not occur.

    References
    ----------
    Kirillov et al., Panoptic Segmentation, CVPR 2019.

    Examples
    --------
    >>> truth = SegmentMap(np.array([[1, 1, 1, 2]], np.int32), [Segment(1, 7), Segment(2, 7)], {})
    >>> ours = SegmentMap(np.array([[5, 5, 0, 0]], np.int32), [Segment(5, 7)], {})
    >>> found = panoptic_counts(ours, truth, categories=[7])
    >>> round(float(found.sq[0]), 3), round(float(found.rq[0]), 3)
    (0.667, 0.667)
    """
    if predicted.ids.shape != truth.ids.shape:
        raise ImageError(f"the prediction is {predicted.ids.shape}, the truth {truth.ids.shape}")
    shared = _shared_pixels(predicted, truth)
    void, shared = shared[0, 1:], shared[1:]  # the column of the predicted void is shared[:, 0]
    ours = np.array([segment.category for segment in predicted.segments], np.int64)
    theirs = np.array([segment.category for segment in truth.segments], np.int64)
    crowd = np.array([segment.crowd for segment in truth.segments], bool)
    area = void + shared[:, 1:].sum(axis=0)
    absent = [each.id for each, pixels in zip(predicted.segments, area, strict=True) if not pixels]
    if absent:
        raise ImageError(f"segment {absent[0]} of the prediction is listed and does not occur")
    true_area = shared.sum(axis=1)
    for place, segment in enumerate(truth.segments):
        true_area[place] = truth.areas.get(segment.id, int(true_area[place]))
    shared = shared[:, 1:]
    union = area[np.newaxis] + true_area[:, np.newaxis] - shared - void[np.newaxis]
    iou = shared / np.maximum(union, 1)
    pairs = (theirs[:, np.newaxis] == ours[np.newaxis]) & ~crowd[:, np.newaxis] & (iou > MATCH)
    missed = ~pairs.any(axis=1) & ~crowd
    spurious = ~pairs.any(axis=0)
    free = void.copy()
    for place, category in enumerate(ours.tolist()):
        crowds = np.flatnonzero(crowd & (theirs == category))
        if crowds.size:
            free[place] += shared[crowds[-1], place]
    spurious &= free <= area / 2
    places = {category: at for at, category in enumerate(categories)}
    true_place = np.array([places[c] for c in theirs.tolist()], np.int64)
    our_place = np.array([places[c] for c in ours.tolist()], np.int64)
    rows, columns = np.nonzero(pairs)
    return PanopticCounts(
        iou=np.bincount(true_place[rows], iou[rows, columns], len(categories)).astype(np.float64),
        matched=_counted(true_place[rows], categories),
        spurious=_counted(our_place[spurious], categories),
        missed=_counted(true_place[missed], categories),
    )


def _counted(places: Counts, categories: Sequence[int]) -> Counts:
    return np.bincount(places, minlength=len(categories)).astype(np.int64)


def _shared_pixels(predicted: SegmentMap, truth: SegmentMap) -> Counts:
    """Count pixels by true and predicted segment, void first: int64 (T + 1, P + 1).

    Neighbours in a row mostly are of the same two segments, so runs are counted and not pixels.
    """
    true_ids, our_ids = truth.ids.ravel(), predicted.ids.ravel()
    changes = (true_ids[1:] != true_ids[:-1]) | (our_ids[1:] != our_ids[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    lengths = np.diff(starts, append=true_ids.size)
    rows, columns = (
        _places(true_ids[starts], truth, "truth"),
        _places(our_ids[starts], predicted, "prediction"),
    )
    wide, tall = len(predicted.segments) + 1, len(truth.segments) + 1
    counted = np.bincount(rows * wide + columns, lengths, tall * wide)
    return counted.reshape(tall, wide).astype(np.int64)


def _places(ids: NDArray[np.int32], picture: SegmentMap, name: str) -> Counts:
    """Return the place of each id among the segments, counted from 1; 0 is void."""
    most = max(int(ids.max()), *(segment.id for segment in picture.segments), 1)
    table = np.zeros(most + 1, np.int64)  # its pages cost nothing until they are touched
    for place, segment in enumerate(picture.segments, start=2):
        table[segment.id] = place
    table[VOID] = 1
    places: Counts = table[ids]
    if not places.all():
        strange = int(ids[places == 0][0])
        raise ImageError(f"the {name} holds segment {strange}, which is not listed")
    return places - 1
