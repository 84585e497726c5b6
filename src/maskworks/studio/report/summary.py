"""The figures of a report: counted once, shown in every form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from maskworks.studio.cost import Bill, add_up, rounded, unit_price
from maskworks.studio.rate import Rate
from maskworks.studio.report.rows import ReportHeader, ReportItem
from maskworks.studio.route import ROUTES, Route

BINS = 20
"""Bars of the histogram: scores from 0 to 1 in steps of 0.05; 1 is in the last."""

FLAGGED: frozenset[Route] = frozenset({"review", "manual"})
"""The routes on which a person has to do something."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the rows add up to.

    `histogram` holds for each of `BINS` bars the pictures of each route; `unscored` counts the
    pictures without a score. `reasons` begins with the most frequent, `tags` with the one that
    was flagged most surely (by the lower end of its interval).
    """

    items_in: int
    items: int
    twice: tuple[str, ...]
    routes: dict[Route, int]
    reasons: dict[str, int]
    flag_rate: float
    tags: dict[str, Rate]
    concepts: dict[str, dict[Route, int]]
    histogram: tuple[dict[Route, int], ...]
    unscored: int
    seconds: float
    outputs: int
    bill: Bill | None

    @property
    def complete(self) -> bool:
        """Whether every picture that went in has exactly one route: items in = items out."""
        return self.items_in == self.items == sum(self.routes.values()) and not self.twice


def summarise(header: ReportHeader, items: Sequence[ReportItem]) -> Summary:
    """Count the rows.

    Parameters
    ----------
    items : one row a picture

    Returns
    -------
    Summary
        `flag_rate` is the share of pictures that went to review or manual, of all that went
        in, in [0, 1]; 0 if there is none. `seconds` is the sum over the pictures.
    """
    routes = Counter(item.route for item in items)
    sources = Counter(item.source for item in items)
    flagged = sum(routes[route] for route in FLAGGED)
    scores = [(item.score, item.route) for item in items if item.score is not None]
    return Summary(
        items_in=header.items_in,
        items=len(items),
        twice=tuple(sorted(source for source, count in sources.items() if count > 1)),
        routes={route: routes[route] for route in ROUTES},
        reasons=_reasons(items),
        flag_rate=flagged / len(items) if items else 0.0,
        tags=_tags(items),
        concepts=_by(items, lambda item: item.concept),
        histogram=_histogram(scores),
        unscored=len(items) - len(scores),
        seconds=sum(item.seconds for item in items),
        outputs=sum(len(item.outputs) for item in items),
        bill=None if header.rates is None else add_up(item.priced for item in items),
    )


def bin_of(score: float) -> int:
    """Return the bar of the histogram that a score in [0, 1] belongs to.

    Examples
    --------
    >>> [bin_of(score) for score in (0, 0.049, 0.05, 0.85, 1)]
    [0, 0, 1, 17, 19]
    """
    return min(int(score * BINS + 1e-9), BINS - 1)  # 0.15 * 20 is 3.0000000000000004, 0.29 below


def _histogram(scores: Sequence[tuple[float, Route]]) -> tuple[dict[Route, int], ...]:
    bars = [dict.fromkeys(ROUTES, 0) for _ in range(BINS)]
    for score, route in scores:
        bars[bin_of(score)][route] += 1
    return tuple(bars)


def _reasons(items: Sequence[ReportItem]) -> dict[str, int]:
    """Count the pictures that have each reason; one picture counts once."""
    counts = Counter(name for item in items for name in {r.name for r in item.reasons})
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _tags(items: Sequence[ReportItem]) -> dict[str, Rate]:
    every: Counter[str] = Counter()
    flagged: Counter[str] = Counter()
    for item in items:
        every.update({*item.tags})
        flagged.update({*item.tags} if item.route in FLAGGED else ())
    rates = {tag: Rate(flagged[tag], n) for tag, n in every.items()}
    return dict(sorted(rates.items(), key=lambda pair: (-pair[1].interval[0], -pair[1].n, pair[0])))


def _by(
    items: Sequence[ReportItem], key: Callable[[ReportItem], str]
) -> dict[str, dict[Route, int]]:
    found: dict[str, dict[Route, int]] = {}
    for item in items:
        counts = found.setdefault(key(item), dict.fromkeys(ROUTES, 0))
        counts[item.route] += 1
    return dict(sorted(found.items()))


def to_json(header: ReportHeader, summary: Summary) -> dict[str, Any]:
    """Return report.json as plain values.

    `cost.open` counts the pictures that wait for a decision at the campaign's price for flagged
    ones, `cost.settled` all others; `cost.if_all_accepted` and `cost.if_all_sent_out` are what
    the total can become. Amounts are numbers, rounded to what the currency can pay;
    `cost.blended` is the price of one picture to four decimals, `cost.saved_share` a share to
    four decimals. `cost` is null if the campaign names no rates.
    """
    return {
        "campaign": header.campaign,
        "created": header.created,
        "model": header.model,
        "preset": header.preset,
        "deliver_at": header.deliver_at,
        "items_in": summary.items_in,
        "items": summary.items,
        "complete": summary.complete,
        "routes": summary.routes,
        "reasons": summary.reasons,
        "cost": _cost(header, summary.bill),
        "flag_rate": summary.flag_rate,
        "seconds": round(summary.seconds, 3),
        "wall_seconds": header.wall_s,
        "outputs": summary.outputs,
        "tags": {
            tag: {"items": rate.n, "flagged": rate.hits, "flag_rate": rate.share}
            for tag, rate in summary.tags.items()
        },
        "concepts": summary.concepts,
        "scores": {
            "without": summary.unscored,
            "bins": [
                {"from": at / BINS, "to": (at + 1) / BINS, **bar}
                for at, bar in enumerate(summary.histogram)
            ],
        },
    }


def _cost(header: ReportHeader, bill: Bill | None) -> dict[str, Any] | None:
    if bill is None:
        return None

    span = None if header.rates is None else bill.span(header.rates)

    def paid(amount: Decimal) -> float:
        return float(rounded(amount, header.currency))

    return {
        "currency": header.currency,
        "items": bill.items,
        "total": paid(bill.total),
        "settled": paid(bill.settled),
        "open": paid(bill.open),
        "open_items": bill.routes["review"].items,
        "if_all_accepted": None if span is None else paid(span[0]),
        "if_all_sent_out": None if span is None else paid(span[1]),
        "blended": float(unit_price(bill.blended)),
        "baseline": paid(bill.baseline),
        "saved": paid(bill.saved),
        "saved_share": float(unit_price(bill.saved_share)),
        "routes": {route: paid(share.cost) for route, share in bill.routes.items()},
    }
