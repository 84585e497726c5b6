"""Many clips: which of them a person looks at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from maskworks.scene.record import SuitabilityRecord, TopicResult
from maskworks.scene.topics import RISKS
from maskworks.scene.writing.page import whole_page

_ORDER: dict[str, int] = {risk: at for at, risk in enumerate(RISKS)}


def ranking_row(
    name: str, record: SuitabilityRecord | None, error: str | None = None
) -> dict[str, Any]:
    """Return one clip's row: its gravest category and how much was not assessed."""
    if record is None:
        return {"source": name, "error": error}
    worst = min(record.categories, key=_gravity)
    found = worst if worst.segments else None
    return {
        "source": name,
        "media": record.media,
        "gravest_risk": found and found.proposed_risk,
        "category": found and found.category,
        "likelihood": found and found.likelihood,
        "extent": found and found.extent,
        "share_of_time": found and found.share_of_time,
        "longest_run_ms": found and found.longest_run_ms,
        "findings": sum(not f.hint for f in record.findings),
        "hints": sum(f.hint for f in record.findings),
        "not_assessed": " ".join(
            each.category for each in record.categories if each.coverage == "not assessed"
        ),
        "error": None,
    }


def _gravity(each: TopicResult) -> tuple[int, int, float]:
    risk = _ORDER[each.proposed_risk] if each.proposed_risk else len(_ORDER)
    return risk, -(each.likelihood or 0), -each.share_of_time


def rank(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of `ranking_row` in the order in which a person should look.

    What failed comes first, since nothing is known of it; then the gravest risk, the highest
    likelihood, the largest share of time, the name.
    """
    return sorted(
        (dict(row) for row in rows),
        key=lambda row: (
            row.get("error") is None,
            _ORDER.get(row.get("gravest_risk") or "", len(_ORDER)),
            -(row.get("likelihood") or 0),
            -(row.get("share_of_time") or 0.0),
            row["source"],
        ),
    )


def ranking_page(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return index.html: the ranking, with links to the reports beside it."""
    lines = "".join(_line(row) for row in rows)
    body = f"""<header><p class="eyebrow">Suitability: evidence for review</p>
<h1>{len(rows):,} clips and pictures</h1>
<p class="statement">In the order in which a person should look. A proposed risk comes from a
policy file; a line without one is no statement about the content.</p></header>
<main><h2>Ranking</h2><div class="scroll"><table>
<tr><th>Source</th><th>Proposed risk</th><th>Category</th><th>Likelihood</th><th>Extent</th>
<th>Share of time</th><th>Findings</th><th>Not assessed</th></tr>
{lines}</table></div></main>
<footer><p>ranking.csv holds the same rows.</p></footer>"""
    return whole_page("Suitability: ranking", body)


def _line(row: Mapping[str, Any]) -> str:
    name = str(row["source"])
    if row.get("error"):
        return (
            f"<tr><td>{escape(name)}</td><td colspan=7 class=bsr001>failed: "
            f"{escape(str(row['error']))}</td></tr>\n"
        )
    risk = row.get("gravest_risk")
    shown = f'<span class="risk {risk}">{RISKS[risk]} ({risk})</span>' if risk else "none proposed"
    share = "" if row.get("share_of_time") is None else f"{100 * row['share_of_time']:.1f} %"
    return (
        f'<tr><td><a href="{escape(quote(name))}/report.html">{escape(name)}</a></td>'
        f"<td>{shown}</td><td>{row.get('category') or ''}</td>"
        f'<td class="number">{row.get("likelihood") or ""}</td><td>{row.get("extent") or ""}</td>'
        f'<td class="number">{share}</td><td class="number">{row.get("findings")}</td>'
        f'<td class="nobody">{row.get("not_assessed") or ""}</td></tr>\n'
    )
