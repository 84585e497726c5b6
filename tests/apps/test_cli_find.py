"""`maskworks segment --find`: the shipped street model, told in words what is wanted."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """A road below a sky, as flat as a drawing."""
    pixels = np.full((120, 160, 3), (128, 128, 128), np.uint8)
    pixels[:60] = (150, 190, 235)
    path = tmp_path_factory.mktemp("in") / "road.png"
    Image.fromarray(pixels).save(path)
    return path


def ids(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_words_alone_are_labelled_and_the_tables_say_so(street, tmp_path):
    whole, found = tmp_path / "whole", tmp_path / "found"
    asked = ["segment", str(street), "--scene", "street", "--quiet"]
    assert main([*asked, "-o", str(whole)]) == 0
    assert main([*asked, "-o", str(found), "--find", "Straßen, ciel"]) == 0
    before, after = ids(whole / "road.png"), ids(found / "road.png")
    assert np.array_equal(after == 1, before == 3)  # road of camvid-11
    assert np.array_equal(after == 2, before == 0)  # sky
    assert (after == 2).any()
    table = json.loads((found / "classes.json").read_text())
    assert table["taxonomy"] == "camvid-11: road, sky"
    with (found / "classes.csv").open() as file:
        shares = {row["class"]: float(row["percent"]) for row in csv.DictReader(file)}
    assert set(shares) <= {"background", "road", "sky"}
    assert sum(shares.values()) == pytest.approx(100, abs=0.01)


def test_other_words_are_another_run(street, tmp_path, capsys):
    asked = ["segment", str(street), "--scene", "street", "-o", str(tmp_path / "out"), "--quiet"]
    assert main([*asked, "--find", "sky"]) == 0
    assert main([*asked, "--find", "road", "--resume"]) == 0
    table = json.loads((tmp_path / "out/classes.json").read_text())
    assert table["taxonomy"] == "camvid-11: road"


def test_unknown_word_is_an_error_before_anything_is_written(street, tmp_path, capsys):
    out = tmp_path / "out"
    asked = ["segment", str(street), "--scene", "street", "-o", str(out)]
    assert main([*asked, "--find", "cars, giraffes"]) == 2
    said = capsys.readouterr().err
    assert "no class of camvid-11 is called 'giraffes'; its classes are sky, building" in said
    assert "Traceback" not in said
    assert not out.exists()
