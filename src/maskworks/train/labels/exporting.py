"""From a run of label maps to a model: weights, a row of the catalogue, a card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from maskworks.core.errors import RecipeError
from maskworks.models.exporting import OUTPUTS, PARITY_AT_MOST, write_proved
from maskworks.models.runtimes import onnx_writing
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.models.runtimes.onnx_writing import pictures, trace
from maskworks.train.exported import Exported
from maskworks.train.labels.families import build_network, stride_of
from maskworks.train.labels.recipe import LabelRecipe, load_label_recipe


@dataclass(frozen=True)
class Opened:
    """A run's best network, what its checkpoint says, and the recipe."""

    recipe: LabelRecipe
    network: nn.Module
    saved: dict[str, Any]


def open_labels(folder: Path) -> Opened:
    """Open a run's best network: the averaged weights that scored best on dev.

    Raises
    ------
    RecipeError
        If the folder is no run, or its checkpoint is another recipe's.
    """
    best = folder / "best.pt"
    if not best.exists():
        raise RecipeError(best, "does not exist", "train first: `maskworks train RECIPE`")
    recipe = load_label_recipe(folder / "recipe.toml")
    network = build_network(recipe)
    saved = torch.load(best, weights_only=True, map_location="cpu")
    try:
        network.load_state_dict(saved["average"])
    except RuntimeError as error:
        raise RecipeError(
            best, "is a checkpoint of another network", "export with the recipe it was made by"
        ) from error
    return Opened(recipe, network.eval(), saved)


def export_labels(folder: Path, target: Path) -> Exported:
    """Write a run's best network to `target`, see `export_opened`.

    Raises
    ------
    RecipeError
        If the folder is no run, or as `export_opened`.
    """
    return export_opened(open_labels(folder), target)


def export_opened(done: Opened, target: Path) -> Exported:
    """Write a network to `target`, parity checked.

    An ONNX file takes ``pixels`` (N, 3, H, W) float32, normalised, of the recipe's height and
    width, or of any size where its input is "keep", and answers ``logits`` (N, C, H, W). One of
    queries takes one picture and answers ``classes`` and ``masks``. A network of detections,
    whose answer has no fixed size, is written as safetensors.

    Raises
    ------
    RecipeError
        If the suffix is another, or ONNX Runtime and Torch differ by more
        than 1e-4 in a chance; `target` is then untouched.
    """
    suffix = suffix_of(done.recipe)
    if target.suffix != suffix:
        raise RecipeError(target, f"a {done.recipe.network} is a {suffix} file", "rename -o")

    def write(part: Path) -> float:
        if done.recipe.detects:
            save_file({k: v.contiguous() for k, v in done.network.state_dict().items()}, part)
            return 0.0
        write_onnx(done.network, part, done.recipe)
        return _proved(done, part, target)

    data, difference = write_proved(target, write)
    return Exported(target, len(data), hashlib.sha256(data).hexdigest(), difference)


def suffix_of(recipe: LabelRecipe) -> str:
    """Return the suffix of the recipe's exported file."""
    return ".safetensors" if recipe.detects else ".onnx"


def _proved(done: Opened, part: Path, target: Path) -> float:
    difference = 0.0
    for size in _sizes(done.recipe):
        difference = max(difference, _difference(done, part, size))
    if not difference <= PARITY_AT_MOST:
        raise RecipeError(
            target,
            f"a chance differs by {difference:.2g} between ONNX and Torch, the limit is "
            f"{PARITY_AT_MOST:g}",
            "the old file is kept; check the network for operations ONNX computes otherwise",
        )
    return difference


def _sizes(recipe: LabelRecipe) -> list[tuple[int, int]]:
    """Return the sizes at which a file is proved: the recipe's, and others if it takes any."""
    first = (recipe.height, recipe.width)
    if recipe.input != "keep":
        return [first]
    step = stride_of(recipe)
    return [(2 * step, 3 * step), (5 * step, 2 * step)]


def write_onnx(network: nn.Module, path: Path, recipe: LabelRecipe) -> None:
    """Trace a network into an ONNX file."""
    if recipe.kind == "queries":
        size, outputs = (recipe.height, recipe.width), OUTPUTS[recipe.kind]
        onnx_writing.write_onnx(network, path, size=size, outputs=outputs)
        return
    axes = {0: "n", 2: "h", 3: "w"} if recipe.input == "keep" else {0: "n"}
    step = stride_of(recipe)
    keep = recipe.input == "keep"
    size = (3 * step, 4 * step) if keep else (recipe.height, recipe.width)
    names = ("pixels", "logits")
    trace(network, path, torch.zeros(2, 3, *size), names=names, axes=dict.fromkeys(names, axes))


@torch.no_grad()
def _difference(done: Opened, path: Path, size: tuple[int, int]) -> float:
    """Return the largest difference of any class's chance in any pixel, or of any query's.

    The inputs are smooth random fields with a sharp shape on them, of batch 1 and 2.
    """
    onnx = open_onnx(path)
    rng = np.random.default_rng(0)
    worst = 0.0
    for count in (1,) if done.recipe.kind == "queries" else (1, 2):
        x = pictures(size, rng, count)
        answer = done.network(x)
        ours = answer if isinstance(answer, tuple) else (answer,)
        theirs = tuple(torch.from_numpy(each) for each in onnx(x.numpy()))
        for mine, other in zip(_chances(ours), _chances(theirs), strict=True):
            apart = (mine - other).abs().nan_to_num(nan=torch.inf)
            worst = max(worst, float(apart.max()))
    return worst


def _chances(answer: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the chances that logits of classes, or of queries, mean."""
    if len(answer) == 1:
        return (answer[0].softmax(1),)
    classes, masks = answer
    return classes.softmax(2), masks.sigmoid()
