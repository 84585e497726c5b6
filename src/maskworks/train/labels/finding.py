"""Find labelled pictures in the folders that data sets come in, and what their ids mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.core.names import met, nearest
from maskworks.core.reading import SUFFIXES
from maskworks.core.stored_values import stored_ids
from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.taxonomy_mapping import load_mapping
from maskworks.train.labels.coco import CocoPicture, painted, places_of_categories, read_coco
from maskworks.train.labels.drawing import DRAWINGS
from maskworks.train.labels.pictures import Format, Pictures
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.splitting import dealt, groups_of

MOST_IDS = 65536

Ids = NDArray[np.int32]


@dataclass(frozen=True)
class LabelledPath:
    """A picture and its file of labels, and what that file says of it where it says much.

    With `binary` the labels are a mask; with `skip_damaged` masks that are none are left out.
    `drawn` is the seed of a picture that is drawn rather than read.
    """

    name: str
    picture: Path
    labels: Path
    coco: CocoPicture | None = None
    binary: bool = False
    skip_damaged: bool = False
    drawn: tuple[int, int] | None = None


def find_pairs(data: Path, rule: Pictures) -> list[LabelledPath]:
    """List the labelled pictures of one split, sorted by name.

    Raises
    ------
    RecipeError
        If the folder is missing or empty, or a picture has no labels.
    """
    if rule.format == "drawn":
        return _drawn(rule)
    folder = data / rule.folder
    if not folder.is_dir():
        raise RecipeError(folder, "no such folder", "give the data folder by --data")
    pairs = sorted(_FINDERS[rule.format](folder, rule, data), key=lambda pair: pair.name)
    if rule.list is not None:
        pairs = _listed(pairs, data / rule.list)
    if rule.share is not None:
        pairs = _dealt(pairs, rule, folder)
    if not pairs:
        raise RecipeError(folder, "has no labelled pictures", "check folder, format and split")
    for pair in pairs:
        if not pair.labels.is_file():
            raise RecipeError(
                pair.labels,
                f"is missing: the labels of {pair.picture.name}",
                "add it, or take the picture away",
            )
    return _limited(pairs, rule)


_LAYOUTS: tuple[tuple[Format, tuple[str, ...], str, tuple[str, ...]], ...] = (
    ("voc", ("ImageSets/Segmentation",), ".txt", ("train", "val", "test")),
    ("cityscapes", ("leftImg8bit", "gtFine"), "", ("train", "val", "test")),
    ("ade20k", ("images", "annotations"), "", ("training", "validation")),
)
"""How public data sets are told apart: the folders in which each split has a file or folder."""


def splits_of(folder: Path) -> list[Pictures]:
    """Return the splits of a folder: of a public data set's layout, or of PNG labels.

    Those of PNG labels are `folder` itself, or the folders right below it that hold some. The
    rules are relative to the folder above.
    """
    for form, places, suffix, names in _LAYOUTS:
        found = [n for n in names if all((folder / p / f"{n}{suffix}").exists() for p in places)]
        if found:
            return [Pictures(folder=folder.name, format=form, split=name) for name in found]
    inside = [folder, *sorted(each for each in folder.iterdir() if each.is_dir())]
    held = [each for each in inside if any(each.glob("*.png"))]
    chosen = held[:1] if held[:1] == [folder] else held
    return [Pictures(folder=each.relative_to(folder.parent).as_posix()) for each in chosen]


def _listed(pairs: list[LabelledPath], path: Path) -> list[LabelledPath]:
    """Return the pairs that a file names.

    Raises
    ------
    RecipeError
        If there is no such file, or it names a picture that is not there.
    """
    try:
        names = {line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()}
    except OSError as error:
        raise RecipeError(path, "cannot be read", "name a list of pictures") from error
    kept = [pair for pair in pairs if pair.name in names]
    lost = sorted(names - {pair.name for pair in kept})
    if lost:
        raise RecipeError(
            path, f"names {len(lost)} pictures that are not there, such as {lost[0]}", "correct it"
        )
    return kept


def _dealt(pairs: list[LabelledPath], rule: Pictures, folder: Path) -> list[LabelledPath]:
    """Return the pairs of one side of a split."""
    if len(pairs) < 2:
        raise RecipeError(folder, f"has {len(pairs)} labelled pictures", "a split needs two")
    groups = groups_of([pair.name for pair in pairs])
    held = set(dealt(groups, rule.share or 0.0, rule.deal))
    return [pair for pair in pairs if (pair.name in held) == (rule.side == "dev")]


def _limited(pairs: list[LabelledPath], rule: Pictures) -> list[LabelledPath]:
    if rule.limit is None or rule.limit >= len(pairs):
        return pairs
    return [pairs[i * len(pairs) // rule.limit] for i in range(rule.limit)]


def _png(folder: Path, rule: Pictures, data: Path) -> Iterator[LabelledPath]:
    """Pictures and PNG of the same stem; beside each other, pictures are no PNG."""
    beside = rule.labels is None
    labels = folder if rule.labels is None else data / rule.labels
    for path in folder.iterdir():
        suffix = path.suffix.lower()
        if suffix in SUFFIXES and not (beside and suffix == ".png"):
            yield LabelledPath(path.stem, path, labels / f"{path.stem}.png", binary=rule.binary)


def _voc(folder: Path, rule: Pictures, _: Path) -> Iterator[LabelledPath]:
    names = folder / "ImageSets" / "Segmentation" / f"{rule.split}.txt"
    if not names.is_file():
        raise RecipeError(names, "does not exist", "name a list of ImageSets/Segmentation")
    for name in names.read_text("utf-8").split():
        yield LabelledPath(
            name,
            folder / "JPEGImages" / f"{name}.jpg",
            folder / "SegmentationClass" / f"{name}.png",
        )


def _cityscapes(folder: Path, rule: Pictures, _: Path) -> Iterator[LabelledPath]:
    end = "_leftImg8bit.png"
    for path in (folder / "leftImg8bit" / str(rule.split)).glob(f"*/*{end}"):
        name = path.name.removesuffix(end)
        labels = folder / "gtFine" / str(rule.split) / path.parent.name
        yield LabelledPath(name, path, labels / f"{name}_gtFine_labelIds.png")


def _ade20k(folder: Path, rule: Pictures, _: Path) -> Iterator[LabelledPath]:
    for path in (folder / "images" / str(rule.split)).glob("*.jpg"):
        yield LabelledPath(
            path.stem, path, folder / "annotations" / str(rule.split) / f"{path.stem}.png"
        )


def _coco(folder: Path, rule: Pictures, data: Path) -> Iterator[LabelledPath]:
    labels = data / str(rule.labels)
    for each in read_coco(labels).pictures:
        path = met(folder, each.file)
        if path is None or not path.is_file():
            near = nearest(folder, each.file)
            raise RecipeError(
                folder / each.file,
                f"is missing: {labels.name} lists it{near}",
                "add it, or the row goes",
            )
        name = Path(each.file).with_suffix("").as_posix()
        yield LabelledPath(name, path, labels, each, skip_damaged=rule.damaged == "ignore")


def _drawn(rule: Pictures) -> list[LabelledPath]:
    if rule.folder not in DRAWINGS:
        raise RecipeError(
            Path(rule.folder), "is nothing that can be drawn", f"choose of {', '.join(DRAWINGS)}"
        )
    name = Path(rule.folder)
    return [
        LabelledPath(f"{rule.folder}-{rule.seed}-{at:05}", name, name, drawn=(rule.seed, at))
        for at in range(rule.count or 0)
    ]


_FINDERS: dict[str, Callable[[Path, Pictures, Path], Iterator[LabelledPath]]] = {
    "png": _png,
    "voc": _voc,
    "cityscapes": _cityscapes,
    "ade20k": _ade20k,
    "coco": _coco,
    "coco-panoptic": _coco,
}


def places_of_ids(recipe: LabelRecipe, rule: Pictures, data: Path) -> NDArray[np.int32]:
    """Return for every stored id the class's place, the number of classes for no label.

    Ids that mean nothing are -1. Where the labels are objects in PNGs, 0 is the first class and
    every other id the second; none but an `ignore` that the recipe names is without a label.

    Returns
    -------
    int32 (65536,)

    Raises
    ------
    RecipeError
        If the categories of a COCO file do not match the recipe's classes.
    """
    names = recipe.class_names
    table = np.full(MOST_IDS, -1, np.int32)
    if rule.format in ("coco", "coco-panoptic"):
        file = read_coco(data / str(rule.labels))
        places = places_of_categories(file, names, rule)
        table[list(places)] = list(places.values())
        return table
    if rule.format == "drawn":
        table[: len(names)] = _drawn_places(names, rule)
        return table
    if recipe.targets == "objects":
        table[0], table[1:] = 0, 1
        if "ignore" in recipe.model_fields_set:
            table[recipe.ignore] = len(names)
        return table
    ids = range(len(names)) if recipe.taxonomy is None else load_taxonomy(recipe.taxonomy).ids
    for place, number in enumerate(ids):
        table[number] = place
    table[recipe.unknown] = len(names)
    return by_label_ids(table) if rule.format == "cityscapes" else table


def by_label_ids(table: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return a table of Cityscapes' 19 training classes as one of the ids that its PNGs hold."""
    whole = load_mapping("cityscapes-34", "cityscapes-19")
    return table[whole.table().astype(np.int64)]


def _drawn_places(names: tuple[str, ...], rule: Pictures) -> list[int]:
    drawn = DRAWINGS[rule.folder].classes if rule.folder in DRAWINGS else ()
    if drawn != names:
        raise RecipeError(
            Path(rule.folder), f"draws the classes {list(drawn)}", f"the recipe has {list(names)}"
        )
    return list(range(len(names)))


def read_ids(path: Path, *, binary: bool = False) -> NDArray[np.int32]:
    """Return the ids of a PNG: grey of 1 to 16 bits, or a palette's places.

    Parameters
    ----------
    binary : bool
        It is a mask: 1 inside, 0 outside.

    Raises
    ------
    RecipeError
        If it cannot be read, or is a colour picture.
    """
    try:
        with PilImage.open(path) as opened:
            ids, mode = stored_ids(opened, str(path), binary=binary), opened.mode
    except (OSError, SyntaxError, ValueError) as error:
        raise RecipeError(path, f"cannot be read ({error})", "export it again") from error
    if ids is None:
        raise RecipeError(
            path,
            f"is in colours ({mode})",
            "labels are ids: `maskworks data import` makes them of colours",
        )
    return ids.astype(np.int32)


def stored_labels(pair: LabelledPath) -> tuple[Ids, Ids]:
    """Read the labels of a picture as they are stored: ids, and the numbers of objects.

    Raises
    ------
    RecipeError
        If they cannot be read.
    """
    if pair.coco is not None:
        return painted(pair.coco, read_coco(pair.labels), skip=pair.skip_damaged)
    ids = read_ids(pair.labels, binary=pair.binary)
    return ids, ids
