"""Models: the catalogue, where the weights are, the runtimes and the families.

`load_model` is all that most callers need. Everything is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.models.catalogue import Catalogue as Catalogue
    from maskworks.models.catalogue import load_catalogue as load_catalogue
    from maskworks.models.families.saliency import Prediction as Prediction
    from maskworks.models.loading import Model as Model
    from maskworks.models.loading import load_model as load_model
    from maskworks.models.runtimes.network import Network as Network
    from maskworks.models.spec import InputSpec as InputSpec
    from maskworks.models.spec import ModelSpec as ModelSpec
    from maskworks.models.spec import OutputSpec as OutputSpec

__getattr__, __dir__, __all__ = lazy_names(__name__)
