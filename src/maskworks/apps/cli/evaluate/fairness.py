"""`maskworks evaluate fairness`: mattes or label maps by group."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from maskworks.apps.cli.evaluate.options import (
    AllowMissingOption,
    BinaryOption,
    HtmlOption,
    JsonOption,
    UnclearOption,
    folder,
)
from maskworks.apps.cli.evaluate.report_output import ReportTable, command_line, report_files, shown
from maskworks.apps.cli.options import MOST_PIXELS, MaxPixelsOption
from maskworks.core.reading import Limits


def fairness(
    ctx: typer.Context,
    *,
    truth: Annotated[Path, folder("Folder of the true mattes.")],
    predictions: Annotated[Path, folder("Folder of the mattes or cut-outs to measure.")],
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
        folder("The pictures; all properties but the size need them."),
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

    files = report_files(json_file, html_file, task="fairness")
    known = None if taxonomy is None else load_taxonomy(taxonomy)
    report = evaluate_fairness(
        truth,
        predictions,
        groups=groups,
        measuring=Measuring(tuple(properties), photos) if properties else None,
        rules=Reading(Limits(max_pixels), allow_missing, skip_unclear, known, binary),
    )
    record: dict[str, Any] = report.record() | {"command": command_line(ctx)}
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
    table = ReportTable(
        ("group", "n", "IoU", "95 % interval", "BIoU", "SAD/1000"),
        lines,
        (
            f"(few): below {record['small_below']} pictures, too small to tell. p is the chance of "
            "a gap as large between groups dealt at random."
        ),
    )
    files.write(record, table, lambda: fairness_page(report, record))
