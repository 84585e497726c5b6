"""`maskworks evaluate fairness`, `calibration` and `threshold`: whom and what to trust."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from maskworks.apps.cli.evaluate_output import (
    MOST_PIXELS,
    STANDARD_OUTPUT,
    AllowMissingOption,
    BinaryOption,
    HtmlOption,
    JsonOption,
    MaxPixelsOption,
    check_outputs,
    shown,
    tell,
    write_page,
)
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
    typer.Option(metavar="DIR", help="Folder of the true mattes; their IoU is measured."),
]
PredictionsOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the mattes; by default the manifest's outputs."),
]
BarOption = Annotated[
    float, typer.Option(metavar="IOU", help="From this IoU on a mask counts as good.")
]
UnclearOption = Annotated[
    bool,
    typer.Option(
        "--skip-unclear",
        help="Leave true pixels of grey 64 to 191 out: of a truth drawn as a trimap, whose edge "
        "nobody decided.",
    ),
]


def fairness(
    ctx: typer.Context,
    *,
    truth: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the true mattes.")],
    predictions: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the mattes or cut-outs to measure.")
    ],
    groups: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="One row a picture: its name, then one column an attribute."
        ),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="NAME",
            help="Also group by a measured property: size, luminance, contrast or blur. May be "
            "repeated.",
        ),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The pictures; all properties but the size need them."),
    ] = None,
    taxonomy: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="Files are label maps of this taxonomy (a name or a .toml file): mean IoU over "
            "the classes of each picture.",
        ),
    ] = None,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    allow_missing: AllowMissingOption = False,
    skip_unclear: UnclearOption = False,
    binary: BinaryOption = None,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
) -> None:
    """Measure mattes or label maps by group, with 95 % intervals, and whether a gap is chance.

    Groups come from your file, by several attributes and their crossings, or from measured
    properties of the pictures. Attributes of people are never guessed. A file that names unknown
    pictures is an error.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.core.taxonomy import load_taxonomy
    from maskworks.evaluate.fairness import Measuring, Reading, evaluate_fairness
    from maskworks.evaluate.outcome import finite
    from maskworks.evaluate.pages.trust import fairness_page

    page = check_outputs(json_file, html_file, task="fairness")
    known = None if taxonomy is None else load_taxonomy(taxonomy)
    report = evaluate_fairness(
        truth,
        predictions,
        groups=groups,
        measuring=Measuring(tuple(properties), photos) if properties else None,
        rules=Reading(Limits(max_pixels), allow_missing, skip_unclear, known, binary),
    )
    record: dict[str, Any] = report.record() | {"command": _command(ctx)}
    lines: list[tuple[str, ...]] = []
    for attribute in (*report.attributes, *report.crossings):
        for group in attribute.groups:
            interval = "{:.4f} to {:.4f}".format(*group.intervals["iou"])
            figures = (shown(finite(group.means[n])) for n in ("iou", "boundary_iou", "sad"))
            iou, boundary, sad = figures
            mark = " (few)" if group.too_small else ""
            lines.append(
                (
                    f"{attribute.name}: {group.name}",
                    f"{group.n}{mark}",
                    iou,
                    interval,
                    boundary,
                    sad,
                )
            )
        said = "" if attribute.exceeds_chance is None else f"p {attribute.chance:.4f}"
        lines.append((f"{attribute.name}: gap", "", shown(attribute.gap), said, "", ""))
    everyone = (shown(record[name]) for name in ("boundary_IoU", "SAD"))
    whole = "{:.4f} to {:.4f}".format(*record["IoU_interval"])
    lines.append(("all", str(len(report.scores)), shown(record["IoU"]), whole, *everyone))
    tell(
        record,
        json_file,
        headings=("group", "n", "IoU", "95 % interval", "BIoU", "SAD/1000"),
        lines=lines,
        footnote=(
            f"(few): below {record['small_below']} pictures, too small to tell. p is the chance of "
            "a gap as large between groups dealt at random."
        ),
    )
    if page:
        write_page(page, fairness_page(report, record))


def calibration(
    ctx: typer.Context,
    *,
    manifest: ManifestOption,
    truth: TruthOption = None,
    predictions: PredictionsOption = None,
    bar: BarOption = 0.9,
    bins: Annotated[int, typer.Option(min=1, help="Bins of equal width.")] = 10,
    fit: Annotated[
        Literal["isotonic", "temperature"] | None,
        typer.Option(help="Also find how the confidence has to be bent to say the IoU."),
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

    With --fit and --store the model's confidence is bent from then on by `maskworks cutout` and
    the service, and each manifest row says so and what the network said; `maskworks models
    uncalibrate` ends that. Campaigns score pictures by a calibration of their own.

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
    page = check_outputs(json_file, html_file, task="calibration")
    found = read_confidences(
        manifest,
        truth=truth,
        predictions=predictions,
        limits=Limits(max_pixels),
        skip_unclear=skip_unclear,
        binary=binary,
    )
    report = evaluate_calibration(manifest, found, truth=truth, bar=bar, bins=bins)
    record: dict[str, Any] = report.record() | {"command": _command(ctx)}
    fitted: ConfidenceFit | None = None
    if fit is not None:
        spec = _model_to_fit(found, model)
        fitted = fit_confidence(found, fit, spec, today=datetime.now(UTC).date())
        record["fit"] = fitted.model_dump(mode="json")
    lines = [
        (f"{row['threshold']:g}", shown(row["coverage"]), shown(row["risk"]), str(row["wrong"]))
        for row in record["thresholds"]
    ]
    tell(
        record,
        json_file,
        headings=("deliver from", "coverage", "risk", "wrong"),
        lines=lines,
        footnote=(
            f"{record['counts']['pictures']} pictures: ECE {shown(record['ECE'])}, AUROC "
            f"{shown(record['AUROC'])} at IoU {bar:g}, AURC {shown(record['AURC'])}.\n"
            f"{upper_first(record['sentence'])}."
        ),
    )
    if page:
        write_page(page, calibration_page(report, record))
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
        float, typer.Option(metavar="SHARE", help="Share of the delivered that must be good.")
    ],
    truth: TruthOption = None,
    predictions: PredictionsOption = None,
    bar: BarOption = 0.9,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
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

    page = check_outputs(json_file, html_file, task="threshold")
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
    record: dict[str, Any] = answer.record() | {"command": _command(ctx)}
    names = ("threshold", "precision", "coverage", "sure_threshold", "sure_coverage")
    lines = [
        (name.replace("_", " "), shown(record[name]), _interval(record.get(f"{name}_interval")))
        for name in names
    ]
    tell(
        record,
        json_file,
        headings=("figure", "value", f"{level:.0%} interval"),
        lines=lines,
        footnote=_threshold_note(record),
    )
    if page:
        write_page(page, threshold_page(answer, record))
    if answer.chosen is None:
        raise typer.Exit(1)


def _model_to_fit(found: Confidences, name: str | None) -> ModelSpec:
    from maskworks.evaluate.fitting import model_of
    from maskworks.models import load_catalogue

    name = name or model_of(found)
    if name is None:
        raise UsageError("the manifest does not say of one model; name it with --model NAME")
    return load_catalogue().row(name)


def _command(ctx: typer.Context) -> str | None:
    """Return the command as it was given, None where it was called from Python."""
    return shlex.join(("maskworks", *ctx.obj)) if ctx.obj else None


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
