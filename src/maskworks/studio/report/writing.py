"""Writing the report: whole files or none, and a word about each that could not be made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import OutputError, UsageError
from maskworks.studio.report.page import page
from maskworks.studio.report.rows import ReportHeader, ReportItem
from maskworks.studio.report.summary import Summary, summarise, to_json
from maskworks.studio.report.tables import to_csv, to_parquet


@dataclass(frozen=True)
class Written:
    """What was written, what was not and why, and the figures."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]
    summary: Summary


def write_report(folder: Path, header: ReportHeader, items: Sequence[ReportItem]) -> Written:
    """Write report.html, report.json, report.csv and items.parquet.

    Parameters
    ----------
    folder : Path
        Made if it is missing; reports in it are replaced.
    items : one row a picture, in the order of the input

    Returns
    -------
    Written
        `notes` says so if items.parquet could not be written for want of pyarrow.

    Raises
    ------
    OutputError
        If a file cannot be written; and, after all were written (the page shows it at its top),
        if the rows are not the pictures that went in, each once.
    """
    summary = summarise(header, items)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(folder, f"cannot be made ({reason})", "choose another folder") from error
    figures = json.dumps(to_json(header, summary), indent=2, ensure_ascii=False)
    contents: dict[str, bytes] = {
        "report.html": page(header, summary, items).encode(),
        "report.json": f"{figures}\n".encode("utf-8", "backslashreplace"),
        "report.csv": to_csv(items).encode(),
    }
    notes: list[str] = []
    try:
        contents["items.parquet"] = to_parquet(items)
    except UsageError as error:
        notes.append(str(error))
        (folder / "items.parquet").unlink(missing_ok=True)  # one of an earlier run would mislead
    for name, data in contents.items():
        write_atomic(folder / name, data)
    if not summary.complete:
        raise OutputError(
            folder / "report.html",
            f"{summary.items_in:,} pictures went in and {summary.items:,} rows came out"
            + (f", {summary.twice[0]} twice" if summary.twice else ""),
            "run the campaign again: it does what is missing",
        )
    return Written(tuple(folder / name for name in contents), tuple(notes), summary)
