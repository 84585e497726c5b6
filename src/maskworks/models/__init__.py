"""Models: the catalogue, where the weights are, the runtimes and the families.

`load_model` is all that most callers need. Everything is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "catalogue": ["Catalogue", "load_catalogue"],
        "families.saliency": ["Prediction"],
        "loading": ["Model", "load_model"],
        "runtimes.network": ["Network"],
        "spec": ["InputSpec", "ModelSpec", "OutputSpec"],
    },
)
