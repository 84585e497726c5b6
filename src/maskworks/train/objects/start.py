"""Start a detector from a published file whose network has the same convolutions."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from maskworks.core.errors import RecipeError
from maskworks.models.networks.objects import ObjectsNetwork


def start_from(path: Path, network: ObjectsNetwork) -> None:
    """Fill a network from the convolutions of an ONNX file, one after the other.

    Both list their convolutions in the order in which they are computed; the shapes must agree
    one by one. Where the file has no wide blocks, they keep what they hold: the identity.

    Raises
    ------
    RecipeError
        If the file is missing, or its convolutions are others.
    """
    if not path.is_file():
        raise RecipeError(path, "does not exist", "name weights that lie there in [init]")
    graph = onnx.load(path).graph
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in values:  # tensors that are alike
            values[node.output[0]] = values[node.input[0]]
    theirs = [node for node in graph.node if node.op_type == "Conv"]
    ours = [each for each in network.named_modules() if isinstance(each[1], nn.Conv2d)]
    if len(theirs) != len(ours):
        ours = [each for each in ours if not each[0].startswith("context.")]
    if len(theirs) != len(ours):
        raise RecipeError(
            path, f"has {len(theirs)} convolutions, the network {len(ours)}", "name its own file"
        )
    for node, (name, layer) in zip(theirs, ours, strict=True):
        assert isinstance(layer, nn.Conv2d)  # noqa: S101 - as they were chosen
        weight, bias = values[node.input[1]], values[node.input[2]]
        if weight.shape != tuple(layer.weight.shape):
            raise RecipeError(
                path,
                f"its {node.name} is {weight.shape}, {name} is {tuple(layer.weight.shape)}",
                "name the file of a network of the same layers",
            )
        assert layer.bias is not None  # noqa: S101
        layer.weight.data = torch.from_numpy(weight.copy())
        layer.bias.data = torch.from_numpy(bias.copy())
