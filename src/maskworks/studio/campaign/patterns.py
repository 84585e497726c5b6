"""Patterns for file paths and for names, as the campaign and the exception list use them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_BRACKET = re.compile(r"\[(!?)(\]?[^\]]+|\])\]")


def path_matches(path: str, pattern: str) -> bool:
    """Say whether a relative path fits a pattern; case does not matter.

    Parameters
    ----------
    path : str
        Relative, with ``/`` between the folders.
    pattern : str
        ``*`` any characters and ``?`` one character, within one folder or file name;
        ``[ab]``, ``[a-c]``, ``[!a]`` one of (or none of) these; ``**`` any number of folders.
        A pattern without ``/`` is looked for in every folder. One whose last part has no
        wildcard also means a folder, with everything below it.

    Notes
    -----
    Cameras write ``.JPG`` and people type ``.jpg``: that is why case does not matter. Nor does
    it whether an accented letter is stored as one character or as two.

    Examples
    --------
    >>> path_matches("lifestyle/day 1/a.JPG", "lifestyle/**")
    True
    >>> path_matches("b/glass-1.jpg", "glass-*"), path_matches("b/glass-1.jpg", "a/*")
    (True, False)
    >>> path_matches("lifestyle/a.jpg", "lifestyle"), path_matches("a/b.jpg", "*/b.jpg")
    (True, True)
    """
    return _path_expression(_composed(pattern)).fullmatch(_composed(path)) is not None


def name_matches(name: str, pattern: str) -> bool:
    """Say whether a SKU or a tag fits a pattern; case does not matter.

    ``*`` stands for any characters, ``?`` for one, ``[ab]`` for one of these.

    Examples
    --------
    >>> name_matches("GLS-100", "gls-*"), name_matches("XGLS-100", "gls-*")
    (True, False)
    """
    return _name_expression(_composed(pattern)).fullmatch(_composed(name)) is not None


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(maxsize=1024)
def _name_expression(pattern: str) -> re.Pattern[str]:
    return re.compile(_piece(pattern, star=".*", one="."), re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=1024)
def _path_expression(pattern: str) -> re.Pattern[str]:
    cleaned = pattern.removeprefix("./").strip("/")
    parts = cleaned.split("/")
    if not _rooted(pattern):
        parts = ["**", *parts]
    pieces: list[str] = []
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == "**":
            pieces.append("[^/]+(?:/[^/]+)*" if last else "(?:[^/]+/)*")
        else:
            pieces.append(_piece(part, star="[^/]*", one="[^/]") + ("" if last else "/"))
    below = "" if re.search(r"[*?\[]", parts[-1]) else "(?:/.*)?"
    return re.compile("".join(pieces) + below, re.IGNORECASE | re.DOTALL)


def _rooted(pattern: str) -> bool:
    """Whether a pattern counts from the input folder: it has a slash before its end."""
    return "/" in pattern.rstrip("/")


def _piece(text: str, *, star: str, one: str) -> str:
    """Return the regular expression of one part without ``**`` between slashes."""
    written: list[str] = []
    at = 0
    while at < len(text):
        found = _BRACKET.match(text, at)
        if found:
            written.append(_bracket(found[0], inverted=bool(found[1]), inside=found[2]))
            at = found.end()
        else:
            written.append({"*": star, "?": one}.get(text[at], re.escape(text[at])))
            at += 1
    return "".join(written)


def _bracket(text: str, *, inverted: bool, inside: str) -> str:
    """Return one of several characters; a bracket that means nothing stands for itself."""
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside)
    expression = f"(?!/)[{'^' if inverted else ''}{escaped}]"
    try:
        re.compile(expression)
    except re.error:  # a range from high to low
        return re.escape(text)
    return expression
