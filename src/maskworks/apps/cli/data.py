"""`maskworks data`: check, import and draw labelled data before a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskworks.core.errors import UsageError
from maskworks.core.taxonomy import MOST_IDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from maskworks.train.labels.checking import SplitFound
    from maskworks.train.labels.finding import LabelledPath

SHOWN = 10

app = typer.Typer(no_args_is_help=True, help="Check, import and draw labelled data.")


@app.callback()
def group() -> None:
    """Check, import and draw labelled data."""


@app.command()
def check(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Pictures with PNG labels beside them, folders of such, or a data set laid out as "
            "VOC, Cityscapes or ADE20K; with --recipe the data folder.",
        ),
    ],
    *,
    recipe: Annotated[
        Path | None, typer.Option(help="Check the train and dev pictures of this recipe.")
    ] = None,
    taxonomy: Annotated[
        str | None, typer.Option(help="Classes: a name such as camvid-11, or a .toml file.")
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, max=MOST_IDS, help="Or how many there are, ids from 0.")
    ] = None,
    ignore: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_IDS - 1,
            help="Id of pixels without a label; default the taxonomy's, 255.",
        ),
    ] = None,
    binary: Annotated[
        bool,
        typer.Option(
            "--binary", help="Labels are masks, of 0 and 1 or of 0 and 255: class 1 is inside."
        ),
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--json", help="Also write everything into this file.")
    ] = None,
) -> None:
    """Find what breaks trainings: sizes, ids, empty classes, duplicates, turned pictures.

    Exit code 1 says that there is something to mend.
    """
    from maskworks.train.labels.checking import as_record, check_split, duplicates

    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name the folder of the pictures")
    if recipe is not None:
        if taxonomy or classes or binary or ignore is not None:
            raise UsageError("--recipe says which classes there are; leave the other options away")
        names, splits = _of_recipe(recipe, folder)
    else:
        names, splits = _of_folders(folder, taxonomy, classes, ignore, binary=binary)
    found = [check_split(name, pairs, table, names) for name, pairs, table in splits]
    same = duplicates(found)
    implied = names and names[0] == "background"
    _print(found, same, names, ground="background" if implied else "without a label")
    if report is not None:
        from maskworks.core.atomic import write_text_atomic

        write_text_atomic(report, json.dumps(as_record(found, same, names), indent=1) + "\n")
    if same or any(each.problems for each in found):
        raise typer.Exit(1)


@app.command("import")
def import_set(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The data set, as downloaded.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DATA", help="A new folder; it is created."),
    ] = None,
    *,
    names: Annotated[
        str | None,
        typer.Option(
            "--classes", metavar="A,B,C", help="Names of the classes in the order of their ids."
        ),
    ] = None,
    colours: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Which colour is which class: a line name:red,green,blue each."
        ),
    ] = None,
    threshold: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Masks are of one thing, inside from this value on."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what was found; write nothing.")
    ] = False,
) -> None:
    """Convert a data set to pictures and PNGs of class ids, ready for `init --train`.

    Masks beside pictures or in folders of their own, of ids, of two values or in colours; COCO,
    CVAT, LabelMe, VIA, Label Studio, Supervisely and YOLO polygons. What is not annotated is
    background; splits of folders called train, valid and test are kept. Nothing in FOLDER changes.

    Exit code: 0 done, 1 some pictures could not be used, 2 wrong use.
    """
    from maskworks.train.importing.gather import Wishes, gather
    from maskworks.train.importing.writing import shares, write_set

    if output is None and not dry_run:
        raise UsageError("name the new folder with -o DATA, or look only with --dry-run")
    called = tuple(name.strip() for name in names.split(",")) if names else ()
    source = gather(folder, Wishes(called, colours, threshold))
    done = write_set(source, None if dry_run else output)
    splits = ", ".join(f"{number} {name}" for name, number in done.splits.items())
    typer.echo(f"{done.form}: {done.pictures} pictures ({splits or 'none'})")
    typer.echo(f"{len(done.classes)} classes, share of the pixels:")
    for line in (*shares(done), *done.notes):
        typer.echo(line)
    _listed("could not be used", done.failed)
    if not done.pictures:
        raise UsageError(f"{folder}: no picture could be used")
    if output is not None and not dry_run:
        typer.echo(f"next: maskworks init {output} --train")
    if done.failed:
        raise typer.Exit(1)


@app.command()
def draw(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What is drawn: pages.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="A folder; it is created.")
    ],
    *,
    count: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Other seed, other pictures.")] = 0,
) -> None:
    """Draw pictures together with their labels, as recipes with `format = "drawn"` learn from.

    Each becomes a WebP and, beside it, a PNG of class ids. Existing files are written anew.
    """
    import numpy as np
    from PIL import Image

    from maskworks.train.labels.drawing import DRAWINGS, draw_pair

    if name not in DRAWINGS:
        raise UsageError(f"there is nothing to draw called {name!r}; choose {', '.join(DRAWINGS)}")
    output.mkdir(parents=True, exist_ok=True)
    for at in range(count):
        pixels, ids = draw_pair(name, (seed, at))
        stem = output / f"{name}-{seed}-{at:05}"
        Image.fromarray(pixels).save(stem.with_suffix(".webp"), lossless=True)
        Image.fromarray(ids.astype(np.uint8)).save(stem.with_suffix(".png"))
    classes = ", ".join(f"{at} {each}" for at, each in enumerate(DRAWINGS[name].classes))
    typer.echo(f"{count} in {output}, ids: {classes}")


Split = tuple[str, "Sequence[LabelledPath]", "NDArray[np.int32]"]


def _of_recipe(path: Path, data: Path) -> tuple[tuple[str, ...], list[Split]]:
    from maskworks.train.labels.finding import find_pairs, places_of_ids
    from maskworks.train.labels.recipe import load_label_recipe

    recipe = load_label_recipe(path)
    rules = {"train": recipe.train, "dev": recipe.dev}
    return recipe.class_names, [
        (name, find_pairs(data, rule), places_of_ids(recipe, rule, data))
        for name, rule in rules.items()
    ]


def _of_folders(
    folder: Path,
    taxonomy: str | None,
    classes: int | None,
    ignore: int | None,
    *,
    binary: bool,
) -> tuple[tuple[str, ...], list[Split]]:
    import numpy as np

    from maskworks.core.taxonomy import load_taxonomy
    from maskworks.train.labels.finding import by_label_ids, find_pairs, splits_of

    if (taxonomy is None) == (classes is None):
        raise UsageError("say which classes there are: --taxonomy NAME, --classes N or --recipe")
    known = None if taxonomy is None else load_taxonomy(taxonomy)
    count = classes or 0
    ids = tuple(range(count)) if known is None else known.ids
    names = tuple(map(str, ids)) if known is None else known.names
    rest = 255 if known is None or known.ignore is None else known.ignore
    table = np.full(MOST_IDS, -1, np.int32)
    table[list(ids)] = np.arange(len(ids))
    table[rest if ignore is None else ignore] = len(ids)
    folder = folder.resolve()
    splits = splits_of(folder)
    if not splits:
        raise UsageError(
            f"{folder}: holds no PNG labels, nor does a folder in it, nor is it laid out as VOC, "
            "Cityscapes or ADE20K; files of COCO are checked by --recipe"
        )
    if binary and any(each.format != "png" for each in splits):
        raise UsageError(f"--binary is of PNG labels, {folder} is laid out as {splits[0].format}")
    splits = [each.model_copy(update={"binary": binary}) for each in splits]
    if splits[0].format == "cityscapes" and taxonomy == "cityscapes-19":
        table = by_label_ids(table)
    return names, [
        (each.split or Path(each.folder).name, find_pairs(folder.parent, each), table)
        for each in splits
    ]


def _print(
    found: Sequence[SplitFound], same: Sequence[str], names: Sequence[str], *, ground: str
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Share of the labelled pixels, and how many pictures show the class")
    table.add_column("class")
    for each in found:
        table.add_column(f"{each.name} ({each.pictures})", justify="right")
    for place, name in enumerate(names):
        row = [
            f"{100 * each.pixels[place] / max(1, each.pixels[:-1].sum()):.2f} % "
            f"{each.in_pictures[place]:5d}"
            for each in found
        ]
        table.add_row(name, *row)
    table.add_row(
        "no label",
        *(f"{100 * each.pixels[-1] / max(1, each.pixels.sum()):.2f} % of all" for each in found),
    )
    Console().print(table)
    for each in found:
        sizes = ", ".join(f"{w}x{h} ({n})" for (h, w), n in each.sizes.most_common(4))
        more = len(each.sizes) - 4
        typer.echo(f"{each.name}: {sizes}{f' and {more} more sizes' if more > 0 else ''}")
        if each.uncovered:
            share = each.uncovered / max(1, each.pixels.sum())
            typer.echo(f"{each.name}: {share:.1%} of the pixels are not annotated: {ground}")
        _listed(f"{each.name}: to mend", each.problems)
    _listed("pictures that are in two splits", same)
    if not same and not any(each.problems for each in found):
        typer.echo("nothing to mend")


def _listed(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    typer.echo(f"{title} ({len(lines)}):")
    for line in lines[:SHOWN]:
        typer.echo(f"  {line}")
    if len(lines) > SHOWN:
        typer.echo(f"  and {len(lines) - SHOWN} more; all are in --json")
