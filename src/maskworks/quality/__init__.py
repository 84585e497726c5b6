"""Quality: measures against a truth, and of how well a confidence foretells them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskworks.quality.confidence import (
        Bin,
        area_under_roc,
        calibration_error,
        reliability,
        spearman,
    )
    from maskworks.quality.measures import (
        boundary_iou,
        iou,
        max_f_beta,
        mean_absolute_error,
        precision_recall,
    )

__all__ = [
    "Bin",
    "area_under_roc",
    "boundary_iou",
    "calibration_error",
    "iou",
    "max_f_beta",
    "mean_absolute_error",
    "precision_recall",
    "reliability",
    "spearman",
]

_CONFIDENCE = frozenset({"Bin", "area_under_roc", "calibration_error", "reliability", "spearman"})


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    home = "confidence" if name in _CONFIDENCE else "measures"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
