"""Quality: measures against a truth, and of how well a confidence foretells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.quality.boundary import boundary_f_score
    from maskworks.quality.boundary_band import square_band
    from maskworks.quality.confidence import (
        Bin,
        area_under_roc,
        calibration_error,
        reliability,
        spearman,
    )
    from maskworks.quality.confusion import Confusion, confusion_of
    from maskworks.quality.matting import (
        ColourError,
        connectivity_error,
        foreground_colour_error,
        gradient_error,
        mean_squared_error,
        sum_absolute_difference,
    )
    from maskworks.quality.measures import (
        boundary_iou,
        iou,
        max_f_beta,
        mean_absolute_error,
        precision_recall,
    )
    from maskworks.quality.panoptic_quality import PanopticCounts, SegmentMap, panoptic_counts
    from maskworks.quality.saliency import SaliencyScore, saliency_score
    from maskworks.quality.sequences import FrameStatistics, flicker, frame_statistics

__all__ = [
    "Bin",
    "ColourError",
    "Confusion",
    "FrameStatistics",
    "PanopticCounts",
    "SaliencyScore",
    "SegmentMap",
    "area_under_roc",
    "boundary_f_score",
    "boundary_iou",
    "calibration_error",
    "confusion_of",
    "connectivity_error",
    "flicker",
    "foreground_colour_error",
    "frame_statistics",
    "gradient_error",
    "iou",
    "max_f_beta",
    "mean_absolute_error",
    "mean_squared_error",
    "panoptic_counts",
    "precision_recall",
    "reliability",
    "saliency_score",
    "spearman",
    "square_band",
    "sum_absolute_difference",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "boundary": ["boundary_f_score"],
        "boundary_band": ["square_band"],
        "confidence": ["Bin", "area_under_roc", "calibration_error", "reliability", "spearman"],
        "confusion": ["Confusion", "confusion_of"],
        "matting": [
            "ColourError",
            "connectivity_error",
            "foreground_colour_error",
            "gradient_error",
            "mean_squared_error",
            "sum_absolute_difference",
        ],
        "measures": [
            "boundary_iou",
            "iou",
            "max_f_beta",
            "mean_absolute_error",
            "precision_recall",
        ],
        "panoptic_quality": ["PanopticCounts", "SegmentMap", "panoptic_counts"],
        "saliency": ["SaliencyScore", "saliency_score"],
        "sequences": ["FrameStatistics", "flicker", "frame_statistics"],
    },
)
