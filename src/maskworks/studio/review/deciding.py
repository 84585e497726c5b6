"""What a person decides on pictures of a campaign, and what follows for files and lists."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from typing import Literal

from maskworks.core.errors import UsageError
from maskworks.studio.cost import Rates, unit_cost
from maskworks.studio.report.rows import as_text
from maskworks.studio.route import Route
from maskworks.studio.spreadsheets import safe_cell
from maskworks.studio.store import (
    CampaignRow,
    Filter,
    ItemRow,
    Judgement,
    Review,
    Store,
    Verdict,
    decide,
    list_items,
    list_reviews,
)
from maskworks.studio.store.decisions import ROUTE_AFTER
from maskworks.studio.store.reviewing import Held

DECISION_COLUMNS = (
    "source",
    "outcome",
    "sku",
    "tags",
    "reason",
    "when",
    "who",
    "item",
    "concept",
    "score",
    "why_flagged",
)
"""The first six are what `maskworks exceptions suggest` reads."""

_MOST_NAMED = 5


def awaiting(store: Store, campaign: CampaignRow) -> list[ItemRow]:
    """Return what a person should look at: pictures in review, and the spot checks."""
    undecided = list_items(store, campaign, Filter(states=["done"], decided=False))
    return [item for item in undecided if item.route == "review" or item.spot_check]


def find(store: Store, campaign: CampaignRow, name: str) -> ItemRow:
    """Return the one current item of this number, path or SKU.

    Raises
    ------
    UsageError
        If there is none, or several have the SKU.
    """
    found = list_items(store, campaign, Filter(name=name))
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"no picture is {name!r}; give its number, its path or its SKU, as "
            "`maskworks review list` shows them"
        )
    shown = ", ".join(f"{item.id} {item.source}" for item in found[:_MOST_NAMED])
    raise UsageError(f"{len(found)} pictures are {name!r} ({shown}); give one's number")


def judge(  # noqa: PLR0913 - what is decided, and what must hold
    store: Store,
    item: ItemRow,
    verdict: Verdict,
    *,
    who: str,
    why: str,
    rates: Rates | None,
    held: Held | None = None,
) -> Route:
    """Record a decision with what it costs, and return the item's route after it.

    Raises
    ------
    UsageError
        If it cannot be decided on: it is not finished, or has no file to be accepted.
    LeasedError, DecidedError
        If the page does not hold it any more, or somebody has decided on it since it was read.
    """
    cost = None if rates is None else unit_cost(ROUTE_AFTER[verdict], rates, reviewed=True)
    judgement = Judgement(decision=verdict, who=who, why=why, cost=cost)
    return decide(store, item.id, judgement, held=held or Held(seen=item.decision or ""))


def export_decisions(store: Store, campaign: CampaignRow, form: Literal["csv", "json"]) -> str:
    """Return every decision, the oldest first, as CSV or JSON.

    A text that a spreadsheet would run as a formula gets an apostrophe before it in the CSV.
    """
    items = {item.id: item for item in list_items(store, campaign, Filter(standings=()))}
    rows = [_record(one, items[one.item_id]) for one in list_reviews(store, campaign)]
    if form == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    written = StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(DECISION_COLUMNS)
    table.writerows([_cell(row[name]) for name in DECISION_COLUMNS] for row in rows)
    return written.getvalue()


def _record(one: Review, item: ItemRow) -> dict[str, object]:
    values = (
        as_text(one.source),
        one.decision,
        one.sku or "",
        list(one.tags),
        one.why,
        one.at.isoformat(timespec="seconds"),
        one.who,
        one.item_id,
        item.concept or "",
        item.score,
        [reason.name for reason in item.reasons],
    )
    return dict(zip(DECISION_COLUMNS, values, strict=True))


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        value = ";".join(map(str, value))
    return "" if value is None else safe_cell(str(value))


def named(store: Store, campaign: CampaignRow, names: Sequence[str]) -> list[ItemRow]:
    """Return the items of these names, each once, in this order.

    Raises
    ------
    UsageError
        As `find` does; then nothing is decided.
    """
    found = [find(store, campaign, name) for name in names]
    return list({item.id: item for item in found}.values())
