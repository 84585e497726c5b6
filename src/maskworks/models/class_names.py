"""The classes that a model's own list of names means."""

from __future__ import annotations

from collections.abc import Sequence

from maskworks.core.taxonomy import (
    Category,
    Taxonomy,
    colour_of,
    load_taxonomy,
    taxonomy_names,
)

ALIKE = 0.6
"""The share of names that must agree for a model's classes to be those of a taxonomy."""

BACKGROUND = "background"


def shipped_taxonomy(names: Sequence[str]) -> Taxonomy | None:
    """Return the taxonomy that comes with Maskworks and has most of these names in this order.

    It knows which classes are things, which a list of names does not.
    """
    for each in taxonomy_names():
        shipped = load_taxonomy(each)
        pairs = zip(shipped.names, names, strict=False)
        same = sum(_folded(ours) == _folded(theirs) for ours, theirs in pairs)
        if len(shipped) == len(names) and same >= ALIKE * len(names):
            return shipped
    return None


def named_taxonomy(names: Sequence[str], name: str, *, things: bool) -> Taxonomy:
    """Return classes 0, 1, 2 ... of these names.

    Parameters
    ----------
    names : list of str
        One that occurs again gets a number.
    things : bool
        Whether every class but a background can be counted.

    Examples
    --------
    >>> found = named_taxonomy(["background", "cat", "cat"], "pets", things=True)
    >>> [(each.name, each.thing) for each in found.categories]
    [('background', False), ('cat', True), ('cat 2', True)]
    """
    seen: dict[str, int] = {}
    rows: list[Category] = []
    for at, label in enumerate(names):
        seen[label] = seen.get(label, 0) + 1
        unique = label if seen[label] == 1 else f"{label} {seen[label]}"
        thing = things and label.lower() != BACKGROUND
        rows.append(Category(at, unique, colour_of(at + (names[0] != BACKGROUND)), thing=thing))
    return Taxonomy(name, tuple(rows), ignore=255 if len(rows) <= 255 else 65_535)


def _folded(name: str) -> str:
    first = name.split(",", maxsplit=1)[0].split(";", maxsplit=1)[0].lower()
    return "".join(letter for letter in first if letter.isalnum()).removesuffix("merged")
