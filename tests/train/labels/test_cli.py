from __future__ import annotations

import pytest

from maskworks.apps.cli import main


def test_train_then_export_by_command(data, recipe_file, tmp_path, capsys):
    run = tmp_path / "shapes"
    command = ["train", str(recipe_file()), "--data", str(data), "-o", str(run), "--threads", "1"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "6 pictures to learn from, 3 to score on" in said
    assert "dev mIoU" in said
    assert main(["export", str(run)]) == 0
    assert "from PyTorch" in capsys.readouterr().out
    assert (run / "shapes.onnx").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("lr = 1e-2", "rate = 1", "Field required"),
        ('folder = "train"', 'folder = "nowhere"', "no such folder"),
        ('folder = "dev"', 'folder = "."', "has no labelled pictures"),
        ('["ground", "disc", "bar"]', '["ground", "disc"]', "has the ids 2, which are no class"),
        ("lr = 1e-2", "lr = 1e-2\nspeed = 3", "speed: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_no_traceback(data, recipe_file, capsys, before, after, message):
    path = recipe_file()
    path.write_text(path.read_text().replace(before, after))
    assert main(["train", str(path), "--data", str(data), "-o", f"{path.parent}/run"]) != 0
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
