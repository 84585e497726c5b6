"""`maskworks train`: run a recipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskworks.core.errors import UsageError

if TYPE_CHECKING:
    from maskworks.train.labels.watch import ProgressListener, Tick

NEEDS_TORCH = "training needs PyTorch; install it with `pip install 'maskworks[torch]'`"


def say(line: str) -> None:
    """Print a line of progress at once."""
    typer.echo(line)


@contextmanager
def watching() -> Iterator[ProgressListener]:
    """Yield who looks at a run of labels: a live bar on a terminal, else lines alone."""
    from maskworks.train.labels.watch import ProgressListener

    if not sys.stdout.isatty():
        yield ProgressListener(say)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    shown = TextColumn("{task.percentage:3.0f} %  {task.description}")
    with Progress(BarColumn(), shown, TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=1.0)

        def tick(at: Tick) -> None:
            bar.update(task, completed=at.share, description=described(at))

        yield ProgressListener(bar.console.print, tick)


def described(at: Tick) -> str:
    """Return what stands beside the bar.

    Examples
    --------
    >>> from maskworks.train.labels.watch import Tick
    >>> described(Tick(0.5, 40, 0.8123, 6.0, ("mIoU", 0.7)))
    'step 40  loss 0.812  6.0 pictures/s  dev mIoU 0.7000'
    """
    dev = "" if at.dev is None else f"  dev {at.dev[0]} {at.dev[1]:.4f}"
    return f"step {at.step}  loss {at.loss:.3f}  {at.speed:.1f} pictures/s{dev}"


def train(
    recipe: Annotated[Path, typer.Argument(help="Recipe file, e.g. recipes/cutout.toml.")],
    data: Annotated[
        Path, typer.Option(help="Folder the recipe's sources are relative to.")
    ] = Path(),
    minutes: Annotated[
        float, typer.Option(help="Training time in all, earlier sessions counted.")
    ] = 60,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The run's folder; default runs/NAME.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Processor threads; 0 lets PyTorch choose.")] = 0,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Start from this model of the catalogue, pulled hf:OWNER/NAME, ONNX or "
            "safetensors file (a whole network or an encoder) instead of what the recipe names; "
            "label maps only.",
        ),
    ] = None,
) -> None:
    """Train a recipe's network; the same call resumes a stopped run.

    Started by torchrun, several processes train one network together:
    `torchrun --nproc-per-node 2 -m maskworks.apps.cli train RECIPE --data DIR -o RUN`.
    """
    try:
        from maskworks.train.budget import Budget
        from maskworks.train.labels.building import start_of
        from maskworks.train.labels.run import train_labels
        from maskworks.train.mattes.recipe import load_recipe, task_of
        from maskworks.train.mattes.run import train_recipe
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
        start = None if init is None else start_of(init)
        folder = output or Path("runs") / recipe.stem
        with watching() as watch:
            train_labels(recipe, data, folder, budget, watch=watch, init=start)
        return
    if init is not None:
        raise UsageError("--init is for recipes of label maps; this one names its own [init]")
    folder = output or Path("runs") / load_recipe(recipe).name
    train_recipe(recipe, data, folder, budget, say)
