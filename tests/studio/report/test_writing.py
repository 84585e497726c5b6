from __future__ import annotations

import json
import sys

import pytest

from maskworks.core.errors import OutputError
from maskworks.studio.report import write_report

NAMES = ["items.parquet", "report.csv", "report.html", "report.json"]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_four_files_are_written(book, mixed, tmp_path):
    pytest.importorskip("pyarrow")
    written = write_report(tmp_path / "new/report", book.header(4), mixed)
    assert sorted(path.name for path in written.files) == names_in(tmp_path / "new/report") == NAMES
    assert written.notes == ()
    figures = json.loads((tmp_path / "new/report/report.json").read_text())
    assert figures["items"] == sum(figures["routes"].values()) == 4


def test_names_that_are_no_text_stop_no_report(book, mixed, tmp_path):
    head = book.header(4, campaign=book.hard_name)
    for path in write_report(tmp_path, head, mixed).files:
        assert path.stat().st_size > 0
    assert json.loads((tmp_path / "report.json").read_text())["campaign"] == book.hard_name


def test_without_pyarrow_the_rest_is_written_and_the_result_says_so(
    book, mixed, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "items.parquet").write_bytes(b"of an earlier run")
    written = write_report(tmp_path, book.header(4), mixed)
    assert names_in(tmp_path) == NAMES[1:]
    (note,) = written.notes
    assert 'items.parquet: pyarrow is not installed; run `pip install -e ".[parquet]"`' in note


def test_a_lost_picture_is_an_error_after_everything_is_written(book, mixed, tmp_path):
    message = r"5 pictures went in and 4 rows came out; run the campaign again"
    with pytest.raises(OutputError, match=message):
        write_report(tmp_path, book.header(5), mixed)
    assert "5 in, but 4 out" in (tmp_path / "report.html").read_text()


def test_a_picture_that_came_out_twice_is_named(book, mixed, tmp_path):
    with pytest.raises(OutputError, match=r"rows came out, a/1\.jpg twice"):
        write_report(tmp_path, book.header(5), [*mixed, mixed[0]])


def test_a_folder_that_cannot_be_made_says_so(book, mixed, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another folder"):
        write_report(tmp_path / "file/report", book.header(4), mixed)
