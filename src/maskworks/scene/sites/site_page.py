"""The ranking as one page: opens from a disk, fetches nothing, runs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.version import __version__
from maskworks.scene.sites.ranking import agreement_of
from maskworks.scene.sites.scoring import SiteScore
from maskworks.scene.sites.site_policy import SitePolicy
from maskworks.scene.sites.site_record import SITE_STATEMENT
from maskworks.scene.sites.site_sheet import decision_in_words, in_words, site_sheet
from maskworks.scene.writing.page import whole_page


def sites_page(
    ranked: Sequence[SiteScore], policy: SitePolicy, output: Path, failed: Mapping[str, str]
) -> str:
    """Return index.html of a ranking.

    Parameters
    ----------
    ranked : of `rank_sites`
    output : Path
        The folder in which the sites' pictures lie.
    failed : why, by id, of sites without a record
    """
    body = "\n".join(
        [
            _top(ranked, policy, failed),
            "<main>",
            _ranking(ranked),
            _failed(failed),
            _map(ranked),
            _agreement(ranked),
            _weights(policy),
            *(site_sheet(each, output) for each in ranked),
            _how(ranked),
            "</main>",
            _foot(),
        ]
    )
    return whole_page("Sites: ranking", body)


def _foot() -> str:
    return (
        f"<footer><p>Made by Maskworks {escape(__version__)}; ranking.csv, photos.csv and sites/ "
        "hold the figures. This page needs no connection.</p></footer>"
    )


def _top(ranked: Sequence[SiteScore], policy: SitePolicy, failed: Mapping[str, str]) -> str:
    placed = sum(each.rank is not None for each in ranked)
    out = sum(each.unranked is not None for each in ranked)
    category = "no category" if policy.category is None else f"Ad Product 2.0 {policy.category}"
    facts = [
        f"{len(ranked) + len(failed)} sites",
        f"{placed} ranked",
        f"{out} without a rank or excluded",
        f"{len(failed)} failed",
        f"policy {policy.name} of {policy.date.isoformat()}",
        category,
    ]
    return f"""<header>
<p class="eyebrow">Out-of-home sites: for a person to decide</p>
<h1>Ranking of {len(ranked) + len(failed)} sites</h1>
<p class="meta">{escape(" · ".join(facts))}</p>
<p class="statement">{escape(SITE_STATEMENT)}</p>
</header>"""


def _ranking(ranked: Sequence[SiteScore]) -> str:
    rows = "".join(_line(each) for each in ranked)
    return f"""<h2>Ranking</h2>
<div class="scroll"><table>
<tr><th>Rank</th><th>Group</th><th>Site</th><th>Score, 95 % interval</th><th></th>
<th>In the top</th><th>People a photo</th><th>Vehicles a photo</th><th>Photos</th>
<th>A person said</th></tr>
{rows}</table></div>
<p class="soft">Sites of one group cannot be told apart: the first of them is ahead in fewer than
95 % of the draws. "In the top" is the share of draws in which a site is among the best.</p>"""


def _line(each: SiteScore) -> str:
    record = each.record
    name = f'<a href="#{escape(record.id)}">{escape(record.name)}</a>'
    if each.unranked is not None:
        name += f'<br><span class="bsr002">{escape(each.unranked)}</span>'
    score = "none" if each.score is None else f"{each.score:.1f}"
    if each.low is not None and each.high is not None:
        score += f" [{each.low:.1f}, {each.high:.1f}]"
    if each.human is not None:
        score += f"<br>by a person {each.human:.1f}"
    top = "" if each.top_share is None else f"{100 * each.top_share:.0f} %"
    return (
        f'<tr><td class="number">{each.rank or ""}</td><td class="number">{each.group or ""}</td>'
        f'<td class="site">{name}</td><td class="number">{score}</td><td>{_bar(each)}</td>'
        f'<td class="number">{top}</td>'
        f'<td class="number">{in_words(each.counts.get("people"))}</td>'
        f'<td class="number">{in_words(each.counts.get("vehicles"))}</td>'
        f'<td class="number">{each.photos}</td><td>{decision_in_words(each)}</td></tr>\n'
    )


def _bar(each: SiteScore) -> str:
    if each.score is None:
        return ""
    low, high = each.low or each.score, each.high or each.score
    return (
        '<svg class="interval" viewBox="0 0 200 16" width="150" height="12" role="img" '
        f'aria-label="{each.score:.0f} of 100"><line x1="0" y1="8" x2="200" y2="8"/>'
        f'<rect class="bsr004" x="{2 * low:.1f}" y="5" width="{max(1.5, 2 * (high - low)):.1f}" '
        f'height="6" rx="2"/><circle cx="{2 * each.score:.1f}" cy="8" r="4"/></svg>'
    )


def _failed(failed: Mapping[str, str]) -> str:
    if not failed:
        return ""
    lines = "".join(
        f'<li class="bsr001">{escape(name)}: {escape(why)}</li>' for name, why in failed.items()
    )
    return f"<h2>Failed</h2><ul>{lines}</ul>"


def _map(ranked: Sequence[SiteScore]) -> str:
    """Draw the sites at their coordinates, without a map: that would need a connection."""
    placed = [
        (each, each.record.lat, each.record.lon)
        for each in ranked
        if each.record.lat is not None and each.record.lon is not None
    ]
    if len(placed) < 2:
        return ""
    lats, lons = [lat for _, lat, _ in placed], [lon for _, _, lon in placed]
    tall = max(max(lats) - min(lats), 1e-6)
    wide = max(max(lons) - min(lons), 1e-6)
    dots = []
    for each, lat, lon in placed:
        x = 40 + 820 * (lon - min(lons)) / wide
        y = 340 - 300 * (lat - min(lats)) / tall
        kind = "bsr002" if each.rank is None else "bsr004"
        label = escape(each.record.name if each.rank is None else f"{each.rank}")
        dots.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"><title>'
            f"{escape(each.record.name)}: {lat:g}, {lon:g}</title></circle>"
            f'<text x="{x + 8:.1f}" y="{y + 4:.1f}">{label}</text>'
        )
    return f"""<h2>Where they are</h2>
<svg class="time" viewBox="0 0 900 380" role="img" aria-label="Sites by longitude and latitude">
{"".join(dots)}
<text x="40" y="372">{min(lons):.4f} to {max(lons):.4f} east, {min(lats):.4f} to {max(lats):.4f}
north; numbers are ranks; axes are stretched to fit</text></svg>"""


def _agreement(ranked: Sequence[SiteScore]) -> str:
    found = agreement_of(ranked)
    if not (found.accepted or found.excluded or found.overridden):
        return ""
    parts = [f"{found.accepted} accepted", f"{found.excluded} excluded"]
    parts += [f"{found.overridden} given another score"]
    told = ", ".join(parts)
    if found.ordered is not None:
        told += f". In {100 * found.ordered:.0f} % of the pairs of one accepted and one excluded "
        told += "the accepted one scores higher"
    if found.mean_change is not None:
        told += f". Where a person set the score it changed by {found.mean_change:+.1f} points"
    return f"<h2>Score and people</h2><p>{escape(told)}. Both figures stay.</p>"


def _weights(policy: SitePolicy) -> str:
    rows = "".join(
        f'<tr><td>{escape(each.name.replace("_", " "))}</td><td class="number">{each.weight:g}</td>'
        f'<td class="number">{each.low:g}</td><td class="number">{each.high:g}</td>'
        f"<td>{escape(each.source)}</td><td>{each.checked.isoformat()}</td></tr>\n"
        for each in policy.measures
    )
    return f"""<h2>What counts</h2>
<div class="scroll"><table><tr><th>Measure</th><th>Weight</th><th>Worth 0 at</th><th>Worth 1 at</th>
<th>Source</th><th>MeasuredPhoto at</th></tr>
{rows}</table></div>"""


def _how(ranked: Sequence[SiteScore]) -> str:
    if not ranked:
        return ""
    first = ranked[0].record
    key = "".join(
        f'<svg width="14" height="12"><rect width="12" height="12" fill="#{r:02x}{g:02x}{b:02x}"/>'
        f"</svg> {escape(each.name)} "
        for each in load_taxonomy("scene-17").categories
        for r, g, b in [each.colour]
    )
    return f"""<h2>How it was seen</h2>
<p>Network: {escape(first.network)}. SceneCounts by {escape(first.counter)}.
Text: {escape(first.reader)}.
People and vehicles that were found are blurred whole in every picture that is kept.</p>
<p class="soft">{key}</p>"""
