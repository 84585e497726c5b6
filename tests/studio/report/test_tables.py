from __future__ import annotations

import csv
import io
import sys
from decimal import Decimal

import pytest

from maskworks.core.errors import UsageError
from maskworks.studio.report.rows import as_text
from maskworks.studio.report.tables import COLUMNS, to_csv, to_parquet


def test_csv_has_one_row_a_picture_and_loses_nothing(mixed):
    rows = list(csv.DictReader(io.StringIO(to_csv(mixed))))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["source"] for row in rows] == [as_text(item.source) for item in mixed]
    assert [row["route"] for row in rows] == ["deliver", "review", "manual", "failed"]
    first, second, third, fourth = rows
    assert (first["score"], first["unit_cost"], first["seconds"]) == ("0.9700", "3.40", "1.500")
    assert first["outputs"] == "out/1 a.jpg;out/1_b.jpg"
    assert second["tags"] == "glass;wood"
    assert (third["score"], third["reasons"]) == ("", "exception:tag:glass")
    assert (fourth["error"], fourth["unit_cost"]) == ("is <b>cut off</b>", "0")


@pytest.mark.parametrize(
    ("sku", "cell"),
    [
        pytest.param("=1+1", "'=1+1", id="formula"),
        pytest.param('=HYPERLINK("x")', '\'=HYPERLINK("x")', id="link"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("-2+3|cmd", "'-2+3|cmd", id="command"),
        pytest.param("-12-A", "-12-A", id="sku-with-dash"),
        pytest.param("A=B", "A=B", id="inside"),
    ],
)
def test_csv_gives_a_spreadsheet_nothing_to_run(book, sku, cell):
    (row,) = csv.DictReader(io.StringIO(to_csv([book.item("a", sku=sku)])))
    assert row["sku"] == cell


def test_parquet_is_read_back_with_its_types(mixed):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(to_parquet(mixed)))
    assert table.column_names == list(COLUMNS)
    rows = table.to_pylist()
    assert [row["source"] for row in rows] == [as_text(item.source) for item in mixed]
    assert rows[0]["unit_cost"] == Decimal("3.40")
    assert rows[0]["outputs"] == ["out/1 a.jpg", "out/1_b.jpg"]
    assert rows[1]["reasons"] == [
        {"name": "low-score", "value": 0.61, "limit": 0.85, "text": "score 0.610 is below 0.85"}
    ]
    assert (rows[2]["score"], rows[3]["error"]) == (None, "is <b>cut off</b>")


def test_parquet_of_nothing_still_has_its_columns():
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(to_parquet([])))
    assert (table.num_rows, table.column_names) == (0, list(COLUMNS))


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r'pip install -e "\.\[parquet\]"'):
        to_parquet([])
