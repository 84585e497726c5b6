"""A whole run from recipe to network, and from run to shipped file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.models.networks.judge import Judge
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.budget import Budget
from maskworks.train.exported import Exported
from maskworks.train.mattes.assess import DevRow, assess, summary, write_rows
from maskworks.train.mattes.build import Body, build_body
from maskworks.train.mattes.dev import recipe_spec
from maskworks.train.mattes.export import export_onnx, load_judge, save_judge
from maskworks.train.mattes.judge import gather, train_judge
from maskworks.train.mattes.loop import MatteTraining
from maskworks.train.mattes.pack import Pack, build_pack, pictures_of
from maskworks.train.mattes.recipe import Recipe, load_recipe
from maskworks.train.mattes.teacher import Labels

Report = Callable[[str], None]


def packed(recipe: Recipe, data: Path, runs: Path, report: Report) -> Pack:
    """Open the recipe's pack in ``runs/packs``, building first what is missing of it."""
    teach = None
    if recipe.teacher is not None:
        folder = runs / "labels" / Path(recipe.teacher.weights).stem
        teach = Labels(recipe.teacher, data, folder)
        if recipe.teacher.missing == "label":
            _label_all(recipe, data, teach, report)
    labels = teach.counts() if teach else {}
    return build_pack(data, recipe, runs / "packs", teach=teach, report=report, labels=labels)


def _label_all(recipe: Recipe, data: Path, teach: Labels, report: Report) -> None:
    for source in recipe.source:
        if source.label != "teacher":
            continue
        paths = pictures_of(data, source)
        for number, path in enumerate(paths):
            if number % 50 == 0:
                report(f"labelling {source.folder}: {number} of {len(paths)}")
            with PilImage.open(path) as opened:
                teach(source.folder, path.stem, opened.convert("RGB"))


def train_recipe(path: Path, data: Path, folder: Path, budget: Budget, report: Report) -> None:
    """Train the body until the budget is used, then the confidence head.

    Everything is kept in `folder`; the same call resumes where an earlier one
    was stopped. Packs and the teacher's labels lie in ``folder/../packs`` and ``folder/../labels``
    and are shared by recipes.
    """
    recipe = load_recipe(path)
    pack = packed(recipe, data, folder.parent, report)
    run = MatteTraining(recipe, data, pack, folder, report)
    shutil.copyfile(path, folder / "recipe.toml")
    run.train(budget)
    if not recipe.remembers:
        lessons = gather(run.averaged(), pack, recipe, folder, report, threads=budget.threads)
        save_judge(train_judge(lessons, recipe), folder)
    report(f"trained; `maskworks export {folder}` writes the model")


@dataclass(frozen=True)
class Finished:
    """What a finished run holds."""

    recipe: Recipe
    body: Body
    judge: Judge | None  # None where the network gives no confidence
    minutes: float
    steps: int
    pictures: int


def open_run(folder: Path) -> Finished:
    """Open a trained run.

    Raises
    ------
    RecipeError
        If the folder is no finished run.
    """
    last = folder / "last.pt"
    if not last.exists():
        raise RecipeError(
            last, "does not exist", "train first: `maskworks train RECIPE --data DIR`"
        )
    recipe = load_recipe(folder / "recipe.toml")
    saved = torch.load(last, weights_only=True)
    body = build_body(recipe)
    body.load_state_dict(saved["average"])
    judge = None if recipe.remembers else load_judge(folder)
    return Finished(
        recipe, body.eval(), judge, saved["elapsed_s"] / 60, saved["step"], saved["pictures"]
    )


def export_run(folder: Path, target: Path) -> Exported:
    """Write a finished run's network to `target` (an ONNX file), parity checked."""
    done = open_run(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    return export_onnx(done.body, done.judge, done.recipe, target)


def held_out_empty(recipe: Recipe, data: Path, runs: Path) -> list[Path]:
    """List the subject-free pictures that no part of the body's training saw."""
    pack = packed(recipe.without_labelling(), data, runs, lambda _: None)
    return [
        data / recipe.source[e.source].folder / f"{e.stem}.webp"
        for e in pack.entries
        if e.held_out and recipe.source[e.source].label == "empty"
    ]


def assess_run(folder: Path, onnx: Path, data: Path, report: Report) -> dict[str, object]:
    """Measure an exported file on the dev pictures; keep rows and summary in the run's folder."""
    recipe = load_recipe(folder / "recipe.toml")
    empty = held_out_empty(recipe, data, folder.parent)
    spec = recipe_spec(recipe, judged=not recipe.remembers)
    rows: list[DevRow] = assess(open_onnx(onnx), spec, data / recipe.dev, empty, report)
    write_rows(rows, folder / "assessed.json")
    found = summary(rows)
    (folder / "summary.json").write_text(json.dumps(found, indent=1))
    return found
