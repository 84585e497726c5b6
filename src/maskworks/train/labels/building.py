"""Start a recipe's network from weights: a file, a folder or a model of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from maskworks.core.errors import RecipeError
from maskworks.models.catalogue import load_catalogue
from maskworks.models.model_folder import folder_of, read_config
from maskworks.models.opening import HUB
from maskworks.models.store import ready
from maskworks.train.labels.families import ENCODERS, last_layer
from maskworks.train.labels.onnx_weights import tensors_of_onnx
from maskworks.train.labels.recipe import Start

_SUFFIXES = (".safetensors", ".onnx")
_WEIGHTS = "model.safetensors"
_FOLDED_WITHIN = 1e-2  # a variance of 1 may have the batch norm's epsilon taken off


@dataclass(frozen=True)
class Loaded:
    """The names of the parameters that a file filled; `folded` if it has no batch norms left."""

    names: set[str]
    folded: bool = False


def start_of(name: str) -> Start:
    """Return how to start: a file, a folder with ``model.safetensors``, hf:OWNER/NAME, a model.

    Raises
    ------
    RecipeError
        If a file is of another kind.
    UnknownModelError, LicenceError, ModelError
        If there is no such model, or its file is not here.
    """
    if name.startswith(HUB):
        path = folder_of(name)
        if not (path / _WEIGHTS).is_file():
            read_config(path, name)  # says how to fetch what is not here
    else:
        path = Path(name).expanduser()
    if path.is_dir():
        path = path / _WEIGHTS
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            raise RecipeError(
                path, "is neither safetensors nor ONNX", "a pickle is converted by safetensors"
            )
        return Start(weights=str(path.resolve()))
    return Start(weights=str(ready(load_catalogue().find(name)).resolve()))


def start_network(
    network: nn.Module, start: Start, data: Path, *, size: tuple[int, int] = (64, 64)
) -> Loaded:
    """Load weights; what has another shape, such as other classes, stays as it is.

    The tensors of a safetensors file may be the whole network's or its encoder's alone, called as
    timm, torchvision and smp call them. An ONNX file is matched layer by layer.

    Parameters
    ----------
    network : of the recipe
    start : Start
        Its weights are a path, "maskworks:NAME" for a model that the package brings, or
        "hf:OWNER/NAME" for one that was pulled or lies in the cache of Hugging Face.
    data : folder that its path is relative to
    size : (h, w), of an input that the network takes

    Raises
    ------
    RecipeError
        If the file is missing, none of its tensors fits, or `rows` name a class it has not.
    """
    path = _weights_path(start.weights, data)
    if not path.is_file() and start.weights.startswith(HUB):
        raise RecipeError(path, "is not here", f"fetch it: `maskworks models pull {start.weights}`")
    if not path.is_file():
        raise RecipeError(path, "does not exist", "point start.weights at a safetensors file")
    if path.suffix == ".onnx":
        tensors = tensors_of_onnx(path, network, size)
        folded = True
    else:
        tensors = _tensors_of_file(path)
        folded = _is_folded(tensors)
    if start.rows:
        for end in ("weight", "bias"):
            key = f"{last_layer(network)}.{end}"
            tensors[key] = _remapped(tensors, key, start, path)
    fitting = max((_fitting(network, tensors, prefix) for prefix in ENCODERS), key=len)
    if not fitting:
        raise RecipeError(path, "holds no tensor of this network", "check the recipe's network")
    network.load_state_dict(fitting, strict=False)
    return Loaded(set(fitting), folded)


def _weights_path(weights: str, data: Path) -> Path:
    """Return the file of weights: of a model that the package brings, of a hub, or a path."""
    if weights.startswith(HUB):
        return folder_of(weights) / _WEIGHTS
    mark, _, name = weights.partition(":")
    if mark == "maskworks" and name:
        return Path(str(files("maskworks.models") / "weights" / f"{name}.onnx"))
    return data / weights


def _tensors_of_file(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise RecipeError(path, f"is no safetensors file ({reason})", "convert it first") from error
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def _is_folded(tensors: dict[str, Tensor]) -> bool:
    """Return whether every batch norm holds mean 0 and variance 1: it is in the convolutions."""
    means = [t for name, t in tensors.items() if name.endswith("running_mean")]
    variances = [t for name, t in tensors.items() if name.endswith("running_var")]
    return bool(means) and all(
        bool((part - value).abs().max() < _FOLDED_WITHIN)
        for parts, value in ((means, 0.0), (variances, 1.0))
        for part in parts
    )


def _fitting(network: nn.Module, tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    own = network.state_dict()
    called = {prefix + name: tensor for name, tensor in tensors.items()}
    return {k: t for k, t in called.items() if k in own and own[k].shape == t.shape}


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
