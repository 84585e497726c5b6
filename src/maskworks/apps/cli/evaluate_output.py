"""What the sub-commands of `maskworks evaluate` share: their options, tables and files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits

STANDARD_OUTPUT = Path("-")
BESIDE = Path("beside-the-json")
"""The value of `--html` without a path."""

MOST_PIXELS = Limits().max_pixels

JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="OUT",
        help="Write figures, rules, counts and versions here; - for stdout, instead of the table.",
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="[OUT]",
        help="Draw the report as one offline page: OUT, or beside the JSON file without a value.",
    ),
]
AllowMissingOption = Annotated[
    bool,
    typer.Option(
        "--allow-missing", help="Count missing predictions as empty, and say how many there were."
    ),
]
BinaryOption = Annotated[
    bool | None,
    typer.Option(
        "--binary/--no-binary",
        help="Files are masks, of 0 and 1 or of 0 and 255, or alpha as it is stored; by default "
        "alpha, and values that cannot be meant so are refused.",
    ),
]
MaxPixelsOption = Annotated[
    int, typer.Option(min=1, help="Larger pictures are refused before they are decoded.")
]


class HtmlCommand(TyperCommand):
    """A command whose `--html` may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own
        """Give a bare `--html` its value before the arguments are parsed."""
        given: list[str] = []
        for at, word in enumerate(args):
            given.append(word)
            bare = at + 1 == len(args) or args[at + 1].startswith("--")
            if word == "--html" and bare:
                given.append(str(BESIDE))
        return super().parse_args(ctx, given)


def check_outputs(json_file: Path | None, html_file: Path | None, *, task: str) -> Path | None:
    """Return where the page goes, None for nowhere.

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
    return page


def tell(
    record: Mapping[str, Any],
    json_file: Path | None,
    *,
    headings: Sequence[str],
    lines: Sequence[Sequence[str]],
    footnote: str,
) -> None:
    """Write the JSON file and print the table, or the JSON instead of it."""
    written = json.dumps(record, indent=2, ensure_ascii=False)
    if json_file == STANDARD_OUTPUT:
        print(written)
    else:
        print_rows(headings, lines)
        print(f"\n{footnote}")
        print_notes(record.get("notes", ()))
    if json_file not in (None, STANDARD_OUTPUT):
        write_text_atomic(json_file, written + "\n")
    counts = record["counts"]
    if counts.get("missing_counted_as_empty"):
        names = ", ".join(record["missing"][:5])
        print(
            f"counted as empty: {counts['missing_counted_as_empty']} missing predictions ({names}"
            f"{', ...' if len(record['missing']) > 5 else ''})",
            file=sys.stderr,
        )
    if counts.get("predictions_without_truth"):
        names = ", ".join(record["left_aside"][:5])
        print(
            f"left aside: {counts['predictions_without_truth']} predictions without a truth "
            f"({names}{', ...' if len(record['left_aside']) > 5 else ''})",
            file=sys.stderr,
        )


def print_notes(notes: Iterable[str]) -> None:
    """Print what may mislead whoever reads the figures alone."""
    for note in notes:
        print(f"Mind: {note}.")


def write_page(path: Path | None, page: str) -> None:
    """Write a page and say where; nothing if there is no path."""
    if path is not None:
        write_text_atomic(path, page)
        print(f"report: {path}", file=sys.stderr)


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
