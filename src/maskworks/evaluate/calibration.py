"""Can a confidence be trusted: reliability, ranking, and what a threshold delivers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.evaluate.confidences import Confidences
from maskworks.evaluate.outcome import RESIZE_RULE, finite, versions
from maskworks.quality import area_under_roc, calibration_error, reliability
from maskworks.quality.selective import (
    Delivery,
    area_under_risk,
    precision_threshold,
    risk_coverage,
    share_interval,
    sure_threshold,
    threshold_interval,
)

BAR = 0.9
"""The IoU from which a mask counts as good."""

BINS = 10
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
LEVEL = 0.95


@dataclass(frozen=True)
class CalibrationReport:
    """How far a confidence foretells the IoU, and where it parts good from bad at `bar`."""

    manifest: Path
    truth: Path | None
    found: Confidences
    bar: float
    bins: int

    @property
    def confidence(self) -> list[float]:
        """Confidence of each picture."""
        return [each.confidence for each in self.found.pictures]

    @property
    def good(self) -> list[bool]:
        """Whether each picture reaches the bar."""
        return [each.iou >= self.bar for each in self.found.pictures]

    def deliveries(self) -> tuple[Delivery, ...]:
        """Return what each threshold delivers, highest first."""
        return risk_coverage(self.confidence, self.good)

    def at(self, threshold: float) -> Delivery:
        """Return what a threshold delivers; a risk of NaN if nothing."""
        chosen = [
            good for c, good in zip(self.confidence, self.good, strict=True) if c >= threshold
        ]
        wrong = chosen.count(False)
        risk = wrong / len(chosen) if chosen else float("nan")
        return Delivery(threshold, len(chosen) / len(self.good), risk, len(chosen), wrong)

    def sentence(self, threshold: float) -> str:
        """Say what a threshold does."""
        row = self.at(threshold)
        if not row.delivered:
            return f"at {threshold:g} you deliver nothing"
        return (
            f"at {threshold:g} you deliver {_percent(row.coverage)} and {_percent(row.risk)} of "
            f"those are below IoU {self.bar:g}"
        )

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        outcome = [each.iou for each in self.found.pictures]
        right = np.asarray(self.good, np.float64)
        rows = reliability(self.confidence, outcome, bins=self.bins)
        return {
            "task": "calibration",
            "ECE": finite(calibration_error(self.confidence, outcome, bins=self.bins)),
            "ECE_bar": finite(calibration_error(self.confidence, right, bins=self.bins)),
            "AUROC": finite(area_under_roc(self.confidence, self.good)),
            "AURC": area_under_risk(self.confidence, self.good),
            "bar": self.bar,
            "reliability": [
                {
                    "low": bar.low,
                    "high": bar.high,
                    "count": bar.count,
                    "confidence": finite(bar.confidence),
                    "IoU": finite(bar.outcome),
                }
                for bar in rows
            ],
            "risk_coverage": [asdict(row) for row in self.deliveries()],
            "thresholds": [
                asdict(row) | {"risk": finite(row.risk)} for row in map(self.at, THRESHOLDS)
            ],
            "sentence": self.sentence(0.85),
            "manifest": str(self.manifest),
            "truth": None if self.truth is None else str(self.truth),
            "ignore_label": None,
            "resize_rule": RESIZE_RULE,
            "rules": (
                "ECE is the mean over bins of equal width, by their counts, of the difference "
                "between mean confidence and mean IoU; ECE_bar takes as outcome whether the bar is "
                "reached; AUROC is the chance that a picture that reaches the bar has the higher "
                "confidence; risk is the share of the delivered below the bar, AURC its mean"
            ),
            "unit": "shares from 0 to 1",
            "counts": {
                "pictures": len(outcome),
                "good": int(right.sum()),
                "without_confidence": len(self.found.without),
            },
            "missing": [],
            "without_confidence": list(self.found.without),
            "versions": versions(),
        }


@dataclass(frozen=True)
class ThresholdReport:
    """The threshold for a target precision, and how sure that is.

    `chosen` is the lowest threshold that reaches the target in these pictures, `sure` the lowest
    that does so at `level`; either may be None.
    """

    calibration: CalibrationReport
    target: float
    level: float
    chosen: Delivery | None
    sure: Delivery | None
    interval: tuple[float, float] | None

    def needed(self) -> int:
        """Return how many pictures without a mistake the target takes to be sure of."""
        if self.target >= 1:
            return -1
        return math.ceil(math.log(1 - self.level) / math.log(self.target))

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        found = self.calibration.found
        chosen = self.chosen
        precision = None if chosen is None else 1 - chosen.risk
        inside = (
            None
            if chosen is None
            else list(
                share_interval(chosen.delivered - chosen.wrong, chosen.delivered, level=self.level)
            )
        )
        ends = None if self.interval is None else [finite(end) for end in self.interval]
        return {
            "task": "threshold",
            "threshold": None if chosen is None else chosen.threshold,
            "threshold_interval": ends,
            "precision": precision,
            "precision_interval": inside,
            "coverage": None if chosen is None else chosen.coverage,
            "delivered": None if chosen is None else chosen.delivered,
            "wrong": None if chosen is None else chosen.wrong,
            "sure_threshold": None if self.sure is None else self.sure.threshold,
            "sure_coverage": None if self.sure is None else self.sure.coverage,
            "target_precision": self.target,
            "level": self.level,
            "bar": self.calibration.bar,
            "pictures_needed": self.needed(),
            "manifest": str(self.calibration.manifest),
            "truth": None if self.calibration.truth is None else str(self.calibration.truth),
            "ignore_label": None,
            "resize_rule": RESIZE_RULE,
            "rules": (
                "the lowest threshold whose delivered pictures reach the bar in at least the "
                "target share; interval of the precision by Clopper and Pearson, of the threshold "
                "by bootstrap (null at the upper end: some resamples reach the target nowhere); "
                "sure_threshold has the target below its one-sided interval"
            ),
            "unit": "shares from 0 to 1",
            "counts": {
                "pictures": len(found.pictures),
                "good": sum(self.calibration.good),
                "without_confidence": len(found.without),
            },
            "missing": [],
            "versions": versions(),
        }


def evaluate_calibration(
    manifest: Path,
    found: Confidences,
    *,
    truth: Path | None = None,
    bar: float = BAR,
    bins: int = BINS,
) -> CalibrationReport:
    """Hold confidences against the IoU that was reached.

    Parameters
    ----------
    manifest, truth : where they are from, for the report
    bar : float in (0, 1]
        The IoU from which a mask is good.
    bins : int, >= 1

    Raises
    ------
    UsageError
        If `bar` or `bins` is out of range.
    """
    if not 0 < bar <= 1:
        raise UsageError(f"--bar is an IoU above 0 and at most 1, got {bar:g}; 0.9 is usual")
    if bins < 1:
        raise UsageError(f"--bins must be 1 or more, got {bins}; 10 is usual")
    return CalibrationReport(manifest, truth, found, bar, bins)


def find_threshold(
    calibration: CalibrationReport, *, target: float, level: float = LEVEL
) -> ThresholdReport:
    """Find the confidence from which pictures reach the bar in a share of `target`.

    Raises
    ------
    UsageError
        If `target` is outside (0, 1], or `level` outside (0.5, 1).
    """
    if not 0.5 < level < 1:
        raise UsageError(f"--level lies between 0.5 and 1, got {level:g}; 0.95 is usual")
    confidence, good = calibration.confidence, calibration.good
    return ThresholdReport(
        calibration,
        target,
        level,
        precision_threshold(confidence, good, target=target),
        sure_threshold(confidence, good, target=target, level=level),
        threshold_interval(confidence, good, target=target, level=level),
    )


def _percent(share: float) -> str:
    """Return a share as people write it.

    Examples
    --------
    >>> _percent(0.82), _percent(0.0143)
    ('82 %', '1.4 %')
    """
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
