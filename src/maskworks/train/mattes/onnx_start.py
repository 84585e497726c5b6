"""Start a network from a file of this package, or from any that `export` wrote."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from maskworks.core.errors import RecipeError
from maskworks.models.catalogue import WEIGHTS, load_catalogue

EMBEDDED = "embedded:"
"""Before the name of a network of this package, where a recipe names weights to start from."""


def embedded_file(name: str) -> Path:
    """Return the file of a network of this package."""
    spec = load_catalogue().find(name)
    if not spec.embedded:
        raise RecipeError(Path(name), "is not embedded", "name a network of this package")
    return WEIGHTS / spec.local_name


def onnx_tensors(path: Path, body: nn.Module) -> dict[str, Tensor]:
    """Read a network's weights back from the ONNX file that `export` made of it.

    A batch norm that was folded into the convolution before it comes back as one with mean 0
    and variance 1, as `recalibrate` expects. Where a node lies says which layer it was.
    """
    graph = onnx.load(path).graph
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    layers = dict(body.named_modules())
    after = dict(pairwise(layers))
    found: dict[str, Tensor] = {}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in values:  # tensors that are alike
            values[node.output[0]] = values[node.input[0]]
        weights = [values[i] for i in node.input[1:] if i in values]
        name = _layer_of(node.name)
        if node.op_type not in ("Conv", "Gemm") or name not in layers or not weights:
            continue
        found[f"{name}.weight"] = weights[0]
        norm = layers.get(after.get(name, ""))
        if isinstance(norm, nn.BatchNorm2d) and len(weights) > 1:
            there = after[name]
            found[f"{there}.bias"] = weights[1]
            found[f"{there}.weight"] = torch.full_like(weights[1], math.sqrt(1 + norm.eps))
            found[f"{there}.running_mean"] = torch.zeros_like(weights[1])
            found[f"{there}.running_var"] = torch.ones_like(weights[1])
        elif len(weights) > 1:
            found[f"{name}.bias"] = weights[1]
    return found


def _layer_of(node: str) -> str:
    """Turn a traced node's place into the name of its layer in the body.

    Examples
    --------
    >>> _layer_of("/body/features.1/conv/conv.0/conv.0.0/Conv")
    'features.1.conv.0.0'
    >>> _layer_of("/passes/body/gate/Gemm_1")
    'gate'
    """
    path: list[str] = []
    for part in node.strip("/").split("/")[:-1]:
        if path and part.startswith(f"{path[-1]}."):
            path[-1] = part
        else:
            path.append(part)
    while path[:1] in (["passes"], ["body"]):
        path = path[1:]
    return ".".join(path)
