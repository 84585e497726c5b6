"""A model is a row and an open network; a family's function runs them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from maskworks.core.errors import ModelError
from maskworks.models.catalogue import load_catalogue
from maskworks.models.families import edges, saliency
from maskworks.models.store import ready

if TYPE_CHECKING:
    from maskworks.core.values import Image, Matte
    from maskworks.models.families.saliency import Prediction
    from maskworks.models.runtimes.network import Network
    from maskworks.models.spec import ModelSpec


class Later:
    """A model that is opened when it is first asked for, once, whoever asks."""

    def __init__(self, spec: ModelSpec, threads: int, provider: str) -> None:
        self.spec, self._threads, self._provider = spec, threads, provider
        self._lock = Lock()
        self._model: Model | None = None

    def open(self) -> Model:
        """Return the open model."""
        with self._lock:
            if self._model is None:
                self._model = _opened(self.spec, self._threads, self._provider)
            return self._model


@dataclass(frozen=True)
class Model:
    """A row of the catalogue and its open network; safe to share between threads.

    `edge` is the model that redraws the edges of this one's mattes, None if it has none.
    """

    spec: ModelSpec
    network: Network
    edge: Later | None = field(default=None, repr=False, compare=False)

    def predict(self, image: Image) -> Prediction:
        """Find the subject of one picture; see `maskworks.models.families.saliency.predict`."""
        self._only("saliency", "gives no matte of a subject")
        return saliency.predict(image, self.spec, self.network)

    def predict_closer(self, image: Image) -> Prediction:
        """Look at a part of a picture at `spec.input.detail`; see `predict_closer` there."""
        self._only("saliency", "gives no matte of a subject")
        return saliency.predict_closer(image, self.spec, self.network)

    def redraw(self, image: Image, matte: Matte) -> Matte:
        """Redraw the edge of a matte; see `maskworks.models.families.edges.redraw`."""
        self._only("edge", "redraws no edges")
        return edges.redraw(image, matte, self.spec, self.network)

    def _only(self, family: str, otherwise: str) -> None:
        if self.spec.family != family:
            raise ModelError(
                f"{self.spec.name} is a model of the family {self.spec.family!r} and {otherwise}; "
                "`maskworks models list` shows what each is for"
            )


def load_model(
    name: str = "cutout",
    *,
    threads: int = 0,
    provider: str = "cpu",
    commercial_only: bool = False,
) -> Model:
    """Open a model of the catalogue; never touches the network.

    Parameters
    ----------
    name : str
        As `maskworks models list` prints it.
    threads : int, >= 0
        Threads inside one prediction; 0 takes every core this process may use.
    provider : "cpu", "cuda", "openvino", "coreml" or "directml"
    commercial_only : bool
        Refuse weights whose licence forbids commercial use (also MASKWORKS_COMMERCIAL_ONLY).

    Returns
    -------
    Model

    Raises
    ------
    UnknownModelError, LicenceError, ProviderError, ChecksumError
    ModelError
        If the file is not on this machine (the message says how to get it) or not a network.
    """
    catalogue = load_catalogue()
    spec = catalogue.find(name, commercial_only=commercial_only)
    opened = _opened(spec, threads, provider)
    if spec.edge is None:
        return opened
    edge = catalogue.find(spec.edge, commercial_only=commercial_only)
    return replace(opened, edge=Later(edge, threads, provider))


def _opened(spec: ModelSpec, threads: int, provider: str) -> Model:
    from maskworks.models.runtimes.onnx import open_onnx

    return Model(spec, open_onnx(ready(spec), threads=threads, provider=provider))
