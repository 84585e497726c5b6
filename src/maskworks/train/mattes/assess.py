"""Measure a finished model on dev pictures through the path its users take."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from maskworks.core.values import Image
from maskworks.models.families.saliency import (
    NO_SUBJECT_BELOW,
    SMALLEST_SUBJECT,
    Prediction,
    predict,
)
from maskworks.models.runtimes.network import Network
from maskworks.models.spec import ModelSpec
from maskworks.quality import area_under_roc, calibration_error, reliability, spearman
from maskworks.train.mattes.dev import dev_pictures, iou_where_known, read_pair

BAD_BELOW = 0.85  # an IoU under this is a cut-out that nobody should deliver


@dataclass(frozen=True)
class DevRow:
    """One dev picture: the IoU it reached and what the network said of itself."""

    kind: str
    stem: str
    iou: float
    confidence: float  # 0 where the network gives none
    presence: float  # 1 where the network does not say
    area: float


def _row(kind: str, stem: str, iou: float, said: Prediction) -> DevRow:
    area = float((said.matte.alpha >= 0.5).mean())
    presence = 1.0 if said.presence is None else said.presence
    return DevRow(kind, stem, iou, said.confidence or 0.0, presence, area)


def assess(
    network: Network, spec: ModelSpec, dev: Path, empty: list[Path], report: Callable[[str], None]
) -> list[DevRow]:
    """Predict every dev picture and every subject-free one.

    Parameters
    ----------
    dev : folder with a folder per kind
    empty : pictures without a subject that training never saw
    """
    rows = []
    for kind, paths in dev_pictures(dev).items():
        for path in paths:
            image, truth = read_pair(path)
            said = predict(image, spec, network)
            rows.append(_row(kind, path.stem, iou_where_known(said.matte.alpha, truth), said))
        report(f"{kind}: {len(paths)} pictures")
    for path in empty:
        with PilImage.open(path) as opened:
            image = Image(np.asarray(opened.convert("RGB")))
        said = predict(image, spec, network)
        rows.append(_row("empty", path.stem, float("nan"), said))
    return rows


def says_no_subject(row: DevRow) -> bool:
    """Return whether the answer to this picture is "no subject"."""
    return row.presence < NO_SUBJECT_BELOW or row.area < SMALLEST_SUBJECT


def summary(rows: list[DevRow]) -> dict[str, object]:
    """Boil the rows down to the numbers of a model card.

    Returns
    -------
    dict
        ``iou`` per kind; ``auroc`` of confidence against IoU < 0.85;
        ``spearman`` of confidence with IoU; ``ece`` and ``reliability`` against
        the IoU; the shares of answers "no subject".
    """
    subjects = [r for r in rows if r.kind != "empty"]
    empty = [r for r in rows if r.kind == "empty"]
    kinds = sorted({r.kind for r in subjects})
    iou = np.array([r.iou for r in subjects])
    said = np.array([r.confidence for r in subjects])
    bins = reliability(said, iou, bins=10)
    return {
        "pictures": len(subjects),
        "iou": {k: float(np.mean([r.iou for r in subjects if r.kind == k])) for k in kinds},
        "auroc": area_under_roc(1 - said, iou < BAD_BELOW),
        "spearman": spearman(said, iou),
        "ece": calibration_error(said, iou, bins=10),
        "reliability": [asdict(b) for b in bins],
        "no_subject_on_subjects": float(np.mean([says_no_subject(r) for r in subjects])),
        "no_subject_on_empty": float(np.mean([says_no_subject(r) for r in empty]))
        if empty
        else None,
        "empty_pictures": len(empty),
    }


def write_rows(rows: list[DevRow], path: Path) -> None:
    """Write the rows as JSON, one list."""
    path.write_text(json.dumps([asdict(r) for r in rows], indent=0))
