"""Money and hours, as the page shows them."""

from __future__ import annotations

from decimal import Decimal

from maskworks.core.percent import percent
from maskworks.studio.cost import Bill, Rates, amount, shown, yearly_saving
from maskworks.studio.report import charts
from maskworks.studio.report.rows import ReportHeader
from maskworks.studio.report.summary import Summary
from maskworks.studio.route import Route

CAMPAIGNS_A_YEAR = 4
"""For the promise of savings: campaigns like this one in a year."""

_TIED = "\N{NO-BREAK SPACE}"


def money(header: ReportHeader, bill: Bill | None) -> str:
    """Return what it cost against what it would have cost, in all and by route."""
    if bill is None:
        return "<p>The campaign names no cost; [cost] in campaign.toml adds it.</p>"
    code = header.currency
    word, than = ("saved", "of") if bill.saved >= 0 else ("dearer", "more than")
    share = percent(abs(float(bill.saved_share)))
    costs: dict[Route, float] = {route: float(part.cost) for route, part in bill.routes.items()}
    most = max(bill.total, bill.baseline) or Decimal(1)
    label = ", ".join(f"{route} {shown(p.cost, code)}" for route, p in bill.routes.items())
    return f"""<p class="big"><b>{share} {word}</b> <span class="dim">{shown(abs(bill.saved), code)}
{than} {shown(bill.baseline, code)}</span></p>
<div class="bars"><div><div class="name"><span>without this line</span>
<span>{shown(bill.baseline, code)}</span></div>
<span class="plain" style="width:{100 * bill.baseline / most:.2f}%"></span></div>
<div><div class="name"><span>with it</span><span>{shown(bill.total, code)}</span></div>
<div style="width:{100 * bill.total / most:.2f}%">{charts.stack(costs, label)}</div></div></div>
{_ledger(bill, code)}{_waiting(header, bill)}{_promise(bill, code)}"""


def _ledger(bill: Bill, code: str) -> str:
    rows = "".join(
        f'<tr><td><span class="label {route}"><span class="dot"></span>{route}</span></td>'
        f'<td class="num">{part.items:,}</td>'
        f'<td class="num">{amount(part.cost / part.items, code)}</td>'
        f'<td class="num">{amount(part.cost, code)}</td></tr>'
        for route, part in bill.routes.items()
        if part.items
    )
    names = ("pictures", "each", f"sum, {code}")
    heads = "".join(f'<th scope="col" class="num">{name}</th>' for name in names)
    return f"""<table><thead><tr><th scope="col">route</th>{heads}</tr></thead>
<tbody>{rows}</tbody><tfoot><tr><td>blended</td><td class="num">{bill.items:,}</td>
<td class="num">{amount(bill.blended, code)}</td><td class="num">{amount(bill.total, code)}</td>
</tr></tfoot></table>"""


def open_words(bill: Bill, rates: Rates, code: str) -> str:
    """Return what is settled, what is open and what the total can become; nothing if all is."""
    waiting = bill.routes["review"].items
    if not waiting:
        return ""
    low, high = bill.span(rates)
    return (
        f"{shown(bill.settled, code)} settled, {shown(bill.open, code)} open for {waiting:,} "
        f"that wait for a decision: {shown(low, code)} in all if every one is accepted, "
        f"{shown(high, code)} if every one is sent out"
    )


def _waiting(header: ReportHeader, bill: Bill) -> str:
    words = "" if header.rates is None else open_words(bill, header.rates, header.currency)
    return f"<p>{words}.</p>" if words else ""


def _promise(bill: Bill, code: str) -> str:
    if bill.saved <= 0 or bill.open:  # nobody knows yet
        return ""
    saved = yearly_saving(bill, campaigns=CAMPAIGNS_A_YEAR, pictures=bill.items)
    return f"<p>Four campaigns like this one save {saved:,f} {code} a year.</p>"


def hours(header: ReportHeader, summary: Summary) -> str:
    """Return how long the machine worked, and how many pictures a person must see."""
    made = summary.items - summary.routes["failed"]
    rows = [("Work of the machine", duration(summary.seconds))]
    if made:
        rows.append(("For one picture", duration(summary.seconds / made)))
    if header.wall_s:
        rows.append(("From start to end", duration(header.wall_s)))
        rows.append(("Pictures an hour", f"{summary.items / header.wall_s * 3600:,.0f}"))
    people = summary.routes["review"] + summary.routes["manual"]
    rows.append(("Pictures that need a person", f"{people:,}"))
    facts = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    return f'<dl class="facts">{facts}</dl>'


def duration(seconds: float) -> str:
    """Return a time as people say it.

    Examples
    --------
    >>> [duration(s).replace(_TIED, " ") for s in (0.42, 59.9, 75, 3 * 3600 + 62)]
    ['0.42 s', '1 min 00 s', '1 min 15 s', '3 h 01 min']
    """
    minutes, rest = divmod(round(seconds), 60)
    if seconds < 9.95:
        text = f"{seconds:.2g} s"
    elif minutes == 0:
        text = f"{rest} s"
    elif minutes < 60:
        text = f"{minutes} min {rest:02} s"
    else:
        text = f"{minutes // 60:,} h {minutes % 60:02} min"
    return text.replace(" ", _TIED)
