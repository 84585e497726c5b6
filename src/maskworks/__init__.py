"""Maskworks labels images pixel by pixel, cuts subjects out and says how sure it is.

>>> import maskworks as mw
>>> mw.cutout("photo.jpg").save("photo.png")  # doctest: +SKIP
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names
from maskworks.core.version import __version__ as __version__

if TYPE_CHECKING:
    from maskworks.apps.http.serving import run_server
    from maskworks.apps.http.settings import ServerSettings
    from maskworks.core.colour import parse_colour
    from maskworks.core.errors import (
        ChecksumError,
        DownloadError,
        EvaluationError,
        ImageError,
        LicenceError,
        MaskworksError,
        ModelError,
        NetworkError,
        OutputError,
        ProviderError,
        RecipeError,
        TooLargeError,
        TooSlowError,
        UnknownModelError,
        UnreadableError,
        UsageError,
    )
    from maskworks.core.instances import Instances
    from maskworks.core.label_map import LabelMap
    from maskworks.core.panoptic import Panoptic, Segment
    from maskworks.core.reading import Details, Limits, Picture, read_picture
    from maskworks.core.rle import Rle, encode_mask
    from maskworks.core.taxonomy import Category, Taxonomy, load_taxonomy
    from maskworks.core.taxonomy_mapping import load_mapping
    from maskworks.core.values import Box, Image, Mask, Matte, Trimap
    from maskworks.core.writing import Encoding
    from maskworks.cutouts.backgrounds import Backdrop, Blurred, Plain
    from maskworks.cutouts.cutout import Cutout
    from maskworks.cutouts.cutting import cutout
    from maskworks.cutouts.many import CutoutResult, cutout_many
    from maskworks.cutouts.masks import refine_mask
    from maskworks.cutouts.request import CutoutRequest, open_cutting
    from maskworks.evaluate.instances import evaluate_objects
    from maskworks.evaluate.measuring import evaluate_labels, evaluate_masks, evaluate_mattes
    from maskworks.evaluate.panoptic import evaluate_panoptic
    from maskworks.evaluate.video import evaluate_video
    from maskworks.labels.reading.scans import Window
    from maskworks.labels.request import LabelRequest, open_labelling
    from maskworks.labels.segmenting import Segmentation, segment
    from maskworks.models.catalogue import Catalogue, load_catalogue
    from maskworks.models.classical_methods import Choices
    from maskworks.models.labelling import Segmenter
    from maskworks.models.loading import Model, load_model
    from maskworks.models.opening import Opening
    from maskworks.models.segmenters import load_segmenter
    from maskworks.models.tiled_labelling import Tiles
    from maskworks.refine.refinement import RefineOptions
    from maskworks.refine.regions import RegionOptions
    from maskworks.refine.trimap import TrimapOptions, make_trimap
    from maskworks.studio.calibration.calibrate import calibrate
    from maskworks.studio.calibration.suggestions import suggest_rules
    from maskworks.studio.campaign.campaign_file import CampaignFile, read_campaign
    from maskworks.studio.campaign.template import campaign_text, look_around
    from maskworks.studio.output.deliver import Deliverable, compose
    from maskworks.studio.output.gate import Gate, check_output
    from maskworks.studio.output.presets import find_preset, load_presets
    from maskworks.studio.output.rules import OutputRules
    from maskworks.studio.review.ingesting import IngestContext, ingest_folder
    from maskworks.studio.run.campaign_call import CampaignResult, run_campaign
    from maskworks.studio.run.reporting import report_campaign
    from maskworks.studio.store.decisions import decide, list_reviews
    from maskworks.studio.store.events import list_events
    from maskworks.studio.store.keys import add_key
    from maskworks.studio.store.opening import open_store
    from maskworks.train.labels.checking import check_split
    from maskworks.train.training import ExportedFile, export_model, train_model

__all__ = [
    "Backdrop",
    "Blurred",
    "Box",
    "CampaignFile",
    "CampaignResult",
    "Catalogue",
    "Category",
    "ChecksumError",
    "Choices",
    "Cutout",
    "CutoutRequest",
    "CutoutResult",
    "Deliverable",
    "Details",
    "DownloadError",
    "Encoding",
    "EvaluationError",
    "ExportedFile",
    "Gate",
    "Image",
    "ImageError",
    "IngestContext",
    "Instances",
    "LabelMap",
    "LabelRequest",
    "LicenceError",
    "Limits",
    "Mask",
    "MaskworksError",
    "Matte",
    "Model",
    "ModelError",
    "NetworkError",
    "Opening",
    "OutputError",
    "OutputRules",
    "Panoptic",
    "Picture",
    "Plain",
    "ProviderError",
    "RecipeError",
    "RefineOptions",
    "RegionOptions",
    "Rle",
    "Segment",
    "Segmentation",
    "Segmenter",
    "ServerSettings",
    "Taxonomy",
    "Tiles",
    "TooLargeError",
    "TooSlowError",
    "Trimap",
    "TrimapOptions",
    "UnknownModelError",
    "UnreadableError",
    "UsageError",
    "Window",
    "add_key",
    "calibrate",
    "campaign_text",
    "check_output",
    "check_split",
    "compose",
    "cutout",
    "cutout_many",
    "decide",
    "encode_mask",
    "evaluate_labels",
    "evaluate_masks",
    "evaluate_mattes",
    "evaluate_objects",
    "evaluate_panoptic",
    "evaluate_video",
    "export_model",
    "find_preset",
    "ingest_folder",
    "list_events",
    "list_reviews",
    "load_catalogue",
    "load_mapping",
    "load_model",
    "load_presets",
    "load_segmenter",
    "load_taxonomy",
    "look_around",
    "make_trimap",
    "open_cutting",
    "open_labelling",
    "open_store",
    "parse_colour",
    "read_campaign",
    "read_picture",
    "refine_mask",
    "report_campaign",
    "run_campaign",
    "run_server",
    "segment",
    "suggest_rules",
    "train_model",
]

# Silent until the program that uses it asks for more.
logging.getLogger("maskworks").addHandler(logging.NullHandler())

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "apps.http.serving": ["run_server"],
        "apps.http.settings": ["ServerSettings"],
        "core.colour": ["parse_colour"],
        "core.errors": [
            "ChecksumError",
            "DownloadError",
            "EvaluationError",
            "ImageError",
            "LicenceError",
            "MaskworksError",
            "ModelError",
            "NetworkError",
            "OutputError",
            "ProviderError",
            "RecipeError",
            "TooLargeError",
            "TooSlowError",
            "UnknownModelError",
            "UnreadableError",
            "UsageError",
        ],
        "core.instances": ["Instances"],
        "core.label_map": ["LabelMap"],
        "core.panoptic": ["Panoptic", "Segment"],
        "core.reading": ["Details", "Limits", "Picture", "read_picture"],
        "core.rle": ["Rle", "encode_mask"],
        "core.taxonomy": ["Category", "Taxonomy", "load_taxonomy"],
        "core.taxonomy_mapping": ["load_mapping"],
        "core.values": ["Box", "Image", "Mask", "Matte", "Trimap"],
        "core.writing": ["Encoding"],
        "cutouts.backgrounds": ["Backdrop", "Blurred", "Plain"],
        "cutouts.cutout": ["Cutout"],
        "cutouts.cutting": ["cutout"],
        "cutouts.many": ["CutoutResult", "cutout_many"],
        "cutouts.masks": ["refine_mask"],
        "cutouts.request": ["CutoutRequest", "open_cutting"],
        "evaluate.instances": ["evaluate_objects"],
        "evaluate.measuring": ["evaluate_labels", "evaluate_masks", "evaluate_mattes"],
        "evaluate.panoptic": ["evaluate_panoptic"],
        "evaluate.video": ["evaluate_video"],
        "labels.reading.scans": ["Window"],
        "labels.request": ["LabelRequest", "open_labelling"],
        "labels.segmenting": ["Segmentation", "segment"],
        "models.catalogue": ["Catalogue", "load_catalogue"],
        "models.classical_methods": ["Choices"],
        "models.labelling": ["Segmenter"],
        "models.loading": ["Model", "load_model"],
        "models.opening": ["Opening"],
        "models.segmenters": ["load_segmenter"],
        "models.tiled_labelling": ["Tiles"],
        "refine.refinement": ["RefineOptions"],
        "refine.regions": ["RegionOptions"],
        "refine.trimap": ["TrimapOptions", "make_trimap"],
        "studio.calibration.calibrate": ["calibrate"],
        "studio.calibration.suggestions": ["suggest_rules"],
        "studio.campaign.campaign_file": ["CampaignFile", "read_campaign"],
        "studio.campaign.template": ["campaign_text", "look_around"],
        "studio.output.deliver": ["Deliverable", "compose"],
        "studio.output.gate": ["Gate", "check_output"],
        "studio.output.presets": ["find_preset", "load_presets"],
        "studio.output.rules": ["OutputRules"],
        "studio.review.ingesting": ["IngestContext", "ingest_folder"],
        "studio.run.campaign_call": ["CampaignResult", "run_campaign"],
        "studio.run.reporting": ["report_campaign"],
        "studio.store.decisions": ["decide", "list_reviews"],
        "studio.store.events": ["list_events"],
        "studio.store.keys": ["add_key"],
        "studio.store.opening": ["open_store"],
        "train.labels.checking": ["check_split"],
        "train.training": ["ExportedFile", "export_model", "train_model"],
    },
)
