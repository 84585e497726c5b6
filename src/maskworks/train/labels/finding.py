"""Find labelled pictures in the folders that data sets come in, and what their ids mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.core.reading import SUFFIXES
from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.taxonomy_mapping import load_mapping
from maskworks.train.labels.recipe import LabelRecipe, Pictures

MOST_IDS = 65536


@dataclass(frozen=True)
class Pair:
    """A picture and its file of labels."""

    name: str
    picture: Path
    labels: Path


def find_pairs(data: Path, rule: Pictures) -> list[Pair]:
    """List the labelled pictures of one split, sorted by name.

    Raises
    ------
    RecipeError
        If the folder is missing or empty, or a picture has no labels.
    """
    folder = data / rule.folder
    if not folder.is_dir():
        raise RecipeError(folder, "no such folder", "give the data folder by --data")
    pairs = sorted(_FINDERS[rule.format](folder, rule, data), key=lambda pair: pair.name)
    if not pairs:
        raise RecipeError(folder, "has no labelled pictures", "check folder, format and split")
    for pair in pairs:
        if not pair.labels.is_file():
            raise RecipeError(
                pair.labels,
                f"is missing: the labels of {pair.picture.name}",
                "add it, or take the picture away",
            )
    if rule.limit is None or rule.limit >= len(pairs):
        return pairs
    return [pairs[i * len(pairs) // rule.limit] for i in range(rule.limit)]


def _png(folder: Path, rule: Pictures, data: Path) -> Iterator[Pair]:
    """Pictures and PNG of the same stem; beside each other, pictures are no PNG."""
    beside = rule.labels is None
    labels = folder if rule.labels is None else data / rule.labels
    for path in folder.iterdir():
        suffix = path.suffix.lower()
        if suffix in SUFFIXES and not (beside and suffix == ".png"):
            yield Pair(path.stem, path, labels / f"{path.stem}.png")


def _voc(folder: Path, rule: Pictures, _: Path) -> Iterator[Pair]:
    names = folder / "ImageSets" / "Segmentation" / f"{rule.split}.txt"
    if not names.is_file():
        raise RecipeError(names, "does not exist", "name a list of ImageSets/Segmentation")
    for name in names.read_text("utf-8").split():
        yield Pair(
            name,
            folder / "JPEGImages" / f"{name}.jpg",
            folder / "SegmentationClass" / f"{name}.png",
        )


def _cityscapes(folder: Path, rule: Pictures, _: Path) -> Iterator[Pair]:
    end = "_leftImg8bit.png"
    for path in (folder / "leftImg8bit" / str(rule.split)).glob(f"*/*{end}"):
        name = path.name.removesuffix(end)
        labels = folder / "gtFine" / str(rule.split) / path.parent.name
        yield Pair(name, path, labels / f"{name}_gtFine_labelIds.png")


def _ade20k(folder: Path, rule: Pictures, _: Path) -> Iterator[Pair]:
    for path in (folder / "images" / str(rule.split)).glob("*.jpg"):
        yield Pair(path.stem, path, folder / "annotations" / str(rule.split) / f"{path.stem}.png")


_FINDERS: dict[str, Callable[[Path, Pictures, Path], Iterator[Pair]]] = {
    "png": _png,
    "voc": _voc,
    "cityscapes": _cityscapes,
    "ade20k": _ade20k,
}


def places_of_ids(recipe: LabelRecipe, form: str) -> NDArray[np.int32]:
    """Return for every stored id the class's place, the number of classes for no label.

    Ids that mean nothing are -1.

    Returns
    -------
    int32 (65536,)
    """
    classes = len(recipe.class_names)
    table = np.full(MOST_IDS, -1, np.int32)
    ids = range(classes) if recipe.taxonomy is None else load_taxonomy(recipe.taxonomy).ids
    for place, number in enumerate(ids):
        table[number] = place
    table[recipe.unknown] = classes
    if form == "cityscapes":
        whole = load_mapping("cityscapes-34", "cityscapes-19")
        table = table[whole.table().astype(np.int64)]
    return table


def read_ids(path: Path) -> NDArray[np.int32]:
    """Return the ids of a PNG: grey of 1, 8 or 16 bits, or a palette's places.

    Raises
    ------
    RecipeError
        If it cannot be read, or is a colour picture.
    """
    try:
        with PilImage.open(path) as opened:
            ids = np.asarray(opened)
    except (OSError, SyntaxError, ValueError) as error:
        raise RecipeError(path, f"cannot be read ({error})", "export it again") from error
    if ids.ndim != 2:
        raise RecipeError(
            path, f"is a colour picture {ids.shape}", "labels are ids: a grey or palette PNG"
        )
    return ids.astype(np.int32)
