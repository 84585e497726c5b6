"""Patterns for file paths and for names, as the campaign and the exception list use them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_FOLDERS = "(?:[^/]+/)"
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
    everything_below = parts[-1] == "**"
    groups: list[str] = [""]  # what stands between one `**` and the next, with a slash at its end
    for part in parts:
        if part == "**":
            groups.append("")
        else:
            groups[-1] += _piece(part, star="[^/]*", one="[^/]") + "/"
    first, *rest = groups
    last = "" if everything_below else rest.pop() if rest else ""
    if not (everything_below or len(groups) > 1):
        first, last = "", first
    # The first place where a group fits is as good as any: what follows may be anywhere below.
    # So no other one is ever tried (?>...), and the time does not grow with each `**`.
    written = first + "".join(f"(?>{_FOLDERS}*?{group})" for group in rest if group)
    if everything_below:
        written += "[^/]+(?:/[^/]+)*"
    else:
        written += (f"{_FOLDERS}*" if len(groups) > 1 else "") + last.removesuffix("/")
    below = "" if re.search(r"[*?\[]", parts[-1]) else "(?:/.*)?"
    return re.compile(written + below, re.IGNORECASE | re.DOTALL)


def _rooted(pattern: str) -> bool:
    """Whether a pattern counts from the input folder: it has a slash before its end."""
    return "/" in pattern.rstrip("/")


def _piece(text: str, *, star: str, one: str) -> str:
    """Return the regular expression of one part without ``**`` between slashes.

    As with `_path_expression`, what stands between two stars is looked for once: the first
    place is as good as any.
    """
    fixed: list[str] = [""]  # what stands between the stars
    at = 0
    while at < len(text):
        found = _BRACKET.match(text, at)
        if found:
            fixed[-1] += _bracket(found[0], inverted=bool(found[1]), inside=found[2])
            at = found.end()
            continue
        if text[at] == "*":
            fixed.append("")
        else:
            fixed[-1] += one if text[at] == "?" else re.escape(text[at])
        at += 1
    if len(fixed) == 1:
        return fixed[0]
    middle = "".join(f"(?>{star}?{piece})" for piece in fixed[1:-1] if piece)
    return f"{fixed[0]}{middle}{star}{fixed[-1]}"


def _bracket(text: str, *, inverted: bool, inside: str) -> str:
    """Return one of several characters; a bracket that means nothing stands for itself."""
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside)
    expression = f"(?!/)[{'^' if inverted else ''}{escaped}]"
    try:
        re.compile(expression)
    except re.error:  # a range from high to low
        return re.escape(text)
    return expression
