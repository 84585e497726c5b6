"""Make a recipe's network, start it from weights, measure its batch norms anew."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from maskworks.core.errors import RecipeError
from maskworks.train.labels.families import ENCODERS, last_layer
from maskworks.train.labels.recipe import Start

def start_network(network: nn.Module, start: Start, data: Path) -> set[str]:
    """Load weights and return the names of the parameters they filled.

    Raises
    ------
    RecipeError
        If the file is missing, none of its tensors fits, or `rows` name a class it has not.
    """
    path = data / start.weights
    if not path.is_file():
        raise RecipeError(path, "does not exist", "point start.weights at a safetensors file")
    tensors: dict[str, Tensor] = {
        name: t.float() if t.is_floating_point() else t for name, t in load_file(path).items()
    }
    if start.rows:
        for end in ("weight", "bias"):
            key = f"{last_layer(network)}.{end}"
            tensors[key] = _remapped(tensors, key, start, path)
    own = network.state_dict()
    fitting = {k: t for k, t in tensors.items() if k in own and own[k].shape == t.shape}
    if not fitting:
        raise RecipeError(path, "holds no tensor of this network", "check the recipe's network")
    network.load_state_dict(fitting, strict=False)
    return set(fitting)


def _remapped(tensors: dict[str, Tensor], key: str, start: Start, path: Path) -> Tensor:
    if key not in tensors:
        raise RecipeError(path, f"has no {key}", "take start.rows out of the recipe")
    before = tensors[key]
    highest = max(max(row, default=-1) for row in start.rows)
    if highest >= len(before) or any(not row for row in start.rows):
        raise RecipeError(
            path,
            f"has {len(before)} classes, start.rows asks for up to {highest}",
            "name at least one class of the weights for each of yours",
        )
    return torch.stack([before[list(row)].mean(0) for row in start.rows])


@torch.no_grad()
def recalibrate_norms(network: nn.Module, batches: list[Tensor]) -> None:
    """Replace the statistics of every batch norm by those of some normalised pictures."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over batches
        layer.train()
    for batch in batches:
        network(batch)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
