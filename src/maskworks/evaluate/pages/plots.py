"""Plots of one figure over another, both shares from 0 to 1, as SVG without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

BLUE, ORANGE = "#2f6fb0", "#c8501e"
_LEFT, _TOP, _HIGH = 52, 14, 240
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Plot:
    """The frame of a plot: what the axes are called, and how wide it is, pixels."""

    across: str
    up: str
    wide: int = 240

    def x(self, share: float) -> float:
        """Return where a share lies across."""
        return _LEFT + self.wide * share

    def y(self, share: float) -> float:
        """Return where a share lies up."""
        return _TOP + _HIGH * (1 - share)

    def drawn(self, label: str, marks: Sequence[str]) -> str:
        """Return the plot with its marks; `label` says what is seen to those who do not see it."""
        bottom, right = self.y(0), self.x(1)
        ticks = "".join(
            f'<line x1="{_LEFT}" x2="{right:g}" y1="{self.y(v):g}" y2="{self.y(v):g}" '
            'stroke="currentColor" stroke-opacity=".15"/>'
            + _text(f"{v:g}", _LEFT - 6, self.y(v) + 4, "end")
            + _text(f"{v:g}", self.x(v), bottom + 16, "middle")
            for v in _TICKS
        )
        middle = (_LEFT + right) / 2
        names = _text(self.across, middle, bottom + 34, "middle")
        names += (
            f'<g transform="translate(13 {(_TOP + bottom) / 2:g}) rotate(-90)">'
            f"{_text(self.up, 0, 0, 'middle')}</g>"
        )
        width, height = right + 16, bottom + 42
        return (
            f'<svg viewBox="0 0 {width:g} {height:g}" width="{1.5 * width:g}" role="img" '
            f'aria-label="{escape(label)}">{ticks}{names}{"".join(marks)}</svg>'
        )

    def line(self, points: Sequence[tuple[float, float]], colour: str = BLUE) -> str:
        """Return a line through points."""
        path = " ".join(f"{self.x(across):.1f},{self.y(up):.1f}" for across, up in points)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'

    def dot(self, at: tuple[float, float], radius: float, title: str) -> str:
        """Return a dot that says what it is when pointed at."""
        return (
            f'<circle cx="{self.x(at[0]):.1f}" cy="{self.y(at[1]):.1f}" r="{radius:.1f}" '
            f'fill="{BLUE}" fill-opacity=".75"><title>{escape(title)}</title></circle>'
        )

    def mark(self, across: float, name: str, row: int) -> str:
        """Return an upright line with a name, in a row of its own."""
        x, end = self.x(across), "end" if across > 0.5 else "start"
        return (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{self.y(0):g}" stroke="{ORANGE}" '
            f'stroke-dasharray="4 3"/>'
            + _text(name, x + (-5 if end == "end" else 5), _TOP + 12 + 14 * row, end, ORANGE)
        )


def reliability_plot(rows: Sequence[Mapping[str, float]]) -> str:
    """Return mean IoU over mean confidence, a dot a bin, larger for more pictures.

    Parameters
    ----------
    rows : bins with `confidence`, `IoU` and `count`, above 0
    """
    plot = Plot("mean confidence", "mean IoU")
    most = max((row["count"] for row in rows), default=1)
    even = (
        f'<line x1="{plot.x(0):g}" y1="{plot.y(0):g}" x2="{plot.x(1):g}" y2="{plot.y(1):g}" '
        'stroke="currentColor" stroke-opacity=".4" stroke-dasharray="4 3"/>'
    )
    dots = [
        plot.dot(
            (row["confidence"], row["IoU"]),
            3 + 9 * (row["count"] / most) ** 0.5,
            f"{row['count']:,} pictures: said {row['confidence']:.3f}, reached {row['IoU']:.3f}",
        )
        for row in rows
    ]
    return (
        "<h2>Reliability</h2><p>One dot a bin, larger for more pictures; on the dashed line the "
        "confidence is right, below it too high.</p>" + plot.drawn("Reliability", [even, *dots])
    )


def risk_plot(rows: Sequence[Mapping[str, float]], marked: Mapping[str, float]) -> str:
    """Return the share below the bar over the share delivered.

    Parameters
    ----------
    rows : with `coverage` and `risk`, by rising coverage
    marked : coverages to mark, by name
    """
    plot = Plot("coverage: share delivered", "risk: share of these below the bar", wide=520)
    line = plot.line([(row["coverage"], row["risk"]) for row in rows])
    marks = [plot.mark(at, name, row) for row, (name, at) in enumerate(marked.items())]
    return (
        "<h2>Risk over coverage</h2><p>To the left the surest pictures alone are delivered, to "
        "the right all.</p>" + plot.drawn("Risk over coverage", [line, *marks])
    )


def _text(text: str, x: float, y: float, anchor: str, colour: str = "currentColor") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="11" fill="{colour}">'
        f"{escape(text)}</text>"
    )
