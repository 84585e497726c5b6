"""CSV files as people make them: every row knows its line; separators and BOMs are understood."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from maskworks.core.bounded import read_bounded
from maskworks.core.errors import UsageError

_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class TableRow:
    """One row: its cells by column, stripped, and the line it begins at (from 1)."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """The rows of a file, and the columns in it that nobody asked for."""

    path: Path
    rows: tuple[TableRow, ...]
    ignored: tuple[str, ...]


def read_table(path: Path, *, required: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Read a CSV file whose first line names the columns.

    Comma, semicolon or tab separate the cells, whichever the first line has most of; names of
    columns may be in any case and order. Lines that are empty or begin with ``#`` are left
    out. Other columns are allowed and named in `ignored`, but not one that looks like a column
    that is missing.

    Parameters
    ----------
    required : columns that must be there
    optional : columns whose cells are empty if they are not there

    Raises
    ------
    UsageError
        With the line, if the file cannot be read, is no UTF-8 text, lacks a column, or a row
        has more cells than the first line.
    """
    text = read_text(path)
    rows = _rows(path, text)
    line, head = next(rows, (1, []))
    columns = [name.lower() for name in head]
    _check_columns(path, line, columns, [*required], [*optional])
    wanted = {*required, *optional}
    found: list[TableRow] = []
    for line, cells in rows:
        if any(cells[len(columns) :]):
            raise UsageError(
                f"{path}:{line}: there are {len(cells)} cells, but the first line names "
                f"{len(columns)} columns; put quotation marks around a cell that holds a separator"
            )
        named = {k: v for k, v in zip(columns, cells, strict=False) if k in wanted}
        found.append(TableRow(line, dict.fromkeys(wanted, "") | named))
    ignored = tuple(name for name in columns if name and name not in wanted)
    return Table(path, tuple(found), ignored)


def read_text(path: Path) -> str:
    """Return the text of a file, without a byte order mark.

    Raises
    ------
    UsageError
        If it cannot be read or is no UTF-8, then with the line of the first wrong byte.
    """
    try:
        data = read_bounded(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path}: cannot be read ({reason}); name an existing file") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}:{line}: is not UTF-8 text; save it as UTF-8 (spreadsheets call it CSV UTF-8)"
        ) from error


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the stripped cells of every row that holds something, with its line."""
    first = next((s for s in text.splitlines() if s.strip() and not s.startswith("#")), "")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise UsageError(
                f"{path}:{line}: this row is not CSV ({error}); close its quotation marks, and "
                "write a quotation mark inside a cell twice"
            ) from error
        if any(cells) and not cells[0].startswith("#"):
            yield line, cells


def _check_columns(
    path: Path, line: int, columns: list[str], required: list[str], optional: list[str]
) -> None:
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise UsageError(f"{path}:{line}: there are two columns {twice[0]!r}; rename one of them")
    others = [name for name in columns if name not in required and name not in optional]
    for name in [*required, *optional]:
        if name in columns:
            continue
        near = get_close_matches(name, others, n=1, cutoff=0.75)
        if near:
            raise UsageError(f"{path}:{line}: there is a column {near[0]!r}; did you mean {name}?")
        if name in required:
            may = f" and may name {', '.join(optional)}" if optional else ""
            raise UsageError(
                f"{path}:{line}: there is no column {name!r}; the first line must name "
                f"{', '.join(required)}{may}"
            )


_BETWEEN_TAGS = re.compile(r"[,;|]")


def split_tags(text: str) -> tuple[str, ...]:
    """Return the tags of one cell: separated by comma, semicolon or bar, each once.

    Examples
    --------
    >>> split_tags("Glass; clear packaging|glass")
    ('glass', 'clear packaging')
    """
    parts = (" ".join(part.split()).casefold() for part in _BETWEEN_TAGS.split(text))
    return tuple(dict.fromkeys(part for part in parts if part))


_FORMULA = re.compile(r" *(?:[=@\t\r\n＝＠]|[+\-＋－](?![\w.\-]*\Z))")
"""The wide signs begin a formula in East Asian editions."""


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: such a one gets an apostrophe.

    A number or an SKU with a sign before it stays as it is: it can call nothing. What no text
    can hold (NUL) is left out.

    Examples
    --------
    >>> safe_cell("=HYPERLINK(A1)"), safe_cell(" -1+1"), safe_cell("-12-A"), safe_cell("a=b")
    ("'=HYPERLINK(A1)", "' -1+1", '-12-A', 'a=b')
    """
    cleaned = text.replace("\0", "")
    return f"'{cleaned}" if _FORMULA.match(cleaned) else cleaned
