"""Colours for classes and objects, also for people who confuse red and green."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from maskworks.core.taxonomy import Taxonomy

Palette = NDArray[np.uint8]
"""uint8 (n, 3), sRGB: the colour of each id."""

PaletteName = Literal["taxonomy", "safe"]

SAFE = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (187, 187, 187),
    (51, 34, 136),
    (136, 34, 85),
    (17, 119, 51),
    (221, 204, 119),
)
"""Okabe and Ito, Color Universal Design, 2008; then four of Tol's muted scheme, 2021."""

GOLDEN = 0.618034
_BLUE, _YELLOW = (0, 34, 78), (254, 232, 56)  # the ends of cividis
_SHADE = 40
_BACKGROUND = "background"


def palette_of(taxonomy: Taxonomy, name: PaletteName = "taxonomy") -> Palette:
    """Return the colour of every id of a taxonomy.

    Parameters
    ----------
    name : "taxonomy" or "safe"
        "safe" takes twelve colours that stay apart under every common kind of colour
        blindness, and beyond them steps of lightness, which all eyes tell apart.

    Returns
    -------
    uint8 (256, 3), or (65536, 3) where an id is above 255
        Black where no class is, and for a class that is called background.

    Examples
    --------
    >>> from maskworks.core.taxonomy import plain_taxonomy
    >>> plain = plain_taxonomy(["background", "leaf"])
    >>> palette_of(plain)[1].tolist(), palette_of(plain, "safe")[1].tolist()
    ([128, 0, 0], [86, 180, 233])
    """
    most = max(*taxonomy.ids, taxonomy.ignore or 0)
    palette = np.zeros((256 if most < 256 else 65536, 3), np.uint8)
    shown = [each for each in taxonomy.categories if each.name != _BACKGROUND or name != "safe"]
    colours = [each.colour for each in shown] if name == "taxonomy" else distinct(len(shown))
    for each, colour in zip(shown, colours, strict=True):
        palette[each.id] = colour
    return palette


def distinct(count: int) -> list[tuple[int, int, int]]:
    """Return so many colours: first those of `SAFE`, then steps from dark blue to yellow.

    Examples
    --------
    >>> len(set(distinct(80)))
    80
    """
    more = max(0, count - len(SAFE))
    steps = ((np.arange(more) * GOLDEN) % 1.0)[:, np.newaxis]  # neighbours lie far apart
    mixed = np.rint(np.array(_BLUE) + (np.array(_YELLOW) - np.array(_BLUE)) * steps)
    mixed[:, 2] = np.clip(mixed[:, 2] + _SHADE * (np.arange(more) % 3), 0, 255)
    return [*SAFE, *((int(r), int(g), int(b)) for r, g, b in mixed)][:count]
