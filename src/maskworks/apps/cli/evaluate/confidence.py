"""`maskworks evaluate calibration` and `threshold`: confidences against what was reached."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from maskworks.apps.cli.evaluate.options import (
    STANDARD_OUTPUT,
    BinaryOption,
    HtmlOption,
    JsonOption,
    UnclearOption,
    folder,
)
from maskworks.apps.cli.evaluate.report_output import ReportTable, command_line, report_files, shown
from maskworks.apps.cli.options import MOST_PIXELS, MaxPixelsOption
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits

if TYPE_CHECKING:
    from maskworks.evaluate.confidences import Confidences
    from maskworks.models.confidence_fit import ConfidenceFit
    from maskworks.models.spec import ModelSpec

ManifestOption = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="Manifest of a run, or JSON or CSV with a name, `confidence` and, without --truth, "
        "`iou`.",
    ),
]
TruthOption = Annotated[
    Path | None,
    folder("Folder of the true mattes; their IoU is measured."),
]
PredictionsOption = Annotated[
    Path | None,
    folder("Folder of the mattes; by default the manifest's outputs."),
]
BarOption = Annotated[
    float, typer.Option(min=0, max=1, metavar="IOU", help="From this IoU on a mask counts as good.")
]


def calibration(
    ctx: typer.Context,
    *,
    manifest: ManifestOption,
    truth: TruthOption = None,
    predictions: PredictionsOption = None,
    bar: BarOption = 0.9,
    bins: Annotated[int, typer.Option(min=1, max=1000, help="Bins of equal width.")] = 10,
    fit: Annotated[
        Literal["isotonic", "temperature"] | None,
        typer.Option(help="Also fit a calibration, after which the confidence is the IoU."),
    ] = None,
    store: Annotated[
        bool,
        typer.Option(
            "--store", help="Keep the fit beside the model's row; from then on it is used."
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose confidence it is, if the manifest has no model."),
    ] = None,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    skip_unclear: UnclearOption = False,
    binary: BinaryOption = None,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
) -> None:
    """Measure whether a confidence can be trusted: reliability, ECE, AUROC, risk and coverage.

    With --fit and --store `maskworks cutout` and the service calibrate the model's confidence from
    then on, and each manifest row has the raw one too; `maskworks models uncalibrate` ends that.
    Campaigns score pictures by a calibration of their own.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.calibration import evaluate_calibration
    from maskworks.evaluate.confidences import read_confidences
    from maskworks.evaluate.fitting import fit_confidence
    from maskworks.evaluate.pages.drawing import upper_first
    from maskworks.evaluate.pages.trust import calibration_page
    from maskworks.models.confidence_fit import keep_fit

    if store and fit is None:
        raise UsageError("--store keeps a fit; name one: --fit isotonic or --fit temperature")
    if model is not None and fit is None:
        raise UsageError("--model says whose confidence is fitted; give --fit, or leave it out")
    files = report_files(json_file, html_file, task="calibration")
    found = read_confidences(
        manifest,
        truth=truth,
        predictions=predictions,
        limits=Limits(max_pixels),
        skip_unclear=skip_unclear,
        binary=binary,
    )
    report = evaluate_calibration(manifest, found, truth=truth, bar=bar, bins=bins)
    record: dict[str, Any] = report.record() | {"command": command_line(ctx)}
    fitted: ConfidenceFit | None = None
    if fit is not None:
        spec = _model_to_fit(found, model)
        fitted = fit_confidence(found, fit, spec, today=datetime.now(UTC).date())
        record["fit"] = fitted.model_dump(mode="json")
    lines = [
        (f"{row['threshold']:g}", shown(row["coverage"]), shown(row["risk"]), str(row["wrong"]))
        for row in record["thresholds"]
    ]
    table = ReportTable(
        ("deliver from", "coverage", "risk", "wrong"),
        lines,
        (
            f"{record['counts']['pictures']} pictures: ECE {shown(record['ECE'])}, AUROC "
            f"{shown(record['AUROC'])} at IoU {bar:g}, AURC {shown(record['AURC'])}.\n"
            f"{upper_first(record['sentence'])}."
        ),
    )
    files.write(record, table, lambda: calibration_page(report, record))
    if fitted is not None and json_file != STANDARD_OUTPUT:
        print(
            f"{fit} fit: ECE {fitted.error_before:.4f} before, {fitted.error_after:.4f} after, "
            f"each of {fitted.pictures} pictures by a fit of others"
        )
    if fitted is not None and store:
        path = keep_fit(spec.name, fitted)
        print(f"kept for {spec.name}: {path}", file=sys.stderr)


def threshold(
    ctx: typer.Context,
    *,
    manifest: ManifestOption,
    target_precision: Annotated[
        float,
        typer.Option(
            min=0, max=1, metavar="SHARE", help="Share of the delivered that must be good."
        ),
    ],
    truth: TruthOption = None,
    predictions: PredictionsOption = None,
    bar: BarOption = 0.9,
    level: Annotated[float, typer.Option(min=0, max=1, help="Level of the intervals.")] = 0.95,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    skip_unclear: UnclearOption = False,
    binary: BinaryOption = None,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
) -> None:
    """Find the confidence from which the delivered pictures are good, and with what interval.

    Exit code: 0 found, 1 no threshold reaches the target or files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.calibration import evaluate_calibration, find_threshold
    from maskworks.evaluate.confidences import read_confidences
    from maskworks.evaluate.pages.trust import threshold_page

    files = report_files(json_file, html_file, task="threshold")
    found = read_confidences(
        manifest,
        truth=truth,
        predictions=predictions,
        limits=Limits(max_pixels),
        skip_unclear=skip_unclear,
        binary=binary,
    )
    report = evaluate_calibration(manifest, found, truth=truth, bar=bar)
    answer = find_threshold(report, target=target_precision, level=level)
    record: dict[str, Any] = answer.record() | {"command": command_line(ctx)}
    names = ("threshold", "precision", "coverage", "sure_threshold", "sure_coverage")
    lines = [
        (name.replace("_", " "), shown(record[name]), _interval(record.get(f"{name}_interval")))
        for name in names
    ]
    table = ReportTable(
        ("figure", "value", f"{level:.0%} interval"),
        lines,
        _threshold_note(record),
    )
    files.write(record, table, lambda: threshold_page(answer, record))
    if answer.chosen is None:
        raise typer.Exit(1)


def _model_to_fit(found: Confidences, name: str | None) -> ModelSpec:
    from maskworks.evaluate.fitting import model_of
    from maskworks.models import load_catalogue

    name = name or model_of(found)
    if name is None:
        raise UsageError("the manifest does not say of one model; name it with --model NAME")
    return load_catalogue().row(name)


def _interval(ends: list[float | None] | None) -> str:
    if ends is None:
        return ""
    low, high = (shown(end) if end is not None else "none" for end in ends)
    return f"{low} to {high}"


def _threshold_note(record: dict[str, Any]) -> str:
    counts, target = record["counts"], record["target_precision"]
    share = f"{counts['good']} of them at IoU {record['bar']:g} or above"
    head = f"{counts['pictures']} pictures, {share}."
    if record["threshold"] is None:
        return f"{head}\nNo threshold delivers a precision of {target:g}."
    if record["sure_threshold"] is None:
        needed = record["pictures_needed"]
        more = (
            f"it takes {needed} pictures without a mistake" if needed > 0 else "1 cannot be shown"
        )
        return f"{head}\nToo few pictures to be sure of {target:g}: {more}."
    return (
        f"{head}\nFrom sure threshold on, the precision is above {target:g} at a level of "
        f"{record['level']:g}."
    )
