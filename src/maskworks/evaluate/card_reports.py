"""Reports of `maskworks evaluate` as the tables of a model's card, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from maskworks.models.card_file import Attached
from maskworks.models.spec import ModelSpec

FIGURES = ("IoU", "boundary_IoU", "SAD", "MSE", "mIoU", "pixel_accuracy", "MAE", "maxF", "S")
_SHARES = frozenset(FIGURES) - {"SAD"}
Record = Mapping[str, Any]


def scores_part(spec: ModelSpec, reports: Sequence[Attached]) -> str:
    """Return the figures over all pictures, with 95 % intervals where the report has them."""
    lines = []
    for report in reports:
        record = report.record
        figures = [name for name in FIGURES if isinstance(record.get(name), float)]
        of_pictures = record.get("task") == "fairness" and record.get("taxonomy")
        if not figures or of_pictures:  # a mean over pictures beside mIoU would mislead
            continue
        lines += [_origin(report, spec), ""]
        lines += ["| measure | mean | 95 % interval | pictures |", "|---|---|---|---|"]
        count = record.get("counts", {}).get("pictures", "")
        for name in figures:
            inside = record.get(f"{name}_interval")
            shown = _interval(inside) if inside else "not measured"
            lines.append(f"| {_title(name)} | {record[name]:.4f} | {shown} | {count} |")
        lines += ["", *_classes(record), *_command(record)]
    return "\n".join(lines)


def groups_part(spec: ModelSpec, reports: Sequence[Attached]) -> str:
    """Return the groups of every report of `evaluate fairness`, worst first."""
    lines = []
    for report in (each for each in reports if each.record.get("task") == "fairness"):
        record = report.record
        lines += [_origin(report, spec), "", f"{_sentences(record['rules'])}.", ""]
        crossings = record["crossings"]
        wide = {name: row for name, row in crossings.items() if row["exceeds_chance"]}
        for name, attribute in {**record["attributes"], **wide}.items():
            lines += [f"### By {name}", "", *_attribute(attribute), ""]
        if level := [name for name in crossings if name not in wide]:
            lines += [f"Crossings whose gap chance explains: {', '.join(level)}.", ""]
        lines += _command(record)
    return "\n".join(lines)


def confidence_part(spec: ModelSpec, reports: Sequence[Attached]) -> str:
    """Return what every report of `evaluate calibration` and `threshold` found."""
    lines = []
    for report in (r for r in reports if r.record.get("task") in ("calibration", "threshold")):
        lines += [_origin(report, spec), ""]
        tell = _calibration if report.record["task"] == "calibration" else _threshold
        lines += [*tell(report.record), "", *_command(report.record)]
    return "\n".join(lines)


def _origin(report: Attached, spec: ModelSpec) -> str:
    whose = "" if report.shipped else ", added by this installation"
    old = (
        ""
        if report.is_of(spec)
        else " **Measured on an earlier file of this model; measure it again.**"
    )
    return f"Measured on {report.measured}, {report.day}{whose}.{old}"


def _command(record: Record) -> list[str]:
    return ["```", str(record["command"]), "```", ""] if record.get("command") else []


def _attribute(attribute: Record) -> Iterator[str]:
    yield "| group | pictures | IoU (95 %) | boundary IoU (95 %) | SAD/1000 (95 %) |"
    yield "|---|---|---|---|---|"
    for name, row in attribute["groups"].items():
        few = ", too few to tell" if row["too_small"] else ""
        cells = (_with_interval(row, key) for key in ("IoU", "boundary_IoU", "SAD"))
        yield f"| {name} | {row['n']}{few} | {' | '.join(cells)} |"
    yield ""
    if attribute["gap"] is None:
        yield "One group only, so there is no gap."
        return
    judged = "more than chance explains" if attribute["exceeds_chance"] else "which chance explains"
    yield (
        f"Worst: {attribute['worst_group']}. Gap in IoU to the best, {attribute['best_group']}: "
        f"{attribute['gap']:.4f} (p = {attribute['p_value']:.4f}), {judged}."
    )
    if attribute["warnings"]:
        yield ""
        yield f"Mind: {'; '.join(attribute['warnings'])}."


def _with_interval(row: Record, key: str) -> str:
    if row[key] is None:
        return "–"
    return f"{row[key]:.3f} ({_interval(row[f'{key}_interval'], 3)})"


def _interval(ends: Sequence[float], decimals: int = 4) -> str:
    return " to ".join(f"{end:.{decimals}f}" for end in ends)


def _calibration(record: Record) -> Iterator[str]:
    figures = {"ECE": record["ECE"], "AUROC": record["AUROC"], "AURC": record["AURC"]}
    said = ", ".join(
        f"{name} {value:.3f}" if value is not None else f"{name} cannot be told"
        for name, value in figures.items()
    )
    sentence = record["sentence"]
    yield f"{said}, at IoU {record['bar']:g}. {sentence[:1].upper()}{sentence[1:]}."
    if fit := record.get("fit"):
        yield ""
        yield (
            f"With `--fit {fit['method']} --store` its calibration error on pictures that took no "
            f"part in the fit goes from {fit['error_before']:.3f} to {fit['error_after']:.3f}."
        )
    yield ""
    yield "| deliver from | coverage | risk | wrong |"
    yield "|---|---|---|---|"
    for row in record["thresholds"]:
        risk = "nothing delivered" if row["risk"] is None else f"{100 * row['risk']:.1f} %"
        yield f"| {row['threshold']:g} | {100 * row['coverage']:.1f} % | {risk} | {row['wrong']} |"


def _threshold(record: Record) -> Iterator[str]:
    target = record["target_precision"]
    if record["threshold"] is None:
        yield f"No threshold delivers a precision of {target:g} at IoU {record['bar']:g}."
        return
    inside = _interval(record["precision_interval"], 3)
    yield (
        f"From a confidence of {record['threshold']:.4f} on {100 * record['coverage']:.1f} % are "
        f"delivered at a precision of {record['precision']:.4f} ({inside}), aimed at {target:g}."
    )
    if record["sure_threshold"] is not None:
        yield f"To be sure of it at {record['level']:g}: from {record['sure_threshold']:.4f} on."


def _classes(record: Record) -> list[str]:
    rows = [row for row in record.get("per_class") or () if row.get("IoU") is not None]
    if not rows:
        return []
    lines = ["| class | IoU | boundary IoU |", "|---|---|---|"]
    for row in rows:
        boundary = row.get("boundary_IoU")
        shown = "–" if boundary is None else f"{boundary:.3f}"
        lines.append(f"| {row['name']} | {row['IoU']:.3f} | {shown} |")
    return [*lines, ""]


def _sentences(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _title(name: str) -> str:
    return {"SAD": "SAD/1000"}.get(name, name.replace("_", " "))
