"""`maskworks export`: turn a finished run, or any model that can be loaded, into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
    from maskworks.train.training import export_model

    done = export_model(
        model,
        output,
        data=data,
        precisions=precision or [],
        size=size,
        loss_at_most=loss_at_most,
        embed=embed,
        report=typer.echo,
    )
    for each in done.refused:
        typer.echo(f"not kept: {each}; --loss-at-most allows more", err=True)
    if done.refused:
        raise typer.Exit(1)
