"""Where a report of `maskworks evaluate` goes: the table, the JSON file, the page."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from maskworks.apps.cli.evaluate.options import BESIDE, STANDARD_OUTPUT
from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import UsageError


@dataclass(frozen=True)
class ReportTable:
    """A report in a terminal: the last line is the sum, and a footnote is below."""

    headings: Sequence[str]
    lines: Sequence[Sequence[str]]
    footnote: str

    def show(self, notes: Iterable[str]) -> None:
        """Print the table, its footnote, and what may mislead whoever reads figures alone."""
        print_rows(self.headings, self.lines)
        print(f"\n{self.footnote}")
        for note in notes:
            print(f"Mind: {note}.")


@dataclass(frozen=True)
class ReportFiles:
    """The files of a report; either may be None, and the JSON file "-" is standard output."""

    json_file: Path | None
    page: Path | None

    def write(self, record: Mapping[str, Any], table: ReportTable, draw: Callable[[], str]) -> None:
        """Write the JSON file and print the table, or the JSON instead of it; draw the page."""
        self.write_json(record, lambda: table.show(record.get("notes", ())))
        counts = record["counts"]
        if missing := counts.get("missing_counted_as_empty"):
            _print_some("counted as empty", f"{missing} missing predictions", record["missing"])
        if spare := counts.get("predictions_without_truth"):
            _print_some("left aside", f"{spare} predictions without a truth", record["left_aside"])
        self.write_page(draw)

    def write_json(self, record: Mapping[str, Any], show: Callable[[], None]) -> None:
        """Show the report and write its JSON; on standard output the JSON is all."""
        text = json.dumps(record, indent=2, ensure_ascii=False)
        if self.json_file == STANDARD_OUTPUT:
            print(text)
            return
        show()
        if self.json_file is not None:
            write_text_atomic(self.json_file, text + "\n")

    def write_page(self, draw: Callable[[], str]) -> None:
        """Write the page and say where; nothing if none was asked for."""
        if self.page is not None:
            write_text_atomic(self.page, draw())
            print(f"report: {self.page}", file=sys.stderr)


def report_files(json_file: Path | None, html_file: Path | None, *, task: str) -> ReportFiles:
    """Return where a report goes, before anything is measured.

    Raises
    ------
    UsageError
        If the folder of a file to be written does not exist.
    """
    page = html_file
    if html_file == BESIDE:
        to_file = json_file not in (None, STANDARD_OUTPUT)
        page = json_file.with_suffix(".html") if json_file and to_file else Path(f"{task}.html")
    for option, path in (("--json", json_file), ("--html", page)):
        if path not in (None, STANDARD_OUTPUT) and not path.absolute().parent.is_dir():
            raise UsageError(f"{option} {path}: its folder does not exist; create it first")
    return ReportFiles(json_file, page)


def _print_some(what: str, of: str, names: Sequence[str]) -> None:
    more = ", ..." if len(names) > 5 else ""
    print(f"{what}: {of} ({', '.join(names[:5])}{more})", file=sys.stderr)


def shown(value: object, decimals: int = 4) -> str:
    """Return a figure as a cell: a dash if there is none."""
    return f"{value:.{decimals}f}" if isinstance(value, float) else "-"


def print_rows(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a table whose last line is the sum: with colour on a terminal, plain in a pipe."""
    if sys.stdout.isatty():
        _print_rich(headings, lines)
        return
    wide = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    for cells in (headings, *lines):
        rest = (cell.rjust(width) for cell, width in zip(cells[1:], wide[1:], strict=True))
        print("  ".join((cells[0].ljust(wide[0]), *rest)))


def _print_rich(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, heading in enumerate(headings):
        table.add_column(heading, justify="right" if at else "left", no_wrap=at > 0)
    for cells in lines[:-1]:
        table.add_row(*cells)
    table.add_row(*lines[-1], style="bold")
    Console(highlight=False).print(table)


def command_line(ctx: typer.Context) -> str | None:
    """Return the command as it was given, None where it was called from Python."""
    return shlex.join(("maskworks", *ctx.obj)) if ctx.obj else None
