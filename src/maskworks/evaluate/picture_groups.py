"""What `evaluate fairness` reads of pictures: scores of label maps, and measured properties."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskworks.core.errors import EvaluationError
from maskworks.core.reading import Limits, read_picture
from maskworks.core.taxonomy import Taxonomy
from maskworks.evaluate.label_masks import LabelMeaning
from maskworks.evaluate.label_pictures import read_ids
from maskworks.evaluate.pairing import Pair, pair_files
from maskworks.evaluate.properties import measured_properties, whole_properties
from maskworks.evaluate.reading import read_matte
from maskworks.evaluate.semantic import PictureScore, check_size, evaluate_semantic
from maskworks.evaluate.subject_scores import SubjectScore

LABEL_RULES = (
    "a picture's IoU and boundary IoU are means over the classes in its truth, so their mean over "
    "pictures is not the mIoU of the set; measured properties are those of the whole picture"
)


def label_scores(
    truth: Path,
    predictions: Path,
    taxonomy: Taxonomy,
    *,
    limits: Limits,
    allow_missing: bool,
    binary: bool = False,
) -> tuple[SubjectScore, ...]:
    """Score label maps picture by picture.

    Pictures without any labelled pixel are left out; `sad` is NaN.

    Raises
    ------
    EvaluationError
        As `evaluate_semantic`.
    """
    report = evaluate_semantic(
        truth,
        predictions,
        taxonomy,
        limits=limits,
        allow_missing=allow_missing,
        meaning=LabelMeaning(binary=binary),
    )
    return tuple(
        SubjectScore(each.name, each.iou, _boundary(each), float("nan")) for each in report.pictures
    )


def _boundary(picture: PictureScore) -> float:
    shared, joint = picture.bands.T
    kept = picture.confusion.present & (joint > 0)
    return float(np.mean(shared[kept] / joint[kept])) if kept.any() else float("nan")


def pictures_properties(
    truth: Path,
    pairs: Sequence[Pair],
    photos: Path | None,
    *,
    limits: Limits,
    whole: bool,
    binary: bool | None = None,
) -> dict[str, dict[str, float]]:
    """Measure the properties of each picture: of its true subject, or of the `whole` of it.

    Raises
    ------
    EvaluationError
        If a photo is missing.
    ImageError
        If a photo has not the size of its truth, or a file cannot be read.
    """
    found: dict[str, Path | None] = {}
    if photos is not None:
        paired = pair_files(truth, photos, allow_missing=True).pairs
        found = {pair.name: pair.prediction for pair in paired}
        lacking = [pair.name for pair in pairs if found.get(pair.name) is None]
        if lacking:
            raise EvaluationError(
                [f"{photos / name}: there is no such picture" for name in lacking],
                "add the photos, or measure the size alone",
            )
    return {
        pair.name: _properties(pair, found.get(pair.name), limits, whole=whole, binary=binary)
        for pair in pairs
    }


def _properties(
    pair: Pair, photo: Path | None, limits: Limits, *, whole: bool, binary: bool | None
) -> dict[str, float]:
    image = None if photo is None else read_picture(photo, limits).image
    if not whole:
        mask = read_matte(pair.truth, limits, binary=binary).threshold()
        if image is not None and photo is not None:
            check_size(photo, image.size, mask.size)
        return measured_properties(image, mask)
    if image is None or photo is None:
        return {}
    check_size(photo, image.size, read_ids(pair.truth, limits).shape)
    return whole_properties(image)
