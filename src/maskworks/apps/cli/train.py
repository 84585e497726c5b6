"""`maskworks train`: run a recipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskworks.apps.cli.options import ThreadsOption

if TYPE_CHECKING:
    from maskworks.train.labels.watch import Tick


@contextmanager
def progress() -> Iterator[tuple[Callable[[str], None], Callable[[Tick], None]]]:
    """Yield what prints a line of progress and what moves the bar, which only a terminal has."""
    if not sys.stdout.isatty():
        yield typer.echo, lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    text = TextColumn("{task.percentage:3.0f} %  {task.description}")
    bar = Progress(BarColumn(), text, TimeRemainingColumn())
    task = bar.add_task("", total=1.0)

    def tick(at: Tick) -> None:
        bar.start()
        bar.update(task, completed=at.share, description=described(at))

    try:
        yield bar.console.print, tick
    finally:
        bar.stop()


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
        float, typer.Option(min=0, help="Training time in all, earlier sessions counted.")
    ] = 60,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The run's folder; default runs/NAME.")
    ] = None,
    threads: ThreadsOption = 0,
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
    from maskworks.train.training import train_model

    with progress() as (report, tick):
        train_model(
            recipe,
            data,
            minutes=minutes,
            output=output,
            threads=threads,
            init=init,
            report=report,
            tick=tick,
        )
