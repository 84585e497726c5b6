"""Divide pictures by their names: seeded, and whole groups at a time."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

_FEW_GROUPS = 5
_COUNTED = re.compile(r"[-_. ]*\d+$")


def groups_of(names: Sequence[str]) -> dict[str, str]:
    """Return the group of each name: the name without its last number, if that gives some.

    Examples
    --------
    >>> sorted(set(groups_of([f"p{p}_{n}" for p in range(6) for n in range(2)]).values()))[:2]
    ['p0', 'p1']
    >>> groups_of(["img_1", "img_2"])
    {'img_1': 'img_1', 'img_2': 'img_2'}
    """
    found = {name: _COUNTED.sub("", name) or name for name in names}
    several = len(set(found.values()))
    return found if _FEW_GROUPS <= several < len(names) else {name: name for name in names}


def dealt(groups: Mapping[str, str], share: float, seed: int) -> list[str]:
    """Return the names of the whole groups that a seed deals to dev, about a share of all.

    At least one group stays on each side where there are two.

    Examples
    --------
    >>> names = [f"p{patient}_{slice}" for patient in range(6) for slice in range(2)]
    >>> sorted(dealt(groups_of(names), 0.3, seed=7))
    ['p0_0', 'p0_1', 'p4_0', 'p4_1']
    """
    order = sorted(set(groups.values()))
    random.Random(seed).shuffle(order)
    wanted = max(1, round(share * len(groups)))
    dev: list[str] = []
    for group in order[:-1]:
        if len(dev) >= wanted:
            break
        dev += [name for name, its in groups.items() if its == group]
    return dev
