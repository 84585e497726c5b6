"""Evaluation: folders of predictions against folders of truth."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskworks.evaluate.instances import InstanceReport, evaluate_instances
    from maskworks.evaluate.mattes import Failure, Report, Score, score_pair, score_pairs
    from maskworks.evaluate.measures import MEASURES, Measure
    from maskworks.evaluate.pairing import Pair, Pairing, pair_files
    from maskworks.evaluate.panoptic import PanopticReport, evaluate_panoptic
    from maskworks.evaluate.reading import read_matte, read_trimap
    from maskworks.evaluate.saliency import SaliencyReport, evaluate_saliency
    from maskworks.evaluate.semantic import SemanticReport, evaluate_semantic
    from maskworks.evaluate.video import VideoReport, evaluate_video

__all__ = [
    "MEASURES",
    "Failure",
    "InstanceReport",
    "Measure",
    "Pair",
    "Pairing",
    "PanopticReport",
    "Report",
    "SaliencyReport",
    "Score",
    "SemanticReport",
    "VideoReport",
    "evaluate_instances",
    "evaluate_panoptic",
    "evaluate_saliency",
    "evaluate_semantic",
    "evaluate_video",
    "pair_files",
    "read_matte",
    "read_trimap",
    "score_pair",
    "score_pairs",
]

_MODULES = {
    "instances": ["InstanceReport", "evaluate_instances"],
    "mattes": ["Failure", "Report", "Score", "score_pair", "score_pairs"],
    "measures": ["MEASURES", "Measure"],
    "pairing": ["Pair", "Pairing", "pair_files"],
    "panoptic": ["PanopticReport", "evaluate_panoptic"],
    "reading": ["read_matte", "read_trimap"],
    "saliency": ["SaliencyReport", "evaluate_saliency"],
    "semantic": ["SemanticReport", "evaluate_semantic"],
    "video": ["VideoReport", "evaluate_video"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
