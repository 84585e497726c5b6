"""Quality: measures against a truth, and of how well a confidence foretells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.quality.boundary import boundary_f_score as boundary_f_score
    from maskworks.quality.boundary_band import square_band as square_band
    from maskworks.quality.confidence import Bin as Bin
    from maskworks.quality.confidence import area_under_roc as area_under_roc
    from maskworks.quality.confidence import calibration_error as calibration_error
    from maskworks.quality.confidence import reliability as reliability
    from maskworks.quality.confidence import spearman as spearman
    from maskworks.quality.confusion import Confusion as Confusion
    from maskworks.quality.confusion import confusion_of as confusion_of
    from maskworks.quality.matting import ColourError as ColourError
    from maskworks.quality.matting import connectivity_error as connectivity_error
    from maskworks.quality.matting import foreground_colour_error as foreground_colour_error
    from maskworks.quality.matting import gradient_error as gradient_error
    from maskworks.quality.matting import mean_squared_error as mean_squared_error
    from maskworks.quality.matting import sum_absolute_difference as sum_absolute_difference
    from maskworks.quality.measures import boundary_iou as boundary_iou
    from maskworks.quality.measures import iou as iou
    from maskworks.quality.panoptic_quality import PanopticCounts as PanopticCounts
    from maskworks.quality.panoptic_quality import SegmentMap as SegmentMap
    from maskworks.quality.panoptic_quality import panoptic_counts as panoptic_counts
    from maskworks.quality.saliency import SaliencyScore as SaliencyScore
    from maskworks.quality.saliency import saliency_score as saliency_score
    from maskworks.quality.sequences import FrameStatistics as FrameStatistics
    from maskworks.quality.sequences import flicker as flicker
    from maskworks.quality.sequences import frame_statistics as frame_statistics
    from maskworks.quality.volumes import SurfaceDistances as SurfaceDistances
    from maskworks.quality.volumes import dice as dice
    from maskworks.quality.volumes import surface_distances as surface_distances

__getattr__, __dir__, __all__ = lazy_names(__name__)
