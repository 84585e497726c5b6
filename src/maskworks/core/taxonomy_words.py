"""People's words for the classes of a taxonomy, in English, German, French and Spanish.

`taxonomies/words/words.toml` says in which words each kind of thing is named; a file per taxonomy
beside it says which of its classes are other kinds than their name. Classes of a user's own
taxonomy are understood where they have the name of such a kind.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import NamedTuple

from maskworks.core.errors import UsageError
from maskworks.core.taxonomy import FOLDER, Category, Taxonomy, read_toml, taxonomy_names

WORDS = FOLDER / "words"
LANGUAGES = ("en", "de", "fr", "es")

_NEAREST = 3
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_REST_OF_NAME = re.compile(r"( (merged|other|stuff))+$")
_ENDINGS = (("ies", "y"), ("s", ""), ("es", ""), ("x", ""), ("n", ""))
"""How a plural may end, and the singular instead."""


class _Lexicon(NamedTuple):
    kinds: dict[str, frozenset[str]]
    """The kinds of thing that each word may mean."""
    wider: dict[str, frozenset[str]]
    """The kinds that stand for several, by each of these."""
    spelt: dict[str, str]
    """How each word is written."""


def words_in(text: str | Sequence[str]) -> tuple[str, ...]:
    """Return the words of a list with commas, each once.

    Raises
    ------
    UsageError
        If there is none, or an empty one.

    Examples
    --------
    >>> words_in("cars, traffic lights,cars")
    ('cars', 'traffic lights')
    """
    parts = text.split(",") if isinstance(text, str) else list(text)
    found = tuple(dict.fromkeys(" ".join(part.split()) for part in parts))
    if not found or "" in found:
        raise UsageError(f'--find is words with commas, such as "cars, people", got {text!r}')
    return found


def classes_named(words: str | Sequence[str], taxonomy: Taxonomy) -> tuple[Category, ...]:
    """Return the classes of a taxonomy that words mean, in the order of the words, each once.

    Parameters
    ----------
    words : str or sequence of str
        With commas, or one by one; English, German, French or Spanish, singular or plural. The
        name of a class means it alone, any other word every class that it fits.

    Raises
    ------
    UsageError
        If a word fits no class: the nearest words that do are named.

    Examples
    --------
    >>> from maskworks.core.taxonomy import load_taxonomy
    >>> [each.name for each in classes_named("Autos, people", load_taxonomy("camvid-11"))]
    ['car', 'pedestrian', 'bicyclist']
    """
    found: dict[int, Category] = {}
    for word in words_in(words):
        fitting = _fitting(word, taxonomy)
        if not fitting:
            raise UsageError(_unknown(word, taxonomy))
        found |= {each.id: each for each in fitting}
    return tuple(found.values())


def words_of(category: str, taxonomy: Taxonomy) -> frozenset[str]:
    """Return every word, folded, that means a class; its name is one of them.

    Examples
    --------
    >>> from maskworks.core.taxonomy import load_taxonomy
    >>> "fussganger" in words_of("pedestrian", load_taxonomy("camvid-11"))
    True
    """
    kinds = _kinds_of(category, taxonomy.name)
    said = {word for word, meant in _lexicon().kinds.items() if meant & kinds}
    return frozenset(said | {folded(category)})


def _fitting(word: str, taxonomy: Taxonomy) -> list[Category]:
    forms = _forms(folded(word))
    for form in forms:
        if named := [each for each in taxonomy.categories if folded(each.name) == form]:
            return named
    lexicon = _lexicon()
    for form in forms:
        meant = lexicon.kinds.get(form, frozenset())
        fitting = [
            each for each in taxonomy.categories if meant & _kinds_of(each.name, taxonomy.name)
        ]
        if fitting:
            return fitting
    return []


def _unknown(word: str, taxonomy: Taxonomy) -> str:
    known = {said for each in taxonomy.names for said in words_of(each, taxonomy)}
    spelt = _lexicon().spelt
    near = get_close_matches(folded(word), sorted(known), _NEAREST)
    meant = {
        spelt.get(said, said): ", ".join(each.name for each in _fitting(said, taxonomy))
        for said in near
    }
    nearest = "; ".join(
        said if said == names else f"{said} ({names})" for said, names in meant.items()
    )
    told = f"the nearest words it knows are {nearest}; " if nearest else ""
    return (
        f"--find: no class of {taxonomy.name} is called {word!r}; {told}its classes are "
        f"{', '.join(taxonomy.names)}"
    )


@lru_cache(maxsize=4096)
def _kinds_of(category: str, taxonomy: str) -> frozenset[str]:
    """Return the kinds of thing that a class is: those of its row, else the one of its name."""
    kinds = _rows(taxonomy).get(category)
    if kinds is None:
        plain = _REST_OF_NAME.sub("", folded(category))
        kinds = tuple(each for each in _kinds() if folded(each) == plain)
    wider = _lexicon().wider
    return frozenset(kinds).union(*(wider.get(each, frozenset()) for each in kinds))


@cache
def _rows(taxonomy: str) -> dict[str, tuple[str, ...]]:
    path = WORDS / f"{taxonomy}.toml"
    if taxonomy not in taxonomy_names() or not path.is_file():
        return {}
    return {name: tuple(kinds) for name, kinds in read_toml(path).items()}


@cache
def _kinds() -> tuple[str, ...]:
    return tuple(read_toml(WORDS / "words.toml"))


@cache
def _lexicon() -> _Lexicon:
    kinds: dict[str, set[str]] = {}
    wider: dict[str, set[str]] = {}
    spelt: dict[str, str] = {}
    for kind, row in read_toml(WORDS / "words.toml").items():
        for word in (each for language in LANGUAGES for each in row[language].split(",")):
            for form in {folded(word), folded(word.strip().casefold().translate(_UMLAUTS))}:
                kinds.setdefault(form, set()).add(kind)
                spelt.setdefault(form, word.strip())
        for narrower in row.get("of", ()):
            wider.setdefault(narrower, set()).add(kind)
    return _Lexicon(
        {word: frozenset(meant) for word, meant in kinds.items()},
        {kind: frozenset(over) for kind, over in wider.items()},
        spelt,
    )


@lru_cache(maxsize=8192)
def folded(word: str) -> str:
    """Return a word without capitals, accents and marks between its parts.

    Examples
    --------
    >>> folded("Fußgänger"), folded("tree-merged")
    ('fussganger', 'tree merged')
    """
    plain = unicodedata.normalize("NFKD", word.replace("’", "'").casefold())
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[\W_]+", " ", kept).split())


def _forms(word: str) -> tuple[str, ...]:
    """Return a word as it is, then what its singular may be."""
    cut = (word.removesuffix(end) + left for end, left in _ENDINGS if word.endswith(end))
    each = " ".join(part.removesuffix("s") for part in word.split())  # plantes en pot
    return tuple(dict.fromkeys((word, *cut, each)))
