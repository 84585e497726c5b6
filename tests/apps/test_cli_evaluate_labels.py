from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Data for every sub-command in the current folder, predictions a little off."""
    monkeypatch.chdir(tmp_path)
    rows, columns = np.mgrid[:30, :40]
    for at in range(2):
        for side, shift in (("truth", 0), ("ours", 2)):
            disc = np.hypot(rows - 15, columns - 18 - shift - at) < 9
            save(tmp_path / "labels" / side / f"{at}.png", disc + 2 * (rows < 3))
            save(tmp_path / "mattes" / side / "run" / f"{at}.png", 255 * disc)
            save(tmp_path / side / f"{at}.png", np.dstack([disc + 1, disc & False, disc & False]))
    for side in ("truth", "ours"):
        segments = [{"id": 1, "category_id": 5}, {"id": 2, "category_id": 6}]
        content = {
            "images": [{"id": at, "height": 30, "width": 40} for at in range(2)],
            "categories": [
                {"id": 5, "name": "road", "isthing": 0},
                {"id": 6, "name": "car <b>", "isthing": 1},
            ],
            "annotations": [
                {
                    "image_id": at,
                    "file_name": f"{at}.png",
                    "segments_info": segments,
                    "category_id": 6,
                    "segmentation": [[9, 9, 25, 9, 25, 25, 9, 25 - at]],
                    "score": 0.5,
                }
                for at in range(2)
            ],
        }
        (tmp_path / f"{side}.json").write_text(json.dumps(content))
    return tmp_path


COMMANDS = {
    "semantic": (
        "semantic --truth labels/truth --predictions labels/ours --classes 4 --ignore 3",
        ("mIoU", "pixel_accuracy", "mean_accuracy", "fwIoU", "Dice", "boundary_IoU"),
    ),
    "instances": (
        "instances --truth truth.json --predictions ours.json --boundary",
        ("AP", "AP50", "AP75", "AR100", "boundary_AP"),
    ),
    "panoptic": (
        "panoptic --truth truth.json --predictions ours.json",
        ("PQ", "SQ", "RQ"),
    ),
    "panoptic-folders": (
        (
            "panoptic --truth truth.json --predictions ours.json --truth-masks truth "
            "--prediction-masks ours"
        ),
        ("PQ", "SQ", "RQ"),
    ),
    "saliency": (
        "saliency --truth mattes/truth --predictions mattes/ours",
        ("MAE", "maxF", "meanF", "wF", "S", "maxE", "meanE"),
    ),
    "video": ("video --truth mattes/truth --predictions mattes/ours", ("J", "F", "dtSSD")),
    "mattes": (
        "mattes --truth mattes/truth --predictions mattes/ours",
        ("SAD", "MSE", "Grad", "Conn"),
    ),
}


@pytest.mark.parametrize(("line", "keys"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_prints_a_table_and_writes_json_and_page(work, capsys, line, keys):
    code = main(["evaluate", *line.split(), "--json", "out.json", "--html"])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert len(out.splitlines()) > 3
    record = json.loads((work / "out.json").read_text())
    assert all(0 <= record[key] <= 1 for key in keys)
    assert {"ignore_label", "resize_rule", "versions"} <= set(record)
    page = (work / "out.html").read_text()
    assert "report: out.html" in err
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "car <b>" not in page


def test_json_on_stdout_is_nothing_else(work, capsys):
    line, keys = COMMANDS["panoptic"]
    assert main(["evaluate", *line.split(), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)[keys[0]] > 0.5


@pytest.mark.parametrize(
    ("words", "written"),
    [
        pytest.param(["--html"], "saliency.html", id="bare"),
        pytest.param(["--html", "--json", "a.json"], "a.html", id="before-an-option"),
        pytest.param(["--html", "my page.html"], "my page.html", id="named"),
    ],
)
def test_the_page_goes_where_it_is_told(work, capsys, words, written):
    assert main(["evaluate", *COMMANDS["saliency"][0].split(), *words]) == 0
    assert (work / written).exists()


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        pytest.param(
            "semantic --truth labels/truth --predictions labels/ours", 2, "--classes N", id="ids"
        ),
        pytest.param(
            "semantic --truth labels/truth --predictions labels/ours --taxonomy x",
            2,
            "no taxonomy",
            id="taxonomy",
        ),
        pytest.param(
            "semantic --truth labels/truth --predictions labels/ours --classes 2",
            1,
            "labels/truth/0.png: holds id 2",
            id="unknown-id",
        ),
        pytest.param(
            "saliency --truth mattes/truth --predictions mattes/ours --json no/out.json",
            2,
            "its folder does not exist",
            id="json",
        ),
        pytest.param(
            "saliency --truth mattes/truth --predictions mattes/ours --html no/out.html",
            2,
            "--html no/out.html: its folder",
            id="html",
        ),
        pytest.param(
            "panoptic --truth none.json --predictions ours.json", 2, "no such file", id="file"
        ),
        pytest.param(
            "video --truth mattes/truth --predictions labels", 1, "run/0: its prediction", id="lost"
        ),
    ],
)
def test_mistakes_are_told_and_nothing_is_printed(work, capsys, line, code, message):
    assert main(["evaluate", *line.split()]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["semantic", "saliency", "video", "mattes", "panoptic"])
def test_missing_predictions_count_as_empty_if_asked(work, capsys, name):
    line = COMMANDS[name][0].split()
    for path in ("labels/ours/1.png", "mattes/ours/run/1.png", "ours/1.png"):
        (work / path).unlink()
    assert main(["evaluate", *line]) == 1
    assert "1" in capsys.readouterr().err
    assert main(["evaluate", *line, "--allow-missing", "--html", "--json", "o.json"]) == 0
    assert "counted as empty: 1 missing predictions" in capsys.readouterr().err
    assert len(json.loads((work / "o.json").read_text())["missing"]) == 1


def drop_picture(path, keep):
    """Take the second picture out of a COCO file, but not its number."""
    content = json.loads(path.read_text())
    content["annotations"] = content["annotations"][:1]
    content["images"] = content["images"][:keep]
    path.write_text(json.dumps(content))


def test_a_picture_that_was_not_looked_at_counts_as_one_without_objects_if_asked(work, capsys):
    line = COMMANDS["instances"][0].split()
    drop_picture(work / "ours.json", keep=1)
    assert main(["evaluate", *line]) == 1
    assert "ours.json: `images` does not list image_id 1" in capsys.readouterr().err
    assert main(["evaluate", *line, "--allow-missing", "--json", "o.json"]) == 0
    assert "counted as empty: 1 missing predictions (image_id 1)" in capsys.readouterr().err
    record = json.loads((work / "o.json").read_text())
    assert record["missing"] == ["image_id 1"]
    assert record["AP"] == pytest.approx(51 / 101)  # one of two objects, found exactly


def test_a_list_of_results_says_of_which_pictures_it_says_nothing(work, capsys):
    drop_picture(work / "ours.json", keep=2)
    rows = json.loads((work / "ours.json").read_text())["annotations"]
    (work / "ours.json").write_text(json.dumps(rows))
    assert main(["evaluate", *COMMANDS["instances"][0].split()]) == 0
    assert "counted as empty: 1 missing predictions (image_id 1)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["instances", "panoptic"])
def test_pictures_belong_together_by_their_names_whatever_number_a_tool_gave(work, capsys, name):
    line = [*COMMANDS[name][0].split(), "--json", "-"]
    for side, shift in (("truth", 0), ("ours", 0), ("ours", 40)):
        content = json.loads((work / f"{side}.json").read_text())
        for at, image in enumerate(content["images"]):
            image |= {"id": at + shift, "file_name": f"{at}.jpg"}
        for at, row in enumerate(content["annotations"]):
            row["image_id"] = at + shift
        (work / f"{side}.json").write_text(json.dumps(content))
        if side == "ours":
            assert main(["evaluate", *line]) == 0
    first, second = capsys.readouterr().out.split("\n}\n{")
    figures = [json.loads(part) for part in (first + "}", "{" + second)]
    assert figures[0] == figures[1]


def test_every_sub_command_explains_itself(capsys):
    assert main(["evaluate", "--help"]) == 0
    printed = capsys.readouterr().out
    for name in ("semantic", "instances", "panoptic", "saliency", "video", "mattes"):
        assert name in printed
