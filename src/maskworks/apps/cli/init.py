"""`maskworks init`: write a campaign.toml that fits a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.report import short
from maskworks.core.errors import OutputError, UsageError
from maskworks.core.writing import write_text_atomic
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.campaign.template import (
    FolderContents,
    campaign_text,
    preset_for,
    scan_folder,
)
from maskworks.studio.campaign.variants import side_to_fit
from maskworks.studio.output.presets import find_preset

FILE = "campaign.toml"


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the photos are; made if missing.")
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            help="Rules of the output, such as google-merchant. Default amazon-main, or shopify, "
            "which allows any background, where backgrounds are found."
        ),
    ] = None,
    *,
    train: Annotated[
        bool,
        typer.Option(
            "--train", help="Write recipe.toml instead, for a folder of `maskworks data import`."
        ),
    ] = False,
    split: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="With --train: share of the pictures to score on, 0.2 by default."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="With --train: other seed, other split; 7 by default."),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="With --train: a U-Net on this encoder, pretrained on ImageNet, such as resnet18; "
            "default the weights that come with Maskworks."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that exists.")
    ] = False,
) -> None:
    """Write FOLDER/campaign.toml, with comments, fitting what lies in FOLDER.

    A subfolder with photos becomes the input, pictures in a subfolder bg or backgrounds become
    the approved backgrounds. The file is valid as it is; nothing else is changed. With --train
    it is a recipe for label maps, with a seeded split.
    """
    if train:
        if preset is not None:
            raise UsageError("--preset is of a campaign, --train writes a recipe; leave one out")
        share, number = 0.2 if split is None else split, 7 if seed is None else seed
        _recipe(folder, share, number, encoder, overwrite=overwrite)
        return
    for name, value in (("split", split), ("seed", seed), ("encoder", encoder)):
        if value is not None:
            raise UsageError(f"--{name} belongs to a recipe; give --train with it, or leave it out")
    target = folder.absolute() / FILE
    if target.exists() and not overwrite:
        raise OutputError(target, "exists already", "give --overwrite to replace it")
    if preset:
        find_preset(preset)
    _make(target.parent)
    around = scan_folder(target.parent)
    _make(target.parent / around.input)
    side = _write(target, around, preset or preset_for(around))
    print(f"{short(str(target))} written")
    if around.pictures:
        noun = "picture" if around.pictures == 1 else "pictures"
        print(f"{around.pictures:,} {noun} in {around.input}")
    else:
        print(f"no pictures yet: put them into {short(str(target.parent / around.input))}")
    if around.backgrounds:
        number = len(around.backgrounds)
        print("1 background" if number == 1 else f"{number} backgrounds")
    if side is not None:
        print(f"pictures of at most {side:,} pixels: the smallest background covers no more")
    print(f"next: maskworks run --check {short(str(target))}")


def _recipe(folder: Path, split: float, seed: int, encoder: str | None, *, overwrite: bool) -> None:
    from maskworks.train.importing.recipes import write_recipe

    if not 0 < split < 1:
        raise UsageError(f"--split {split:g}: give a share above 0 and below 1, such as 0.2")
    done = write_recipe(folder, share=split, seed=seed, encoder=encoder, overwrite=overwrite)
    print(f"{short(str(done.path))} written: {done.train} to learn from, {done.dev} to score on")
    print(f"{done.how}; starts from {done.start.weights}, {done.start.about}")
    print(f"next: maskworks train {short(str(done.path))} --data {folder} -o {folder}/run")


def _write(target: Path, around: FolderContents, preset: str) -> int | None:
    """Write the file, with a smaller side where a background needs it; return that side."""
    name = target.parent.name
    write_text_atomic(target, campaign_text(name, around, preset=preset))
    side = side_to_fit(read_campaign(target))
    if side is not None:
        text = campaign_text(name, around, preset=preset, advised_side=side)
        write_text_atomic(target, text)
        read_campaign(target)
    return side


def _make(folder: Path) -> None:
    if folder.is_file():  # a CSV file
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(folder, f"cannot be made ({reason})", "name another folder") from error
