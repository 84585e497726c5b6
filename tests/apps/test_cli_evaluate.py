from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.evaluate.measures import MEASURES


def disc(*, size=(30, 40), shift=0):
    rows, columns = np.mgrid[: size[0], : size[1]]
    away = np.hypot(rows - size[0] / 2, columns - size[1] / 2 - shift)
    return np.round(np.clip((9 - away) / 4 + 0.5, 0, 1) * 255).astype(np.uint8)


def save(path, levels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)


@pytest.fixture
def folders(tmp_path):
    """Two pictures in truth, predictions and trimaps; `cup` is predicted two pixels off."""
    for name, shift in (("a/shoe", 0), ("cup", 2)):
        save(tmp_path / "truth" / f"{name}.png", disc())
        cut_out = np.dstack([np.full((30, 40, 3), 99, np.uint8), disc(shift=shift)])
        save(tmp_path / "predictions" / f"{name}.webp", cut_out)
        unknown = np.where((disc() > 0) & (disc() < 255), 128, disc()).astype(np.uint8)
        save(tmp_path / "trimaps" / f"{name}.png", unknown)
    return tmp_path


@pytest.fixture
def call(folders, capsys):
    """Run the command in this process; return exit code, stdout, stderr."""

    def run(*arguments):
        given = ["evaluate", "mattes", *map(str, arguments)]
        for side in ("truth", "predictions"):
            if f"--{side}" not in given:
                given += [f"--{side}", str(folders / side)]
        code = main(given)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_pipe_gets_plain_columns_with_the_mean_last(call):
    code, out, err = call()
    assert (code, err) == (0, "")
    heading, shoe, cup, mean, *rest = out.splitlines()
    assert heading.split() == ["picture", *(measure.heading for measure in MEASURES)]
    assert shoe.split()[0] == "a/shoe"
    assert cup.split()[0] == "cup"
    assert mean.startswith("mean of 2 ")
    assert len(heading) == len(shoe) == len(cup) == len(mean)
    assert "divided by 1000" in " ".join(rest)
    off = [float(cell) for cell in cup.split()[1:]]
    half = [float(cell) for cell in mean.split()[3:]]
    assert half[0] == pytest.approx((float(shoe.split()[1]) + off[0]) / 2, abs=1e-4)


def test_the_json_holds_rows_means_and_definitions(call, folders):
    code, out, _ = call("--json", folders / "out.json")
    record = json.loads((folders / "out.json").read_text())
    assert code == 0
    assert out.startswith("picture")
    assert [row["name"] for row in record["pictures"]] == ["a/shoe", "cup"]
    assert record["means"]["iou"] < 1
    assert record["truth"] == str(folders / "truth")
    assert "divided by 1000" in record["measures"]["sad"]["definition"]


def test_json_on_stdout_is_nothing_else(call):
    code, out, err = call("--json", "-")
    assert (code, err) == (0, "")
    assert json.loads(out)["scored"] == 2


def test_trimaps_limit_the_matting_errors(call, folders):
    code, out, _ = call("--trimaps", folders / "trimaps", "--json", folders / "out.json")
    assert code == 0
    assert "the trimap's unknown part" in out
    record = json.loads((folders / "out.json").read_text())
    assert record["region"] == "unknown"
    assert 0 < record["pictures"][0]["pixels"] < 1200


def test_what_is_missing_or_broken_is_named_and_the_rest_is_measured(call, folders):
    save(folders / "truth" / "hat.png", disc())
    save(folders / "predictions" / "ring.png", disc())
    save(folders / "truth" / "bag.png", disc())
    (folders / "predictions" / "bag.png").write_bytes(b"")
    save(folders / "truth" / "tie.png", disc())
    save(folders / "predictions" / "tie.png", disc(size=(20, 40)))
    code, out, err = call("--json", folders / "out.json")
    assert code == 1
    assert "mean of 2 " in out
    lines = err.splitlines()
    assert [line.split(":")[0] for line in lines[:4]] == ["failed"] * 4
    assert "bag.png: the file is empty" in lines[0]
    assert "hat: its prediction is missing" in lines[1]
    assert "ring: its truth is missing" in lines[2]
    assert "tie.png: the prediction is 40x20 (width x height), the truth 40x30" in lines[3]
    assert lines[4] == "4 of 6 pictures could not be measured"
    record = json.loads((folders / "out.json").read_text())
    assert [row["name"] for row in record["failures"]] == ["bag", "hat", "ring", "tie"]
    assert (record["scored"], record["failed"]) == (2, 4)


def test_a_missing_and_a_misfit_trimap_are_failures_of_their_pictures(call, folders):
    (folders / "trimaps" / "cup.png").unlink()
    save(folders / "trimaps" / "a" / "shoe.png", np.tile(np.uint8([0, 128, 255]), (30, 14))[:, :41])
    save(folders / "trimaps" / "spare.png", disc())
    code, out, err = call("--trimaps", folders / "trimaps")
    assert (code, out) == (1, "")
    assert "the trimap is 41x30 (width x height), the truth 40x30" in err
    assert "cup: its trimap is missing" in err
    assert "left aside: 1 trimap" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--truth", "{}/none"], "there is no such folder", id="missing"),
        pytest.param(["--truth", "{}/predictions"], "are the same folder", id="same"),
        pytest.param(["--trimaps", "{}/truth"], "are the same folder", id="same-trimaps"),
        pytest.param(["--trimaps", "{}/empty"], "there is no picture in it", id="empty"),
        pytest.param(["--json", "{}/none/out.json"], "its folder does not exist", id="json"),
        pytest.param(["--max-pixels", "0"], "--max-pixels", id="pixels"),
        pytest.param(["--nonsense"], "nonsense", id="option"),
    ],
)
def test_wrong_use_is_2_and_prints_nothing(call, folders, arguments, message):
    (folders / "empty").mkdir()
    code, out, err = call(*(argument.format(folders) for argument in arguments))
    assert (code, out) == (2, "")
    assert message in err


def test_a_json_file_that_is_a_folder_is_told_before_anything_is_measured(call, folders):
    code, out, err = call("--json", folders / "truth")
    assert (code, out) == (2, "")
    assert "is a folder; name the file to write" in err


def test_limits_are_heeded(call):
    code, _, err = call("--max-pixels", 100)
    assert code == 1
    assert "has 1,200 pixels, the limit is 100" in err


def test_a_terminal_gets_a_table(call, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    code, out, _ = call()
    assert code == 0
    assert "SAD/1000" in out
    assert "mean of 2" in out


def test_the_group_explains_itself(capsys):
    assert main(["evaluate", "--help"]) == 0
    assert "mattes" in capsys.readouterr().out
    assert main(["evaluate", "mattes", "--help"]) == 0
    printed = capsys.readouterr().out
    for option in ("--truth", "--predictions", "--trimaps", "--json", "--max-pixels"):
        assert option in printed
