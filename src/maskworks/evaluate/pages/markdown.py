"""Markdown of a model's card as HTML, by markdown-it.

A card may come from anybody, so all HTML is escaped, links lead to http and https only, and
pictures are taken from the card's own folder into the page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_FIGURE = re.compile(r"[-–]?[\d.,]+( ?%)?( to [-\d.,]+)?")
_KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
_MOST_BYTES = 2_000_000


def html_of(text: str, folder: Path | None = None, *, inline: bool = False) -> str:
    r"""Return the HTML of a Markdown text.

    Parameters
    ----------
    folder : Path, optional
        Where pictures are; without it they become their description.
    inline : without the paragraph around it

    Examples
    --------
    >>> html_of("See `x` & [y](docs/y.md).")
    '<p>See <code>x</code> &amp; y.</p>'
    >>> html_of("[go](javascript:alert) <b>", inline=True)
    '[go](javascript:alert) &lt;b&gt;'
    """
    parser = _parser()
    env: dict[str, Any] = {"folder": folder, "links": []}
    html: str = parser.renderInline(text, env) if inline else parser.render(text, env)
    for plain, ours in (
        ("<pre>", '<pre class="scroll">'),
        ("<table>", '<div class="scroll"><table class="plain">'),
        ("</table>", "</table></div>"),
    ):
        html = html.replace(plain, ours)
    return html.strip()


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    for name, rule in (
        ("image", _image),
        ("link_open", _link),
        ("link_close", _link_end),
        ("td_open", _cell),
    ):
        parser.add_render_rule(name, rule)
    return parser


def _link(
    _: RendererHTML, tokens: Sequence[Token], at: int, __: object, env: dict[str, Any]
) -> str:
    target = str(tokens[at].attrGet("href"))
    outward = re.match(r"https?://", target) is not None
    env["links"].append(outward)
    return f'<a href="{escape(target)}" rel="noreferrer">' if outward else ""


def _link_end(_: RendererHTML, __: object, ___: int, ____: object, env: dict[str, Any]) -> str:
    return "</a>" if env["links"].pop() else ""


def _cell(_: RendererHTML, tokens: Sequence[Token], at: int, __: object, ___: object) -> str:
    return '<td class="n">' if _FIGURE.fullmatch(tokens[at + 1].content) else "<td>"


def _image(
    _: RendererHTML, tokens: Sequence[Token], at: int, __: object, env: dict[str, Any]
) -> str:
    name, alt, folder = str(tokens[at].attrGet("src")), tokens[at].content, env["folder"]
    kind = _KINDS.get(Path(name).suffix.lower())
    path = None if folder is None or Path(name).name != name else folder / name
    if kind is None or path is None or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return f"<i>{escape(alt)}</i>"
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img src="data:{kind};base64,{data}" alt="{escape(alt)}">'
