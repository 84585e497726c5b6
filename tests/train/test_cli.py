from __future__ import annotations

import pytest

from maskworks.apps.cli import main
from maskworks.models.catalogue import read_weights


def test_train_then_export_by_command(data, recipe_file, tmp_path, capsys):
    run = tmp_path / "run"
    assert (
        main(
            [
                "train",
                str(recipe_file),
                "--data",
                str(data),
                "--minutes",
                "0.03",
                "-o",
                str(run),
                "--threads",
                "1",
            ]
        )
        == 0
    )
    assert "maskworks export" in capsys.readouterr().out
    assert main(["export", str(run), "--data", str(data)]) == 0
    assert "from PyTorch" in capsys.readouterr().out
    assert (run / "tiny.onnx").stat().st_size > 1_000_000
    assert "mean IoU" in (run / "tiny.md").read_text()


def test_embedding_records_the_files_checksum(finished, tmp_path, monkeypatch, capsys):
    from maskworks.models import catalogue

    _, run, _ = finished
    monkeypatch.setattr(catalogue, "WEIGHTS", tmp_path)
    assert main(["export", str(run), "--embed"]) == 0
    capsys.readouterr()
    row = read_weights(tmp_path / "weights.toml")["tiny"]
    assert row.bytes == (tmp_path / "tiny.onnx").stat().st_size


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        pytest.param(["--minutes", "0"], 2, "must be above 0", id="minutes"),
        pytest.param(["--data", "nowhere"], 2, "no such folder", id="data"),
    ],
)
def test_wrong_use_is_explained(recipe_file, data, change, code, message, capsys):
    given = change if "--data" in change else [*change, "--data", str(data)]
    assert main(["train", str(recipe_file), *given]) == code
    assert message in capsys.readouterr().err


def test_a_missing_recipe_is_one_line_and_exit_1(data, tmp_path, capsys):
    assert main(["train", str(tmp_path / "no.toml"), "--data", str(data)]) == 1
    error = capsys.readouterr().err
    assert "no.toml" in error
    assert "Traceback" not in error


def test_exporting_both_ways_at_once_is_refused(finished, tmp_path, capsys):
    _, run, _ = finished
    assert main(["export", str(run), "--embed", "-o", str(tmp_path / "x.onnx")]) == 2
    assert "embed and output are both given" in capsys.readouterr().err
