"""The brief that goes with a hand-off: a CSV that a retoucher opens in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from maskworks.core.writing import write_atomic
from maskworks.studio.spreadsheets import safe_cell

COLUMNS = ("Picture", "SKU", "Concept", "Route", "Score", "Why", "Files", "Return as")

_BETWEEN = "; "


@dataclass(frozen=True, kw_only=True)
class BriefRow:
    """One picture to retouch.

    Parameters
    ----------
    source : str
        The picture, as the campaign names it.
    return_as : str
        The name that the finished file must have.
    files : names of the files handed over
    route : str
        Where the picture was sent: review or manual.
    reasons : sentences with their numbers
    score : float in [0, 1], optional
        None if the picture was never scored.
    sku, concept : str
        Empty if there is none.
    """

    source: str
    return_as: str
    files: tuple[str, ...]
    route: str
    reasons: tuple[str, ...]
    score: float | None = None
    sku: str = ""
    concept: str = ""


def brief_csv(rows: Sequence[BriefRow]) -> bytes:
    r"""Return the brief, one line a picture after the line of column names.

    The text is UTF-8 with a byte order mark: without it Excel takes the file for the code page
    of its computer and breaks every name with an accent; other programs skip the mark. Lines
    end in CR LF and cells are quoted where RFC 4180 wants it. A cell that a spreadsheet could
    run as a formula gets an apostrophe before it. What UTF-8 cannot say (names of files in
    another encoding) becomes ``?``.

    Parameters
    ----------
    rows : Sequence of BriefRow
        Kept in this order.

    Examples
    --------
    >>> row = BriefRow(source="=1.jpg", return_as="1", files=("1.psd", "1.tif"),
    ...     route="review", reasons=("23 % of the outline is soft (limit 10 %)",), score=0.612)
    >>> brief_csv([row]).decode("utf-8-sig").splitlines()[1]
    "'=1.jpg,,,review,0.61,23 % of the outline is soft (limit 10 %),1.psd; 1.tif,1"
    """
    text = StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows([safe_cell(cell) for cell in _cells(row)] for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def write_brief(path: Path, rows: Sequence[BriefRow]) -> None:
    """Write `brief_csv` to a file that appears whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_atomic(path, brief_csv(rows))


def _cells(row: BriefRow) -> tuple[str, ...]:
    return (
        row.source,
        row.sku,
        row.concept,
        row.route,
        "" if row.score is None else f"{row.score:.2f}",
        _BETWEEN.join(row.reasons),
        _BETWEEN.join(row.files),
        row.return_as,
    )
