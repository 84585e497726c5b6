"""OpenOOH venue types 1.2.1, and what OpenRTB can be told of them.

OpenOOH venue taxonomy 1.2.1, 2 February 2026. A screen has one venue, the best that fits; an id
that is not in the taxonomy counts as absent, and is told.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

VENUETYPETAX = 5
"""AdCOM's number of OpenOOH 1.1; 1.2 has none."""

_FILE = Path(__file__).parent / "venues.toml"
_OUTDOOR = 3


@dataclass(frozen=True)
class Venue:
    """One venue type of 1.2: its id, a short name, and the id of 1.1 that stands for it."""

    id: int
    name: str
    id_1_1: int

    @property
    def above(self) -> tuple[int, ...]:
        """The ids that hold it, widest first, itself last."""
        return tuple(dict.fromkeys((*_above(self.id), self.id)))

    @property
    def outdoor(self) -> bool:
        """Whether the taxonomy puts it outdoors; others may be either."""
        return self.above[0] == _OUTDOOR


def venue_of(number: int) -> Venue | None:
    """Return the venue type of an id of OpenOOH 1.2, None if there is no such id.

    Examples
    --------
    >>> venue_of(305)
    Venue(id=305, name='window panel', id_1_1=302)
    >>> venue_of(60204).above, venue_of(399) is None
    ((6, 602, 60204), True)
    """
    known, names = _table()
    if number not in known:
        return None
    name = next(names[each] for each in reversed((*_above(number), number)) if each in names)
    return Venue(number, name, known[number])


def _above(number: int) -> tuple[int, ...]:
    digits = str(number)
    if len(digits) <= 2:
        return (number,)
    wide = 2 if len(digits) == 4 or (len(digits) == 6 and digits[:2] == "11") else 1
    child = digits[: wide + 2]
    return (int(digits[:wide]), int(child))


@cache
def _table() -> tuple[dict[int, int], dict[int, str]]:
    rows: dict[str, Any] = tomllib.loads(_FILE.read_text("utf-8"))
    known = {each: each for each in rows["same"]}
    known |= {int(before): after for before, after in rows["becomes"].items()}
    return known, {int(number): name for number, name in rows["names"].items()}
