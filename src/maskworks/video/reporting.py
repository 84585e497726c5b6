"""What is said of a clip: a page to look at, a row a frame for machines, a time line."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from maskworks.core.writing import write_atomic
from maskworks.video.doubt import doubt, doubtful, usual_error, worst
from maskworks.video.parts import ClipResult, FrameRow
from maskworks.video.timeline import write_timeline

_WIDTH, _HEIGHT = 960, 140

_STYLE = """
:root { color-scheme: light dark; --line: #2563c9; --other: #b4530a; --soft: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; }
dt { opacity: .7; } dd { margin: 0; }
svg { width: 100%; height: auto; background: #8881; border-radius: 4px; }
.frames { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: .8rem; }
figure { margin: 0; } figure img { width: 100%; border-radius: 4px; }
figcaption { font-size: .85rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
"""


def report_paths(output: Path) -> tuple[Path, Path, Path]:
    """Return where page, rows and time line of an output lie: beside it, under its name."""
    return tuple(output.with_name(output.name + end) for end in (".html", ".jsonl", ".otio"))  # type: ignore[return-value]


def write_report(result: ClipResult) -> None:
    """Write page, rows and time line beside the output.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    page, rows, line = report_paths(result.output)
    write_atomic(rows, "".join(json.dumps(asdict(row)) + "\n" for row in result.rows).encode())
    write_timeline(line, result)
    write_atomic(page, page_of(result).encode())


def page_of(result: ClipResult) -> str:
    """Return the page, one file without anything beside it."""
    rows = result.rows
    name = html.escape(result.source.name)
    doubts = doubtful(rows)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{name}</title><style>{_STYLE}</style>",
        f"<h1>{name}</h1>",
        _facts(result, len(doubts)),
        "<h2>Confidence by frame</h2>",
        _curve(rows, [row.confidence for row in rows], result.shots, top=1.0, colour="--line"),
        "<h2>Steadiness: change of the matte beyond what moved</h2>",
        _curve(
            rows,
            [row.warp_error for row in rows],
            result.shots,
            top=max(0.1, *(row.warp_error or 0.0 for row in rows)),
            colour="--other",
        ),
        "<h2>Frames to look at first</h2>",
        _frames(result),
        "<h2>Shots</h2>",
        _shots(result),
    ]
    if result.notes:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in result.notes)
        parts.append(f"<h2>Mind</h2><ul>{notes}</ul>")
    return "\n".join(parts) + "\n"


def _facts(result: ClipResult, doubts: int) -> str:
    rows = result.rows
    took: dict[str, float] = {}
    for part in result.parts:
        for step, seconds in part.seconds.items():
            took[step] = took.get(step, 0.0) + seconds
    known = [row.confidence for row in rows if row.confidence is not None]
    mean = f"{np.mean(known):.3f}" if known else "-"
    asked = sum(row.asked for row in rows)
    steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in took.items())
    said = {
        "written": f"{result.output.name} ({result.format})",
        "frames": f"{len(rows):,} at {float(result.rate):.3g} a second on average, "
        f"{len(result.shots)} shot{'s' if len(result.shots) > 1 else ''}",
        "size": f"{result.parts[0].size[1]} x {result.parts[0].size[0]}",
        "model": f"{result.model}, asked about {asked:,} frames; flow carried the rest",
        "confidence": f"{mean} on average",
        "steadiness": f"warp error {usual_error(rows):.4f} of the subject's area (median)",
        "to look at": f"{doubts:,} frames",
        "time in each step": steps or "-",
    }
    items = "".join(f"<dt>{key}</dt><dd>{html.escape(value)}</dd>" for key, value in said.items())
    return f"<dl>{items}</dl>"


def _curve(
    rows: Sequence[FrameRow],
    values: Sequence[float | None],
    shots: Sequence[tuple[int, int]],
    *,
    top: float,
    colour: str,
) -> str:
    """Return a line over frames, broken where a value is not known, with shots as bands."""
    first, count = rows[0].frame, max(1, rows[-1].frame - rows[0].frame)

    def across(frame: int) -> float:
        return (frame - first) / count * _WIDTH

    bands = "".join(
        f'<rect x="{across(begin):.1f}" y="0" width="{across(end) - across(begin):.1f}" '
        f'height="{_HEIGHT}" fill="var(--soft)"/>'
        for begin, end in shots[1::2]
    )
    pieces: list[str] = []
    before = False
    for row, value in zip(rows, values, strict=True):
        if value is None:
            before = False
            continue
        y = _HEIGHT - 4 - min(1.0, value / top) * (_HEIGHT - 8)
        pieces.append(f"{'L' if before else 'M'}{across(row.frame):.1f} {y:.1f}")
        before = True
    labels = (
        f'<text x="4" y="14" font-size="11" fill="currentColor">{top:.2g}</text>'
        f'<text x="4" y="{_HEIGHT - 4}" font-size="11" fill="currentColor">0</text>'
    )
    line = f'<path d="{"".join(pieces)}" fill="none" stroke="var({colour})" stroke-width="1.5"/>'
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{bands}{line}{labels}</svg>'


def _frames(result: ClipResult) -> str:
    pictures = {each.frame: each.jpeg for part in result.parts for each in part.thumbnails}
    usual = usual_error(result.rows)
    shown = worst([row for row in result.rows if row.frame in pictures])
    if not shown:
        return "<p>None: no frame has a subject.</p>"
    figures = []
    for row in shown:
        sure = "-" if row.confidence is None else f"{row.confidence:.2f}"
        moved = "-" if row.warp_error is None else f"{row.warp_error:.3f}"
        mark = "to be looked at" if doubt(row, usual) >= 1 else "fine as far as is known"
        figures.append(
            f'<figure><img alt="" src="data:image/jpeg;base64,{pictures[row.frame]}">'
            f"<figcaption>frame {row.frame}, {row.time_s:.2f} s: {row.status}, confidence {sure}, "
            f"warp error {moved}; {mark}</figcaption></figure>"
        )
    return f'<div class="frames">{"".join(figures)}</div>'


def _shots(result: ClipResult) -> str:
    times = {row.frame: row.time_s for row in result.rows}
    lines = "".join(
        f"<tr><td>{number}</td><td>{begin}</td><td>{end - begin}</td>"
        f"<td>{times.get(begin, 0.0):.2f} s</td></tr>"
        for number, (begin, end) in enumerate(result.shots, start=1)
    )
    head = "<tr><th>shot</th><th>first frame</th><th>frames</th><th>begins at</th></tr>"
    return f"<table>{head}{lines}</table>"
