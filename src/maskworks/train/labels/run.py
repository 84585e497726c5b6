"""A run of label maps from recipe to network."""

from __future__ import annotations

import shutil
from pathlib import Path

from maskworks.core.errors import RecipeError
from maskworks.train.budget import Budget
from maskworks.train.labels.loop import LabelRun
from maskworks.train.labels.presence import presence_notes
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import LabelRecipe, Start, load_label_recipe
from maskworks.train.labels.team import join_team, leave_team
from maskworks.train.labels.views import Splits
from maskworks.train.labels.watch import ProgressListener


def train_labels(
    path: Path,
    data: Path,
    folder: Path,
    budget: Budget,
    *,
    watch: ProgressListener,
    init: Start | None = None,
) -> None:
    """Train until the schedule is through; the same call resumes a stopped run.

    Started by torchrun, the processes train together, each on views of its own.

    Parameters
    ----------
    path : the recipe
    data : folder that the recipe's paths are relative to
    folder : of the run
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
    watch = watch if team.leads else ProgressListener()
    try:
        splits = load_splits(path, recipe, data)
        watch.say(f"{len(splits.train)} pictures to learn from, {len(splits.dev)} to score on")
        for note in presence_notes(path, recipe, data, splits):
            watch.say(f"mind: {note}")
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
