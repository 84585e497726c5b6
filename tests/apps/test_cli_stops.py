"""Readers that go away, devices that are full: the work goes on or says what happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli.report import RowCounts
from maskworks.batch.work import Fault, ManifestRow

WORDS = [sys.executable, "-m", "maskworks.apps.cli", "cutout"]
FAST = ["--refine", "off"]
SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = np.full((60, 80, 3), 230, np.uint8)
    pixels[15:45, 25:55] = (180, 40, 30)
    for number in range(4):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_a_reader_that_goes_away_stops_no_picture(photos, tmp_path):
    out = tmp_path / "out"
    command = [*WORDS, str(photos), "-o", str(out), *FAST]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": SOURCE},
    ) as process:
        process.stdout.close()
        told = process.stderr.read().decode()
    assert process.returncode == 0
    assert "whoever read the lines went away" in told
    assert "Traceback" not in told
    assert len(list(out.glob("*.png"))) == 4
    assert len((out / "manifest.jsonl").read_text().splitlines()) == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_standard_output_is_told(photos):
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [*WORDS, str(photos / "0.png"), "-o", "-", *FAST],
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": SOURCE},
            check=False,
        )
    assert found.returncode == 1
    assert b"standard output: cannot be written (No space left on device)" in found.stderr


def test_a_full_disk_is_known_by_its_row():
    tally = RowCounts()
    tally.add(ManifestRow(source="a", output=None, status="failed", model="m"), "a")
    assert not tally.full
    message = "o/a.png: the disk is full; make room or choose another disk, then resume"
    fault = Fault("output", message)
    tally.add(ManifestRow(source="b", output=None, status="failed", model="m", error=fault), "b")
    assert tally.full


def test_notes_stand_in_the_row_and_in_the_closing_lines(tmp_path, capsys):
    from maskworks.apps.cli.main import main

    (tmp_path / "in").mkdir()
    first = Image.new("RGB", (40, 30), "red")
    first.save(tmp_path / "in/a.gif", save_all=True, append_images=[Image.new("RGB", (40, 30))])
    Image.new("RGB", (40, 30)).save(tmp_path / "in/b.png")
    assert main(["cutout", str(tmp_path / "in"), "-o", str(tmp_path / "out"), *FAST, "--json"]) == 0
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    notes = {Path(row["source"]).name: row.get("notes") for row in rows}
    assert notes == {"a.gif": ["has more than one frame, the first was taken"], "b.png": None}
    assert "a.gif has more than one frame, the first was taken" in said.err
