"""Find sensitive terms in a text: which, where, how sure, negated or reported as news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maskworks.scene.text.terms import GAP, Term, TermList
from maskworks.scene.text.tokens import Token, tokens_of
from maskworks.scene.topics import TopicName

STRONG, WEAK_PAIR, WEAK, NEGATED = 0.9, 0.6, 0.3, 0.2
"""Confidence of a term that is evidence alone, of weak ones together, of one alone, negated."""

_GAP_WORDS = 4
_BEFORE, _AFTER = 5, 2
_NEVER_NEGATED = {"profanity", "hate", "spam", "misinformation", "debate", "crime"}
"""Topics whose words are evidence whatever is said of them: "not a bitch" is profane."""

_LEAST_ALONE = 5
"""Letters of a word that counts where the language is not known."""

_LEAST_COMMON = 2
"""What tells a language: a common word of three letters or more, or two shorter ones."""

_ENDINGS = ("", "s", "e", "er", "ers", "ed", "en", "in", "ing", "ings", "y", "es", "a", "o")
"""What may follow a stem of which letters are hidden."""

_MISREAD = ((6, 1), (10, 2))
"""From so many letters on, so many wrong ones are allowed in text that was read from pixels."""


@dataclass(frozen=True)
class TermMatch:
    """A term found: its topic, the text it stands for, where, how sure, in which context.

    `start` and `end` count characters; `context` holds "negated", "news" or "obscured".
    """

    topic: TopicName
    term: str
    start: int
    end: int
    confidence: float
    context: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class _Hit:
    term: Term
    first: int
    last: int
    obscured: bool


def find_terms(
    text: str, lists: Sequence[TermList], *, misread: bool = False, language: str | None = None
) -> list[TermMatch]:
    """Return the sensitive terms in a text, in the order in which they stand there.

    Parameters
    ----------
    text : str
    lists : of `load_terms`
    misread : bool
        The text was read from pixels, so a letter or two of a long word may be wrong.
    language : str, optional
        By default it is told from the text's common words; where that fails all lists are
        tried, with words of five letters or more.

    Returns
    -------
    list of TermMatch
        At most one for each topic and term; confidence is not calibrated.

    Examples
    --------
    >>> from maskworks.scene.text.terms import load_terms
    >>> [(m.topic, m.context) for m in find_terms("There were no guns in the house", load_terms())]
    [('arms', ('negated',))]
    """
    tokens = tokens_of(text)
    known = [each for each in lists if each.language == language]
    told = known or tell_language(tokens, lists)
    hits = [
        hit
        for each in told or lists
        for at in range(len(tokens))
        for hit in _at(tokens, at, each, misread=misread)
        if told or hit.obscured or _tells(hit.term)
    ]
    return _judged(text, tokens, hits)


def tell_language(tokens: Sequence[Token], lists: Sequence[TermList]) -> list[TermList]:
    """Return the lists of the language a text is in; several at a tie, none if too little tells."""
    counts = [
        sum(1 + (len(t.forms[0]) > 2) for t in tokens if not each.common.isdisjoint(t.forms))
        for each in lists
    ]
    most = max(counts, default=0)
    if most < _LEAST_COMMON:
        return []
    return [each for each, count in zip(lists, counts, strict=True) if count == most]


def _judged(text: str, tokens: Sequence[Token], hits: Sequence[_Hit]) -> list[TermMatch]:
    """Weigh what was found: whatever the language, a negation or another meaning counts."""
    elsewhere = [hit for hit in hits if hit.term.kind == "not"]
    before = {hit.first for hit in hits if hit.term.kind == "negation"}
    after = {hit.first for hit in hits if hit.term.kind == "negation after"}
    news = any(hit.term.kind == "news" for hit in hits)
    evidence = [
        hit
        for hit in hits
        if hit.term.kind in ("strong", "weak") and not _means_other(hit, elsewhere)
    ]
    found: dict[tuple[TopicName, str], TermMatch] = {}
    for hit in evidence:
        topic = hit.term.topic
        if topic is None:
            continue
        negated = topic not in _NEVER_NEGATED and _negated(hit, tokens, before, after)
        notes = (["negated"] if negated else []) + (["news"] if news else [])
        notes += ["obscured"] if hit.obscured else []
        start, end = tokens[hit.first].start, tokens[hit.last].end
        confidence = NEGATED if negated else _confidence(hit, evidence)
        match = TermMatch(
            topic, text[start:end], start, end, confidence, tuple(notes), hit.term.source
        )
        key = (topic, tokens[hit.first].forms[0] + text[tokens[hit.first].end : end])
        if key not in found or found[key].confidence < confidence:
            found[key] = match
    return sorted(found.values(), key=lambda match: (match.start, match.topic))


def _tells(term: Term) -> bool:
    if term.kind not in ("strong", "weak"):
        return True
    return len(term.words) > 1 or len(term.words[0].rstrip("*")) >= _LEAST_ALONE


def _means_other(hit: _Hit, elsewhere: Sequence[_Hit]) -> bool:
    return any(
        other.term.topic == hit.term.topic and other.first <= hit.last and hit.first <= other.last
        for other in elsewhere
    )


def _negated(hit: _Hit, tokens: Sequence[Token], before: set[int], after: set[int]) -> bool:
    clause = tokens[hit.first].clause
    back = range(max(0, hit.first - _BEFORE), hit.first)
    ahead = range(hit.last + 1, min(len(tokens), hit.last + 1 + _AFTER))
    return any(at in before and tokens[at].clause == clause for at in back) or any(
        at in after and tokens[at].clause == clause for at in ahead
    )


def _confidence(hit: _Hit, evidence: Sequence[_Hit]) -> float:
    if hit.term.kind == "strong":
        return STRONG
    others = {
        other.first
        for other in evidence
        if other.term.topic == hit.term.topic and (other.first > hit.last or other.last < hit.first)
    }
    return WEAK_PAIR if others else WEAK


def _at(tokens: Sequence[Token], at: int, terms: TermList, *, misread: bool) -> list[_Hit]:
    """Return what the lists hold that begins at a word."""
    token, found = tokens[at], []
    for number, form in enumerate(_forms(token, terms, misread=misread)):
        for term in terms.starting(form):
            last = _rest(tokens, at, term)
            if last is not None:
                found.append(_Hit(term, at, last, number > 0 or token.spaced))
    return found


def _forms(token: Token, terms: TermList, *, misread: bool) -> list[str]:
    forms = list(token.forms)
    if token.masked is not None:
        forms += [word for word in terms.profane if token.masked.match(word)]
        forms += [
            stem
            for stem in terms.profane_stems
            if any(token.masked.match(stem + ending) for ending in _ENDINGS)
        ]
    if misread and not any(terms.starting(form) for form in forms):
        forms += [near for form in token.forms for near in _near(form, terms)]
    return forms


def _near(form: str, terms: TermList) -> list[str]:
    """Return the nearest word of the lists, if it is so near that the form may be a misreading."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    most = max((wrong for letters, wrong in _MISREAD if len(form) >= letters), default=0)
    if not most:
        return []
    best = process.extractOne(form, terms.whole, scorer=OSA.distance, score_cutoff=most)
    return [] if best is None else [best[0]]


def _rest(tokens: Sequence[Token], at: int, term: Term) -> int | None:
    """Return the last word of a term that begins at a word; None if it does not go on there."""
    words, here = term.words, at
    gap = False
    for word in words[1:]:
        if word == GAP:
            gap = True
            continue
        reach = range(here + 1, min(len(tokens), here + 2 + (_GAP_WORDS if gap else 0)))
        here = next((to for to in reach if _fits(tokens[to], word)), -1)
        if here < 0:
            return None
        gap = False
    return here


def _fits(token: Token, word: str) -> bool:
    if word.endswith("*"):
        return any(form.startswith(word[:-1]) for form in token.forms)
    return word in token.forms
