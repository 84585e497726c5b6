"""Pages for fairness and for calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from maskworks.evaluate.calibration import CalibrationReport, ThresholdReport
from maskworks.evaluate.fairness import AttributeScore, FairnessReport
from maskworks.evaluate.outcome import finite
from maskworks.evaluate.pages.drawing import (
    bars,
    number,
    page,
    record_facts,
    tiles,
    upper_first,
)
from maskworks.evaluate.pages.plots import reliability_plot, risk_plot


def fairness_page(report: FairnessReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate fairness`: groups of each attribute and crossing."""
    widest = record["widest"]
    figures = {name.replace("_", " "): record[name] for name in ("IoU", "boundary_IoU", "SAD")}
    lead = "<p>There is no attribute with two groups, so there is no gap.</p>"
    if widest is not None:
        figures["widest gap"] = widest["gap"]
        lead = f"<p>{escape(_widest_gap_sentence(widest))}</p>"
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
    bar = f"{report.bar:g}"
    figures = {
        "calibration error, ECE": record["ECE"],
        f"the same against IoU {bar}": record["ECE_bar"],
        f"AUROC at IoU {bar}": record["AUROC"],
        "mean risk, AURC": record["AURC"],
    }
    fit = record.get("fit")
    text = "" if fit is None else f"<p>{escape(_fit(fit))}</p>"
    parts = [
        tiles(figures),
        f"<p>{escape(upper_first(report.sentence(0.85)))}.</p>",
        text,
        *_curves(record, {}),
        record_facts(record),
    ]
    return page("Can its confidence be trusted", parts)


def threshold_page(answer: ThresholdReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate threshold`: the threshold, how sure it is, and the curves."""
    names = ("threshold", "precision", "coverage", "sure_threshold", "sure_coverage")
    marked = {}
    if answer.chosen is not None:
        marked[f"from {answer.chosen.threshold:.3f}"] = answer.chosen.coverage
    if answer.sure is not None:
        marked[f"sure from {answer.sure.threshold:.3f}"] = answer.sure.coverage
    parts = [
        tiles({name.replace("_", " "): record[name] for name in names}),
        *(f"<p>{escape(line)}</p>" for line in _found(record)),
        *_curves(answer.calibration.record(), marked),
        record_facts(record),
    ]
    return page(f"From which confidence on {100 * answer.target:g} % are good", parts)


def _found(record: Mapping[str, Any]) -> Iterator[str]:
    target, bar = f"{100 * record['target_precision']:g} %", f"{record['bar']:g}"
    level = f"{100 * record['level']:g} %"
    if record["threshold"] is None:
        yield f"No threshold delivers {target} at IoU {bar} or above in these pictures."
    else:
        low, high = record["precision_interval"]
        yield (
            f"From a confidence of {number(record['threshold'])} on, {record['delivered']:,} of "
            f"{record['counts']['pictures']:,} pictures are delivered and {record['wrong']:,} of "
            f"these are below IoU {bar}: a precision of {number(record['precision'])}, which at "
            f"{level} may be {number(low)} to {number(high)} in pictures like these."
        )
    if record["threshold_interval"] is not None:
        ends = (number(end) if end is not None else "none" for end in record["threshold_interval"])
        yield f"Drawn anew, such pictures give thresholds of {' to '.join(ends)} ({level})."
    if record["sure_threshold"] is not None:
        yield (
            f"One can be sure of it from {number(record['sure_threshold'])} on, at a level of "
            f"{level}."
        )
    elif record["pictures_needed"] > 0:
        yield (
            f"There are too few pictures to be sure of {target}: it takes "
            f"{record['pictures_needed']:,} without a mistake."
        )


def _fit(fit: Mapping[str, Any]) -> str:
    return (
        f"Calibrated by the {fit['method']} fit, the error of {fit['pictures']:,} pictures, "
        f"each by a fit of others, goes from {number(fit['error_before'])} to "
        f"{number(fit['error_after'])}."
    )


def _curves(record: Mapping[str, Any], marked: Mapping[str, float]) -> Iterator[str]:
    """Yield reliability, risk over coverage, and the table of each."""
    bins = [row for row in record["reliability"] if row["count"]]
    shown: list[tuple[str, list[object]]] = [
        (
            f"{row['low']:.2f} to {row['high']:.2f}",
            [row["IoU"], row["confidence"], f"{row['count']:,}"],
        )
        for row in bins
    ]
    kept: list[tuple[str, list[object]]] = [
        (f"{row['threshold']:g}", [row["coverage"], row["risk"], f"{row['wrong']:,}"])
        for row in record["thresholds"]
    ]
    yield risk_plot(record["risk_coverage"], marked)
    yield bars("Thresholds", ("deliver from", "coverage", "risk", "wrong"), kept)
    yield reliability_plot(bins)
    headings = ("confidence", "IoU", "mean confidence", "pictures")
    yield bars("Confidence against IoU", headings, shown)


def _widest_gap_sentence(widest: Mapping[str, Any]) -> str:
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
    judged = {True: ", more than chance explains", False: ", which chance explains"}
    said = "" if attribute.exceeds_chance is None else judged[attribute.exceeds_chance]
    gap = f"<p>Gap {number(attribute.gap)}, p = {number(attribute.chance)}{said}.</p>"
    spans = [group.intervals["iou"] for group in attribute.groups]
    return bars(attribute.name, headings, rows, spans=spans) + gap + warned
