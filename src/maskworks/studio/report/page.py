"""The report as one page: opens from a disk, fetches nothing, runs no text of a file name."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from maskworks.core.percent import percent
from maskworks.studio.cost import shown
from maskworks.studio.report import charts, ledger
from maskworks.studio.report.rows import ReportHeader, ReportItem, as_text
from maskworks.studio.report.summary import Summary
from maskworks.studio.report.thumbnails import PER_ROUTE, choose
from maskworks.studio.route import ROUTES, Route

MEANING: dict[Route, str] = {
    "deliver": "ready to use",
    "review": "a person looks first",
    "manual": "sent to a retoucher",
    "failed": "could not be made",
}

_HERE = Path(__file__).parent
_TICK = '<path d="M4 10.5l4 4 8-9" fill="none" stroke="currentColor" stroke-width="2.4"/>'
_CROSS = '<path d="M10 4v8m0 3v1.5" fill="none" stroke="currentColor" stroke-width="2.6"/>'


def page(header: ReportHeader, summary: Summary, items: Sequence[ReportItem]) -> str:
    """Return report.html.

    The list is drawn by a script of the page from data in the page, as text and never as
    markup; a content security policy allows this one script by its hash, and no connection.

    Parameters
    ----------
    summary : of these items
    items : one a picture; only the small pictures that are shown are opened
    """
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    pairs = choose(items)
    name = escape(as_text(header.campaign))
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{name}: campaign report</title>
<style>{(_HERE / "page.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<a class="skip" href="#pictures">Go to the pictures</a>
{_top(header, summary, name)}
<main>
{_routes(summary)}
<div class="grid">
{_panels(header, summary)}
</div>
{_pictures(summary, items, pairs)}
</main>
<footer>
<p>report.json, report.csv and, where pyarrow is installed, items.parquet hold the same rows.</p>
<p>Made by Maskworks. This page is one file and needs no connection.</p>
</footer>
<script type="application/json" id="data">{_data(header, items, pairs)}</script>
<script>{script}</script>
</body>
</html>
"""
    return as_text(html)


def _top(header: ReportHeader, summary: Summary, name: str) -> str:
    facts = [
        header.created.replace("T", " ")[:16],
        f"model {header.model}" if header.model else "",
        f"output {header.preset}" if header.preset else "",
        f"{summary.outputs:,} files written" if summary.outputs else "",
    ]
    meta = "".join(f"<span>{escape(fact)}</span>" for fact in facts if fact)
    return f"""<header>
<p class="eyebrow">Campaign report</p>
<h1>{name}</h1>
<p class="meta">{meta}</p>
{_account(summary)}
<p class="lead">{_lead(header, summary)}</p>
</header>"""


def _account(summary: Summary) -> str:
    """Say that items in = items out, or what is missing."""
    if summary.complete:
        icon, kind = _TICK, "account"
        text = f"{summary.items_in:,} in = {summary.items:,} out: no picture was lost"
    else:
        icon, kind = _CROSS, "account lost"
        text = f"{summary.items_in:,} in, but {summary.items:,} out: {_difference(summary)}"
    return (
        f'<p class="{kind}"><svg viewBox="0 0 20 20" aria-hidden="true">{icon}</svg>'
        f"{escape(text)}</p>"
    )


def _difference(summary: Summary) -> str:
    if summary.twice:
        return f"{', '.join(map(as_text, summary.twice[:3]))} came out twice"
    away = summary.items_in - summary.items
    return f"{abs(away):,} {'without a route' if away > 0 else 'that nobody put in'}"


def _lead(header: ReportHeader, summary: Summary) -> str:
    delivered = summary.routes["deliver"]
    first = f"<b>{delivered:,} of {summary.items:,}</b> pictures are ready to use"
    flagged = summary.routes["review"] + summary.routes["manual"]
    second = f"{flagged:,} wait for a person" if flagged != 1 else "1 waits for a person"
    failed = summary.routes["failed"]
    third = f", {failed:,} could not be made" if failed else ""
    sentence = f"{first}; {second}{third}."
    bill = summary.bill
    if bill is None or not bill.items:
        return sentence
    each = shown(bill.blended, header.currency)
    change = percent(abs(float(bill.saved_share)))
    against = f"{change} {'below' if bill.saved >= 0 else 'above'} the baseline"
    return f"{sentence} A picture costs <b>{each}</b> on average, {against}."


def _routes(summary: Summary) -> str:
    tiles = "".join(
        f'<button class="{route}" data-set="route" data-to="{route}">'
        f'<span class="label"><span class="dot"></span>{route.capitalize()}</span>'
        f'<span class="count">{summary.routes[route]:,}</span>'
        f"<small>{percent(summary.routes[route] / (summary.items or 1))}, "
        f"{MEANING[route]}</small></button>"
        for route in ROUTES
    )
    parts = {route: float(count) for route, count in summary.routes.items()}
    label = ", ".join(f"{count} {route}" for route, count in summary.routes.items())
    return (
        f'<section class="routes" aria-label="Routes">{tiles}</section>{charts.stack(parts, label)}'
    )


def _panels(header: ReportHeader, summary: Summary) -> str:
    flagged = f"{percent(summary.flag_rate)} of all pictures went to a person."
    panels = [
        ("Cost against baseline", "panel", ledger.money(header, summary.bill)),
        ("Scores", "panel", charts.histogram(header, summary)),
        ("Why pictures were marked", "panel", charts.reasons(summary)),
        ("Flag rate by tag", "panel", f"<p>{flagged}</p>{charts.tags(summary)}"),
        ("Hours", "panel", ledger.hours(header, summary)),
    ]
    if len(summary.concepts) > 1:
        panels.append(("Concepts", "panel", charts.concepts(summary)))
    return "\n".join(
        f'<section class="{kind}"><h2>{title}</h2>{body}</section>' for title, kind, body in panels
    )


def _pictures(
    summary: Summary, items: Sequence[ReportItem], pairs: Mapping[int, tuple[str, str]]
) -> str:
    chosen: dict[str, list[str]] = {
        "route": list(ROUTES),
        "reason": list(summary.reasons),
        "tag": sorted(summary.tags),
        "concept": [name for name in summary.concepts if name],
    }
    pickers = "".join(_picker(name, values) for name, values in chosen.items())
    orders = {
        "doubt": "most doubtful",
        "score": "lowest score",
        "best": "highest score",
        "name": "name",
        "slow": "slowest",
        "input": "order of input",
    }
    sorts = "".join(f'<option value="{key}">{text}</option>' for key, text in orders.items())
    return f"""<section id="pictures" aria-labelledby="heading" tabindex="-1">
<h2 id="heading">Pictures</h2>
<noscript><p class="empty">The list needs JavaScript; report.csv holds the same rows.</p></noscript>
<div class="tools" id="tools" role="search" hidden>
<label class="find">Search names, SKUs, tags (press /)
<input type="search" id="words" autocomplete="off" spellcheck="false"></label>
<div class="pickers">{pickers}
<label>sort by<select id="sort">{sorts}</select></label></div>
<button class="plainly" id="clear" hidden>Clear</button>
</div>
<div class="found"><p role="status"><strong id="count"></strong> <span id="split"></span></p>
<span class="views" role="group" aria-label="View">
<button data-set="view" data-to="cards">Cards</button>
<button data-set="view" data-to="list">List</button></span></div>
{_cap(items, pairs)}
<div id="list"></div>
<button class="plainly more" id="more" hidden></button>
</section>"""


def _picker(name: str, values: Sequence[str]) -> str:
    options = "".join(f'<option value="{escape(v)}">{escape(v)}</option>' for v in values)
    return (
        f'<label>{name}<select id="{name}"><option value="">any</option>{options}</select></label>'
    )


def _cap(items: Sequence[ReportItem], pairs: Mapping[int, tuple[str, str]]) -> str:
    """Say which pictures are shown without a preview, if any."""
    without = sum(
        at not in pairs and (item.before is not None or item.after is not None)
        for at, item in enumerate(items)
    )
    if not without:
        return ""
    limits = ", ".join(f"{PER_ROUTE[route]} {route}" for route in ROUTES)
    return (
        f'<p class="small">{_have(without)} no preview here, so that the page stays '
        f"small: it shows those with the lowest scores ({limits}).</p>"
    )


def _have(pictures: int) -> str:
    return "1 picture has" if pictures == 1 else f"{pictures:,} pictures have"


def _data(
    header: ReportHeader, items: Sequence[ReportItem], pairs: Mapping[int, tuple[str, str]]
) -> str:
    """Return the rows as JSON that no browser takes for markup."""
    shown = {at: pair for at, pair in pairs.items() if any(pair)}
    rows = [_row(header, item, shown.get(at)) for at, item in enumerate(items)]
    written = json.dumps({"items": rows}, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _row(header: ReportHeader, item: ReportItem, pair: tuple[str, str] | None) -> dict[str, Any]:
    return {
        "source": as_text(item.source),
        "sku": as_text(item.sku),
        "tags": [as_text(tag) for tag in item.tags],
        "concept": item.concept,
        "route": item.route,
        "score": None if item.score is None else round(item.score, 4),
        "reasons": [[reason.name, as_text(reason.text)] for reason in item.reasons],
        "cost": "" if header.rates is None else shown(item.unit_cost, header.currency),
        "spent": round(item.seconds, 3),
        "seconds": ledger.duration(item.seconds) if item.seconds else "",
        "outputs": [as_text(output) for output in item.outputs],
        "error": "" if item.error is None else as_text(item.error),
        "pair": pair,
    }
