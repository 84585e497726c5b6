from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.studio.spreadsheets import read_table, safe_cell


@pytest.fixture
def table(tmp_path):
    def read(content):
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, required=("file",), optional=("sku", "tags"))

    return read


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("file,sku\na.jpg,1\n", id="comma"),
        pytest.param("SKU; File \r\n1;a.jpg\r\n", id="semicolon-windows-other-order"),
        pytest.param("file\tsku\na.jpg\t1", id="tab-no-last-line-end"),
        pytest.param(b"\xef\xbb\xbffile,sku\na.jpg,1\n", id="byte-order-mark"),
        pytest.param('"file","sku"\n\n# a remark\n,,\n"a.jpg", 1\n', id="empty-lines"),
    ],
)
def test_table_is_read_as_people_save_it(table, content):
    (row,) = table(content).rows
    assert row.cells == {"file": "a.jpg", "sku": "1", "tags": ""}


def test_every_row_knows_the_line_it_begins_at(table):
    rows = table('# head\nfile,tags\n\na.jpg,"x\ny"\nb.jpg,z\n').rows
    assert [(row.line, row.cells["tags"]) for row in rows] == [(4, "x\ny"), (6, "z")]


def test_other_columns_are_named(table):
    assert table("file,price,photographer\na.jpg,1,x\n").ignored == ("price", "photographer")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", r"csv:1: there is no column 'file'", id="empty"),
        pytest.param("sku\n1\n", r"csv:1: there is no column 'file'; .* may name sku", id="none"),
        pytest.param("\nfiles\na\n", r"csv:2: .* 'files'; did you mean file\?", id="near"),
        pytest.param(
            "file,tag\na,b\n", r"csv:1: .* 'tag'; did you mean tags\?", id="near-optional"
        ),
        pytest.param("file,File\na,b\n", r"csv:1: there are two columns 'file'", id="twice"),
        pytest.param("file\na,b\n", r"csv:2: there are 2 cells, .* 1 columns", id="too-many"),
        pytest.param('file\n"a\nb\n', r"csv:2: this row is not CSV", id="open-quote"),
        pytest.param(b"file\na\n\xe9\n", r"csv:3: is not UTF-8", id="latin"),
    ],
)
def test_broken_table_names_the_line(table, content, message):
    with pytest.raises(UsageError, match=message):
        table(content)


def test_missing_table_says_so(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read_table(tmp_path / "none.csv", required=("file",))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1+1", "-2+3|cmd", "-A1(B)", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1",
        "－1+1", "＠x", "-12\n=1",
    ],
)  # fmt: skip
def test_formula_gets_an_apostrophe(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["a=b.jpg", "x-1", "1+1", "'=", "日本.jpg", "two\nlines", "-1", "+1.5", "-12-A", ""]
)
def test_other_texts_stay_as_they_are(text):
    assert safe_cell(text) == text
