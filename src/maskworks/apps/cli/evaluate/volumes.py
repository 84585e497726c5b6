"""`maskworks evaluate volumes`: label volumes of scans against their truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from maskworks.apps.cli.evaluate.options import AllowMissingOption, JsonOption
from maskworks.apps.cli.evaluate.report_output import ReportTable, report_files, shown


def volumes(
    *,
    truth: Annotated[
        Path, typer.Option(metavar="FILE|DIR", help="NIfTI file of class ids, or a folder of them.")
    ],
    predictions: Annotated[
        Path, typer.Option(metavar="FILE|DIR", help="The same to measure, on the truth's grid.")
    ],
    tolerance_mm: Annotated[
        float,
        typer.Option(min=0, help="How far apart two surfaces count as one in the surface Dice."),
    ] = 1.0,
    json_file: JsonOption = None,
    allow_missing: AllowMissingOption = False,
) -> None:
    """Measure label volumes: Dice, surface Dice (NSD) and HD95 in mm, class by class.

    Surfaces, areas and percentiles are those of the published code of surface-distance. Every id
    but 0 is a class. Nothing here says that a scan shows anything.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.volumes import evaluate_volumes

    files = report_files(json_file, None, task="volumes")
    report = evaluate_volumes(
        truth, predictions, tolerance_mm=tolerance_mm, allow_missing=allow_missing
    )
    record: dict[str, Any] = report.record()
    names = ("dice", "surface_dice", "hd95_mm")
    lines = [
        (f"class {number}", f"{row['scans']:.0f}", *(shown(row[name]) for name in names))
        for number, row in record["per_class"].items()
    ]
    scans = str(record["counts"]["scans"])
    lines.append((f"{len(lines)} classes", scans, *(shown(record[name]) for name in names)))
    lost = sum(row["only_one_has_it"] for row in record["per_class"].values())
    footnote = (
        f"surface_dice within {tolerance_mm:g} mm. Higher is better; lower for hd95_mm, whose mean "
        f"leaves {lost:.0f} out where only the truth or only the prediction has the class."
    )
    table = ReportTable(("class", "scans", *names), lines, footnote)
    files.write(record, table, str)
