"""Values, picture input and output, colour, and the error tree; numpy and Pillow only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskworks.core.colour import parse_colour
    from maskworks.core.errors import (
        ChecksumError,
        DownloadError,
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
    from maskworks.core.reading import Details, Limits, Picture, read_picture
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
    "ChecksumError",
    "Details",
    "DownloadError",
    "Encoding",
    "Image",
    "ImageError",
    "LicenceError",
    "Limits",
    "Mask",
    "MaskworksError",
    "Matte",
    "ModelError",
    "NetworkError",
    "OutputError",
    "Picture",
    "ProviderError",
    "RecipeError",
    "TooLargeError",
    "Trimap",
    "UnknownModelError",
    "UnreadableError",
    "UsageError",
    "encode",
    "encode_matte",
    "parse_colour",
    "read_picture",
    "write_atomic",
    "write_text_atomic",
]

_MODULES = {
    "errors": [name for name in __all__ if name.endswith("Error")],
    "values": ["Box", "Image", "Mask", "Matte", "Trimap"],
    "formats": ["SUFFIXES"],
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
