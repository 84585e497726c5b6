"""COCO panoptic files against each other: PQ, SQ, RQ for all, things, stuff and each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import EvaluationError, ImageError, UsageError
from maskworks.core.panoptic import VOID, Segment, ids_of_png
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.evaluate.coco_files import IMAGE, listed, same_pictures
from maskworks.evaluate.json_files import (
    CLASS,
    ID,
    ROWS,
    SWITCH,
    TEXT,
    EntryRules,
    read_json,
    records,
)
from maskworks.evaluate.label_pictures import read_channels
from maskworks.evaluate.outcome import (
    ALLOW_MISSING,
    RESIZE_RULE,
    finite,
    finite_record,
    measured,
    versions,
)
from maskworks.evaluate.reading import LIMITS
from maskworks.evaluate.semantic import check_size
from maskworks.quality.panoptic_quality import PanopticCounts, SegmentMap, panoptic_counts

RULES = (
    "a predicted and a true segment of one class match above IoU 0.5, true void left out of the "
    "union; crowds match nothing, and a prediction of which more than half is void or crowd of its "
    "class is left out; Kirillov et al., CVPR 2019, and the COCO panoptic API"
)
ABSENT = "means are over the classes that occur in the truth or among the predictions"

_CATEGORY = EntryRules({"id": CLASS, "isthing": SWITCH}, {"name": TEXT})
_PICTURE = EntryRules({"image_id": ID, "file_name": TEXT, "segments_info": ROWS})
_SEGMENT = EntryRules({"id": CLASS, "category_id": CLASS}, {"iscrowd": SWITCH, "area": CLASS})


@dataclass(frozen=True)
class PanopticClass:
    """A class as the truth's file lists it."""

    id: int
    name: str
    thing: bool


@dataclass(frozen=True, eq=False)
class PanopticPicture:
    """One picture: what was matched in it."""

    name: str
    counts: PanopticCounts
    truth: Path
    prediction: Path | None

    @property
    def pq(self) -> float:
        """Mean PQ over the classes in this picture; NaN if it has none."""
        return self.counts.means(np.ones(len(self.counts.iou), bool))["PQ"]


@dataclass(frozen=True, eq=False)
class PanopticReport:
    """What a set of panoptic pictures reached."""

    truth: Path
    predictions: Path
    classes: tuple[PanopticClass, ...]
    pictures: tuple[PanopticPicture, ...]

    @property
    def counts(self) -> PanopticCounts:
        """What was matched in the set."""
        return sum((each.counts for each in self.pictures), PanopticCounts.none(len(self.classes)))

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        total = self.counts
        things = np.array([each.thing for each in self.classes])
        missing = [each.name for each in self.pictures if each.prediction is None]
        groups = {"things": things, "stuff": ~things}
        return {
            "task": "panoptic",
            **finite_record(total.means(np.ones_like(things))),
            **{
                name: finite_record(total.means(chosen))
                | {"classes": int((chosen & total.present).sum())}
                for name, chosen in groups.items()
            },
            "per_class": self._classes(total),
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "ignore_label": VOID,
            "resize_rule": RESIZE_RULE,
            "rules": RULES,
            "absent_classes": ABSENT,
            "unit": "shares from 0 to 1",
            "counts": {
                "pictures": len(self.pictures),
                "classes": len(self.classes),
                "classes_present": int(total.present.sum()),
                "matched": int(total.matched.sum()),
                "spurious": int(total.spurious.sum()),
                "missed": int(total.missed.sum()),
                "missing_counted_as_empty": len(missing),
            },
            "missing": missing,
            "pictures": [{"name": each.name, "PQ": finite(each.pq)} for each in self.pictures],
            "versions": versions(),
        }

    def _classes(self, total: PanopticCounts) -> list[dict[str, object]]:
        return [
            {
                "id": each.id,
                "name": each.name,
                "thing": each.thing,
                "PQ": finite(total.pq[at]),
                "SQ": finite(total.sq[at]),
                "RQ": finite(total.rq[at]),
                "matched": int(total.matched[at]),
                "spurious": int(total.spurious[at]),
                "missed": int(total.missed[at]),
            }
            for at, each in enumerate(self.classes)
        ]


@dataclass(frozen=True, eq=False)
class _Side:
    """One JSON file with its folder of pictures."""

    path: Path
    masks: Path
    annotations: Mapping[Any, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class _Job:
    """One picture to measure; `prediction` is None where it counts as empty."""

    name: str
    truth: Path
    truth_row: dict[str, Any]
    prediction: Path | None
    prediction_row: dict[str, Any] | None


@public
def evaluate_panoptic(
    truth: str | Path,
    predictions: str | Path,
    *,
    truth_masks: Path | None = None,
    prediction_masks: Path | None = None,
    limits: Limits = LIMITS,
    allow_missing: bool = False,
) -> PanopticReport:
    """Measure COCO panoptic predictions.

    Parameters
    ----------
    truth, predictions : JSON files
        `categories` (of the truth) and `annotations` with `image_id`, `file_name` and
        `segments_info`.
    truth_masks, prediction_masks : folders, optional
        Of the PNG files; by default the folder beside the JSON file that has its name.
    allow_missing : bool
        Count a missing prediction as void.

    Raises
    ------
    UsageError
        If a file or folder does not exist.
    UnreadableError
        If a JSON file is not of this form.
    EvaluationError
        If a picture has no prediction, a picture is missing, has another size, or ids or
        categories that are not listed; it names every such file.

    Examples
    --------
    >>> evaluate_panoptic("gt.json", "panoptic.json").record()["PQ"]  # doctest: +SKIP
    0.538
    """
    truth, predictions = Path(truth), Path(predictions)
    content = read_json(truth, "--truth")
    classes = _classes(truth, content)
    theirs = _side(truth, content, truth_masks, "--truth-masks")
    given = read_json(predictions, "--predictions")
    ours = _side(predictions, given, prediction_masks, "--prediction-masks", truth=content)
    jobs = _jobs(theirs, ours, allow_missing=allow_missing)
    categories = [each.id for each in classes]

    def score(job: _Job) -> PanopticPicture:
        true_map = _segment_map(job.truth, job.truth_row, categories, limits)
        if job.prediction is None or job.prediction_row is None:
            our_map = SegmentMap(np.zeros_like(true_map.ids), [], {})
        else:
            our_map = _segment_map(job.prediction, job.prediction_row, categories, limits)
            check_size(job.prediction, our_map.ids.shape, true_map.ids.shape)
        try:
            counts = panoptic_counts(
                SegmentMap(our_map.ids, our_map.segments, {}), true_map, categories=categories
            )
        except ImageError as error:
            raise ImageError(f"{job.prediction} against {job.truth}: {error}") from error
        return PanopticPicture(job.name, counts, job.truth, job.prediction)

    rows = tuple(measured(score, jobs))
    return PanopticReport(truth, predictions, classes, rows)


def _classes(path: Path, content: object) -> tuple[PanopticClass, ...]:
    rows = records(path, content, "categories", _CATEGORY)
    found = tuple(
        PanopticClass(row["id"], str(row.get("name", row["id"])), bool(row["isthing"]))
        for row in rows
    )
    if len({each.id for each in found}) != len(found) or not found:
        raise UsageError(f"{path}: `categories` is empty or lists an id twice; correct it")
    return found


def _side(
    path: Path, content: object, masks: Path | None, option: str, *, truth: object = None
) -> _Side:
    """Read one file; its image_ids become those of the truth, see `same_pictures`."""
    rows = records(path, content, "annotations", _PICTURE)
    folder = path.with_suffix("") if masks is None else masks
    if not folder.is_dir():
        raise UsageError(
            f"{option}: there is no folder {folder}; the pictures of {path.name} lie in a folder "
            f"of its name beside it, or name theirs with {option}"
        )
    numbers = _numbers(path, content, truth, {row["image_id"] for row in rows})
    by_image = {numbers.get(row["image_id"], row["image_id"]): row for row in rows}
    if len(by_image) != len(rows):
        raise UsageError(f"{path}: `annotations` lists an image_id twice; correct it")
    return _Side(path, folder, by_image)


def _numbers(
    path: Path, content: object, truth: object, needed: set[object]
) -> dict[object, object]:
    """Return the ids of the truth by ours; none where names cannot say them."""
    ours, theirs = (listed(path, each, "images", IMAGE) for each in (content, truth))
    if not ours or not theirs:
        return {}
    return same_pictures(path, ours, theirs, needed=needed) or {}


def _jobs(truth: _Side, predictions: _Side, *, allow_missing: bool) -> list[_Job]:
    problems: list[str] = [
        f"{predictions.path}: has image_id {image!r}, which {truth.path.name} does not have"
        for image in predictions.annotations
        if image not in truth.annotations
    ]
    jobs: list[_Job] = []
    for image, row in truth.annotations.items():
        true_file = truth.masks / row["file_name"]
        answer = predictions.annotations.get(image)
        file = None if answer is None else predictions.masks / answer["file_name"]
        absent = file is None or not file.is_file()
        if absent and not allow_missing:
            lack = (
                f"{predictions.path}: has no annotation for image_id {image!r}"
                if file is None
                else f"{file}: there is no such file"
            )
            problems.append(f"{lack} ({row['file_name']})")
        if not true_file.is_file():
            problems.append(f"{true_file}: there is no such file")
        jobs.append(
            _Job(
                Path(row["file_name"]).stem,
                true_file,
                row,
                None if absent else file,
                None if absent else answer,
            )
        )
    if problems:
        raise EvaluationError(problems, ALLOW_MISSING)
    if not jobs:
        raise UsageError(f"{truth.path}: `annotations` is empty, so there is nothing to measure")
    return jobs


def _segment_map(
    path: Path, row: Mapping[str, Any], categories: Sequence[int], limits: Limits
) -> SegmentMap:
    infos = row["segments_info"]
    for info in infos:
        mistake = _SEGMENT.mistake(info)
        if mistake is not None:
            raise ImageError(f"{path}: a record in its `segments_info` {mistake}")
        if info["category_id"] not in categories:
            raise ImageError(
                f"{path}: segment {info['id']} has category {info['category_id']}, which the "
                "truth's `categories` do not list"
            )
    ids: NDArray[np.int32] = ids_of_png(read_channels(path, limits))
    segments = [
        Segment(int(i["id"]), i["category_id"], crowd=bool(i.get("iscrowd", 0))) for i in infos
    ]
    listed = {segment.id for segment in segments}
    if len(listed) != len(segments) or VOID in listed:
        raise ImageError(f"{path}: its `segments_info` lists an id twice, or 0, which is void")
    areas = {int(i["id"]): int(i["area"]) for i in infos if "area" in i}
    return SegmentMap(ids, segments, areas)
