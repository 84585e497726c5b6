"""`maskworks train`: run a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskworks.core.errors import UsageError

NEEDS_TORCH = "training needs PyTorch; install it with `pip install 'maskworks[torch]'`"


def say(line: str) -> None:
    """Print a line of progress at once."""
    typer.echo(line)


def train(
    recipe: Annotated[Path, typer.Argument(help="Recipe file, e.g. recipes/cutout.toml.")],
    data: Annotated[Path, typer.Option(help="Folder the recipe's sources are relative to.")],
    minutes: Annotated[
        float, typer.Option(help="Training time in all, earlier sessions counted.")
    ] = 60,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The run's folder; default runs/NAME.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Processor threads; 0 lets PyTorch choose.")] = 0,
) -> None:
    """Train a recipe's network; the same call resumes a stopped run."""
    try:
        from maskworks.train.labels.run import train_labels
        from maskworks.train.labels.watch import Watch
        from maskworks.train.loop import Budget
        from maskworks.train.recipe import load_recipe, task_of
        from maskworks.train.run import train_recipe
    except ModuleNotFoundError as error:
        raise UsageError(NEEDS_TORCH) from error
    if minutes <= 0:
        raise UsageError(f"--minutes is {minutes:g}, it must be above 0")
    if not data.is_dir():
        raise UsageError(
            f"--data {data}: no such folder; give the folder the recipe's sources lie in"
        )
    budget = Budget(minutes=minutes, threads=threads)
    task = task_of(recipe)
    if task == "labels":
        train_labels(recipe, data, output or Path("runs") / recipe.stem, budget, watch=Watch(say))
        return
    folder = output or Path("runs") / load_recipe(recipe).name
    train_recipe(recipe, data, folder, budget, say)
