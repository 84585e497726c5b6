"""The part of the demo's page that shows the campaign: each photo and what was made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from maskworks.apps.demo.campaign import DemoItem
from maskworks.apps.demo.preview import preview
from maskworks.core.errors import ImageError

SMALL_PX = 320

STYLE = """
section.campaign { margin-top: 44px; }
section.campaign h2 { font-size: clamp(1.2rem, 3vw, 1.6rem); margin-bottom: 4px; }
.campaign h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
.rows { display: grid; gap: 20px; }
.row { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 12px 16px 16px; display: grid; gap: 8px; }
.row p { margin: 0; color: var(--dim); font-size: .9rem; overflow-wrap: anywhere; }
.strip { display: grid; gap: 8px; grid-template-columns: repeat(4, minmax(0, 1fr)); }
.strip figure { margin: 0; min-width: 0; }
.strip img { display: block; width: 100%; aspect-ratio: 4 / 5; object-fit: contain;
  background: var(--paper); border-radius: 6px; }
.strip figcaption { color: var(--dim); font-size: .8rem; overflow-wrap: anywhere; }
@media (max-width: 640px) { .strip { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
.deliver { color: var(--ok); } .manual { color: var(--none); }
"""

_COLOUR = re.compile("[0-9a-f]{6}")
_WORDS = {
    "deliver": "delivered",
    "review": "review: a person looks first",
    "manual": "manual: sent to a retoucher",
    "failed": "failed: nothing could be made of it",
}


def campaign_section(pictures: Sequence[DemoItem], report: Path, base: Path) -> str:
    """Return the section as HTML.

    Parameters
    ----------
    pictures : in the order in which they are shown
    report : the campaign's report.html
    base : the folder of the page; links are relative to it
    """
    rows = "\n".join(_row(one, base) for one in pictures)
    files = sum(len(one.outputs) for one in pictures)
    return f"""<section class="campaign" id="campaign">
<h2>A campaign</h2>
<p class="lead">The same as a producer runs it: {len(pictures)} photos in two concepts with three
approved backgrounds each became {files} files.
<a href="{escape(_link(report, base))}">The report</a> says what it cost.</p>
<div class="rows">
{rows}
</div>
</section>"""


def _row(one: DemoItem, base: Path) -> str:
    name = escape(one.source)
    figures = [_figure(one.photo, base, "the photo")]
    figures += [_figure(path, base, _variant(path)) for path in one.outputs]
    why = f"<p>{escape(one.why)}</p>" if one.why else ""
    return f"""<article class="row"><h3>{name}</h3>
<span class="badge {one.route}">{_WORDS[one.route]}</span>{why}
<div class="strip">{"".join(figures)}</div></article>"""


def _variant(path: Path) -> str:
    """Return the background's name: files lie in ROUTE/CONCEPT/VARIANT/photos/..."""
    folder = next(p for p in path.parents if p.name == "photos").parent.name
    return f"on #{folder}" if _COLOUR.fullmatch(folder) else f"on {folder}"


def _figure(path: Path, base: Path, words: str) -> str:
    try:
        small = preview(path, SMALL_PX)
    except (ImageError, OSError, SyntaxError):  # the damaged photo has no picture to show
        return ""
    link = escape(_link(path, base))
    alt = escape(f"{path.name}: {words}")
    return (
        f'<figure><a href="{link}"><img alt="{alt}" src="{small}"></a>'
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )


def _link(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix()
