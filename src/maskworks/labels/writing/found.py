"""What was found in one picture, as a small JSON file beside it.

The tables and the COCO files of a run are put together from these, so that a run that was
resumed says the same as one that was not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import UnreadableError
from maskworks.core.rle_coco import to_coco

if TYPE_CHECKING:
    from pathlib import Path

    from maskworks.core.instances import Instances
    from maskworks.models.labelling import Labelled

_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class ClassShare:
    """What a picture holds of one class.

    `pixels`, `percent` of the picture, `objects` (None for a task without objects), and
    `score`: the mean probability of its pixels, or the mean score of its objects; None where
    the model gives none.
    """

    id: int
    name: str
    pixels: int
    percent: float
    objects: int | None = None
    score: float | None = None


def record_of(labelled: Labelled, *, source: str, output: str, model: str) -> dict[str, Any]:
    """Return what was found as plain values.

    Parameters
    ----------
    labelled : Labelled, of (H, W)
    source, output : str
        The picture and its label map, relative to their folders.

    Returns
    -------
    dict
        picture, labels, model, task, taxonomy, width, height, how, classes (see `ClassShare`),
        `objects` (category_id, score, bbox as left, top, width, height, area, segmentation as
        COCO's compressed runs) and `segments` (COCO's segments_info).
    """
    height, width = labelled.labels.size
    record: dict[str, Any] = {
        "picture": source,
        "labels": output,
        "model": model,
        "task": labelled.task,
        "taxonomy": labelled.labels.taxonomy.name,
        "width": width,
        "height": height,
        "how": labelled.how,
        "classes": [share.__dict__ for share in shares_of(labelled)],
        "unlabelled": _unlabelled(labelled),
    }
    if labelled.instances is not None:
        record["objects"] = objects_of(labelled.instances)
    if labelled.panoptic is not None:
        record["segments"] = labelled.panoptic.segments_info
    return record


def shares_of(labelled: Labelled) -> list[ClassShare]:
    """Return the share of each class that occurs, in the taxonomy's order."""
    counts, taxonomy = labelled.labels.counts(), labelled.labels.taxonomy
    total = labelled.labels.ids.size
    things = labelled.instances
    sure = _mean_probabilities(labelled)
    rows: list[ClassShare] = []
    for each in taxonomy.categories:
        mine = None if things is None else things.labels == each.id
        if each.id not in counts and (mine is None or not mine.any()):
            continue
        score = sure.get(each.id)
        if things is not None and mine is not None and mine.any():
            score = float(things.scores[mine].mean())
        rows.append(
            ClassShare(
                id=each.id,
                name=each.name,
                pixels=counts.get(each.id, 0),
                percent=round(100 * counts.get(each.id, 0) / total, _DIGITS),
                objects=None if mine is None else int(mine.sum()),
                score=None if score is None else round(score, _DIGITS),
            )
        )
    return rows


def read_found(path: Path) -> dict[str, Any]:
    """Read what `record_of` said.

    Raises
    ------
    UnreadableError
        If there is no such file or it is something else.
    """
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _foreign(path, str(error)) from error
    if not isinstance(found, dict) or not {"picture", "width", "height", "classes"} <= set(found):
        raise _foreign(path, "other keys")
    return dict(found)


def _foreign(path: Path, what: str) -> UnreadableError:
    reason = f"is not what a run wrote of a picture ({what})"
    return UnreadableError(str(path), reason, "run with `--overwrite`")


def _unlabelled(labelled: Labelled) -> int:
    ignore = labelled.labels.taxonomy.ignore
    return 0 if ignore is None else labelled.labels.counts().get(ignore, 0)


def objects_of(things: Instances) -> list[dict[str, Any]]:
    """Return a record an object, in COCO's keys."""
    return [
        {
            "category_id": int(label),
            "score": round(float(score), _DIGITS),
            "bbox": [int(left), int(top), int(right - left), int(bottom - top)],
            "area": int(area),
            "segmentation": to_coco(mask),
        }
        for mask, label, score, area, (top, left, bottom, right) in zip(
            things.masks, things.labels, things.scores, things.areas, things.boxes, strict=True
        )
    ]


def _mean_probabilities(labelled: Labelled) -> dict[int, float]:
    """Return the mean probability of the winning class over each class's pixels."""
    if labelled.scores is None:
        return {}
    ids = labelled.labels.taxonomy.ids
    sums, counts = np.zeros(len(ids)), np.zeros(len(ids))
    for top, bottom in labelled.scores.bands():
        rows = labelled.scores.rows(top, bottom)
        winner, best = rows.argmax(axis=0).ravel(), rows.max(axis=0).ravel()
        sums += np.bincount(winner, best, minlength=len(ids))
        counts += np.bincount(winner, minlength=len(ids))
    return {
        category: float(total / count)
        for category, total, count in zip(ids, sums, counts, strict=True)
        if count
    }
