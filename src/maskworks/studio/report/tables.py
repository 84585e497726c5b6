"""The rows for other programs: report.csv and items.parquet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO

from maskworks.core.errors import UsageError
from maskworks.core.extras import how_to_install
from maskworks.studio.report.rows import ReportItem, as_text
from maskworks.studio.spreadsheets import safe_cell

COLUMNS = (
    "source",
    "sku",
    "tags",
    "concept",
    "route",
    "score",
    "reasons",
    "unit_cost",
    "baseline",
    "seconds",
    "outputs",
    "error",
)

NEEDS_PARQUET = f"pyarrow is not installed; {how_to_install('parquet')}"


def to_csv(items: Sequence[ReportItem]) -> str:
    """Return report.csv: one row a picture, money exact, lists separated by ``;``.

    A text that a spreadsheet would run as a formula gets an apostrophe before it.

    Examples
    --------
    >>> print(to_csv([ReportItem(source="a,b.jpg", route="failed", error="=1+1")]).splitlines()[1])
    "a,b.jpg",,,,failed,,,0,0,0.000,,'=1+1
    """
    written = StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    for item in items:
        rows.writerow(
            [
                _cell(item.source),
                _cell(item.sku),
                _cell(";".join(item.tags)),
                _cell(item.concept),
                item.route,
                "" if item.score is None else f"{item.score:.4f}",
                _cell(";".join(reason.name for reason in item.reasons)),
                f"{item.unit_cost:f}",
                f"{item.baseline:f}",
                f"{item.seconds:.3f}",
                _cell(";".join(item.outputs)),
                _cell(item.error or ""),
            ]
        )
    return written.getvalue()


def _cell(text: str) -> str:
    return safe_cell(as_text(text))


def to_parquet(items: Sequence[ReportItem]) -> bytes:
    """Return items.parquet: the columns of report.csv with types of their own.

    Tags and outputs are lists of text, reasons lists of (name, value, limit, text), money is
    decimal128(24, 6), a missing score or error is null.

    Raises
    ------
    UsageError
        If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise UsageError(f"items.parquet: {NEEDS_PARQUET}") from error
    texts, money = pa.list_(pa.string()), pa.decimal128(24, 6)
    reason = pa.struct(
        [("name", pa.string()), ("value", pa.float64()), ("limit", pa.float64())]
        + [("text", pa.string())]
    )
    kinds = {
        "tags": texts,
        "outputs": texts,
        "score": pa.float64(),
        "seconds": pa.float64(),
        "reasons": pa.list_(reason),
        "unit_cost": money,
        "baseline": money,
    }
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    written = BytesIO()
    parquet.write_table(pa.Table.from_pylist([_fields(i) for i in items], schema), written)
    return written.getvalue()


def _fields(item: ReportItem) -> dict[str, object]:
    return {
        "source": as_text(item.source),
        "sku": as_text(item.sku),
        "tags": [as_text(tag) for tag in item.tags],
        "concept": as_text(item.concept),
        "route": item.route,
        "score": item.score,
        "reasons": [
            {"name": r.name, "value": r.value, "limit": r.limit, "text": as_text(r.text)}
            for r in item.reasons
        ],
        "unit_cost": item.unit_cost,
        "baseline": item.baseline,
        "seconds": item.seconds,
        "outputs": [as_text(output) for output in item.outputs],
        "error": None if item.error is None else as_text(item.error),
    }
