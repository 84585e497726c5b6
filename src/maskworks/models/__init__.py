"""Models: the catalogue, where the weights are, the runtimes and the families.

`load_model` is all that most callers need. Everything is imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskworks.models.catalogue import Catalogue, load_catalogue
    from maskworks.models.families.saliency import Prediction
    from maskworks.models.loading import Model, load_model
    from maskworks.models.runtimes.network import Network
    from maskworks.models.spec import InputSpec, ModelSpec, OutputSpec

__all__ = [
    "Catalogue",
    "InputSpec",
    "Model",
    "ModelSpec",
    "Network",
    "OutputSpec",
    "Prediction",
    "load_catalogue",
    "load_model",
]

_HOMES = {
    "Catalogue": "catalogue",
    "InputSpec": "spec",
    "Model": "loading",
    "ModelSpec": "spec",
    "Network": "runtimes.network",
    "OutputSpec": "spec",
    "Prediction": "families.saliency",
    "load_catalogue": "catalogue",
    "load_model": "loading",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
