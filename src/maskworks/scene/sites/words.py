"""Words on signs: what kind of place they name, and whose brand they are."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from maskworks.scene.text.tokens import tokens_of

PLACES = (
    "shop",
    "food",
    "service",
    "alcohol",
    "gambling",
    "school",
    "playground",
    "worship",
    "health",
)
"""Kinds of places that words tell."""

RETAIL = frozenset({"shop", "food", "service", "alcohol", "gambling"})
"""Kinds that count as retail."""

_FILE = Path(__file__).parent / "words.toml"
_MISREAD = ((6, 1), (10, 2))


@dataclass(frozen=True)
class WordList:
    """Words or short phrases of one kind, folded: lower case, without accents."""

    kind: str
    words: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class WordFound:
    """A word of a list in a text: its kind, the word of the list, how many letters differ."""

    kind: str
    word: str
    wrong: int


def word_list(kind: str, words: Iterable[str]) -> WordList:
    """Return a list of words as they are compared."""
    split = (tuple(token.forms[0] for token in tokens_of(each)) for each in words)
    return WordList(kind, tuple(each for each in split if each))


@cache
def place_words() -> tuple[WordList, ...]:
    """Return the lists that come with the package."""
    rows: dict[str, Any] = tomllib.loads(_FILE.read_text("utf-8"))
    return tuple(word_list(kind, rows[kind]["words"]) for kind in PLACES)


def find_words(text: str, lists: Sequence[WordList]) -> list[WordFound]:
    """Return the words of the lists that a text holds, each once, the nearest reading first.

    A word of up to five letters must be read exactly, a longer one may have one wrong letter,
    from ten letters on two (optimal string alignment). Needs rapidfuzz for wrong letters.

    Examples
    --------
    >>> [(each.kind, each.word) for each in find_words("CAFÉ - BAKERV", place_words())]
    [('food', 'cafe'), ('food', 'bakery')]
    >>> find_words("barista", place_words())
    []
    """
    tokens = tokens_of(text)
    best: dict[tuple[str, int], WordFound] = {}  # of each kind the nearest at each place
    for each in lists:
        for words in each.words:
            for at in range(len(tokens) - len(words) + 1):
                forms = [token.forms for token in tokens[at : at + len(words)]]
                wrong = _wrong(forms, words)
                before = best.get((each.kind, at))
                if wrong is not None and (before is None or wrong < before.wrong):
                    best[each.kind, at] = WordFound(each.kind, " ".join(words), wrong)
    nearest = {at: min(w.wrong for (_, a), w in best.items() if a == at) for _, at in best}
    kept = [word for (_, at), word in best.items() if word.wrong == nearest[at]]
    unique = {(each.kind, each.word): each for each in kept}
    return sorted(unique.values(), key=lambda each: each.wrong)


def _wrong(read: Sequence[Sequence[str]], words: Sequence[str]) -> int | None:
    """Return how many letters differ in all, None if too many."""
    total = 0
    for forms, word in zip(read, words, strict=True):
        if word in forms:
            continue
        most = max((wrong for letters, wrong in _MISREAD if len(word) >= letters), default=0)
        best = min((_distance(form, word, most) for form in forms), default=most + 1)
        if most == 0 or best > most:
            return None
        total += best
    return total


def _distance(a: str, b: str, most: int) -> int:
    if abs(len(a) - len(b)) > most:
        return most + 1
    from rapidfuzz.distance import OSA

    return int(OSA.distance(a, b, score_cutoff=most))
