"""People and vehicles in a photo: by a detector, or by the regions of a network of labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.values import Pixels
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter
from maskworks.video.tracking.found import Detector, of_segmenter

LEAST_SCORE = 0.4
PEOPLE = frozenset({"person", "pedestrian", "rider"})
VEHICLES = frozenset({"car", "truck", "bus", "train", "motorcycle", "vehicle"})
PRIVATE = ("person", "rider", "car", "truck", "bus", "bicycle")
"""Classes that are blurred before a picture is kept: whole people and vehicles."""

_LEAST_PERSON, _LEAST_VEHICLE = 0.0004, 0.0012
_ONE_PERSON, _ONE_VEHICLE = 0.75, 2.6  # width by height up to which a region is one

Ids = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SceneCounts:
    """People and vehicles of one photo; `private` (H, W) bool is where they are."""

    people: int
    vehicles: int
    private: NDArray[np.bool_]


@dataclass(frozen=True)
class Counter:
    """Counts in a photo, uint8 (H, W, 3), with its ids of `scene-17`; `described` in words."""

    described: str
    count: Callable[[Pixels, Ids], SceneCounts]


def open_counter(objects: str | None, network: str, threads: int) -> Counter:
    """Return a counter by a model of objects, or by regions of the labels if there is none.

    Raises
    ------
    UsageError
        If the model has no objects, or no people and vehicles among them.
    ModelError
        If it is unknown or not here.
    """
    if objects is None:
        told = (
            f"regions of {network}: those who touch are told apart by the width of their outline "
            "alone. A rough figure, for people far too high (docs/sites.md); a model of objects "
            "counts better: `maskworks models pull yolox-nano`, then --objects yolox-nano"
        )
        return Counter(told, lambda _, ids: count_regions(ids))
    opening = Opening(threads=threads, min_score=LEAST_SCORE)
    detector = of_segmenter(load_segmenter(objects, opening))
    told = (
        f"the model {objects}, boxes of score {LEAST_SCORE:g} and above; it misses who is small, "
        "far or mostly hidden"
    )
    return Counter(told, lambda pixels, ids: _count_boxes(detector, pixels, ids))


def _count_boxes(detector: Detector, pixels: Pixels, ids: Ids) -> SceneCounts:
    found = detector.find(pixels)
    private = _private(ids)
    for (left, top, right, bottom), kind in zip(found.boxes, found.kinds, strict=True):
        if kind in PEOPLE | VEHICLES:
            private[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1] = True
    return SceneCounts(
        sum(kind in PEOPLE for kind in found.kinds),
        sum(kind in VEHICLES for kind in found.kinds),
        private,
    )


def count_regions(ids: Ids) -> SceneCounts:
    """Count the connected regions of people and of vehicles in ids of `scene-17`.

    A region wider than one person or vehicle can be counts as several.

    Examples
    --------
    >>> ids = np.zeros((100, 100), np.uint8)
    >>> ids[40:70, 10:20] = ids[40:70, 50:60] = 6
    >>> count_regions(ids).people
    2
    """
    scene = load_taxonomy("scene-17")
    people = np.isin(ids, [scene.named(name).id for name in ("person", "rider")])
    vehicles = np.isin(ids, [scene.named(name).id for name in ("car", "truck", "bus")])
    return SceneCounts(
        _regions(people, _LEAST_PERSON, _ONE_PERSON),
        _regions(vehicles, _LEAST_VEHICLE, _ONE_VEHICLE),
        _private(ids),
    )


def _regions(mask: NDArray[np.bool_], least: float, one: float) -> int:
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    total = 0
    for at in range(1, count):
        _, _, width, height, area = (int(each) for each in stats[at])
        if area >= least * mask.size:
            total += max(1, round(width / height / one))
    return total


def _private(ids: Ids) -> NDArray[np.bool_]:
    scene = load_taxonomy("scene-17")
    return np.isin(ids, [scene.named(name).id for name in PRIVATE])
