"""The report's charts: plain elements that scale with the page and need no script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from maskworks.core.percent import percent
from maskworks.studio.rate import Rate
from maskworks.studio.report.rows import ReportHeader
from maskworks.studio.report.summary import BINS, Summary
from maskworks.studio.route import ROUTES, Route

MOST_TAGS = 12
MOST_REASONS = 12


def stack(parts: Mapping[Route, float], label: str) -> str:
    """Return one bar with a piece a route, as wide as its share of the whole."""
    total = sum(parts.values()) or 1
    pieces = "".join(
        f'<i class="{route}" style="flex:{parts[route] / total:.4f}"></i>'
        for route in ROUTES
        if parts[route]
    )
    return f'<div class="stack" role="img" aria-label="{escape(label)}">{pieces}</div>'


def legend(routes: Mapping[Route, int]) -> str:
    """Return what the colours mean, for the routes that occur."""
    names = "".join(
        f'<span class="{route}"><span class="dot"></span>{route}</span>'
        for route in ROUTES
        if routes[route]
    )
    return f'<p class="legend" aria-hidden="true">{names}</p>'


def histogram(header: ReportHeader, summary: Summary) -> str:
    """Return the scores as bars, each stacked by route, with the threshold across them."""
    most = max((sum(bar.values()) for bar in summary.histogram), default=0) or 1
    bars = "".join(_bar(at, bar, most) for at, bar in enumerate(summary.histogram))
    side = " left" if header.deliver_at < 0.4 else ""
    at = header.deliver_at * 100
    limit = (
        f'<div class="limit{side}" style="left:{at:.2f}%">'
        f"<span>delivered from {header.deliver_at:g}</span></div>"
    )
    scored = summary.items - summary.unscored
    label = f"Histogram of {scored} scores from 0 to 1; the figures are in the table below."
    marks = "".join(f"<span>{mark}</span>" for mark in ("0", "0.25", "0.5", "0.75", "1"))
    without = f" {_pictures(summary.unscored)} no score." if summary.unscored else ""
    return f"""<figure class="histogram" role="img" aria-label="{label}">{limit}
<div class="plot">{bars}</div><div class="axis" aria-hidden="true">{marks}</div></figure>
{legend({route: sum(bar[route] for bar in summary.histogram) for route in ROUTES})}
<p>Highest bar: {most:,}.{without}</p>
{_figures(summary)}"""


def _bar(at: int, bar: Mapping[Route, int], most: int) -> str:
    total = sum(bar.values())
    parts = ", ".join(f"{bar[route]} {route}" for route in ROUTES if bar[route])
    title = f"{at / BINS:.2f} to {(at + 1) / BINS:.2f}: {parts or 'none'}"
    pieces = "".join(
        f'<i class="{route}" style="flex:{bar[route]}"></i>' for route in ROUTES if bar[route]
    )
    height = max(100 * total / most, 1.5) if total else 0
    return f'<div class="bar" style="height:{height:.2f}%" title="{title}">{pieces}</div>'


def _figures(summary: Summary) -> str:
    rows = "".join(
        f"<tr><td>{at / BINS:.2f} to {(at + 1) / BINS:.2f}</td>"
        + "".join(f'<td class="num">{bar[route]:,}</td>' for route in ROUTES)
        + "</tr>"
        for at, bar in enumerate(summary.histogram)
        if any(bar.values())
    )
    heads = "".join(f'<th scope="col" class="num">{route}</th>' for route in ROUTES)
    return f"""<details><summary>Figures</summary><div class="scroll" tabindex="0"
role="region" aria-label="Scores in figures"><table>
<thead><tr><th scope="col">score</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>
</details>"""


def reasons(summary: Summary) -> str:
    """Return how many pictures have each reason, the most frequent first."""
    if not summary.reasons:
        return "<p>No picture was held back or marked.</p>"
    most = max(summary.reasons.values())
    rows = "".join(
        f'<li><button class="pick" data-set="reason" data-to="{escape(name)}">'
        f'<span class="name"><span>{escape(name)}</span><span>{count:,}</span></span>'
        f'<span class="track"><i style="width:{100 * count / most:.1f}%"></i></span></button></li>'
        for name, count in list(summary.reasons.items())[:MOST_REASONS]
    )
    return f'<ul class="bars">{rows}</ul>{_rest(len(summary.reasons) - MOST_REASONS, "reasons")}'


def tags(summary: Summary) -> str:
    """Return how often the pictures of each tag were flagged, with the 95 % interval."""
    if not summary.tags:
        return "<p>The pictures have no tags; a CSV as input can give them some.</p>"
    rows = "".join(_tag(tag, rate) for tag, rate in list(summary.tags.items())[:MOST_TAGS])
    return f"""<table><thead><tr><th scope="col">tag</th><th scope="col" class="num">pictures</th>
<th scope="col" class="num">flagged</th><th scope="col"><span class="hidden">95 % interval</span>
</th></tr></thead><tbody>{rows}</tbody></table>{_rest(len(summary.tags) - MOST_TAGS, "tags")}
<p>The dot is the share that went to a person, the bar where the true share lies in 95 of 100
cases: wide means too few pictures to tell.</p>"""


def _tag(tag: str, rate: Rate) -> str:
    low, high = rate.interval
    label = f"{percent(rate.share)}, 95 % interval {percent(low)} to {percent(high)}"
    name = escape(tag)
    return (
        f'<tr><td><button class="pick" data-set="tag" data-to="{name}">{name}</button></td>'
        f'<td class="num">{rate.n:,}</td><td class="num">{percent(rate.share)}</td>'
        f'<td><div class="range" role="img" aria-label="{label}" title="{label}">'
        f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
        f'<b style="left:{100 * rate.share:.1f}%"></b></div></td></tr>'
    )


def concepts(summary: Summary) -> str:
    """Return one bar a concept, stacked by route."""
    rows = []
    for name, counts in summary.concepts.items():
        parts = ", ".join(f"{counts[route]} {route}" for route in ROUTES if counts[route])
        shown = escape(name) or "without a concept"
        rows.append(
            f'<div><div class="name"><span>{shown}</span><span>{sum(counts.values()):,}</span>'
            f"</div>{stack({r: float(counts[r]) for r in ROUTES}, parts)}</div>"
        )
    return f'<div class="bars">{"".join(rows)}</div>'


def _rest(count: int, what: str) -> str:
    return f"<p>and {count:,} more {what}, all in report.json</p>" if count > 0 else ""


def _pictures(count: int) -> str:
    return "1 picture has" if count == 1 else f"{count:,} pictures have"
