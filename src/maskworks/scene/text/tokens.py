"""Text as words that can be compared: accents, case, look-alikes and censoring set aside."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[@$]?[^\W_](?:[\w'’*#@$!+%-]*[\w*#@$+])?", re.UNICODE)
_CLAUSE = re.compile(r"[.,;:!?…()\"“”«»„\n—–]|\s-\s")
_HIDDEN = re.compile(r"[*#@$!%]+")
_LOOKS = str.maketrans(
    {"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"}
)
_LEAST_SPACED = 4
"""Letters that stand apart from each other before they are read as a word."""


@dataclass(frozen=True)
class Token:
    """One word: its place in the text, the clause it is in, and the ways it may be read.

    `forms` are lower-case letters without accents, the first as written; `masked` is a pattern
    where letters were hidden behind symbols, None otherwise; `spaced` letters stood apart.
    """

    start: int
    end: int
    clause: int
    forms: tuple[str, ...]
    masked: re.Pattern[str] | None = None
    spaced: bool = False


def fold(text: str) -> str:
    """Return lower case without accents; ß becomes ss, curly apostrophes straight ones.

    Examples
    --------
    >>> fold("Scheiße, COÑO, l’Œuvre")
    "scheisse, cono, l'oeuvre"
    """
    text = text.replace("’", "'").replace("œ", "oe").replace("Œ", "oe").casefold()
    apart = unicodedata.normalize("NFKD", text)
    return "".join(each for each in apart if not unicodedata.combining(each))


def tokens_of(text: str) -> list[Token]:
    """Split a text into words, each with the ways it may be read.

    Examples
    --------
    >>> [token.forms for token in tokens_of("SH0TGUN!")]
    [('sh0tgun', 'shotgun')]
    >>> [token.forms[-1] for token in tokens_of("f u c k off")]
    ['fuck', 'off']
    """
    ends = [found.start() for found in _CLAUSE.finditer(text)]
    clause, found = 0, []
    for word in _WORD.finditer(text):
        while clause < len(ends) and ends[clause] < word.start():
            clause += 1
        found.append(_token(word.group(), word.start(), clause))
    return _joined(found, text)


def _token(word: str, start: int, clause: int) -> Token:
    folded = fold(word)
    forms = [folded]
    letters = sum(each.isalpha() for each in word)
    if letters and re.search(r"[0-9@$!]", word):
        replaced = folded.translate(_LOOKS)
        forms += [replaced, replaced.replace("l", "i")]
    if letters > 1 and _mixed(word):  # a small l between capitals is an I that was misread
        forms.append(fold(word.replace("l", "I")))
    if "'" in folded:  # l'arme, d'armes, gonna'
        forms += [part for part in folded.split("'") if len(part) > 2]
    if "-" in folded.strip("-"):
        forms.append(folded.replace("-", ""))
    masked = _masked(folded) if letters > 1 and _HIDDEN.search(word[1:]) else None
    return Token(start, start + len(word), clause, tuple(dict.fromkeys(forms)), masked)


def _mixed(word: str) -> bool:
    rest = word.replace("l", "")
    return "l" in word and rest.isupper()


def _masked(folded: str) -> re.Pattern[str]:
    """Return what a word with hidden letters may be; n symbols are 1 to n + 2 letters."""
    parts, at = [], 0
    for hidden in _HIDDEN.finditer(folded):
        run = len(hidden.group())
        parts += [re.escape(folded[at : hidden.start()]), f"[a-z]{{{max(1, run - 1)},{run + 2}}}"]
        at = hidden.end()
    parts.append(re.escape(folded[at:]))
    return re.compile("".join(parts) + r"\Z")


def _joined(found: list[Token], text: str) -> list[Token]:
    """Join letters that stand apart ("f u c k") into a word."""
    joined: list[Token] = []
    at = 0
    while at < len(found):
        to = at
        while to < len(found) and found[to].end - found[to].start == 1:
            if to > at and text[found[to - 1].end : found[to].start] not in (" ", ".", "-", "_"):
                break
            to += 1
        if to - at >= _LEAST_SPACED:
            first, last = found[at], found[to - 1]
            word = "".join(token.forms[0] for token in found[at:to])
            joined.append(Token(first.start, last.end, first.clause, (word,), spaced=True))
        else:
            to = max(to, at + 1)
            joined += found[at:to]
        at = to
    return joined
