"""Suggest exception rules from review decisions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, get_args

from maskworks.core.percent import percent
from maskworks.core.public import public
from maskworks.studio.campaign.exceptions import Rule, RuleKind, find_rule
from maskworks.studio.rate import Rate

Outcome = Literal["accept", "fix", "reject"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

FAILS_AT_LEAST = 0.5
"""A rule is proposed if the lower end of the rate's 95 % interval is above this."""

FEWEST = 5
"""A rule is proposed from no fewer pictures than this."""

_WORD_END = re.compile(r"[-_./ :]+|(?<=[A-Za-z])(?=\d)")
_MAGIC = re.compile(r"([*?\[])")
_KIND_ORDER: tuple[RuleKind, ...] = ("tag", "sku", "glob")


@dataclass(frozen=True, kw_only=True)
class DecisionRow:
    """What a reviewer decided about one picture.

    `source` is the path below the input folder, with ``/``; `outcome` "accept" means that the
    machine's result was good, "fix" and "reject" that it was not. `when` is ISO 8601; of
    several decisions about one picture the last counts (of equal times the later row).
    """

    source: str
    outcome: Outcome
    sku: str = ""
    tags: tuple[str, ...] = ()
    reason: str = ""
    when: str = ""


@dataclass(frozen=True)
class Suggestion:
    """A rule, how often its pictures failed, and what they failed for most."""

    rule: Rule
    rate: Rate


@public
def suggest_rules(
    decisions: Iterable[DecisionRow],
    *,
    rules: Sequence[Rule] = (),
    above: float = FAILS_AT_LEAST,
    fewest: int = FEWEST,
) -> tuple[Suggestion, ...]:
    """Propose rules for tags, SKU prefixes and folders whose pictures fail again and again.

    Candidates are every tag; every beginning of a SKU up to a separator or up to the first
    digit after a letter; and every folder. The one with the highest lower bound of its Wilson
    interval is taken, the pictures it covers are put aside, and the rest is searched again:
    a folder that fails only because of a tag inside it is not proposed too. The figures of a
    later rule are those of the pictures that the earlier ones left.

    Parameters
    ----------
    decisions : in any order
    rules : what the list holds already; pictures that these cover are left out
    above : in [0, 1); the lower bound must be higher
    fewest : at least 1; pictures a rule must cover

    Returns
    -------
    tuple of Suggestion, strongest first
        Between candidates of equal bound: tags before SKUs before folders, then the narrower
        pattern, since a wrong rule costs a retoucher's price for each picture.

    Examples
    --------
    >>> glass = [DecisionRow(source=f"{n}.jpg", tags=("glass",), outcome="fix") for n in range(9)]
    >>> wood = [DecisionRow(source=f"w{n}.jpg", tags=("wood",), outcome="accept") for n in range(9)]
    >>> [(s.rule.name, s.rate.hits, s.rate.n) for s in suggest_rules(glass + wood)]
    [('tag:glass', 9, 9)]
    """
    rest = [
        row
        for row in _latest(decisions)
        if find_rule(rules, path=row.source, sku=row.sku, tags=row.tags) is None
    ]
    found: list[Suggestion] = []
    while best := _best(rest, above, max(fewest, 1)):
        covered = [row for row in rest if _fits(best, row)]
        rate = Rate(sum(_failed(row) for row in covered), len(covered))
        found.append(Suggestion(Rule(best.kind, best.pattern, _reason(covered, rate)), rate))
        rest = [row for row in rest if not _fits(best, row)]
    return tuple(found)


def _latest(decisions: Iterable[DecisionRow]) -> list[DecisionRow]:
    """Return the last decision about each picture."""
    last: dict[str, DecisionRow] = {}
    for row in sorted(decisions, key=lambda row: row.when):
        last[row.source] = row
    return list(last.values())


def _failed(row: DecisionRow) -> bool:
    return row.outcome != "accept"


def _fits(rule: Rule, row: DecisionRow) -> bool:
    return rule.fits(row.source, row.sku, row.tags)


def _best(rows: Sequence[DecisionRow], above: float, fewest: int) -> Rule | None:
    """Return the candidate whose failures are surest, None if none is above the bar."""
    tally: dict[tuple[RuleKind, str], list[int]] = {}
    for row in rows:
        for key in {*_candidates(row)}:
            counts = tally.setdefault(key, [0, 0])
            counts[0] += _failed(row)
            counts[1] += 1
    ranked = [
        (Rate(hits, n).interval[0], -_KIND_ORDER.index(kind), len(pattern), pattern, kind)
        for (kind, pattern), (hits, n) in tally.items()
        if n >= fewest and Rate(hits, n).interval[0] > above
    ]
    if not ranked:
        return None
    *_, pattern, kind = max(ranked)
    return Rule(kind, pattern, "")


def _candidates(row: DecisionRow) -> Iterable[tuple[RuleKind, str]]:
    for tag in row.tags:
        yield "tag", _plain(tag.casefold())
    sku = row.sku.upper()
    for end in _WORD_END.finditer(sku):
        if 0 < end.end() < len(sku):
            yield "sku", f"{_plain(sku[: end.end()])}*"
    for folder in PurePosixPath(row.source).parents:
        if folder.name:
            yield "glob", f"{_plain(str(folder))}/**"


def _plain(text: str) -> str:
    """Return a pattern that means just this text."""
    return _MAGIC.sub(r"[\1]", text)


def _reason(rows: Sequence[DecisionRow], rate: Rate) -> str:
    low, high = rate.interval
    words = [row.reason for row in rows if _failed(row) and row.reason]
    most = max(sorted(set(words)), key=words.count, default="")
    why = f", mostly {most}" if most else ""
    return (
        f"{rate.hits} of {rate.n} reviewed had to be fixed or rejected "
        f"({percent(rate.share)}; 95 % interval {percent(low)} to {percent(high)}){why}"
    )
