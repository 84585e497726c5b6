from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO

import pytest

from maskworks.core.errors import OutputError
from maskworks.studio.handoff import BriefRow, brief_csv, write_brief

ROW = BriefRow(
    source="photos/Öl, 50 ml.jpg",
    sku="SKU-1",
    concept="marble",
    route="review",
    score=0.618,
    reasons=("23 % of the outline is soft, the limit is 10 %", 'the label says "clear"'),
    files=("öl.psd", "öl.tif"),
    return_as="öl",
)


def _read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_brief_has_a_line_for_each_picture_in_order():
    rows = _read(brief_csv([ROW, replace(ROW, source="b.jpg", score=None, sku="")]))
    assert rows[0] == {
        "Picture": "photos/Öl, 50 ml.jpg",
        "SKU": "SKU-1",
        "Concept": "marble",
        "Route": "review",
        "Score": "0.62",
        "Why": '23 % of the outline is soft, the limit is 10 %; the label says "clear"',
        "Files": "öl.psd; öl.tif",
        "Return as": "öl",
    }
    assert (rows[1]["Picture"], rows[1]["Score"], rows[1]["SKU"]) == ("b.jpg", "", "")


def test_a_brief_starts_with_the_mark_that_excel_needs():
    data = brief_csv([ROW])
    assert data.startswith(b"\xef\xbb\xbfPicture,")
    assert data.endswith(b"\r\n")
    assert brief_csv([]).count(b"\r\n") == 1


def test_no_cell_is_a_formula():
    text = "=1+1"
    row = replace(ROW, source=text, sku=text, concept=text, reasons=(text,), files=(text,))
    (cells,) = _read(brief_csv([replace(row, return_as=text)]))
    for column in ("Picture", "SKU", "Concept", "Why", "Files", "Return as"):
        assert cells[column] == f"'{text}"


def test_a_name_that_is_no_unicode_does_not_stop_the_brief():
    undecodable = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    assert _read(brief_csv([replace(ROW, source=undecodable)]))[0]["Picture"] == "caf?.jpg"


def test_a_brief_is_written_whole(tmp_path):
    write_brief(tmp_path / "brief.csv", [ROW])
    assert (tmp_path / "brief.csv").read_bytes() == brief_csv([ROW])
    with pytest.raises(OutputError, match="folder does not exist"):
        write_brief(tmp_path / "no" / "brief.csv", [ROW])
