"""Maskworks labels images pixel by pixel, cuts subjects out and says how sure it is.

>>> from maskworks import cutout, load_model
>>> cutout("photo.jpg", load_model("cutout")).save("photo.png")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskworks.core.errors import MaskworksError
    from maskworks.models.loading import Model, load_model
    from maskworks.studio.steps import Cutout, cutout

__all__ = ["Cutout", "MaskworksError", "Model", "cutout", "load_model"]

__version__ = "0.1.0"

_HOME = {
    "Cutout": "studio.steps",
    "MaskworksError": "core.errors",
    "Model": "models.loading",
    "cutout": "studio.steps",
    "load_model": "models.loading",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `import maskworks` is quick."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
