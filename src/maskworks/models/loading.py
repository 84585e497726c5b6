"""A model is a row and an open network; a family's function runs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from maskworks.core.errors import ModelError
from maskworks.core.public import public
from maskworks.models.catalogue import load_catalogue
from maskworks.models.families import saliency
from maskworks.models.families.sharpening import sharpened
from maskworks.models.store import ready, sharpening

if TYPE_CHECKING:
    from maskworks.core.values import Float2D, Image
    from maskworks.models.families.saliency import Prediction
    from maskworks.models.runtimes.network import Network
    from maskworks.models.spec import ModelSpec


@dataclass(frozen=True)
class Model:
    """A row of the catalogue and its open network; safe to share between threads."""

    spec: ModelSpec
    network: Network

    def predict(self, image: Image, *, before: Float2D | None = None) -> Prediction:
        """Find the subject of one picture; see `maskworks.models.families.saliency.predict`."""
        self._cuts_out()
        return self._calibrated(saliency.predict(image, self.spec, self.network, before=before))

    def _calibrated(self, found: Prediction) -> Prediction:
        """Return a prediction with the confidence that this machine's fit says it has."""
        fit = self.spec.calibration
        if fit is None or found.confidence is None:
            return found
        return replace(
            found, confidence=fit.apply(found.confidence), raw_confidence=found.confidence
        )

    def _cuts_out(self) -> None:
        if self.spec.family != "saliency":
            raise ModelError(
                f"{self.spec.name} is a model of the family {self.spec.family!r} and gives no "
                "matte of a subject; `maskworks models list` shows what each is for"
            )


@public
def load_model(
    name: str = "cutout",
    *,
    threads: int = 0,
    provider: str = "cpu",
    commercial_only: bool = False,
    calibrated: bool = True,
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
    calibrated : bool
        Bend the confidence by the fit that is kept beside the row, if there is one.

    Raises
    ------
    UnknownModelError, LicenceError, ProviderError, ChecksumError
    ModelError
        If the file is not on this machine (the message says how to get it) or not a network, or
        the fit of its confidence is that of another file.

    Examples
    --------
    >>> load_model("cutout").spec.family  # doctest: +SKIP
    'saliency'
    """
    spec = load_catalogue().find(name, commercial_only=commercial_only)
    if not calibrated:
        spec = spec.model_copy(update={"calibration": None})
    elif spec.calibration is not None and spec.calibration.sha256 != spec.sha256:
        raise ModelError(
            f"{name}: the fit of its confidence ({spec.calibration.label}) is that of other "
            "weights; fit it anew with `maskworks evaluate calibration --store`, or take it away "
            f"with `maskworks models uncalibrate {name}`"
        )
    return open_model(spec, threads=threads, provider=provider)


def open_model(spec: ModelSpec, *, threads: int = 0, provider: str = "cpu") -> Model:
    """Open the model of a row that was found, here or on another machine.

    Raises
    ------
    ProviderError, ChecksumError, ModelError
        As `load_model`.
    """
    from maskworks.models.runtimes.onnx import open_onnx

    network = open_onnx(ready(spec), threads=threads, provider=provider)
    if spec.sharpening is not None:
        sharpener = open_onnx(sharpening(spec.sharpening), threads=threads, provider=provider)
        network = sharpened(network, sharpener)
    return Model(spec, network)
