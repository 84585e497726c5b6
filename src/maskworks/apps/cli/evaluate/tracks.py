"""`maskworks evaluate tracks`: tracks against their truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from maskworks.apps.cli.evaluate.options import AllowMissingOption, JsonOption
from maskworks.apps.cli.evaluate.report_output import ReportTable, report_files, shown


def tracks(
    *,
    truth: Annotated[
        Path,
        typer.Option(
            metavar="FILE|DIR", help="MOT challenge file, or folder of NAME.txt or NAME/gt/gt.txt."
        ),
    ],
    predictions: Annotated[
        Path, typer.Option(metavar="FILE|DIR", help="The same to measure; also NAME.mot.txt.")
    ],
    json_file: JsonOption = None,
    allow_missing: AllowMissingOption = False,
) -> None:
    """Measure tracks: HOTA with its parts, MOTA and IDF1, as TrackEval computes them.

    A row is frame, id, left, top, width, height and more; of a truth, rows whose seventh value
    is 0 are left out, and so should be what a benchmark calls distractors.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.tracks import evaluate_tracks

    files = report_files(json_file, None, task="tracks")
    report = evaluate_tracks(truth, predictions, allow_missing=allow_missing)
    record: dict[str, Any] = report.record()
    names = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "IDF1", "IDSW", "Frag")
    lines = [
        (name, *(shown(row[n]) for n in names)) for name, row in record["per_sequence"].items()
    ]
    counts = record["counts"]
    lines.append((f"{counts['sequences']} together", *(shown(record[n]) for n in names)))
    footnote = f"{counts['frames']} frames. Higher is better; lower for IDSW and Frag."
    files.write(record, ReportTable(("sequence", *names), lines, footnote), str)
