"""Subtitles and other lines, searched for sensitive terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from maskworks.core.errors import UsageError
from maskworks.scene.signals.protocol import (
    Line,
    Media,
    Missing,
    Sighting,
    Signal,
    SignalChoices,
    SignalInfo,
)
from maskworks.scene.text.matching import find_terms
from maskworks.scene.text.terms import OWN, TermList, categories_of, load_terms
from maskworks.scene.topics import NAMES, nearest

NEEDS_EXTRA = "needs the extra: pip install 'maskworks[scene]'"


class SpokenTerms:
    """Terms in subtitles."""

    def __init__(self, lists: Sequence[TermList], language: str | None, name: str) -> None:
        self._lists, self._language = tuple(lists), language
        dates = ", ".join(f"{each.language} {each.made.isoformat()}" for each in lists)
        self.info = SignalInfo(name, "text", "lines", f"terms {dates}", categories_of(self._lists))

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Return the terms of a line."""
        return self.of_line(media) if isinstance(media, Line) else ()

    def of_line(self, line: Line) -> Iterator[Sighting]:
        """Yield one sighting for each term of a line."""
        found = find_terms(
            line.text, self._lists, misread=line.misread, language=line.language or self._language
        )
        for match in found:
            yield Sighting(
                topic=match.topic,
                label=match.term,
                confidence=match.confidence,
                time_ms=line.time_ms,
                duration_ms=line.duration_ms,
                source=f"{match.source}; {line.source}",
                frame_index=line.frame_index,
                pts=line.pts,
                box=line.box,
                quote=line.text,
                context=match.context,
            )

    def finish(self) -> Iterable[Sighting]:
        """Return nothing: a line tells all by itself."""
        return ()


def open_spoken(choices: SignalChoices) -> Signal:
    """Open the term lists.

    Raises
    ------
    UsageError
        If a list cannot be read.
    """
    if not fuzzy_is_here():
        return Missing(
            SignalInfo("subtitles", "text", "lines", "terms", NAMES, why_not=NEEDS_EXTRA)
        )
    return SpokenTerms(lists_of(choices), choices.language, "subtitles")


def lists_of(choices: SignalChoices) -> tuple[TermList, ...]:
    """Return the term lists asked for, or our own.

    Raises
    ------
    UsageError
        If one cannot be read, or none is of the language asked for.
    """
    lists = load_terms(Path(choices.terms) if choices.terms else OWN)
    known = [each.language for each in lists]
    if choices.language is not None and choices.language not in known:
        way = nearest(choices.language, known)
        raise UsageError(f"--language: there is no term list for {choices.language!r}; {way}")
    return lists


def fuzzy_is_here() -> bool:
    """Say whether the extra's library for words that are nearly alike is installed."""
    try:
        import rapidfuzz  # noqa: F401
    except ImportError:
        return False
    return True
