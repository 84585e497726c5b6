"""The review queue: which items await a person, in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.studio.review.deciding import awaiting
from maskworks.studio.store import Filter, ItemRow, list_items

ORDERS = ("score", "reason", "number")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which items a reviewer wants to see; empty texts mean all."""

    reason: str = ""
    tag: str = ""
    sku: str = ""
    order: str = "score"
    done: bool = False


def queue_of(opened: OpenCampaign) -> list[ItemRow]:
    """Return everything that awaits a decision, also what is kept for a fix."""
    if opened.campaign is None:
        return []
    waiting = {item.id: item for item in awaiting(opened.store, opened.campaign)}
    fixes = Filter(states=["done"], routes=["review"], decided=True)
    for item in list_items(opened.store, opened.campaign, fixes):
        waiting.setdefault(item.id, item)
    return list(waiting.values())


def decided_of(opened: OpenCampaign) -> list[ItemRow]:
    """Return everything that a person has decided on, the newest last."""
    if opened.campaign is None:
        return []
    return list_items(opened.store, opened.campaign, Filter(states=["done"], decided=True))


def chosen(items: Sequence[ItemRow], choice: Choice) -> list[ItemRow]:
    """Return the items of a choice, in its order; equal ones by number."""
    found = [
        item
        for item in items
        if (not choice.reason or choice.reason in names_of(item))
        and (not choice.tag or choice.tag.casefold() in item.tags)
        and (not choice.sku or choice.sku.casefold() in (item.sku or item.source).casefold())
    ]
    if choice.order == "score":
        found.sort(key=lambda item: (-1.0 if item.score is None else item.score, item.id))
    elif choice.order == "reason":
        found.sort(key=lambda item: (names_of(item)[:1], item.score or 0.0, item.id))
    else:
        found.sort(key=lambda item: item.id)
    return found


def names_of(item: ItemRow) -> list[str]:
    """Return the names of an item's reasons, those that every flagged item has at the end."""
    names = [reason.name for reason in item.reasons]
    return sorted(names, key=lambda name: name in ("low-score", "spot-check"))


def counted(items: Sequence[ItemRow]) -> dict[str, list[tuple[str, int]]]:
    """Return how many items have each reason and tag, the most frequent first."""
    reasons = Counter(name for item in items for name in set(names_of(item)))
    tags = Counter(tag for item in items for tag in item.tags)
    return {"reasons": reasons.most_common(), "tags": tags.most_common()}


def record(item: ItemRow, who: str | None) -> dict[str, Any]:
    """Return what the page needs of an item; `who` has it open."""
    return {
        "id": item.id,
        "source": item.source,
        "sku": item.sku or "",
        "tags": list(item.tags),
        "score": item.score,
        "route": item.route,
        "decision": item.decision,
        "spot_check": item.spot_check,
        "reasons": [{"name": r.name, "text": r.text or r.name} for r in item.reasons],
        "leased": who,
    }
