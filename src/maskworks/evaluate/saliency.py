"""Saliency maps against masks: the measures of salient object detection over a set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.reading import Limits
from maskworks.core.values import Matte
from maskworks.evaluate.outcome import (
    RESIZE_RULE,
    empty_notes,
    finite_record,
    measured,
    refuse_problems,
    versions,
)
from maskworks.evaluate.pairing import Pair, pair_files
from maskworks.evaluate.reading import LIMITS, read_matte
from maskworks.evaluate.semantic import check_size
from maskworks.quality.saliency import SaliencyScore, saliency_score

RULES = (
    "each prediction is stretched from its minimum and maximum to 0 and 1, the truth is inside "
    "above 128 of 255; maxF and maxE are the best, meanF and meanE the mean over 256 thresholds of "
    "the curve that is the mean over the pictures; adpF and adpE threshold at twice a picture's "
    "mean; beta squared of F is 0.3, of wF 1; equal to pysodmetrics"
)
SOURCES = {
    "MAE": "Perazzi et al., CVPR 2012",
    "maxF": "Achanta et al., CVPR 2009",
    "meanF": "Achanta et al., CVPR 2009",
    "adpF": "Achanta et al., CVPR 2009",
    "wF": "Margolin et al., CVPR 2014",
    "S": "Fan et al., ICCV 2017",
    "maxE": "Fan et al., IJCAI 2018",
    "meanE": "Fan et al., IJCAI 2018",
    "adpE": "Fan et al., IJCAI 2018",
}


@dataclass(frozen=True, eq=False)
class SaliencyPicture:
    """One picture with what it reached."""

    name: str
    score: SaliencyScore
    truth: Path
    prediction: Path | None
    empty_truth: bool = False

    def figures(self) -> dict[str, float]:
        """Return the measures of this picture alone, by name."""
        return _figures([self.score])


@dataclass(frozen=True, eq=False)
class SaliencyReport:
    """What a set of saliency maps reached."""

    truth: Path
    predictions: Path
    pictures: tuple[SaliencyPicture, ...]
    spare: tuple[str, ...] = ()
    binary: bool | None = None

    def figures(self) -> dict[str, float]:
        """Return the measures over the set, by name."""
        return _figures([picture.score for picture in self.pictures])

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        missing = [each.name for each in self.pictures if each.prediction is None]
        return {
            "task": "saliency",
            **finite_record(self.figures()),
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "ignore_label": None,
            "binary": self.binary,
            "resize_rule": RESIZE_RULE,
            "rules": RULES,
            "unit": "from 0 to 1; MAE: lower is better, the others higher",
            "counts": {
                "pictures": len(self.pictures),
                "missing_counted_as_empty": len(missing),
                "predictions_without_truth": len(self.spare),
            },
            "missing": missing,
            "notes": empty_notes([each.empty_truth for each in self.pictures]),
            "left_aside": list(self.spare),
            "measures": SOURCES,
            "pictures": [
                {"name": each.name} | finite_record(each.figures()) for each in self.pictures
            ],
            "versions": versions(),
        }


def evaluate_saliency(
    truth: Path,
    predictions: Path,
    *,
    limits: Limits = LIMITS,
    allow_missing: bool = False,
    binary: bool | None = None,
) -> SaliencyReport:
    """Measure a folder of saliency maps or mattes.

    Parameters
    ----------
    truth, predictions : folders
        Grey pictures or pictures with alpha; files belong together by their path without suffix.
    allow_missing : bool
        Count a missing prediction as one without a subject.
    binary : bool, optional
        As `read_matte`.

    Raises
    ------
    UsageError
        As `pair_files`.
    EvaluationError
        If a prediction is missing or has another size, or a file cannot be read; it names every
        such file.
    """
    pairing = pair_files(truth, predictions, allow_missing=allow_missing)
    spare = refuse_problems(pairing)

    def score(pair: Pair) -> SaliencyPicture:
        theirs = _levels(read_matte(pair.truth, limits, binary=binary))
        if pair.prediction is None:
            ours = np.zeros_like(theirs)
        else:
            ours = _levels(read_matte(pair.prediction, limits, binary=binary))
            check_size(pair.prediction, ours.shape, theirs.shape)
        return SaliencyPicture(
            pair.name,
            saliency_score(ours, theirs),
            pair.truth,
            pair.prediction,
            empty_truth=not (theirs > 128).any(),
        )

    rows = tuple(measured(score, pairing.pairs))
    return SaliencyReport(truth, predictions, rows, spare, binary)


def _levels(matte: Matte) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(matte.alpha * np.float32(255)).astype(np.uint8)
    return levels


def _figures(scores: list[SaliencyScore]) -> dict[str, float]:
    f_curve = np.mean([score.f_curve for score in scores], axis=0)
    e_curve = np.mean([score.e_curve for score in scores], axis=0)
    return {
        "MAE": float(np.mean([score.mae for score in scores])),
        "maxF": float(f_curve.max()),
        "meanF": float(f_curve.mean()),
        "wF": float(np.mean([score.weighted_f for score in scores])),
        "S": float(np.mean([score.s for score in scores])),
        "maxE": float(e_curve.max()),
        "meanE": float(e_curve.mean()),
        "adpF": float(np.mean([score.f_adaptive for score in scores])),
        "adpE": float(np.mean([score.e_adaptive for score in scores])),
    }
