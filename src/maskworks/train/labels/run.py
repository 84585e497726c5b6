"""A run of label maps from recipe to network, and from run to model file."""

from __future__ import annotations

import hashlib
import shutil
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.jit._trace import TracerWarning

from maskworks.core.errors import RecipeError
from maskworks.core.writing import write_atomic
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.export import PARITY_AT_MOST, Exported
from maskworks.train.labels.families import build_network
from maskworks.train.labels.loop import LabelRun, Splits
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import LabelRecipe, Start, load_label_recipe
from maskworks.train.labels.team import join_team, leave_team
from maskworks.train.labels.watch import Watch
from maskworks.train.loop import Budget


def train_labels(
    path: Path,
    data: Path,
    folder: Path,
    budget: Budget,
    *,
    watch: Watch,
    init: Start | None = None,
) -> None:
    """Train until the schedule is through; the same call resumes a stopped run.

    Started by torchrun, the processes train together, each on views of its own.

    Parameters
    ----------
    path : the recipe
    data : folder that the recipe's paths are relative to
    folder : of the run
    budget : Budget
    watch : Watch
    init : weights to start from instead of those that the recipe names

    Raises
    ------
    RecipeError
        If recipe, data or checkpoint cannot be used, or the loss is not finite.
    """
    recipe = load_label_recipe(path)
    if init is not None:
        recipe = recipe.model_copy(update={"start": init})
    team = join_team()
    watch = watch if team.leads else Watch(_unheard)
    try:
        splits = load_splits(path, recipe, data)
        watch.say(f"{len(splits.train)} pictures to learn from, {len(splits.dev)} to score on")
        run = LabelRun(recipe, data, splits, folder=folder, watch=watch, team=team)
        if team.leads and path.resolve() != (folder / "recipe.toml").resolve():
            shutil.copyfile(path, folder / "recipe.toml")
        if run.log is not None and run.log.missing:
            watch.say(
                "no TensorBoard events: `pip install tensorboard` brings them; log.csv is all"
            )
        if run.train(budget):
            watch.say(f"trained; `maskworks export {folder}` writes the model")
        else:
            used = f"the {budget.minutes:g} minutes are used at step {run.at.step}"
            watch.say(f"{used} of {recipe.steps}")
        if run.log is not None:
            run.log.close()
    finally:
        leave_team()


def _unheard(_: str) -> None:
    """Say nothing: one process of a team speaks."""


def load_splits(path: Path, recipe: LabelRecipe, data: Path) -> Splits:
    """Decode the recipe's pictures.

    Raises
    ------
    RecipeError
        If a picture cannot be used, or one name is in both splits.
    """
    splits = Splits(load_set(data, recipe, recipe.train), load_set(data, recipe, recipe.dev))
    if twice := set(splits.train.names) & set(splits.dev.names):
        raise RecipeError(
            path,
            f"{len(twice)} pictures are in train and dev, such as {min(twice)}",
            "keep the splits apart; `maskworks data check` finds duplicates of other names too",
        )
    return splits


def open_labels(folder: Path) -> tuple[LabelRecipe, nn.Module]:
    """Open a run's best network: the recipe, and the averaged weights that scored best on dev.

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
    saved = torch.load(best, weights_only=True)
    try:
        network.load_state_dict({k: v.cpu() for k, v in saved["average"].items()})
    except RuntimeError as error:
        raise RecipeError(
            best, "is a checkpoint of another network", "export with the recipe it was made by"
        ) from error
    return recipe, network.eval()


def export_labels(folder: Path, target: Path) -> Exported:
    """Write a run's best network to `target` (an ONNX file), parity checked.

    The file takes ``pixels`` (N, 3, H, W) float32, normalised, of the recipe's height and
    width, and answers ``logits`` (N, C, H, W).

    Raises
    ------
    RecipeError
        If the folder is no run, or ONNX Runtime and Torch differ by more than 1e-4 in a chance;
        `target` is then untouched.
    """
    recipe, network = open_labels(folder)
    size = (recipe.height, recipe.width)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        _write(network, part, size)
        difference = _difference(network, part, size)
        if not difference <= PARITY_AT_MOST:
            raise RecipeError(
                target,
                f"a chance differs by {difference:.2g} between ONNX and Torch, the limit is "
                f"{PARITY_AT_MOST:g}",
                "the old file is kept; check the network for operations ONNX computes otherwise",
            )
        data = part.read_bytes()
    finally:
        part.unlink(missing_ok=True)
    write_atomic(target, data)
    return Exported(target, len(data), hashlib.sha256(data).hexdigest(), difference)


def _write(network: nn.Module, path: Path, size: tuple[int, int]) -> None:
    with warnings.catch_warnings():
        # Sizes become constants on purpose; parity is proved afterwards.
        for kind in (TracerWarning, DeprecationWarning, UserWarning):
            warnings.simplefilter("ignore", kind)
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, *size),),
            str(path),
            input_names=["pixels"],
            output_names=["logits"],
            dynamic_axes={"pixels": {0: "n"}, "logits": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )


@torch.no_grad()
def _difference(network: nn.Module, path: Path, size: tuple[int, int]) -> float:
    """Return the largest difference of any class's chance in any pixel.

    The inputs are smooth random fields with a sharp shape on them, of batch 1 and 2.
    """
    onnx = open_onnx(path)
    rng = np.random.default_rng(0)
    worst = 0.0
    for count in (1, 2):
        coarse = torch.from_numpy(rng.standard_normal((count, 3, 12, 12)).astype(np.float32))
        x = nn.functional.interpolate(coarse, size=size, mode="bicubic")
        x[:, :, size[0] // 4 : size[0] // 2, size[1] // 3 : size[1] // 2] += 1.5
        ours, theirs = (y.softmax(1) for y in (network(x), torch.from_numpy(onnx(x.numpy())[0])))
        worst = max(worst, float((ours - theirs).abs().max()))
    return worst
