"""Evaluation: folders of predictions against folders of truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.evaluate.instances import InstanceReport as InstanceReport
    from maskworks.evaluate.instances import evaluate_objects as evaluate_objects
    from maskworks.evaluate.mattes import Failure as Failure
    from maskworks.evaluate.mattes import Report as Report
    from maskworks.evaluate.mattes import Score as Score
    from maskworks.evaluate.mattes import score_pair as score_pair
    from maskworks.evaluate.mattes import score_pairs as score_pairs
    from maskworks.evaluate.measures import MEASURES as MEASURES
    from maskworks.evaluate.measures import Measure as Measure
    from maskworks.evaluate.pairing import Pair as Pair
    from maskworks.evaluate.pairing import Pairing as Pairing
    from maskworks.evaluate.pairing import pair_files as pair_files
    from maskworks.evaluate.panoptic import PanopticReport as PanopticReport
    from maskworks.evaluate.panoptic import evaluate_panoptic as evaluate_panoptic
    from maskworks.evaluate.reading import read_matte as read_matte
    from maskworks.evaluate.reading import read_trimap as read_trimap
    from maskworks.evaluate.saliency import SaliencyReport as SaliencyReport
    from maskworks.evaluate.saliency import evaluate_saliency as evaluate_saliency
    from maskworks.evaluate.semantic import SemanticReport as SemanticReport
    from maskworks.evaluate.semantic import evaluate_semantic as evaluate_semantic
    from maskworks.evaluate.video import VideoReport as VideoReport
    from maskworks.evaluate.video import evaluate_video as evaluate_video
    from maskworks.evaluate.volumes import VolumeReport as VolumeReport
    from maskworks.evaluate.volumes import evaluate_volumes as evaluate_volumes

__getattr__, __dir__, __all__ = lazy_names(__name__)
