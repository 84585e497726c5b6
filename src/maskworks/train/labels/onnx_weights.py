"""Read the weights of an ONNX file back into the network that it was exported from.

An exporter folds batch norms into the convolutions before them and gives tensors names of its
own, so weights are matched by the order in which layers run, and a folded batch norm becomes one
that changes nothing but adds the bias.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maskworks.core.errors import RecipeError

_OPS = {
    nn.Conv2d: "Conv",
    nn.ConvTranspose2d: "ConvTranspose",
    nn.BatchNorm2d: "BatchNormalization",
    nn.PReLU: "PRelu",
    nn.Linear: "Gemm",
}


def tensors_of_onnx(path: Path, network: nn.Module, size: tuple[int, int]) -> dict[str, Tensor]:
    """Return the file's weights by the names that `network` gives them.

    Parameters
    ----------
    path : an ONNX file
    network : whose layers run in the same order
    size : (h, w), of an input that it takes

    Returns
    -------
    Tensors by name; the layers from the first on that has another shape are left out only if it
    is the last one, which has other classes

    Raises
    ------
    RecipeError
        If the file's layers are not this network's.
    """
    nodes = _layers_of_file(path)
    layers = _layers_in_order(network, size)
    found: dict[str, Tensor] = {}
    at = 0
    for number, (name, layer) in enumerate(layers):
        op = _OPS[type(layer)]
        if isinstance(layer, nn.BatchNorm2d) and (at == len(nodes) or nodes[at][0] != op):
            found.update(_identity(name, layer, found.pop(f"{layers[number - 1][0]}.bias?", None)))
            continue
        if at == len(nodes) or nodes[at][0] != op:
            theirs = nodes[at][0] if at < len(nodes) else "at its end"
            raise _misfit(path, f"{name} is a {op}, the file's layer {at + 1} is {theirs}")
        values = nodes[at][1]
        at += 1
        if values and values[0].numel() != layer.weight.numel():
            if at == len(nodes):
                break
            ours, other = tuple(layer.weight.shape), tuple(values[0].shape)
            raise _misfit(path, f"{name} is {ours}, the file's layer {at} is {other}")
        found.update(_named(name, layer, values))
    if at != len(nodes):
        raise _misfit(path, f"it has {len(nodes)} layers, the recipe's network {at}")
    return {key: value for key, value in found.items() if not key.endswith("?")}


def _misfit(path: Path, reason: str) -> RecipeError:
    return RecipeError(
        path,
        f"is a model of another architecture: {reason}",
        "name the recipe's network as the model's card does",
    )


def _layers_in_order(network: nn.Module, size: tuple[int, int]) -> list[tuple[str, Any]]:
    """Return the layers with weights by the order in which they first run."""
    order: list[tuple[str, Any]] = []
    names = {layer: name for name, layer in network.named_modules() if type(layer) in _OPS}

    def note(layer: nn.Module, *_: object) -> None:
        if layer in names:
            order.append((names.pop(layer), layer))

    hooks = [layer.register_forward_hook(note) for layer in list(names)]
    was = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, *size))
    network.train(was)
    for hook in hooks:
        hook.remove()
    return order


def _layers_of_file(path: Path) -> list[tuple[str, list[Tensor]]]:
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(path).graph
    except Exception as error:
        raise RecipeError(path, f"is no ONNX file ({error})", "download it again") from error
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
        elif node.op_type == "Constant" and node.attribute[0].name == "value":
            values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    found = []
    for node in graph.node:
        if node.op_type in _OPS.values():
            arrays = [values[name] for name in node.input[1:] if name in values]
            found.append((node.op_type, [torch.from_numpy(a.copy()).float() for a in arrays]))
    return found


def _named(name: str, layer: nn.Module, values: list[Tensor]) -> dict[str, Tensor]:
    """Return what a node holds by the names of our layer; a bias we lack is kept with a "?"."""
    if isinstance(layer, nn.BatchNorm2d):
        keys = ("weight", "bias", "running_mean", "running_var")
        return {f"{name}.{key}": value for key, value in zip(keys, values, strict=True)}
    weight: Any = layer.weight
    found = {f"{name}.weight": values[0].reshape(weight.shape)}
    if len(values) > 1:
        found[f"{name}.bias" if getattr(layer, "bias", None) is not None else f"{name}.bias?"] = (
            values[1]
        )
    return found


def _identity(name: str, layer: nn.BatchNorm2d, bias: Tensor | None) -> dict[str, Tensor]:
    ones = torch.ones(layer.num_features)
    return {
        f"{name}.weight": ones,
        f"{name}.bias": torch.zeros_like(ones) if bias is None else bias,
        f"{name}.running_mean": torch.zeros_like(ones),
        f"{name}.running_var": ones - layer.eps,
    }
