"""Pages for fairness and for calibration."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from maskworks.evaluate.calibration import CalibrationReport
from maskworks.evaluate.fairness import AttributeScore, FairnessReport
from maskworks.evaluate.outcome import finite
from maskworks.evaluate.pages.drawing import (
    bars,
    curve,
    number,
    page,
    record_facts,
    tiles,
    upper_first,
)


def fairness_page(report: FairnessReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate fairness`: groups of each attribute and crossing."""
    widest = record["widest"]
    figures = {name.replace("_", " "): record[name] for name in ("IoU", "boundary_IoU", "SAD")}
    lead = "<p>There is no attribute with two groups, so there is no gap.</p>"
    if widest is not None:
        figures["widest gap"] = widest["gap"]
        lead = f"<p>{escape(_said(widest))}</p>"
    crossings = "<h2>Crossings of two attributes</h2>" if report.crossings else ""
    parts = [
        tiles(figures),
        lead,
        *map(_attribute, report.attributes),
        crossings,
        *map(_attribute, report.crossings),
        record_facts(record),
    ]
    return page("For whom it fails", parts)


def calibration_page(report: CalibrationReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate calibration`: reliability, risk and coverage, thresholds."""
    names = ("ECE", "ECE_bar", "AUROC", "AURC")
    rows = [
        (
            f"{row['low']:.2f} to {row['high']:.2f}",
            [row["IoU"], row["confidence"], f"{row['count']:,}"],
        )
        for row in record["reliability"]
        if row["count"]
    ]
    kept: list[tuple[str, list[object]]] = [
        (f"{row['threshold']:g}", [row["coverage"], row["risk"], f"{row['wrong']:,}"])
        for row in record["thresholds"]
    ]
    parts = [
        tiles({name.replace("_", " "): record[name] for name in names}),
        f"<p>{escape(upper_first(report.sentence(0.85)))}.</p>",
        _reliability(record),
        bars("Confidence against IoU", ("confidence", "IoU", "mean confidence", "pictures"), rows),
        curve(
            "Risk over coverage, 0 to 1",
            {"risk": _risks(record)},
            label="Risk over coverage 0 to 1",
        ),
        bars("Thresholds", ("deliver from", "coverage", "risk", "wrong"), kept),
        record_facts(record),
    ]
    return page("Can its confidence be trusted", parts)


def _said(widest: Mapping[str, Any]) -> str:
    told = {True: "more than chance explains", False: "no more than chance explains"}
    judged = told.get(widest["exceeds_chance"], "not to be judged")
    return (
        f"The widest gap is by {widest['attribute']}: {widest['worst_group']} is "
        f"{number(widest['gap'])} below {widest['best_group']} (p = {number(widest['p_value'])}), "
        f"{judged}."
    )


def _attribute(attribute: AttributeScore) -> str:
    rows = [
        (
            group.name,
            [
                group.means["iou"],
                "{:.3f} to {:.3f}".format(*group.intervals["iou"]),
                finite(group.means["boundary_iou"]),
                finite(group.means["sad"]),
                f"{group.n:,}",
            ],
        )
        for group in attribute.groups
    ]
    headings = ("group", "IoU", "95 % interval", "boundary IoU", "SAD", "pictures")
    warned = "".join(
        f'<p class="warn">{escape(upper_first(text))}.</p>' for text in attribute.warnings()
    )
    gap = f"<p>Gap {number(attribute.gap)}, p = {number(attribute.chance)}.</p>"
    return bars(attribute.name, headings, rows) + gap + warned


def _reliability(record: Mapping[str, Any]) -> str:
    """Return the reliability diagram: mean IoU over mean confidence, as large as the bin."""
    rows = [row for row in record["reliability"] if row["count"]]
    most = max((row["count"] for row in rows), default=1)
    dots = "".join(
        f'<circle cx="{40 + 240 * row["confidence"]:.1f}" cy="{260 - 240 * row["IoU"]:.1f}" '
        f'r="{3 + 9 * (row["count"] / most) ** 0.5:.1f}" fill="#2f6fb0" fill-opacity=".75"/>'
        for row in rows
    )
    marks = "".join(
        f'<text x="{40 + 240 * v}" y="276" text-anchor="middle" font-size="10" '
        f'fill="currentColor">{v:g}</text><text x="34" y="{263 - 240 * v}" text-anchor="end" '
        f'font-size="10" fill="currentColor">{v:g}</text>'
        for v in (0, 0.5, 1)
    )
    return (
        "<h2>Reliability</h2><p>Mean IoU over mean confidence, one dot a bin, larger for more "
        'pictures; on the line the confidence is right.</p><svg viewBox="0 0 300 284" width="420" '
        'role="img" aria-label="Reliability diagram"><rect x="40" y="20" width="240" height="240" '
        'fill="none" stroke="currentColor" stroke-opacity=".3"/><line x1="40" y1="260" x2="280" '
        f'y2="20" stroke="currentColor" stroke-opacity=".4"/>{marks}{dots}</svg>'
    )


def _risks(record: Mapping[str, Any]) -> list[float]:
    """Return the risk at 101 coverages from 0 to 1."""
    rows = record["risk_coverage"]
    found, at = [], 0
    for step in range(101):
        while at + 1 < len(rows) and rows[at]["coverage"] < step / 100:
            at += 1
        found.append(float(rows[at]["risk"]))
    return found
