"""The demo's page: one file that shows everything and fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from maskworks.apps.demo.closeup import close_up
from maskworks.apps.demo.preview import preview
from maskworks.batch.work import ManifestRow

PREVIEW_PX = 640

STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --dim: #5d6670; --paper: #f5f6f7;
  --card: #fff; --line: #dde1e5; --ok: #1b7f4b; --review: #a15c00; --none: #47607c;
  --failed: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --dim: #a2abb5; --paper: #15181b;
  --card: #1f2327; --line: #343a40; --ok: #5fce93; --review: #f0b35a; --none: #9db8d6;
  --failed: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; padding: clamp(16px, 4vw, 40px); background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: auto; }
h1 { font-size: clamp(1.4rem, 4vw, 2rem); margin: 0 0 4px; }
p.lead { color: var(--dim); margin: 0 0 24px; }
.cards { display: grid; gap: 20px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); }
article { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  overflow: hidden; display: flex; flex-direction: column; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1px; background: var(--line); }
.pair > * { aspect-ratio: 1; position: relative; display: grid; place-items: center; }
.pair img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
.before { background: var(--card); }
.after { background: repeating-conic-gradient(#cfd3d7 0 25%, #fff 0 50%) 0 0 / 22px 22px; }
.after span { background: #fff; color: #333; padding: 6px 14px; border-radius: 99px; }
.edge > * { aspect-ratio: auto; height: 220px; }
.edge img { object-fit: none; }
.edge { border-top: 1px solid var(--line); }
.text { padding: 12px 16px 16px; display: grid; gap: 4px; }
h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
.text p { margin: 0; color: var(--dim); font-size: .9rem; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 14px; font-size: .9rem;
  font-variant-numeric: tabular-nums; align-items: center; }
.badge { font-weight: 600; }
.ok { color: var(--ok); } .review { color: var(--review); } .no-subject { color: var(--none); }
.failed { color: var(--failed); }
meter { width: 72px; height: 12px; vertical-align: middle; }
a { color: inherit; }
"""


def page(
    rows: Sequence[ManifestRow],
    remarks: Mapping[str, str],
    lead: str,
    *,
    section: str = "",
    style: str = "",
) -> str:
    """Return the whole page as HTML.

    Parameters
    ----------
    rows : one a picture; sources and outputs are files that exist
    remarks : what to look at, by the file's name
    lead : the sentence under the title, as text
    section : HTML after the pictures
    style : the CSS that it needs
    """
    more = ' <a href="#campaign">The campaign made of them</a>.' if section else ""
    cards = "\n".join(_card(row, remarks.get(Path(row.source).name, "")) for row in rows)
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Maskworks demo</title>
<style>{STYLE}{style}</style>
<main>
<h1>Maskworks demo</h1>
<p class="lead">{escape(lead)}{more}</p>
<div class="cards">
{cards}
</div>
{section}
</main>
</html>
"""


def _card(row: ManifestRow, remark: str) -> str:
    name = Path(row.source).name
    before = f'<img alt="{escape(name)}, as it came" src="{preview(Path(row.source), PREVIEW_PX)}">'
    if row.output:
        cut = Path(row.output)
        after = (
            f'<a class="after" href="{escape(cut.name)}" title="the full PNG">'
            f'<img alt="{escape(name)}, cut out" src="{preview(cut, PREVIEW_PX)}"></a>'
        )
    else:
        words = "no subject" if row.status == "no-subject" else "failed"
        after = f'<div class="after"><span>{words}</span></div>'
    return f"""<article>
<div class="pair"><div class="before">{before}</div>{after}</div>{_edge(row)}
<div class="text">
<h2>{escape(name)}</h2>
<p>{escape(row.error.message if row.error else remark)}</p>
<div class="facts"><span class="badge {row.status}">{row.status}</span>{_facts(row)}</div>
</div>
</article>"""


def _edge(row: ManifestRow) -> str:
    """Return the softest part of the edge at 100 %."""
    near = close_up(Path(row.source), Path(row.output)) if row.output else None
    if near is None:
        return ""
    name = escape(Path(row.source).name)
    return (
        '<div class="pair edge">'
        f'<div class="before"><img alt="{name}, an edge at 100 %" src="{near.before}"></div>'
        f'<div class="after"><img alt="the same edge, cut out" src="{near.after}"></div></div>'
    )


def _facts(row: ManifestRow) -> str:
    facts = []
    if row.confidence is not None:
        level = f"{row.confidence:.2f}"
        facts.append(
            f'<span>confidence {level} <meter min="0" max="1" value="{level}"></meter></span>'
        )
    if row.width and row.height:
        facts.append(f"<span>{row.width} × {row.height}</span>")
    if row.refined:
        facts.append(f"<span>edge {escape(row.refined)}</span>")
    seconds = total_seconds(row)
    if seconds is not None:
        facts.append(f"<span>{seconds:.2f} s</span>")
    return "".join(facts)


def total_seconds(row: ManifestRow) -> float | None:
    """Return how long a picture took in all, None if it never began."""
    spent = row.seconds
    parts = (spent.read, spent.segment, spent.refine, spent.write)
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
