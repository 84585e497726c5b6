"""Decisions with the scores they are about: from a file, or from the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maskworks.core.errors import UsageError
from maskworks.studio.calibration.decision_files import read_decisions
from maskworks.studio.calibration.suggestions import Outcome
from maskworks.studio.spreadsheets import read_table, read_text

if TYPE_CHECKING:
    from maskworks.studio.store import Event, ItemRow, Review


@dataclass(frozen=True, kw_only=True)
class JudgedItem:
    """A picture that a person decided on.

    Parameters
    ----------
    score : float in [0, 1]
        What the machine gave it.
    good : bool
        Whether the person accepted the machine's result.
    weight : float, > 0
        How many pictures it stands for: 1 if all like it were looked at, 20 for a spot check
        of one in twenty.

    Raises
    ------
    UsageError
        If score or weight is out of range.
    """

    source: str
    score: float
    good: bool
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:  # NaN fails too
            raise UsageError(f"{self.source}: the score is {self.score}; it must lie in [0, 1]")
        if not 0 < self.weight < float("inf"):
            raise UsageError(f"{self.source}: the weight is {self.weight}; it must be above 0")


def read_judged(path: Path) -> tuple[JudgedItem, ...]:
    """Read decisions with their scores: CSV, a JSON list or JSON Lines, as `read_decisions`.

    The column ``score`` is what the machine gave the picture and ``weight``, if there is one,
    how many it stands for. A picture without a score is left out; of several decisions on one
    the last counts (by ``when``, then by the order of the rows).

    Raises
    ------
    UsageError
        With the line or the number of the row, if a decision is wrong or a score is no number.
    """
    rows, cells = read_decisions(path), _numbers(path)
    last: dict[str, JudgedItem | None] = {}
    pairs = sorted(zip(rows, cells, strict=True), key=lambda pair: pair[0].when)
    for row, (score, weight) in pairs:
        last[row.source] = (
            None if score is None else judge(row.source, row.outcome, score, weight=weight)
        )
    return tuple(one for one in last.values() if one is not None)


def judge(source: str, outcome: Outcome, score: float, *, weight: float = 1.0) -> JudgedItem:
    """Return what a decision says of a score: only ``accept`` means that the result was good."""
    return JudgedItem(source=source, score=score, good=outcome == "accept", weight=weight)


def judged_items(
    items: Sequence[ItemRow], reviews: Sequence[Review], events: Sequence[Event]
) -> tuple[JudgedItem, ...]:
    """Return what the decisions of a campaign say of its scores.

    The last decision on an item counts, but none after a retoucher's file took the place of
    the machine's result. A decided spot check stands for all that were delivered unseen: it
    weighs one by the share that is looked at. Items without a score or a decision are left out.

    Parameters
    ----------
    items : as from `maskworks.studio.store.list_items`
    reviews : as from `list_reviews`
    events : as from `list_events`
    """
    replaced = {
        event.item_id: event.at for event in reversed(events) if event.what == "ingested"
    }  # reversed: the first time is the last to be written
    decided: dict[int, Outcome] = {}
    for review in reviews:
        if review.item_id not in replaced or review.at < replaced[review.item_id]:
            decided[review.item_id] = review.decision
    return tuple(
        judge(item.source, decided[item.id], item.score, weight=_stands_for(item))
        for item in items
        if item.score is not None and item.id in decided
    )


def _stands_for(item: ItemRow) -> float:
    shares = [reason.limit for reason in item.reasons if reason.name == "spot-check"]
    return 1 / shares[0] if item.spot_check and shares and shares[0] else 1.0


def _numbers(path: Path) -> list[tuple[float | None, float]]:
    """Return score and weight of each row, in the order of `read_decisions`."""
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        text = read_text(path)
        whole = text.lstrip().startswith("[")
        records = (
            json.loads(text) if whole else map(json.loads, filter(str.strip, text.splitlines()))
        )
        pairs = [(row.get("score"), row.get("weight")) for row in records]
    else:
        table = read_table(path, required=("score",), optional=("weight",))
        pairs = [(row.cells["score"], row.cells["weight"]) for row in table.rows]
    return [_pair(score, weight, f"{path}, row {n}") for n, (score, weight) in enumerate(pairs, 1)]


def _pair(score: object, weight: object, where: str) -> tuple[float | None, float]:
    try:
        said = None if score in (None, "") else float(str(score))
        return said, 1.0 if weight in (None, "") else float(str(weight))
    except ValueError as error:
        raise UsageError(f"{where}: score and weight must be numbers ({error})") from error
