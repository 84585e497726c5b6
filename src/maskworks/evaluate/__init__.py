"""Evaluation: folders of predictions against folders of truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.evaluate.instances import InstanceReport, evaluate_objects
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
    "evaluate_objects",
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "instances": ["InstanceReport", "evaluate_objects"],
        "mattes": ["Failure", "Report", "Score", "score_pair", "score_pairs"],
        "measures": ["MEASURES", "Measure"],
        "pairing": ["Pair", "Pairing", "pair_files"],
        "panoptic": ["PanopticReport", "evaluate_panoptic"],
        "reading": ["read_matte", "read_trimap"],
        "saliency": ["SaliencyReport", "evaluate_saliency"],
        "semantic": ["SemanticReport", "evaluate_semantic"],
        "video": ["VideoReport", "evaluate_video"],
    },
)
