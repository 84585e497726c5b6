"""Networks by the names that recipes give them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from maskworks.core.errors import ModelError
from maskworks.models.families.torchvision_models import build
from maskworks.models.networks.espnet import EspNet
from maskworks.models.networks.unet import UNet
from maskworks.models.runtimes.torch import need
from maskworks.train.labels.network_names import SMP, TORCHVISION
from maskworks.train.labels.queries import build_queries
from maskworks.train.labels.recipe import LabelRecipe


class Logits(nn.Module):
    """A network of torchvision that answers its logits rather than a dictionary of them."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Map a normalised picture (N, 3, h, w) to logits (N, classes, h, w)."""
        logits: Tensor = self.body(x)["out"]
        return logits


def build_network(recipe: LabelRecipe) -> nn.Module:
    """Make the recipe's network with fresh weights; nothing is ever fetched.

    Raises
    ------
    ModelError
        If a library is missing, or has no such encoder.
    """
    if recipe.network == "unet":
        return UNet(recipe.outputs, width=recipe.channels)
    if recipe.network == "espnetv2":
        return EspNet(recipe.outputs, width=recipe.channels)
    if recipe.network.startswith(SMP):
        return _of_smp(recipe)
    if recipe.kind == "queries":
        return build_queries(recipe)
    need("torchvision")
    classes = recipe.outputs if not recipe.detects else len(recipe.class_names)
    body: Any = build(recipe.network, classes)
    return body if recipe.detects else Logits(body)


def _of_smp(recipe: LabelRecipe) -> nn.Module:
    need("segmentation_models_pytorch")
    import segmentation_models_pytorch as smp

    try:
        network: nn.Module = smp.create_model(
            recipe.network.removeprefix(SMP),
            encoder_name=str(recipe.encoder),
            encoder_weights=None,
            classes=recipe.outputs,
        )
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(
            f"{recipe.network} with the encoder {recipe.encoder!r} cannot be made "
            f"({' '.join(str(error).split())[:300]}); choose another encoder"
        ) from error
    return network


def stride_of(recipe: LabelRecipe) -> int:
    """Return what the sides of the network's input must be a multiple of."""
    return {"unet": 16, "espnetv2": 16}.get(recipe.network, 32)


def last_layer(network: nn.Module) -> str:
    """Return the name of the layer whose channels are the classes."""
    if isinstance(network, UNet):
        return "last"
    if isinstance(network, EspNet):
        return "bu_dec_l4.merge_layer.3"
    names = [name for name, each in network.named_modules() if isinstance(each, nn.Conv2d)]
    return names[-1]


_OF_QUERIES = "body.model.pixel_level_module.encoder."


def is_encoder(name: str) -> bool:
    """Return whether a parameter is of the encoder, not of the head."""
    return name.startswith(("base_net.", "encoder.", "backbone.", "body.backbone.", _OF_QUERIES))


ENCODERS = (
    "",
    "encoder.",
    "backbone.",
    "body.",
    "body.backbone.",
    "backbone.body.",
    _OF_QUERIES,
    f"{_OF_QUERIES}_backbone.",
)
"""What may stand before the names of a file's tensors in a network of ours."""

__all__ = ["ENCODERS", "TORCHVISION", "build_network", "is_encoder", "last_layer", "stride_of"]
