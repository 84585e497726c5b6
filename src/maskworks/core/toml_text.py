"""TOML that people write, read within bounds: no file of a few kilobytes may take for ever."""

from __future__ import annotations

import re
import tomllib
from typing import Any

MOST_CHARACTERS = 1 << 20
"""Of a file; campaigns, presets, cards and catalogues have a few thousand."""

MOST_KEY_PARTS = 32
"""Of a key with dots in it; the reader's time grows with the cube of their number."""

_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_LONG_KEY = re.compile(
    rf"^[ \t\[{{,]*+{_PART}(?:\.[ \t]*+{_PART}){{{MOST_KEY_PARTS}}}", re.MULTILINE
)


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML document.

    Raises
    ------
    tomllib.TOMLDecodeError
        If it is no TOML, or larger, deeper or longer in its keys than anybody writes.

    Examples
    --------
    >>> parse_toml("a.b = 1")
    {'a': {'b': 1}}
    >>> parse_toml("a = " + "[" * 5000)
    Traceback (most recent call last):
    tomllib.TOMLDecodeError: Lists or tables inside each other too deeply (at line 1, column 1)
    """
    if len(text) > MOST_CHARACTERS:
        what = f"More than {MOST_CHARACTERS:,} characters"
        raise tomllib.TOMLDecodeError(f"{what} (at line 1, column 1)")
    found = _LONG_KEY.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        what = f"A key of more than {MOST_KEY_PARTS} parts"
        raise tomllib.TOMLDecodeError(f"{what} (at line {line}, column 1)")
    try:
        return tomllib.loads(text)
    except RecursionError:
        what = "Lists or tables inside each other too deeply"
        raise tomllib.TOMLDecodeError(f"{what} (at line 1, column 1)") from None
