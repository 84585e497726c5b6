"""Lists of terms, one dated TOML file a language, that users may change."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from maskworks.core.errors import UsageError
from maskworks.core.toml_text import parse_toml
from maskworks.scene.text.tokens import fold
from maskworks.scene.topics import NAMES, TopicName, topic_of

OWN = Path(__file__).parent.parent / "term_lists"
"""The lists that come with the package."""

GAP = "..."
"""In a term: up to four words that may stand here."""

_KEYS = {"language", "date", "negations", "negations_after", "news", "common"}
_KINDS = ("strong", "weak", "not")


@dataclass(frozen=True)
class Term:
    """One term: its words as `fold` leaves them, of which a * at the end stands for any ending.

    `source` is what a finding names: the list, its language and its date.
    """

    words: tuple[str, ...]
    topic: TopicName | None
    kind: str
    source: str


@dataclass(frozen=True)
class TermList:
    """The terms of one language; `exact` and `stems` find those whose first word fits.

    `whole` are single words long enough to be told where a letter was misread; `profane` and
    `profane_stems` those that are looked for where letters are hidden.
    """

    language: str
    made: date
    exact: dict[str, list[Term]]
    stems: dict[str, list[Term]]
    common: frozenset[str]
    whole: tuple[str, ...] = field(repr=False)
    profane: tuple[str, ...] = field(repr=False)
    profane_stems: tuple[str, ...] = field(repr=False)

    def starting(self, form: str) -> list[Term]:
        """Return the terms whose first word is this form, or a stem of it."""
        found = list(self.exact.get(form, ()))
        for to in range(2, len(form) + 1):
            found += self.stems.get(form[:to], ())
        return found


@lru_cache(maxsize=4)
def load_terms(folder: Path = OWN) -> tuple[TermList, ...]:
    """Read every list of a folder, in the order of their languages.

    Raises
    ------
    UsageError
        If there is none, or one cannot be read, names an unknown category or has no date.
    """
    files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not files:
        raise UsageError(
            f"{folder}: holds no term list; name a folder with files such as en.toml, copied "
            f"from {OWN}"
        )
    return tuple(_read(path) for path in files)


def _read(path: Path) -> TermList:
    try:
        rows = parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as TOML in UTF-8: {error}") from error
    made = rows.get("date")
    if not isinstance(made, date):
        raise UsageError(f"{path}: has no date; add a line such as date = 2026-11-30")
    language = str(rows.get("language", path.stem))
    source = f"terms {language} {made.isoformat()}"
    terms = [
        *_terms(rows.get("negations", ()), "negation", None, source),
        *_terms(rows.get("negations_after", ()), "negation after", None, source),
        *_terms(rows.get("news", ()), "news", None, source),
    ]
    for key, table in rows.items():
        if key not in _KEYS:
            terms += _of_topic(key, table, path, source)
    exact: defaultdict[str, list[Term]] = defaultdict(list)
    stems: defaultdict[str, list[Term]] = defaultdict(list)
    for term in terms:
        first = term.words[0]
        (stems if first.endswith("*") else exact)[first.rstrip("*")].append(term)
    alone = [t for t in terms if t.kind in ("strong", "weak") and len(t.words) == 1]
    profane = [t.words[0] for t in alone if t.topic == "profanity" and t.kind == "strong"]
    return TermList(
        language=language,
        made=made,
        exact=dict(exact),
        stems=dict(stems),
        common=frozenset(fold(word) for word in rows.get("common", ())),
        whole=tuple(sorted({w for t in alone if len(w := t.words[0].rstrip("*")) >= 6})),
        profane=tuple(word for word in profane if not word.endswith("*")),
        profane_stems=tuple(word.rstrip("*") for word in profane if word.endswith("*")),
    )


def _of_topic(key: str, table: Any, path: Path, source: str) -> list[Term]:  # noqa: ANN401 - TOML
    topic = topic_of(key, where=str(path))
    if not isinstance(table, dict) or set(table) - set(_KINDS):
        raise UsageError(f"{path}: [{key}] holds the lists {', '.join(_KINDS)} and nothing else")
    found = [t for kind in _KINDS for t in _terms(table.get(kind, ()), kind, topic.name, source)]
    joined = [  # "s o n o f a b i t c h" arrives as one word
        Term(("".join(t.words),), t.topic, t.kind, source)
        for t in found
        if topic.name == "profanity" and t.kind == "strong" and len(t.words) > 1
    ]
    return found + [t for t in joined if GAP not in t.words[0]]


def _terms(given: Any, kind: str, topic: TopicName | None, source: str) -> list[Term]:  # noqa: ANN401
    if not all(isinstance(each, str) and each.strip() for each in given):
        raise UsageError(f"{source}: a term is a text that is not empty, in {topic or kind}")
    return [Term(_words(each), topic, kind, source) for each in given]


def _words(text: str) -> tuple[str, ...]:
    return tuple(fold(text).replace("/", " ").replace("+", " ").split())


def categories_of(lists: tuple[TermList, ...]) -> tuple[TopicName, ...]:
    """Return the topics for which the lists hold any term, in the order of the taxonomy."""
    held = {
        term.topic
        for each in lists
        for rows in (*each.exact.values(), *each.stems.values())
        for term in rows
        if term.kind == "strong"
    }
    return tuple(name for name in NAMES if name in held)
