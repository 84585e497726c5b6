"""The pictures of instance files: which came out worst, and how they look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskworks.core.rle import Rle
from maskworks.core.rle_algebra import ious
from maskworks.core.rle_coco import from_coco
from maskworks.core.taxonomy import colour_of
from maskworks.core.values import Pixels
from maskworks.evaluate.coco_masks import packed_mask
from maskworks.evaluate.instances import read_both

SCORE = 0.5
"""Predictions below this score are neither counted nor drawn on the page."""

MATCH = 0.5
_PAPER = 245


@dataclass(frozen=True, eq=False)
class ObjectsPicture:
    """The masks of one picture, and the F1 of matching them at IoU 0.5."""

    name: str
    size: tuple[int, int]
    truth: tuple[Rle, ...]
    predicted: tuple[Rle, ...]
    f1: float


def worst_pictures(
    truth: Path, predictions: Path, count: int, *, skip_damaged: bool = False
) -> list[ObjectsPicture]:
    """Return the pictures with the lowest F1 among those with an object or a prediction.

    Objects are matched with predictions of their class from score 0.5 on, best score first, at an
    IoU of at least 0.5; crowds are left out.
    """
    (true_set, results), _ = read_both(truth, predictions, skip_damaged=skip_damaged)
    theirs = _by_image(row for row in true_set.annotations if not row["iscrowd"])
    ours = _by_image(row for row in results.rows if row["score"] >= SCORE)
    found = [
        _picture(row, theirs.get(row["id"], []), ours.get(row["id"], []))
        for row in true_set.images
        if row["id"] in theirs or row["id"] in ours
    ]
    return sorted(found, key=lambda each: each.f1)[:count]


def drawn_objects(picture: ObjectsPicture) -> list[tuple[str, Pixels]]:
    """Return truth and prediction as pictures, one colour an object, and their difference."""
    both = np.zeros(picture.size, np.uint8)
    for bit, masks in ((1, picture.truth), (2, picture.predicted)):
        for mask in masks:
            both |= bit * mask.to_mask().inside.view(np.uint8)
    shown = np.array([(245, 245, 245), (47, 111, 176), (200, 80, 30), (150, 170, 150)], np.uint8)
    return [
        ("truth", _coloured(picture.size, picture.truth)),
        (f"predictions from score {SCORE:g}", _coloured(picture.size, picture.predicted)),
        ("missing blue, too much orange", shown[both]),
    ]


def _by_image(rows: Any) -> dict[Any, list[dict[str, Any]]]:  # noqa: ANN401 - rows of JSON
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["image_id"], []).append(row)
    return found


def _picture(
    image: Mapping[str, Any], truth: Sequence[dict[str, Any]], ours: Sequence[dict[str, Any]]
) -> ObjectsPicture:
    size = (image["height"], image["width"])
    ranked = sorted(ours, key=lambda row: -row["score"])
    theirs, mine = (
        tuple(from_coco(packed_mask(row["segmentation"], size)) for row in rows)
        for rows in (truth, ranked)
    )
    overlap = ious(mine, theirs)
    free = [True] * len(theirs)
    matched = 0
    for at, row in enumerate(ranked):
        fitting = [
            place
            for place, other in enumerate(truth)
            if free[place]
            and other["category_id"] == row["category_id"]
            and overlap[at, place] >= MATCH
        ]
        if fitting:
            free[max(fitting, key=lambda place: float(overlap[at, place]))] = False
            matched += 1
    name = Path(str(image.get("file_name", image["id"]))).stem
    return ObjectsPicture(name, size, theirs, mine, 2 * matched / (len(theirs) + len(mine)))


def _coloured(size: tuple[int, int], masks: Sequence[Rle]) -> Pixels:
    pixels = np.full((*size, 3), _PAPER, np.uint8)
    for number, mask in enumerate(masks, start=1):
        pixels[mask.to_mask().inside] = colour_of(number)
    return pixels
