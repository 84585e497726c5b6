"""COCO instance files against each other: the twelve figures of COCO, and boundary AP."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from maskworks.core.errors import EvaluationError
from maskworks.core.public import public
from maskworks.core.rle import Rle
from maskworks.core.rle_coco import to_coco
from maskworks.evaluate.coco_files import Results, Truth, read_results, read_truth
from maskworks.evaluate.coco_masks import area_of, packed_mask, with_masks
from maskworks.evaluate.outcome import ALLOW_MISSING, RESIZE_RULE, finite, versions

FIGURES = (
    "AP", "AP50", "AP75", "APs", "APm", "APl",
    "AR1", "AR10", "AR100", "ARs", "ARm", "ARl",
)  # fmt: skip
"""The twelve, in COCO's order: AP and AR at 100 detections but AR1 and AR10."""

RULES = (
    "COCO detection evaluation of masks: IoU 0.50 to 0.95 in steps of 0.05, 101 recall levels, at "
    "most 100 detections a picture and class, crowds ignored; small below 32 x 32 pixels, large "
    "above 96 x 96; -1 where there is no such object, as pycocotools has it"
)
BOUNDARY = (
    "the same with the smaller of mask IoU and boundary IoU, bands of 2 % of the picture's "
    "diagonal by squares; Cheng et al., Boundary IoU, CVPR 2021"
)
REMEDY = "correct the file that holds them"


@dataclass(frozen=True, eq=False)
class InstanceReport:
    """What a set of instance masks reached.

    `figures` are COCO's twelve by name, `boundary` the same by boundary IoU, or None;
    `per_class` is the AP of each class, NaN where the truth has none of it; `missing` names the
    pictures that were counted as ones in which nothing was found; `notes` say what was wrong in
    the files and how it was taken, `skipped` that damaged entries were left out.
    """

    truth: Path
    predictions: Path
    figures: Mapping[str, float]
    boundary: Mapping[str, float] | None
    per_class: Mapping[str, float]
    counts: Mapping[str, int]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: bool = False

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        boundary = self.boundary or {}
        return {
            "task": "instances",
            **self.figures,
            **{f"boundary_{name}": value for name, value in boundary.items()},
            "per_class": {name: finite(value) for name, value in self.per_class.items()},
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "ignore_label": "iscrowd and ignore of the truth",
            "resize_rule": RESIZE_RULE,
            "rules": RULES,
            "boundary": BOUNDARY if self.boundary else None,
            "absent_classes": "classes without a true object are not in the means",
            "unit": "shares from 0 to 1",
            "counts": dict(self.counts),
            "missing": list(self.missing),
            "notes": list(self.notes),
            "versions": versions() | _engine(),
        }


@public
def evaluate_objects(
    truth: str | Path,
    predictions: str | Path,
    *,
    boundary: bool = False,
    allow_missing: bool = False,
    skip_damaged: bool = False,
) -> InstanceReport:
    """Measure instance masks by COCO's rules.

    Parameters
    ----------
    truth : JSON file
        COCO's `images`, `annotations` and `categories`; masks are polygons or RLE.
    predictions : JSON file
        COCO's list of results, or a file with `annotations`; masks with `score`. A picture in
        which nothing was found has no entry. Where the file lists its `images`, a picture that
        is not among them was not looked at.
    boundary : bool
        Also by boundary IoU.
    allow_missing : bool
        Count pictures that were not looked at as ones in which nothing was found. In a list of
        results the two cannot be told apart, and this is always so.
    skip_damaged : bool
        Leave out annotations and predictions of another form, or without a usable mask, and
        rings of a polygon with fewer than three points; the notes count them.

    Raises
    ------
    UsageError
        If a file does not exist.
    UnreadableError
        If it is not of this form.
    EvaluationError
        If a picture, class or mask of one file does not fit the other; it names them.

    References
    ----------
    Lin et al., Microsoft COCO, ECCV 2014; computed by faster-coco-eval.

    Examples
    --------
    >>> evaluate_objects("gt.json", "results.json").record()["AP"]  # doctest: +SKIP
    0.412
    """
    truth, predictions = Path(truth), Path(predictions)
    both, left_out = read_both(truth, predictions, skip_damaged=skip_damaged)
    true_set, found = both
    results = found.rows
    if found.missing and found.lists_images and not allow_missing:
        problems = [f"{predictions}: `images` does not list {name}" for name in found.missing]
        raise EvaluationError(problems, ALLOW_MISSING)
    with _quiet():
        figures, per_class = _evaluated(true_set, results, "segm")
        edges = _evaluated(true_set, results, "boundary")[0] if boundary else None
    return InstanceReport(
        truth,
        predictions,
        figures,
        edges,
        per_class,
        {
            "pictures": len(true_set.images),
            "classes": len(true_set.categories),
            "objects": len(true_set.annotations),
            "predictions": len(results),
            "missing_counted_as_empty": len(found.missing),
            "pictures_without_prediction": len(
                {row["id"] for row in true_set.images} - {row["image_id"] for row in results}
            ),
        },
        found.missing,
        (*true_set.notes, *found.notes, *_counted(left_out)),
        skip_damaged,
    )


def read_both(
    truth: Path, predictions: Path, *, skip_damaged: bool = False
) -> tuple[tuple[Truth, Results], list[str]]:
    """Read both files, and what was left out of them.

    Raises
    ------
    UsageError, UnreadableError, EvaluationError
        As `evaluate_objects`.
    """
    left_out: list[str] = []
    skipped = left_out if skip_damaged else None
    true_set = read_truth(truth, left_out=skipped)
    found = read_results(predictions, true_set, left_out=skipped)
    _check_places(truth, predictions, true_set, found.rows)
    sizes = {row["id"]: (row["height"], row["width"]) for row in true_set.images}
    theirs, first = with_masks(truth, true_set.annotations, sizes, skip=skip_damaged)
    ours, second = with_masks(predictions, found.rows, sizes, skip=skip_damaged)
    problems = first + second
    if problems and not skip_damaged:
        raise EvaluationError(problems, f"{REMEDY}, or leave such entries out with --skip-damaged")
    left_out += problems
    kept = replace(true_set, annotations=theirs), replace(found, rows=ours)
    return kept, left_out


def _counted(left_out: list[str]) -> list[str]:
    if not left_out:
        return []
    some = "; ".join(left_out[:3])
    more = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    return [f"{len(left_out)} damaged entries were left out: {some}{more}"]


def _check_places(
    truth: Path,
    predictions: Path,
    true_set: Truth,
    results: Sequence[dict[str, Any]],
) -> None:
    """Raise unless every mask belongs to a picture and class of the truth."""
    images = {row["id"] for row in true_set.images}
    classes = {row["id"] for row in true_set.categories}
    problems = [
        f"{path}: {message}"
        for path, rows in ((truth, true_set.annotations), (predictions, results))
        for message in _misfits(rows, images, classes)
    ]
    if problems:
        raise EvaluationError(problems, REMEDY)


def _misfits(
    rows: Sequence[Mapping[str, Any]], images: set[Any], classes: set[Any]
) -> Iterator[str]:
    for at, row in enumerate(rows):
        image, category = row["image_id"], row["category_id"]
        if image not in images:
            yield f"entry {at} is of image_id {image!r}, which the truth does not list"
        elif category not in classes:
            yield f"entry {at} has category_id {category!r}, which the truth does not list"


def _evaluated(
    true_set: Truth, results: Sequence[dict[str, Any]], kind: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the twelve figures, and AP by the name of the class."""
    from faster_coco_eval import COCO, COCOeval_faster

    names = {row["id"]: str(row.get("name", row["id"])) for row in true_set.categories}
    if not true_set.annotations:
        return dict.fromkeys(FIGURES, -1.0), dict.fromkeys(names.values(), float("nan"))
    truth = COCO(_copied(true_set))
    sizes = {row["id"]: (row["height"], row["width"]) for row in true_set.images}
    rows = [
        row | {"segmentation": packed_mask(row["segmentation"], sizes[row["image_id"]])}
        for row in results
    ]
    found = truth.loadRes(rows or [_nothing(true_set)])
    evaluation = COCOeval_faster(truth, found, kind, print_function=lambda *_: None)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    figures = dict(zip(FIGURES, map(float, evaluation.stats[: len(FIGURES)]), strict=True))
    precision = evaluation.eval["precision"]  # (IoU, recall, class, area, detections)
    per_class = {}
    for at, category in enumerate(evaluation.params.catIds):
        levels = precision[:, :, at, 0, -1]
        known = levels[levels > -1]
        per_class[names[category]] = float(known.mean()) if known.size else float("nan")
    return figures, per_class


def _nothing(true_set: Truth) -> dict[str, Any]:
    """Return a prediction without a pixel: the library takes no empty list."""
    row = true_set.annotations[0]
    size = next(
        [each["height"], each["width"]] for each in true_set.images if each["id"] == row["image_id"]
    )
    mask = to_coco(Rle((size[0], size[1]), np.zeros(0, np.uint32)))
    return {
        "image_id": row["image_id"],
        "category_id": row["category_id"],
        "segmentation": mask,
        "score": 0.0,
    }


def _copied(true_set: Truth) -> dict[str, list[dict[str, Any]]]:
    """Return rows that an evaluation may write into, with the areas it needs."""
    sizes = {row["id"]: (row["height"], row["width"]) for row in true_set.images}
    rows = [dict(row) for row in true_set.annotations]
    for row in rows:
        if "area" not in row:
            row["area"] = area_of(row["segmentation"], sizes[row["image_id"]])
    return {"images": true_set.images, "categories": true_set.categories, "annotations": rows}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from printing and logging."""
    logger = logging.getLogger("faster_coco_eval")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)


def _engine() -> dict[str, str]:
    from importlib.metadata import version

    return {"faster-coco-eval": version("faster-coco-eval")}
