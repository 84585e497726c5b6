"""Dashboard of a campaign: its counts, costs and queue."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.studio.calibration.suggestions import DecisionRow, suggest_rules
from maskworks.studio.cost import Priced, add_up, unit_price
from maskworks.studio.report.ledger import open_words
from maskworks.studio.route import ROUTES
from maskworks.studio.store import Filter, ItemRow, list_items, list_reviews

STEPS = 101
BINS = 10
_MOST_REASONS = 12
_MOST_DAYS = 14
_REASONS_A_DAY = 3


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A row of a chart: `share` is in [0, 1] of the longest."""

    name: str
    number: int
    share: float


def dashboard_of(opened: OpenCampaign) -> dict[str, Any]:
    """Return the values of the dashboard page."""
    items = [] if opened.campaign is None else list_items(
        opened.store, opened.campaign, Filter(states=["done"])
    )  # fmt: skip
    routes = Counter(item.route for item in items)
    flagged = [item for item in items if _is_flagged(item)]
    reasons = Counter(r.name for item in items for r in item.reasons)
    return {
        "name": opened.name,
        "total": len(items),
        "flagged": len(flagged) / len(items) if items else 0.0,
        "routes": _bars([(route, routes[route]) for route in ROUTES]),
        "reasons": _bars(reasons.most_common(_MOST_REASONS)),
        "days": days_of(items),
        "bill": _bill(opened, items),
        "suggestions": _suggestions(opened),
        "thresholds": thresholds(items),
        "deliver_at": opened.file.campaign.quality.deliver_at,
        "reliability": reliability(items),
    }


def thresholds(items: list[ItemRow]) -> list[dict[str, float | None]]:
    """Return for each hundredth what a threshold would deliver, and how much of that was good.

    `wrong` counts only pictures that a person decided on; None where there is none.
    """
    scored = [item for item in items if item.score is not None and item.route != "failed"]
    scores = np.array([item.score for item in scored], np.float64)
    known = np.array([item.decision is not None for item in scored], bool)
    good = np.array([item.decision == "accept" for item in scored], bool)
    rows: list[dict[str, float | None]] = []
    for step in range(STEPS):
        at = step / (STEPS - 1)
        through = scores >= at
        judged = int((through & known).sum())
        wrong = None if judged == 0 else float((through & known & ~good).sum() / judged)
        share = float(through.mean()) if scored else 0.0
        rows.append({"at": at, "delivered": share, "wrong": wrong, "judged": judged})
    return rows


def reliability(items: list[ItemRow]) -> list[dict[str, float]]:
    """Return, for each tenth of the score, how many decided items were accepted."""
    judged = [item for item in items if item.decision is not None and item.score is not None]
    rows = []
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        inside = [
            item for item in judged
            if item.score is not None and (low <= item.score < high or item.score == high == 1)
        ]  # fmt: skip
        if inside:
            accepted = sum(item.decision == "accept" for item in inside) / len(inside)
            said = sum(item.score or 0.0 for item in inside) / len(inside)
            rows.append({"said": said, "accepted": accepted, "count": float(len(inside))})
    return rows


def _bars(rows: list[tuple[str, int]]) -> list[Bar]:
    most = max((number for _, number in rows), default=0) or 1
    return [Bar(name=name, number=number, share=number / most) for name, number in rows]


def days_of(items: list[ItemRow]) -> list[dict[str, Any]]:
    """Return what became of each day's pictures: routes, flagged share, most frequent reasons."""
    days: dict[str, list[ItemRow]] = {}
    for item in items:
        if item.finished_at is not None:
            days.setdefault(item.finished_at.date().isoformat(), []).append(item)
    return [_day(day, found) for day, found in sorted(days.items())[-_MOST_DAYS:]]


def _day(day: str, found: list[ItemRow]) -> dict[str, Any]:
    routes = Counter(item.route for item in found)
    reasons = Counter(name for item in found for name in {r.name for r in item.reasons})
    return {
        "day": day,
        "number": len(found),
        "flagged": sum(_is_flagged(item) for item in found) / len(found),
        "routes": [(route, routes[route]) for route in ROUTES],
        "reasons": reasons.most_common(_REASONS_A_DAY),
    }


def _is_flagged(item: ItemRow) -> bool:
    return item.route != "deliver" or item.decision is not None


def _bill(opened: OpenCampaign, items: list[ItemRow]) -> dict[str, Any] | None:
    priced = [
        Priced(item.route, item.cost, item.baseline)
        for item in items
        if item.route and item.cost is not None and item.baseline is not None
    ]
    if not priced:
        return None
    bill = add_up(priced)
    rates, currency = opened.file.campaign.cost, opened.file.campaign.campaign.currency
    return {
        "currency": currency,
        "total": f"{bill.total:.2f}",
        "baseline": f"{bill.baseline:.2f}",
        "saved": f"{bill.saved:.2f}",
        "share": f"{bill.saved_share:.0%}",
        "open": open_words(bill, rates, currency) if rates is not None else "",
        "each": f"{unit_price(bill.blended):.4f}",
        "routes": [
            {"name": route, "items": share.items, "cost": f"{share.cost:.2f}"}
            for route, share in bill.routes.items()
        ],
    }


def _suggestions(opened: OpenCampaign) -> list[dict[str, str]]:
    if opened.campaign is None:
        return []
    rows = [
        DecisionRow(
            source=one.source, outcome=one.decision, sku=one.sku or "", tags=one.tags,
            reason=one.why, when=one.at.isoformat(),
        )
        for one in list_reviews(opened.store, opened.campaign)
    ]  # fmt: skip
    return [
        {
            "rule": f"{one.rule.kind},{one.rule.pattern}",
            "why": one.rule.reason,
            "rate": f"{one.rate.hits} of {one.rate.n}",
        }
        for one in suggest_rules(rows, rules=opened.file.rules)
    ]
