"""`maskworks export`: turn a finished run into a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.train import NEEDS_TORCH, say
from maskworks.core.errors import UsageError


def export(
    run: Annotated[Path, typer.Argument(help="The run's folder, e.g. runs/cutout.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="ONNX file to write; default RUN/NAME.onnx."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Also measure on this folder's dev pictures and write the card."),
    ] = None,
    *,
    embed: Annotated[
        bool, typer.Option("--embed", help="Write into the package's own weights, with checksum.")
    ] = False,
) -> None:
    """Write a run's network as ONNX, proved equal to PyTorch (at most 1e-4 apart)."""
    try:
        from maskworks.train.card import write_card
        from maskworks.train.export import record_weights
        from maskworks.train.labels.run import export_labels
        from maskworks.train.recipe import task_of
        from maskworks.train.run import assess_run, export_run, open_run
    except ModuleNotFoundError as error:
        raise UsageError(NEEDS_TORCH) from error
    if embed and output:
        raise UsageError("--embed and --output are both given; --embed knows where its file goes")
    written = run / "recipe.toml"
    labels = written.is_file() and task_of(written) == "labels"
    name = run.name if labels else open_run(run).recipe.name
    if embed:
        from maskworks.models.catalogue import WEIGHTS

        target = WEIGHTS / f"{name}.onnx"
    else:
        target = output or run / f"{name}.onnx"
    exported = (export_labels if labels else export_run)(run, target)
    say(f"{target}: {exported.bytes / 1e6:.2f} MB, at most {exported.difference:.1e} from PyTorch")
    if embed:
        say(f"recorded in {record_weights(name, exported)}")
    if data is not None and labels:
        raise UsageError("--data measures cut-out models; labels: `maskworks evaluate semantic`")
    if data is not None:
        found = assess_run(run, target, data, say)
        card = write_card(run, exported, found)
        say(f"card written: {card}")
