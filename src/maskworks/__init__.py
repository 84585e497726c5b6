"""Maskworks labels images pixel by pixel, cuts subjects out and says how sure it is.

>>> import maskworks as mw
>>> mw.cutout("photo.jpg").save("photo.png")  # doctest: +SKIP
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names
from maskworks.core.version import __version__ as __version__

# The public names, each once: `lazy_names` reads these lines, as type checkers do.
if TYPE_CHECKING:
    from maskworks.apps.http.serving import run_server as run_server
    from maskworks.apps.http.settings import ServerSettings as ServerSettings
    from maskworks.core.colour import parse_colour as parse_colour
    from maskworks.core.errors import ChecksumError as ChecksumError
    from maskworks.core.errors import ClusterError as ClusterError
    from maskworks.core.errors import DownloadError as DownloadError
    from maskworks.core.errors import EvaluationError as EvaluationError
    from maskworks.core.errors import ImageError as ImageError
    from maskworks.core.errors import LicenceError as LicenceError
    from maskworks.core.errors import MaskworksError as MaskworksError
    from maskworks.core.errors import ModelError as ModelError
    from maskworks.core.errors import NetworkError as NetworkError
    from maskworks.core.errors import OutputError as OutputError
    from maskworks.core.errors import ProviderError as ProviderError
    from maskworks.core.errors import RecipeError as RecipeError
    from maskworks.core.errors import TooLargeError as TooLargeError
    from maskworks.core.errors import TooSlowError as TooSlowError
    from maskworks.core.errors import UnknownModelError as UnknownModelError
    from maskworks.core.errors import UnreadableError as UnreadableError
    from maskworks.core.errors import UsageError as UsageError
    from maskworks.core.instances import Instances as Instances
    from maskworks.core.label_map import LabelMap as LabelMap
    from maskworks.core.panoptic import Panoptic as Panoptic
    from maskworks.core.panoptic import Segment as Segment
    from maskworks.core.reading import Details as Details
    from maskworks.core.reading import Limits as Limits
    from maskworks.core.reading import Picture as Picture
    from maskworks.core.reading import read_picture as read_picture
    from maskworks.core.rle import Rle as Rle
    from maskworks.core.rle import encode_mask as encode_mask
    from maskworks.core.taxonomy import Category as Category
    from maskworks.core.taxonomy import Taxonomy as Taxonomy
    from maskworks.core.taxonomy import load_taxonomy as load_taxonomy
    from maskworks.core.taxonomy_mapping import load_mapping as load_mapping
    from maskworks.core.values import Box as Box
    from maskworks.core.values import Image as Image
    from maskworks.core.values import Mask as Mask
    from maskworks.core.values import Matte as Matte
    from maskworks.core.values import Trimap as Trimap
    from maskworks.core.writing import Encoding as Encoding
    from maskworks.cutouts.backgrounds import Backdrop as Backdrop
    from maskworks.cutouts.backgrounds import Blurred as Blurred
    from maskworks.cutouts.backgrounds import Plain as Plain
    from maskworks.cutouts.cutout import Cutout as Cutout
    from maskworks.cutouts.cutting import cutout as cutout
    from maskworks.cutouts.many import CutoutResult as CutoutResult
    from maskworks.cutouts.many import cutout_many as cutout_many
    from maskworks.cutouts.masks import refine_mask as refine_mask
    from maskworks.cutouts.request import CutoutRequest as CutoutRequest
    from maskworks.cutouts.request import open_cutting as open_cutting
    from maskworks.evaluate.instances import evaluate_objects as evaluate_objects
    from maskworks.evaluate.measuring import evaluate_labels as evaluate_labels
    from maskworks.evaluate.measuring import evaluate_masks as evaluate_masks
    from maskworks.evaluate.measuring import evaluate_mattes as evaluate_mattes
    from maskworks.evaluate.panoptic import evaluate_panoptic as evaluate_panoptic
    from maskworks.evaluate.tracks import evaluate_tracks as evaluate_tracks
    from maskworks.evaluate.video import evaluate_video as evaluate_video
    from maskworks.evaluate.volumes import VolumeReport as VolumeReport
    from maskworks.evaluate.volumes import evaluate_volumes as evaluate_volumes
    from maskworks.labels.reading.scans import Window as Window
    from maskworks.labels.request import LabelRequest as LabelRequest
    from maskworks.labels.request import open_labelling as open_labelling
    from maskworks.labels.segmenting import Segmentation as Segmentation
    from maskworks.labels.segmenting import segment as segment
    from maskworks.labels.volumes import VolumeNetwork as VolumeNetwork
    from maskworks.labels.volumes import VolumeSegmentation as VolumeSegmentation
    from maskworks.labels.volumes import segment_volume as segment_volume
    from maskworks.models.catalogue import Catalogue as Catalogue
    from maskworks.models.catalogue import load_catalogue as load_catalogue
    from maskworks.models.classical_methods import Choices as Choices
    from maskworks.models.labelling import Segmenter as Segmenter
    from maskworks.models.loading import Model as Model
    from maskworks.models.loading import load_model as load_model
    from maskworks.models.opening import Opening as Opening
    from maskworks.models.segmenters import load_segmenter as load_segmenter
    from maskworks.models.tiled_labelling import Tiles as Tiles
    from maskworks.refine.refinement import RefineOptions as RefineOptions
    from maskworks.refine.regions import RegionOptions as RegionOptions
    from maskworks.refine.trimap import TrimapOptions as TrimapOptions
    from maskworks.refine.trimap import make_trimap as make_trimap
    from maskworks.scene.assessing import SuitabilityResult as SuitabilityResult
    from maskworks.scene.assessing import assess_suitability as assess_suitability
    from maskworks.scene.options import SuitabilityOptions as SuitabilityOptions
    from maskworks.scene.record import SuitabilityRecord as SuitabilityRecord
    from maskworks.scene.running import SuitabilityRequest as SuitabilityRequest
    from maskworks.scene.running import run_suitability as run_suitability
    from maskworks.scene.signals.protocol import SignalChoices as SignalChoices
    from maskworks.scene.sites.measuring import SitesOptions as SitesOptions
    from maskworks.scene.sites.request import SitesRequest as SitesRequest
    from maskworks.scene.sites.request import run_sites as run_sites
    from maskworks.studio.calibration.calibrate import calibrate as calibrate
    from maskworks.studio.calibration.suggestions import suggest_rules as suggest_rules
    from maskworks.studio.campaign.campaign_file import CampaignFile as CampaignFile
    from maskworks.studio.campaign.campaign_file import read_campaign as read_campaign
    from maskworks.studio.campaign.template import campaign_text as campaign_text
    from maskworks.studio.campaign.template import scan_folder as scan_folder
    from maskworks.studio.output.deliver import Deliverable as Deliverable
    from maskworks.studio.output.deliver import compose as compose
    from maskworks.studio.output.gate import Gate as Gate
    from maskworks.studio.output.gate import check_output as check_output
    from maskworks.studio.output.presets import find_preset as find_preset
    from maskworks.studio.output.presets import load_presets as load_presets
    from maskworks.studio.output.rules import OutputRules as OutputRules
    from maskworks.studio.review.ingesting import IngestContext as IngestContext
    from maskworks.studio.review.ingesting import ingest_folder as ingest_folder
    from maskworks.studio.run.campaign_call import CampaignResult as CampaignResult
    from maskworks.studio.run.campaign_call import run_campaign as run_campaign
    from maskworks.studio.run.reporting import report_campaign as report_campaign
    from maskworks.studio.store.decisions import decide as decide
    from maskworks.studio.store.decisions import list_reviews as list_reviews
    from maskworks.studio.store.events import list_events as list_events
    from maskworks.studio.store.keys import add_key as add_key
    from maskworks.studio.store.opening import open_store as open_store
    from maskworks.train.labels.checking import check_split as check_split
    from maskworks.train.training import ExportedFile as ExportedFile
    from maskworks.train.training import export_model as export_model
    from maskworks.train.training import train_model as train_model
    from maskworks.video.live.seeing import live as live
    from maskworks.video.request import VideoRequest as VideoRequest
    from maskworks.video.request import cutout_video as cutout_video
    from maskworks.video.tracking.call import track as track
    from maskworks.video.tracking.result import Tracks as Tracks
    from maskworks.video.tracking.tracker import TrackOptions as TrackOptions

# Silent until the program that uses it asks for more.
logging.getLogger("maskworks").addHandler(logging.NullHandler())

__getattr__, __dir__, __all__ = lazy_names(__name__)
