"""Values, picture input and output, colour, and the error tree; numpy and Pillow only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
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
    from maskworks.core.formats import SUFFIXES
    from maskworks.core.instances import Instances
    from maskworks.core.label_map import LabelMap
    from maskworks.core.panoptic import Panoptic, Segment
    from maskworks.core.reading import Details, Limits, Picture, read_picture
    from maskworks.core.rle import Rle, encode_mask
    from maskworks.core.taxonomy import (
        Category,
        Taxonomy,
        load_taxonomy,
        plain_taxonomy,
        taxonomy_names,
    )
    from maskworks.core.taxonomy_mapping import Mapping, load_mapping
    from maskworks.core.values import Box, Image, Mask, Matte, Trimap
    from maskworks.core.writing import (
        Encoding,
        encode,
        encode_matte,
        write_atomic,
        write_text_atomic,
    )

__all__ = [
    "SUFFIXES",
    "Box",
    "Category",
    "ChecksumError",
    "Details",
    "DownloadError",
    "Encoding",
    "EvaluationError",
    "Image",
    "ImageError",
    "Instances",
    "LabelMap",
    "LicenceError",
    "Limits",
    "Mapping",
    "Mask",
    "MaskworksError",
    "Matte",
    "ModelError",
    "NetworkError",
    "OutputError",
    "Panoptic",
    "Picture",
    "ProviderError",
    "RecipeError",
    "Rle",
    "Segment",
    "Taxonomy",
    "TooLargeError",
    "TooSlowError",
    "Trimap",
    "UnknownModelError",
    "UnreadableError",
    "UsageError",
    "encode",
    "encode_mask",
    "encode_matte",
    "load_mapping",
    "load_taxonomy",
    "parse_colour",
    "plain_taxonomy",
    "read_picture",
    "taxonomy_names",
    "write_atomic",
    "write_text_atomic",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "colour": ["parse_colour"],
        "errors": [
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
        "formats": ["SUFFIXES"],
        "instances": ["Instances"],
        "label_map": ["LabelMap"],
        "panoptic": ["Panoptic", "Segment"],
        "reading": ["Details", "Limits", "Picture", "read_picture"],
        "rle": ["Rle", "encode_mask"],
        "taxonomy": ["Category", "Taxonomy", "load_taxonomy", "plain_taxonomy", "taxonomy_names"],
        "taxonomy_mapping": ["Mapping", "load_mapping"],
        "values": ["Box", "Image", "Mask", "Matte", "Trimap"],
        "writing": ["Encoding", "encode", "encode_matte", "write_atomic", "write_text_atomic"],
    },
)
