"""Maskworks labels images pixel by pixel, cuts subjects out and says how sure it is.

>>> from maskworks import cutout, load_model
>>> cutout("photo.jpg", load_model("cutout")).save("photo.png")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.core.errors import MaskworksError
    from maskworks.cutouts.cutout import Cutout
    from maskworks.cutouts.cutting import cutout
    from maskworks.models.loading import Model, load_model

__all__ = ["Cutout", "MaskworksError", "Model", "cutout", "load_model"]

__version__ = "0.1.0"

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "cutouts.cutout": ["Cutout"],
        "cutouts.cutting": ["cutout"],
        "core.errors": ["MaskworksError"],
        "models.loading": ["Model", "load_model"],
    },
)
