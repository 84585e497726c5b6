"""Which classes there are: their ids, names, colours, and whether they are things or stuff.

The taxonomies of the field are files in `taxonomies/`; a user's own file has the same form.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.bounded import text_of
from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.core.toml_text import parse_toml

FOLDER = Path(__file__).parent / "taxonomies"
MOST_IDS = 65_536
"""Ids fit into 16 bits, as label pictures do."""

_COLOUR = re.compile("#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Category:
    """One class: its `id` in pictures, `name`, `colour` (red, green, blue), countable or not."""

    id: int
    name: str
    colour: tuple[int, int, int]
    thing: bool = False


@dataclass(frozen=True)
class Taxonomy:
    """The classes of a data set, in the order in which its networks number their outputs.

    `ignore` is the id of pixels that carry no label (never that of a class), None if every
    pixel has one.

    Raises
    ------
    UsageError
        If there is no class, an id or name occurs twice, or an id is outside 0 to 65,535.

    Examples
    --------
    >>> voc = load_taxonomy("voc-21")
    >>> len(voc), voc.category(15).name, voc.named("cat").id, voc.ignore
    (21, 'person', 8, 255)
    """

    name: str
    categories: tuple[Category, ...]
    ignore: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not self.categories:
            raise UsageError(f"taxonomy {self.name}: there is no class; give at least one")
        ids = [each.id for each in self.categories]
        for what, values in (("id", map(str, self.ids)), ("name", self.names)):
            value, times = Counter(values).most_common(1)[0]
            if times > 1:
                raise UsageError(f"taxonomy {self.name}: the {what} {value} occurs twice")
        marks = [*ids, *(() if self.ignore is None else (self.ignore,))]
        wrong = [value for value in marks if not 0 <= value < MOST_IDS]
        if wrong:
            raise UsageError(f"taxonomy {self.name}: ids are 0 to {MOST_IDS - 1}, got {wrong[0]}")
        if self.ignore in ids:
            raise UsageError(
                f"taxonomy {self.name}: {self.ignore} is the id of a class and that of no label; "
                "choose another `ignore`"
            )

    def __len__(self) -> int:
        return len(self.categories)

    @cached_property
    def _by_id(self) -> dict[int, Category]:
        return {each.id: each for each in self.categories}

    @property
    def ids(self) -> tuple[int, ...]:
        """The id of each class; its place is the output of a network that stands for it."""
        return tuple(each.id for each in self.categories)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each class, in order."""
        return tuple(each.name for each in self.categories)

    @property
    def things(self) -> tuple[Category, ...]:
        """The classes that can be counted."""
        return tuple(each for each in self.categories if each.thing)

    @property
    def stuff(self) -> tuple[Category, ...]:
        """The classes that cannot be counted."""
        return tuple(each for each in self.categories if not each.thing)

    def __contains__(self, category: object) -> bool:
        return category in self._by_id

    def category(self, category: int) -> Category:
        """Return the class of an id.

        Raises
        ------
        UsageError
            If no class has it.
        """
        try:
            return self._by_id[category]
        except KeyError:
            raise UsageError(
                f"taxonomy {self.name} has no class {category}; its ids are {_spans(self.ids)}"
            ) from None

    def named(self, name: str) -> Category:
        """Return the class of a name.

        Raises
        ------
        UsageError
            If no class has it.
        """
        for each in self.categories:
            if each.name == name:
                return each
        raise UsageError(
            f"taxonomy {self.name} has no class {name!r}; it has {', '.join(self.names)}"
        )

    def palette(self) -> NDArray[np.uint8]:
        """Return the colour of every 8-bit id: uint8 (256, 3), black where no class is."""
        colours = np.zeros((256, 3), np.uint8)
        for each in self.categories:
            if each.id < 256:
                colours[each.id] = each.colour
        return colours


BACKGROUND = "background"

_HOMES = ("recipe.toml", "model.toml", "taxonomy.toml")
"""Where a folder says which classes it has."""


def taxonomy_names() -> tuple[str, ...]:
    """Return the names of the taxonomies that come with Maskworks.

    Examples
    --------
    >>> "cityscapes-19" in taxonomy_names()
    True
    """
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@public
def load_taxonomy(name: str | Path) -> Taxonomy:
    """Return a taxonomy of Maskworks by its name, or that of a TOML file by its path.

    Parameters
    ----------
    name : str or Path
        A name of `taxonomy_names`, a path that ends in .toml, or a folder with one: of a run, a
        model or an imported data set. The file holds `ignore`, an optional `source`, and
        `categories`, a list of [id, name, "thing" or "stuff", "#rrggbb"]; or it is a recipe or a
        model.toml, with `classes` or `taxonomy`.

    Raises
    ------
    UsageError
        If there is no such name or file, or the file is not of this form.

    Examples
    --------
    >>> load_taxonomy("cityscapes-19").named("road").id
    0
    """
    path = Path(name)
    if path.suffix != ".toml":
        if str(name) in taxonomy_names():
            path = FOLDER / f"{name}.toml"
        elif not path.is_dir():
            raise UsageError(
                f"there is no taxonomy {str(name)!r}; choose one of {', '.join(taxonomy_names())}, "
                "or name a .toml file, the folder of a run or that of a model"
            )
        else:
            held = [path / each for each in _HOMES if (path / each).is_file()]
            if not held:
                raise UsageError(f"{path}: holds none of {', '.join(_HOMES)}; name the file")
            path = held[0]
    return _read_taxonomy(path.absolute())


def plain_taxonomy(
    classes: int | Sequence[str], *, ignore: int | None = 255, name: str = "plain"
) -> Taxonomy:
    """Return a taxonomy of classes 0, 1, 2 ... in PASCAL's colours, all of them stuff.

    Parameters
    ----------
    classes : int or names
        How many there are, or what they are called.

    Raises
    ------
    UsageError
        As `Taxonomy`.

    Examples
    --------
    >>> plain_taxonomy(["soil", "crop"]).category(1)
    Category(id=1, name='crop', colour=(128, 0, 0), thing=False)
    """
    names = [f"class {at}" for at in range(classes)] if isinstance(classes, int) else classes
    rows = (Category(at, each, colour_of(at)) for at, each in enumerate(names))
    return Taxonomy(name, tuple(rows), ignore)


def colour_of(number: int) -> tuple[int, int, int]:
    """Return PASCAL VOC's colour of a number, repeated after 16,777,216.

    Its bits go to red, green and blue in turn, the low ones to the top.

    Examples
    --------
    >>> [colour_of(number) for number in (0, 1, 2, 8)]
    [(0, 0, 0), (128, 0, 0), (0, 128, 0), (64, 0, 0)]
    """
    red, green, blue = (
        sum((number >> (3 * at + channel) & 1) << (7 - at) for at in range(8))
        for channel in range(3)
    )
    return red, green, blue


@cache
def _read_taxonomy(path: Path) -> Taxonomy:
    record = read_toml(path)
    if "categories" not in record and ("classes" in record or "taxonomy" in record):
        return _of_recipe(path, record)
    ignore, source, rows = (record.get(key) for key in ("ignore", "source", "categories"))
    if not (ignore is None or isinstance(ignore, int)) or not isinstance(rows, list):
        raise UsageError(f"{path}: needs `ignore`, a number, and `categories`, a list")
    name = path.stem if path.parent == FOLDER else str(record.get("name", path.stem))
    return Taxonomy(name, tuple(_category(path, row) for row in rows), ignore, str(source or ""))


def _of_recipe(path: Path, record: dict[str, Any]) -> Taxonomy:
    """Return the classes of a recipe or a model's row; of COCO's labels the background is first."""
    named = record.get("taxonomy")
    if isinstance(named, str):
        beside = path.parent / named
        return load_taxonomy(beside if beside.suffix == ".toml" and beside.is_file() else named)
    classes, ignore = record.get("classes"), record.get("ignore", 255)
    if not isinstance(classes, list) or not all(isinstance(each, str) for each in classes):
        raise UsageError(f"{path}: classes is a list of names, got {classes!r}")
    sides = [side for key in ("train", "dev") if isinstance(side := record.get(key), dict)]
    implied = record.get("network") != "transformers/mask2former" and any(
        side.get("format") == "coco" and side.get("uncovered") != "ignore" for side in sides
    )
    ground = [BACKGROUND] if implied and BACKGROUND not in classes else []
    return plain_taxonomy([*ground, *classes], ignore=ignore, name=str(record.get("name", "own")))


def _category(path: Path, row: object) -> Category:
    match row:
        case [int(number), str(name), "thing" | "stuff" as kind, str(colour)] if _COLOUR.fullmatch(
            colour
        ):
            red, green, blue = bytes.fromhex(colour[1:])
            return Category(number, name, (red, green, blue), thing=kind == "thing")
    raise UsageError(
        f'{path}: a category is [id, "name", "thing" or "stuff", "#rrggbb"], got {row!r}'
    )


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    UsageError
        If it cannot be read or is not TOML.
    """
    try:
        return parse_toml(text_of(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not TOML ({error}); correct it") from error
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise UsageError(f"{path}: cannot be read ({reason}); check the path") from error


def _spans(numbers: Sequence[int]) -> str:
    """Write numbers shortly: 0-18, 24."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
