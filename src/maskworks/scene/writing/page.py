"""The record as one page: opens from a disk, fetches nothing, runs no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path

from maskworks.scene.record import Finding, SuitabilityRecord, TopicResult
from maskworks.scene.topics import RISKS
from maskworks.scene.writing.exchange import timecode

MOST_SHOWN = 240
"""Findings on the page, those of the highest confidence; the tables hold all."""

_CSS = Path(__file__).parent / "page.css"


def to_page(record: SuitabilityRecord, pictures: Mapping[int, bytes]) -> str:
    """Return report.html of a clip or picture.

    Parameters
    ----------
    record : SuitabilityRecord
    pictures : of frames of evidence, JPEG by frame index
    """
    body = "\n".join(
        [
            _top(record),
            "<main>",
            _categories(record),
            _timeline(record),
            _evidence(record, pictures),
            _signals(record),
            "</main>",
            _foot(record),
        ]
    )
    return whole_page(f"{record.source}: evidence for review", body)


def whole_page(title: str, body: str) -> str:
    """Return a page with our style around a body."""
    style = _CSS.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _top(record: SuitabilityRecord) -> str:
    facts = [f"{record.width} x {record.height} pixels"]
    if record.media == "clip":
        facts += [
            timecode(record.duration_ms),
            f"{record.frames:,} frames, {len(record.frames_looked_at):,} looked at",
            f"{len(record.shots_ms):,} shots",
        ]
    facts += [f"purpose {record.context.purpose or 'not stated'}"]
    facts += [f"source {record.context.source or 'not stated'}"]
    return f"""<header>
<p class="eyebrow">Suitability: evidence for review</p>
<h1>{escape(record.source)}</h1>
<p class="meta">{escape(" · ".join(facts))}</p>
<p class="statement">{escape(record.statement)}</p>
</header>"""


def _categories(record: SuitabilityRecord) -> str:
    rows = "".join(_category(record, each) for each in record.categories)
    return f"""<h2>Categories</h2>
<div class="scroll"><table>
<tr><th>Category</th><th>Coverage</th><th>Likelihood</th><th>Extent</th><th>Share of time</th>
<th>Longest run</th><th>Findings</th><th>Proposed risk</th><th>A person said</th></tr>
{rows}</table></div>
<p class="soft">Likelihood 1 says that the signals named below found nothing; of a category that is
not assessed nothing is known. The risk is proposed by the policy {escape(record.policy.name)} of
{escape(record.policy.date)}; the rule stands beside it.</p>"""


def _category(record: SuitabilityRecord, each: TopicResult) -> str:
    counted = sum(len(segment.findings) for segment in each.segments)
    ids = {f.id: f for f in record.findings if f.category == each.category}
    said = [v.verdict for v in record.verdicts if v.finding in ids]
    verdicts = ", ".join(f"{said.count(word)} {word}" for word in dict.fromkeys(said)) or "nothing"
    if each.proposed_risk:
        risk = (
            f'<span class="risk {each.proposed_risk}">{RISKS[each.proposed_risk]} '
            f'({each.proposed_risk})</span><br><span class="soft">{escape(each.rule or "")}</span>'
        )
    else:
        risk = '<span class="soft">none proposed</span>'
    nobody = ' class="nobody"' if each.coverage == "not assessed" else ""
    hints = f" + {each.hints} hints" if each.hints else ""
    return (
        f'<tr><td>{escape(each.title)}<br><span class="soft">{escape(each.iab_id or "no IAB id")}'
        f"</span></td><td{nobody}>{each.coverage}</td>"
        f'<td class="number">{each.likelihood or "unknown"}</td><td>{each.extent or ""}</td>'
        f'<td class="number">{100 * each.share_of_time:.1f} %</td>'
        f'<td class="number">{each.longest_run_ms / 1000:.1f} s</td>'
        f'<td class="number">{counted}{hints}</td><td>{risk}</td><td>{escape(verdicts)}</td></tr>\n'
    )


def _timeline(record: SuitabilityRecord) -> str:
    found = [each for each in record.categories if each.segments]
    if record.media == "picture" or not found:
        return ""
    left, width, row = 190, 900, 24
    whole = max(1, record.duration_ms)
    height = row * len(found) + 30
    parts = []
    for at, each in enumerate(found):
        top = row * at + 8
        parts.append(f'<text x="8" y="{top + 12}">{escape(each.category)}</text>')
        for segment in each.segments:
            x = left + width * segment.start_ms / whole
            wide = max(3.0, width * segment.duration_ms / whole)
            parts.append(
                f'<rect class="{each.proposed_risk or ""}" x="{x:.1f}" y="{top}" '
                f'width="{wide:.1f}" height="14" rx="2"><title>'
                f"{timecode(segment.start_ms)} to {timecode(segment.end_ms)}</title></rect>"
            )
    for share in range(5):
        x = left + width * share / 4
        anchor = "end" if share == 4 else "middle"
        parts.append(f'<line x1="{x}" y1="0" x2="{x}" y2="{height - 20}"/>')
        label = timecode(round(whole * share / 4))[:8]
        parts.append(f'<text x="{x}" y="{height - 6}" text-anchor="{anchor}">{label}</text>')
    return f"""<h2>Timeline</h2>
<svg class="time" viewBox="0 0 {left + width + 12} {height}" role="img"
 aria-label="When each category has findings">{"".join(parts)}</svg>"""


def _evidence(record: SuitabilityRecord, pictures: Mapping[int, bytes]) -> str:
    counted = [f for f in record.findings if not f.hint]
    hints = len(record.findings) - len(counted)
    chosen = sorted(counted, key=lambda f: -f.confidence)[:MOST_SHOWN]
    shown = sorted(chosen, key=lambda f: (f.time_ms, f.id))
    if not shown:
        cards = "<p>No finding reached the confidence that the policy asks for.</p>"
    else:
        cards = f'<div class="cards">{"".join(_card(record, f, pictures) for f in shown)}</div>'
    left_out = len(counted) - len(shown)
    more = f" {left_out:,} of lower confidence are in findings.csv." if left_out else ""
    return (
        f"<h2>Evidence</h2>{cards}"
        f'<p class="soft">{hints:,} hints that count for nothing are in findings.csv.{more}</p>'
    )


def _card(record: SuitabilityRecord, finding: Finding, pictures: Mapping[int, bytes]) -> str:
    title = next(each.title for each in record.categories if each.category == finding.category)
    where = timecode(finding.time_ms)
    if finding.frame_index is not None and record.media == "clip":
        where += f", frame {finding.frame_index}"
    context = f" · {', '.join(finding.context)}" if finding.context else ""
    calibrated = "calibrated" if finding.calibrated else "not calibrated"
    return f"""<figure class="card">{_picture(record, finding, pictures)}
<figcaption><div class="what">{escape(title)}</div>
<div class="soft">{where}{escape(context)}</div>
{_quote(finding)}
<div class="soft">{escape(finding.signal)}, confidence {finding.confidence:.2f} ({calibrated})</div>
</figcaption></figure>"""


def _quote(finding: Finding) -> str:
    if finding.quote is None:
        return f"<blockquote>{escape(finding.label)}</blockquote>"
    before, term, after = finding.quote.partition(finding.label)
    return f"<blockquote>{escape(before)}<mark>{escape(term)}</mark>{escape(after)}</blockquote>"


def _picture(record: SuitabilityRecord, finding: Finding, pictures: Mapping[int, bytes]) -> str:
    data = pictures.get(finding.frame_index if finding.frame_index is not None else -1)
    if data is None:
        return ""
    source = base64.b64encode(data).decode()
    image = f'<img alt="" src="data:image/jpeg;base64,{source}">'
    outline = ""
    if finding.region is not None:
        box = finding.region
        outline = (
            f'<svg viewBox="0 0 {record.width} {record.height}" preserveAspectRatio="none">'
            f'<rect x="{box.left}" y="{box.top}" width="{box.right - box.left}" '
            f'height="{box.bottom - box.top}"/></svg>'
        )
    if finding.frame_index not in record.veiled_frames():
        return f'<span class="frame">{image}{outline}</span>'
    return (
        '<label class="frame veiled"><input type="checkbox" aria-label="Show the picture">'
        f"{image}{outline}<span>Show the picture</span></label>"
    )


def _signals(record: SuitabilityRecord) -> str:
    rows = "".join(
        f"<tr><td>{escape(each.name)}</td><td>{each.kind}</td><td>{escape(each.source)}</td>"
        f'<td class="number">{each.looked_at:,} {each.unit}</td>'
        f"<td>{escape(each.why_not or '')}</td></tr>\n"
        for each in record.signals
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in record.notes)
    listed = f"<h2>Notes</h2><ul>{notes}</ul>" if notes else ""
    return f"""<h2>Who looked</h2>
<div class="scroll"><table>
<tr><th>Signal</th><th>Kind</th><th>Model or list</th><th>Looked at</th><th>Why not</th></tr>
{rows}</table></div>{listed}"""


def _foot(record: SuitabilityRecord) -> str:
    return f"""<footer><p>Made by Maskworks {escape(record.version)}; suitability.json is the whole
record, findings.csv its rows. Evidence for review, no certificate. This page needs no connection.
</p></footer>"""
