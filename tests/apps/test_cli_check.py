from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main


@pytest.fixture
def finished(tmp_path):
    """Write finished pictures: a rectangle of this fill on this ground, square."""
    folder = tmp_path / "finished"

    def write(name, *, side=1600, fill=0.9, ground=255, **options):
        pixels = np.full((side, side, 3), ground, np.uint8)
        margin = round(side * (1 - fill) / 2)
        pixels[margin : side - margin, side // 4 : side - side // 4] = (140, 40, 40)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **options)
        return path

    return write


@pytest.fixture
def check(capsys):
    def run(*arguments):
        code = main(["check", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_pictures_that_pass_give_0(check, finished):
    folder = finished("a.jpg").parent
    finished("b/c.png", side=2000)
    code, out, _ = check(folder, "--preset", "amazon-main")
    assert code == 0
    assert out.count("pass  ") == 2
    assert "2 pictures against amazon-main of " in out
    assert "2 pass, 0 fail" in out


def test_each_failing_picture_says_by_how_much_and_gives_1(check, finished):
    folder = finished("good.jpg").parent
    finished("grey.jpg", ground=250)
    finished("small.png", fill=0.5)
    finished("tiny.png", side=400)
    code, out, _ = check(folder, "--preset", "amazon-main")
    assert code == 1
    assert "border pixels are not #ffffff; the worst is 5 levels off" in out
    assert "fill: the subject fills 50.0% of the frame (longest-side), the least is 85%" in out
    assert "min-side: the longest side has 400 pixels, the least is 500: 100 too few" in out
    assert "1 pass, 3 fail (" in out
    assert "not shown by a file alone: upscaling" in out


def test_advice_is_in_brackets_and_fails_nothing(check, finished):
    path = finished("a.jpg", side=900)
    code, out, _ = check(path, "--preset", "amazon-main")
    assert code == 0
    assert "(advised-side: the longest side has 900 pixels, 1,600 are advised)" in out


def test_rules_of_another_day_hold_when_it_is_named(check, finished):
    path = finished("a.jpg", side=400, fill=0.85)
    common = (path, "--preset", "google-merchant", "--on")
    assert check(*common, "2027-01-30")[0] == 0
    code, out, _ = check(*common, "2027-01-31")
    assert (code, "the least is 500: 100 too few" in out) == (1, True)


def test_json_holds_every_measurement(check, finished, tmp_path):
    folder = finished("a.jpg").parent
    finished("b.jpg", fill=0.5)
    (folder / "c.jpg").write_text("Dear Sir")
    report = tmp_path / "report.json"
    code, *_ = check(folder, "--preset", "amazon-main", "--json", report)
    found = json.loads(report.read_text())
    assert (code, found["preset"], found["passed"], found["failed"]) == (1, "amazon-main", 1, 2)
    good, small, broken = found["pictures"]
    assert (good["passed"], good["breaches"], good["measured"]["size"]) == (True, [], [1600, 1600])
    assert good["unknown"] == ["upscaling"]
    (breach,) = small["breaches"]
    assert (breach["rule"], breach["limit"]) == ("fill", 0.85)
    assert breach["by"] == pytest.approx(0.35, abs=0.01)
    assert broken["error"]["code"] == "unreadable"


def test_file_that_is_no_picture_fails_and_stops_no_other(check, finished):
    folder = finished("b.jpg").parent
    (folder / "a.jpg").write_text("Dear Sir")
    code, out, _ = check(folder, "--preset", "amazon-main")
    assert code == 1
    assert "unreadable: " in out
    assert "pass  " in out


def test_own_preset_is_a_file(check, finished, tmp_path):
    own = tmp_path / "client.toml"
    own.write_text(
        'title = "Client"\nsource = ["brand book"]\nevidence = "own"\nchecked_on = 2026-05-01\n'
        "[rules]\nsize = 1200\n"
    )
    code, out, _ = check(finished("a.jpg"), "--preset", own)
    assert code == 1
    assert "size: the picture has 1600x1600 pixels, asked are 1200x1200" in out


def test_list_names_every_preset_with_its_day(check):
    code, out, _ = check("--list")
    assert code == 0
    assert "amazon-main      Amazon, main picture (secondary, 20" in out
    assert "from 2027-01-31: min_side 500" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--preset", "amazon-main"], "name a folder and a preset", id="no-folder"),
        pytest.param(["."], "name a folder and a preset", id="no-preset"),
        pytest.param([".", "--preset", "amazon"], "no preset is named 'amazon'", id="unknown"),
        pytest.param(["empty", "--preset", "etsy"], "there is no picture in empty", id="empty"),
    ],
)
def test_wrong_use_gives_2_and_says_the_way_out(check, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    code, _, err = check(*arguments)
    assert (code, message in err) == (2, True), err
