"""`maskworks export`: turn a finished run, or any model that can be loaded, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.train import NEEDS_TORCH, say
from maskworks.core.errors import UsageError


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL",
            help="A run's folder, e.g. runs/cutout; a folder with a model of torchvision, "
            "segmentation_models_pytorch or transformers; or hf:OWNER/NAME that was pulled.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Default for a run RUN/NAME.onnx; for a model name a .onnx file in a folder of "
            "its own, which then also gets its row.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Also measure on this folder's dev pictures and write the card."),
    ] = None,
    *,
    precision: Annotated[
        list[str] | None,
        typer.Option(
            help="Label maps: also float16, or int8 by static quantisation on real training "
            "pictures; measured on dev before it is kept. May be given twice."
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="HEIGHTxWIDTH",
            help="Models: the one size of the file's input, to which every picture is squashed; "
            "needed where the size follows the picture's.",
        ),
    ] = None,
    loss_at_most: Annotated[
        float, typer.Option(min=0, help="Of the dev figure, in a smaller precision.")
    ] = 0.01,
    embed: Annotated[
        bool, typer.Option("--embed", help="Write into the package's own weights, with checksum.")
    ] = False,
) -> None:
    """Write a run's network, or a loaded model, as ONNX, proved equal to PyTorch (1e-4).

    MODEL becomes FILE and model.toml beside it: `maskworks segment PHOTOS -o OUT --model FOLDER`
    then runs it without PyTorch and gives the same labels. What cannot be a file that takes a
    picture alone (SAM, OneFormer) says so.

    A run of label maps also gets its row (model.toml) and a card, and its folder is then a model:
    `maskworks segment PHOTOS -o OUT --model RUN`. Mask R-CNN is written as safetensors.

    Exit code: 0 done, 1 a precision was not kept or the run cannot be exported, 2 wrong use.
    """
    try:
        from maskworks.models.exporting import is_model
        from maskworks.train.mattes.recipe import task_of
    except ModuleNotFoundError as error:
        raise UsageError(NEEDS_TORCH) from error
    if is_model(model):
        if data is not None or precision or embed:
            raise UsageError("--data, --precision and --embed are for runs; leave them out")
        _model(model, output, size)
        return
    if size is not None:
        raise UsageError("--size is for models; the recipe of a run says its size")
    run = Path(model)
    if embed and output:
        raise UsageError("--embed and --output are both given; --embed knows where its file goes")
    written = run / "recipe.toml"
    if written.is_file() and task_of(written) == "labels":
        _labels(run, output, data, precision or [], loss_at_most=loss_at_most, embed=embed)
        return
    if precision:
        raise UsageError("--precision is for runs of label maps; this one is a cut-out network")
    _cutout(run, output, data, embed=embed)


def _model(name: str, output: Path | None, size: str | None) -> None:
    from maskworks.models.exporting import export_loaded
    from maskworks.models.importing import parse_size

    if output is None:
        raise UsageError(
            f"{name} is a model; say where its file goes: -o FOLDER/NAME.onnx, in a folder of its "
            "own"
        )
    done = export_loaded(name, output, size=parse_size(size) if size else None)
    say(f"{output}: {done.bytes / 1e6:.2f} MB, at most {done.difference:.1e} from PyTorch")
    say(f"its row: {done.row}")


def _target(run: Path, output: Path | None, file: str, *, embed: bool) -> Path:
    if embed:
        from maskworks.models.catalogue import WEIGHTS

        return WEIGHTS / file
    return output or run / file


def _labels(
    run: Path,
    output: Path | None,
    data: Path | None,
    precision: list[str],
    *,
    loss_at_most: float,
    embed: bool,
) -> None:
    from maskworks.train.labels.delivering import Wanted, deliver, precisions_of
    from maskworks.train.labels.exporting import export_labels, suffix_of
    from maskworks.train.labels.recipe import load_label_recipe
    from maskworks.train.mattes.export import record_weights

    recipe = load_label_recipe(run / "recipe.toml")
    target = _target(run, output, f"{recipe.name}{suffix_of(recipe)}", embed=embed)
    if embed:
        say(f"recorded in {record_weights(recipe.name, export_labels(run, target))}")
        return
    done = deliver(run, target, data, Wanted(precisions_of(precision), loss_at_most), say)
    for each in done.refused:
        typer.echo(f"not kept: {each}; --loss-at-most allows more", err=True)
    if done.refused:
        raise typer.Exit(1)


def _cutout(run: Path, output: Path | None, data: Path | None, *, embed: bool) -> None:
    from maskworks.train.mattes.card import write_card
    from maskworks.train.mattes.export import record_weights
    from maskworks.train.mattes.run import assess_run, export_run, open_run

    name = open_run(run).recipe.name
    target = _target(run, output, f"{name}.onnx", embed=embed)
    exported = export_run(run, target)
    say(f"{target}: {exported.bytes / 1e6:.2f} MB, at most {exported.difference:.1e} from PyTorch")
    if embed:
        say(f"recorded in {record_weights(name, exported)}")
    if data is not None:
        found = assess_run(run, target, data, say)
        card = write_card(run, exported, found)
        say(f"card written: {card}")
