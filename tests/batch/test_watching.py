"""New files of a folder as they settle."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from itertools import chain

from maskworks.batch.manifest import read_manifest
from maskworks.batch.watching import settled_files
from maskworks.cutouts.request import CutoutRequest, open_cutting


class Folder:
    """A folder, watched by a clock that the test turns: each look is one step."""

    def __init__(self, path, steps, last=40):
        self.path, self.steps, self.last = path, steps, last
        self.stop, self.looks = threading.Event(), 0

    def find(self):
        change = self.steps.get(self.looks)
        self.looks += 1
        if change is not None:
            change(self.path)
        if self.looks > self.last:
            self.stop.set()
        return list(self.path.iterdir())

    def told(self):
        found = settled_files(self.find, self.stop, poll_s=0.02, settle_s=0.03)
        return [sorted(path.name for path in fresh) for fresh in found]


def write(name, content):
    def do(folder):
        (folder / name).write_bytes(content)
        os.utime(folder / name, ns=(len(content), len(content)))  # another machine's clock

    return do


def test_a_file_is_told_once_and_only_after_it_has_settled(tmp_path):
    growing = {at: write("a.jpg", b"x" * (at + 1)) for at in range(6)}
    steps = {**growing, 3: write("b.jpg", b"whole"), 4: growing[5]}
    folder = Folder(tmp_path, steps)
    assert sorted(chain.from_iterable(folder.told())) == ["a.jpg", "b.jpg"]


def test_a_file_that_keeps_growing_is_never_told(tmp_path):
    steps = {at: write("a.jpg", b"x" * (at + 1)) for at in range(25)}
    assert Folder(tmp_path, steps, last=20).told() == []


def test_a_file_that_was_taken_away_and_comes_back_is_new(tmp_path):
    steps = {
        0: write("a.jpg", b"x"),
        15: lambda folder: (folder / "a.jpg").unlink(),
        20: write("a.jpg", b"y"),
    }
    assert Folder(tmp_path, steps).told() == [["a.jpg"], ["a.jpg"]]


def test_rows_of_earlier_rounds_stay_in_the_manifest(tmp_path, photo):
    """A failed picture has no file, and its row must outlive the rounds that follow."""
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff and no more")
    (tmp_path / "whole.jpg").write_bytes(photo())
    request = CutoutRequest(inputs=(str(tmp_path),), output=str(tmp_path / "out"))
    for name in ("torn.jpg", "whole.jpg"):
        fresh = frozenset([tmp_path / name])
        rows = list(open_cutting(replace(request, only=fresh)).rows(threading.Event()))
        assert [row.source for row in rows] == [str(tmp_path / name)]
    assert list(read_manifest(tmp_path / "out/manifest.jsonl")) == [
        str(tmp_path / name) for name in ("torn.jpg", "whole.jpg")
    ]
