"""A detector's training from its recipe, and the file that comes out of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from maskworks.core.errors import RecipeError
from maskworks.core.writing import write_atomic
from maskworks.models.exporting import PARITY_AT_MOST, write_proved
from maskworks.models.networks.objects import Decoded, ObjectsNetwork
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.models.runtimes.onnx_writing import trace
from maskworks.train.budget import Budget
from maskworks.train.exported import Exported
from maskworks.train.objects.loop import DetectorTraining
from maskworks.train.objects.recipe import DetectorRecipe, load_detector_recipe
from maskworks.train.objects.scoring import Precision, dev_ap
from maskworks.train.objects.start import start_from

Report = Callable[[str], None]


def train_objects(path: Path, data: Path, folder: Path, budget: Budget, report: Report) -> None:
    """Train a detector until the budget is used; the same call resumes a stopped run.

    Raises
    ------
    RecipeError
        If recipe or data cannot be used.
    """
    recipe = load_detector_recipe(path)
    run = DetectorTraining(recipe, data, folder, report)
    shutil.copyfile(path, folder / "recipe.toml")
    run.train(budget)
    report(f"trained; `maskworks export {folder}` writes the model")


def open_objects(folder: Path) -> tuple[DetectorRecipe, ObjectsNetwork, dict[str, float]]:
    """Open a trained run: its recipe, its averaged network, and how long it learnt.

    Raises
    ------
    RecipeError
        If the folder is no run.
    """
    last = folder / "last.pt"
    if not last.exists():
        raise RecipeError(
            last, "does not exist", "train first: `maskworks train RECIPE --data DIR`"
        )
    recipe = load_detector_recipe(folder / "recipe.toml")
    saved = torch.load(last, weights_only=True)
    body = ObjectsNetwork(recipe.context)
    body.load_state_dict(saved["average"])
    took = {key: float(saved[key]) for key in ("elapsed_s", "step", "pictures")}
    return recipe, body.eval(), took


def export_objects(folder: Path, target: Path) -> Exported:
    """Write a run's network as an ONNX file that is proved equal to Torch.

    The file takes ``input`` (1, 3, S, S) and answers ``boxes`` (1, P, 4) in pixels of the input
    and ``scores`` (1, P, C) in [0, 1].

    Raises
    ------
    RecipeError
        If a score differs by more than 1e-4, or a box by more than a hundredth of a pixel.
    """
    recipe, body, _ = open_objects(folder)
    network = Decoded(body).eval()

    def write(part: Path) -> float:
        sample = torch.zeros(1, 3, recipe.size, recipe.size)
        trace(network, part, sample, names=("input", "boxes", "scores"))
        scores, boxes = parity(network, part, recipe.size)
        if not (scores <= PARITY_AT_MOST and boxes <= 100 * PARITY_AT_MOST):
            raise RecipeError(
                target,
                f"ONNX and Torch differ by {scores:.2g} in a score and {boxes:.2g} px in a box",
                "the old file is kept; check the network for operations ONNX computes otherwise",
            )
        return scores

    data, difference = write_proved(target, write)
    return Exported(target, len(data), hashlib.sha256(data).hexdigest(), difference)


@torch.no_grad()
def parity(network: Decoded, path: Path, size: int) -> tuple[float, float]:
    """Return the largest difference of a score, and of an edge of a box that scores, in pixels."""
    onnx = open_onnx(path)
    rng = np.random.default_rng(0)
    scores, edges = 0.0, 0.0
    for _ in range(2):
        coarse = rng.uniform(-114, 141, (1, 3, 16, 16)).astype(np.float32)
        x = torch.nn.functional.interpolate(torch.from_numpy(coarse), size=(size, size))
        ours = [each.numpy() for each in network(x)]
        theirs = onnx(x.numpy())
        scores = max(scores, float(np.abs(ours[1] - theirs[1]).max()))
        edges = max(edges, float(np.abs(ours[0] - theirs[0]).max()))
    return scores, edges


def assess_objects(folder: Path, data: Path) -> dict[str, Precision]:
    """Measure a run, and the weights it started from, on the recipe's dev pictures.

    Both are kept in the run's ``assessed.json``.
    """
    recipe, body, _ = open_objects(folder)
    began = ObjectsNetwork(context=0).eval()
    start_from(data / recipe.init.weights, began)
    found = {
        recipe.name: dev_ap(Decoded(body), recipe, data),
        "started from": dev_ap(Decoded(began), recipe, data),
    }
    rows = {name: vars(each) for name, each in found.items()}
    write_atomic(folder / "assessed.json", json.dumps(rows, indent=1).encode())
    return found
