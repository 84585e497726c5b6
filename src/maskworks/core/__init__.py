"""Values, picture input and output, colour, and the error tree; numpy and Pillow only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

_MODULES = {
    "errors": [name for name in __all__ if name.endswith("Error")],
    "values": ["Box", "Image", "Mask", "Matte", "Trimap"],
    "formats": ["SUFFIXES"],
    "instances": ["Instances"],
    "label_map": ["LabelMap"],
    "panoptic": ["Panoptic", "Segment"],
    "rle": ["Rle", "encode_mask"],
    "taxonomy": [
        "Category",
        "Taxonomy",
        "load_taxonomy",
        "plain_taxonomy",
        "taxonomy_names",
    ],
    "taxonomy_mapping": ["Mapping", "load_mapping"],
    "reading": ["Details", "Limits", "Picture", "read_picture"],
    "writing": ["Encoding", "encode", "encode_matte", "write_atomic", "write_text_atomic"],
    "colour": ["parse_colour"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `import maskworks` is quick."""
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
