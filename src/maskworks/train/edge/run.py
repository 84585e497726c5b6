"""An edge run from recipe to network, and from run to shipped file."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from maskworks.core.errors import RecipeError
from maskworks.core.writing import write_atomic
from maskworks.models.networks.edge import EdgeMatte
from maskworks.train.edge.lessons import Look, load_lessons, make_lessons
from maskworks.train.edge.loop import EdgeRun, averaged
from maskworks.train.edge.recipe import load_edge_recipe
from maskworks.train.export import PARITY_AT_MOST, Exported, parity, write_onnx
from maskworks.train.loop import Budget

TRACED_PX = 256


def train_edge(
    path: Path,
    data: Path,
    folder: Path,
    budget: Budget,
    second_look: Look,
    report: Callable[[str], None],
) -> None:
    """Make the lessons, then train until the budget is used; the same call resumes.

    Parameters
    ----------
    path : the recipe
    data : folder that the recipe's folders are relative to
    folder : of the run; holds ``lessons/`` and ``last.pt``
    budget : Budget
    second_look : gives the matte after the default network's second look
    report : called with each line of progress
    """
    recipe = load_edge_recipe(path)
    make_lessons(data, recipe, folder / "lessons", second_look, report)
    shutil.copyfile(path, folder / "recipe.toml")
    EdgeRun(recipe, load_lessons(folder / "lessons"), folder, report).train(budget)
    report(f"trained; `maskworks export {folder}` writes the model")


def export_edge(folder: Path, target: Path) -> Exported:
    """Write a finished run's network to `target` (an ONNX file), parity checked.

    The file takes ``input`` (N, 4, h, w) float32, h and w multiples of 32, and answers
    ``matte`` (N, 1, h, w) in [0, 1].

    Raises
    ------
    RecipeError
        If the folder is no finished run, or ONNX Runtime and Torch differ by more than 1e-4;
        `target` is then untouched.
    """
    if not (folder / "last.pt").exists():
        raise RecipeError(
            folder / "last.pt", "does not exist", "train first: `maskworks train RECIPE`"
        )
    network = EdgeMatte(averaged(folder)).eval()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        write_onnx(network, part, TRACED_PX, ("matte",), channels=4)
        with torch.no_grad():
            difference = parity(network, part, TRACED_PX, channels=4)
        if not difference <= PARITY_AT_MOST:
            raise RecipeError(
                target,
                f"ONNX and Torch differ by {difference:.2g}, at most {PARITY_AT_MOST:g} is allowed",
                "the old file is kept; check the network for operations ONNX computes otherwise",
            )
        data = part.read_bytes()
    finally:
        part.unlink(missing_ok=True)
    write_atomic(target, data)
    return Exported(target, len(data), hashlib.sha256(data).hexdigest(), difference)
