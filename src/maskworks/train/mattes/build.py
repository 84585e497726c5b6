"""Make a recipe's network, start it from weights, recalibrate folded batch norms."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from maskworks.core.errors import RecipeError
from maskworks.models.networks.live import LivePyramid
from maskworks.models.networks.mobilenet import MobilePyramid
from maskworks.models.networks.u2net import U2Net
from maskworks.train.mattes.onnx_start import EMBEDDED, embedded_file, onnx_tensors
from maskworks.train.mattes.recipe import Init, Recipe

Body = U2Net | MobilePyramid | LivePyramid


def build_body(recipe: Recipe) -> Body:
    """Make the recipe's network with fresh weights."""
    body: Body = U2Net()
    if recipe.network == "mobile-pyramid":
        body = MobilePyramid(context=recipe.context, middle=recipe.middle)
    elif recipe.network == "live-pyramid":
        body = LivePyramid(recipe.context)
    if recipe.frozen_norm:
        fold_norms(body)
    return body


def fold_norms(body: nn.Module) -> None:
    """Turn every batch norm that follows a convolution into that convolution's weights and bias.

    The network computes what it did, with the statistics it has, and learns a third faster.
    """
    layers = dict(body.named_modules())
    for (before, first), (name, norm) in pairwise(layers.items()):
        if not isinstance(norm, nn.BatchNorm2d) or not isinstance(first, nn.Conv2d):
            continue
        parent, _, child = name.rpartition(".")
        layers[parent].add_module(child, nn.Identity())
        parent, _, child = before.rpartition(".")
        layers[parent].add_module(child, fuse_conv_bn_eval(first.eval(), norm.eval()))


def start_from(body: Body, init: Init, data: Path) -> set[str]:
    """Load the initial weights and return the names of the parameters they filled.

    Raises
    ------
    RecipeError
        If the file is missing or none of its tensors fits the network.
    """
    path = data / init.weights
    if init.weights.startswith(EMBEDDED):
        path = embedded_file(init.weights.removeprefix(EMBEDDED))
    if not path.exists():
        raise RecipeError(path, "does not exist", "point init.weights at a safetensors file")
    tensors = onnx_tensors(path, body) if path.suffix == ".onnx" else load_file(path)
    tensors = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    own = body.state_dict()
    fitting = {k: t for k, t in tensors.items() if k in own and own[k].shape == t.shape}
    if not fitting:
        raise RecipeError(path, "holds no tensor of this network", "check the recipe's network")
    body.load_state_dict(fitting, strict=False)
    return set(fitting)
