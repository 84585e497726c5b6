"""Markdown to HTML: headings, paragraphs, lists, tables, code, links and pictures.

Everything else is text. A card may come from anybody, so all text is escaped, links lead to
http and https only, and pictures are taken from the card's own folder into the page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

_INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<bold>.+?)\*\*|(?<![*\w])\*(?P<soft>[^*\s][^*]*)\*(?!\w)"
    r"|!\[(?P<alt>[^\]]*)\]\((?P<image>[^)\s]+)\)|\[(?P<text>[^\]]+)\]\((?P<link>[^)\s]+)\)"
    r"|<(?P<plain>https?://[^>\s]+)>"
)
_KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
_MOST_BYTES = 2_000_000


def html_of(text: str, folder: Path | None = None) -> str:
    r"""Return the HTML of a Markdown text.

    Parameters
    ----------
    folder : Path, optional
        Where pictures are; without it they become their description.

    Examples
    --------
    >>> html_of("## A\n\nSee `x` & **y**.")
    '<h2>A</h2><p>See <code>x</code> &amp; <b>y</b>.</p>'
    >>> html_of("[go](javascript:alert) <b>")
    '<p>go &lt;b&gt;</p>'
    """
    return "".join(_block(lines, folder) for lines in _blocks(text))


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield groups of lines that belong together."""
    block: list[str] = []
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            if not fenced and block:
                yield block
                block = []
            block.append(line)
            fenced = not fenced
            if not fenced:
                yield block
                block = []
        elif fenced:
            block.append(line)
        elif not line.strip() or (line.startswith("#") and block):
            if block:
                yield block
            block = [line] if line.strip() else []
        elif block and block[0].startswith("#"):
            yield block
            block = [line]
        else:
            block.append(line)
    if block:
        yield block


def _block(lines: Sequence[str], folder: Path | None) -> str:
    first = lines[0]
    if first.startswith("```"):
        body = "\n".join(lines[1:-1] if len(lines) > 1 else [])
        return f'<pre class="scroll"><code>{escape(body)}</code></pre>'
    if heading := re.match(r"(#{1,4}) +(.*)", first):
        level = len(heading[1])
        return f"<h{level}>{_inline(heading[2], folder)}</h{level}>"
    if first.startswith("|"):
        return _table(lines, folder)
    if first.startswith(("- ", "* ")):
        items: list[str] = []
        for line in lines:
            if line.startswith(("- ", "* ")):
                items.append(line[2:])
            else:
                items[-1] += f" {line.strip()}"
        return "<ul>" + "".join(f"<li>{_inline(item, folder)}</li>" for item in items) + "</ul>"
    return f"<p>{_inline(' '.join(line.strip() for line in lines), folder)}</p>"


def _table(lines: Sequence[str], folder: Path | None) -> str:
    rows = [_cells(line) for line in lines if line.startswith("|")]
    ruled = len(rows) > 1 and all(re.fullmatch(r":?-+:?", cell) for cell in rows[1])
    head = ""
    if ruled:
        head = "".join(f"<th>{_inline(cell, folder)}</th>" for cell in rows[0])
        head, rows = f"<thead><tr>{head}</tr></thead>", rows[2:]
    body = "".join(
        "<tr>" + "".join(f"<td{_side(c)}>{_inline(c, folder)}</td>" for c in row) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table class="plain">{head}<tbody>{body}</tbody></table></div>'


def _cells(line: str) -> list[str]:
    inside = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inside)]


def _side(cell: str) -> str:
    return ' class="n"' if re.fullmatch(r"[-–]?[\d.,]+( ?%)?( to [-\d.,]+)?", cell) else ""


def _inline(text: str, folder: Path | None) -> str:
    parts, at = [], 0
    for found in _INLINE.finditer(text):
        parts += [escape(text[at : found.start()]), _marked(found, folder)]
        at = found.end()
    return "".join([*parts, escape(text[at:])])


def _marked(found: re.Match[str], folder: Path | None) -> str:
    if found["code"] is not None:
        return f"<code>{escape(found['code'])}</code>"
    for name, tag in (("bold", "b"), ("soft", "i")):
        if found[name] is not None:
            return f"<{tag}>{_inline(found[name], folder)}</{tag}>"
    if found["image"] is not None:
        return _picture(found["image"], found["alt"], folder)
    target = found["plain"] or found["link"]
    shown = escape(found["text"] or target)
    if not re.match(r"https?://", target):
        return shown
    return f'<a href="{escape(target)}" rel="noreferrer">{shown}</a>'


def _picture(name: str, alt: str, folder: Path | None) -> str:
    kind = _KINDS.get(Path(name).suffix.lower())
    if folder is None or kind is None or Path(name).name != name:
        return f"<i>{escape(alt)}</i>"
    path = folder / name
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return f"<i>{escape(alt)}</i>"
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img src="data:{kind};base64,{data}" alt="{escape(alt)}">'
