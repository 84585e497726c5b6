"""The parts of a report page: frame, tiles, tables with bars, matrices, curves and pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.png import encode_png
from maskworks.core.values import Pixels

WORST = 6
"""Pictures that a page draws."""

_SIDE = 360  # of a drawn picture, pixels
_FEW = 25  # classes whose matrix is a table
_CELL = 6  # pixels a cell of a larger matrix
_NO_SPAN = (float("nan"), float("nan"))
_HERE = Path(__file__).parent


def page(title: str, parts: Sequence[str]) -> str:
    """Return a whole page of these parts; a policy forbids it any connection and any script."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    body = "\n".join(parts)
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
<h1>{escape(title)}</h1>
{body}
<p class="soft">Made by Maskworks. This page is one file and needs no connection.</p>
</body>
</html>
"""


def number(value: object, decimals: int = 4) -> str:
    """Return a figure as text: a dash if there is none."""
    return f"{value:.{decimals}f}" if isinstance(value, float) else "–"


def upper_first(sentence: str) -> str:
    """Return a sentence with a capital at its start."""
    return sentence[:1].upper() + sentence[1:]


def tiles(figures: Mapping[str, object]) -> str:
    """Return large figures with their names."""
    cells = "".join(
        f"<div>{escape(name)}<b>{number(value)}</b></div>" for name, value in figures.items()
    )
    return f'<div class="tiles">{cells}</div>'


def facts(rows: Mapping[str, object]) -> str:
    """Return what was measured and by which rules; entries that are None are left out."""
    cells = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
        for name, value in rows.items()
        if value is not None
    )
    return f"<h2>What was measured, and how</h2><dl>{cells}</dl>"


def record_facts(record: Mapping[str, object]) -> str:
    """Return the facts that every record holds."""
    names = (
        "truth", "predictions", "manifest", "groups", "taxonomy", "bar", "ignore_label",
        "resize_rule", "rules", "absent_classes", "boundary", "frames_that_count", "unit",
    )  # fmt: skip
    rows = {name.replace("_", " "): record.get(name) for name in names}
    rows["ignore label"] = "none" if record["ignore_label"] is None else record["ignore_label"]
    counts = record.get("counts")
    if isinstance(counts, Mapping):
        rows["counts"] = ", ".join(f"{n.replace('_', ' ')} {v:,}" for n, v in counts.items())
    notes = record.get("notes")
    if isinstance(notes, list) and notes:
        rows = {"mind": "; ".join(notes), **rows}
    missing = record.get("missing")
    if isinstance(missing, list) and missing:
        rows["counted as empty"] = ", ".join(missing)
    return facts(rows)


def bars(
    title: str,
    headings: Sequence[str],
    rows: Sequence[tuple[str, Sequence[object]]],
    *,
    spans: Sequence[tuple[float, float]] = (),
) -> str:
    """Return a table whose first figure is drawn as a bar.

    Parameters
    ----------
    headings : names of the first column and of the figures
    rows : (name, figures); a figure is a float in [0, 1], None, or a text
    spans : of each row, the interval of its first figure, drawn on the bar; none, or NaN ends
    """
    first, *others = headings
    head = f'<th>{escape(first)}</th><th scope="col" colspan="2">{escape(others[0])}</th>'
    head += "".join(f'<th class="n">{escape(other)}</th>' for other in others[1:])
    body = "".join(
        _bar_row(name, figures, span)
        for (name, figures), span in zip(rows, spans or [_NO_SPAN] * len(rows), strict=True)
    )
    return (
        f'<h2>{escape(title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _bar_row(name: str, figures: Sequence[object], span: tuple[float, float]) -> str:
    value = figures[0]
    wide = 100 * min(max(value, 0.0), 1.0) if isinstance(value, float) else 0
    bar = f'<i style="width:{wide:.2f}%"></i>' if isinstance(value, float) else ""
    if span[0] < span[1]:  # neither NaN nor a point
        bar += f'<s style="--from:{span[0]:.4f};--to:{span[1]:.4f}"></s>'
    cells = "".join(
        f'<td class="n">{escape(each) if isinstance(each, str) else number(each)}</td>'
        for each in figures[1:]
    )
    return (
        f'<tr><td>{escape(name)}</td><td class="n">{number(value)}</td>'
        f'<td class="bar">{bar}</td>{cells}</tr>'
    )


def matrix(names: Sequence[str], counts: NDArray[np.int64]) -> str:
    """Return a confusion matrix in shares of each row; its last column may be 'none'.

    Parameters
    ----------
    names : N names
    counts : int64 (N, N + 1), rows are the truth
    """
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(total, 1)
    intro = (
        "<h2>Confusion matrix</h2><p>Rows are the truth, columns what was predicted; each row adds "
        "up to 1.</p>"
    )
    drawn = _table_matrix(names, shares) if len(names) <= _FEW else _drawn_matrix(shares)
    return f"{intro}{drawn}{_largest(names, counts, shares)}"


def _table_matrix(names: Sequence[str], shares: NDArray[np.float64]) -> str:
    columns = [*names, "none"]
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(_cell(share, right=at == place) for place, share in enumerate(row))
        + "</tr>"
        for at, (name, row) in enumerate(zip(names, shares, strict=True))
    )
    return (
        f'<div class="scroll"><table class="matrix"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(share: float, *, right: bool) -> str:
    colour = "47,111,176" if right else "200,80,30"
    text = f"{share:.2f}" if share >= 0.005 else ""
    ink = "color:#fff;" if share > 0.55 else ""
    return f'<td style="background:rgba({colour},{share:.3f});{ink}">{text}</td>'


def _drawn_matrix(shares: NDArray[np.float64]) -> str:
    """Return many classes as a picture: blue on the diagonal, orange beside it."""
    right = np.zeros(shares.shape, bool)
    np.fill_diagonal(right, val=True)
    paint = np.where(right[..., np.newaxis], (47, 111, 176), (200, 80, 30))
    depth = np.sqrt(shares)[..., np.newaxis]
    pixels = np.rint(255 + depth * (paint - 255)).astype(np.uint8)
    large = np.kron(pixels, np.ones((_CELL, _CELL, 1), np.uint8))
    return f'<img src="{data_uri(large)}" alt="Confusion matrix">'


def _largest(names: Sequence[str], counts: NDArray[np.int64], shares: NDArray[np.float64]) -> str:
    """Return the mistakes of most pixels."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:10]
    columns = [*names, "none"]
    rows = "".join(
        f"<tr><td>{escape(names[row])}</td><td>{escape(columns[column])}</td>"
        f'<td class="n">{wrong[row, column]:,}</td>'
        f'<td class="n">{shares[row, column]:.1%}</td></tr>'
        for row, column in (divmod(int(at), counts.shape[1]) for at in order)
        if wrong[row, column]
    )
    if not rows:
        return ""
    return (
        "<h2>Largest confusions</h2><table><thead><tr><th>truth</th><th>predicted</th>"
        '<th class="n">pixels</th><th class="n">of the class</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def legend(colours: Mapping[str, tuple[int, int, int]]) -> str:
    """Return what colours mean."""
    items = "".join(
        f'<span><i style="background:rgb{colour}"></i>{escape(name)}</span>'
        for name, colour in colours.items()
    )
    return f'<p class="legend">{items}</p>'


def pictures(title: str, rows: Sequence[tuple[str, Sequence[tuple[str, Pixels]]]]) -> str:
    """Return rows of pictures, each with a heading and a caption below each picture."""
    drawn = "".join(
        f"<div><p><b>{escape(name)}</b></p><div class='row'>"
        + "".join(
            f'<figure><img src="{data_uri(reduced(pixels))}" alt="{escape(caption)}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
            for caption, pixels in each
        )
        + "</div></div>"
        for name, each in rows
    )
    return f'<h2>{escape(title)}</h2><div class="pictures">{drawn}</div>' if rows else ""


def reduced(pixels: Pixels) -> Pixels:
    """Return a picture no larger than a page needs; ids keep their colours."""
    step = max(1, -(-max(pixels.shape[:2]) // _SIDE))
    return np.ascontiguousarray(pixels[step // 2 :: step, step // 2 :: step])


def data_uri(pixels: Pixels) -> str:
    """Return a picture as the address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(encode_png(pixels)).decode()}"


def curve(title: str, lines: Mapping[str, Sequence[float]], *, label: str) -> str:
    """Return values from 0 to 1 over their places, one line a name."""
    colours = ("#2f6fb0", "#c8501e", "#2e8b57", "#8a5fb0")
    drawn, marks = [], {}
    for colour, (name, values) in zip(colours, lines.items(), strict=False):
        last = max(len(values) - 1, 1)
        points = " ".join(
            f"{40 + 640 * at / last:.1f},{170 - 150 * value:.1f}" for at, value in enumerate(values)
        )
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        marks[name] = tuple(bytes.fromhex(colour[1:]))
    axes = "".join(
        f'<text x="34" y="{174 - 150 * v}" text-anchor="end" font-size="11" fill="currentColor">'
        f'{v:g}</text><line x1="40" x2="680" y1="{170 - 150 * v}" y2="{170 - 150 * v}" '
        'stroke="currentColor" stroke-opacity=".2"/>'
        for v in (0, 0.5, 1)
    )
    named = {name: (c[0], c[1], c[2]) for name, c in marks.items()}
    return (
        f'<h2>{escape(title)}</h2>{legend(named)}<svg viewBox="0 0 700 190" role="img" '
        f'aria-label="{escape(label)}">{axes}{"".join(drawn)}</svg>'
    )
