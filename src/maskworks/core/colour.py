"""Colours as people write them."""

from __future__ import annotations

import re

from maskworks.core.errors import UsageError
from maskworks.core.public import public

_TRIPLE = re.compile(r"(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})")


@public
def parse_colour(text: str) -> tuple[int, int, int]:
    """Return the sRGB colour that a text names.

    Parameters
    ----------
    text : str
        ``#f4f1ec``, ``#fff``, a CSS name such as ``white``, or ``255,255,255``. Case and
        surrounding space do not matter.

    Returns
    -------
    (red, green, blue), each 0 to 255

    Raises
    ------
    UsageError
        If it is none of these; a colour with alpha is refused too.

    Examples
    --------
    >>> parse_colour("#f4f1ec"), parse_colour("White"), parse_colour("1, 2, 3")
    ((244, 241, 236), (255, 255, 255), (1, 2, 3))
    """
    from PIL import ImageColor

    cleaned = text.strip().lower()
    triple = _TRIPLE.fullmatch(cleaned)
    if triple:
        red, green, blue = (int(part) for part in triple.groups())
        if max(red, green, blue) <= 255:
            return red, green, blue
    elif re.fullmatch(r"#[0-9a-f]{3}|#[0-9a-f]{6}|[a-z]+", cleaned):
        try:
            return ImageColor.getrgb(cleaned)[:3]
        except ValueError:
            pass
    message = (
        f"{text!r} is not a colour; write it as #f4f1ec, as three numbers from 0 to 255 "
        "(244,241,236), or as a CSS name such as white"
    )
    raise UsageError(message)
