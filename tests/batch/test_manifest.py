from __future__ import annotations

import pytest

from maskworks.batch import ManifestRow, ManifestWriter, read_manifest
from maskworks.batch.manifest import from_json, to_json
from maskworks.batch.work import Fault, Fingerprint, Seconds
from maskworks.core.errors import OutputError, UsageError


def row(source, output=None, status="ok", error=None):
    return ManifestRow(source=source, output=output, status=status, model="m", error=error)


def test_row_survives_its_line():
    full = ManifestRow(
        source="/in/ü\udcff.jpg",
        output="/out/a.png",
        status="review",
        model="cutout",
        confidence=0.5,
        width=4,
        height=3,
        seconds=Seconds(0.1, 0.2, 0.3),
        error=Fault("unreadable", "why"),
        fingerprint=Fingerprint(1, 2, "ab"),
    )
    assert from_json(to_json(full)) == full
    assert "ü" in to_json(row("/ü.jpg"))


@pytest.mark.parametrize("line", ["{}", "[]", "3", '{"source": 3}', "", '{"source": "a"}'])
def test_other_lines_are_no_rows(line):
    with pytest.raises(ValueError, match=r".*"):
        from_json(line)


def test_last_row_of_a_source_counts_and_a_torn_end_does_not(tmp_path):
    book = tmp_path / "m.jsonl"
    lines = [to_json(row("/a", status="failed")), to_json(row("/a")), to_json(row("/b"))]
    book.write_text("\n".join(lines) + '\n{"source": "/c", "outp')
    assert {k: r.status for k, r in read_manifest(book).items()} == {"/a": "ok", "/b": "ok"}


@pytest.mark.parametrize("text", ["hello\n", "hello", "\x00", '{"a": 1}\n'])
def test_foreign_file_is_left_alone(text, tmp_path):
    book = tmp_path / "notes.txt"
    book.write_text(text)
    with pytest.raises(UsageError, match="left alone"):
        ManifestWriter(book)
    assert book.read_text() == text


def test_folder_as_manifest_is_said(tmp_path):
    with pytest.raises(OutputError, match="the manifest cannot be read"):
        ManifestWriter(tmp_path)


def test_journal_keeps_rows_at_once_and_ends_in_order(tmp_path):
    book = tmp_path / "new/m.jsonl"
    journal = ManifestWriter(book)
    journal.add(row("/b"))
    journal.add(row("/a"))
    assert list(read_manifest(book)) == ["/b", "/a"]
    journal.finish(["/a", "/b", "/never-done"])
    assert list(read_manifest(book)) == ["/a", "/b"]


def test_earlier_rows_stay_while_their_file_does(tmp_path):
    book = tmp_path / "m.jsonl"
    for name in ("kept.png", "replaced.png"):
        (tmp_path / name).touch()
    first = ManifestWriter(book)
    for source, name in (("/k", "kept.png"), ("/r", "replaced.png"), ("/g", "gone.png")):
        first.add(row(source, str(tmp_path / name)))
    first.add(row("/failed", status="failed"))
    first.finish(["/k", "/r", "/g", "/failed"])
    second = ManifestWriter(book)
    second.add(row("/new", str(tmp_path / "replaced.png")))
    second.finish(["/new"])
    assert list(read_manifest(book)) == ["/k", "/new"]


def test_torn_end_is_mended_before_anything_is_appended(tmp_path):
    book = tmp_path / "m.jsonl"
    book.write_text(to_json(row("/a")) + '\n{"source": "/b')
    journal = ManifestWriter(book)
    journal.add(row("/c"))
    assert list(read_manifest(book)) == ["/a", "/c"]
    journal.finish(["/a", "/c"])
