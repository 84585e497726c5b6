from __future__ import annotations

import hashlib
import shutil
import tomllib

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from maskworks.apps.cli import main
from maskworks.core.errors import RecipeError
from maskworks.evaluate.model_card import model_card
from maskworks.models.model_folder import row_of
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.labels.delivering import Wanted, deliver, precisions_of


@pytest.fixture(scope="module")
def run(data, recipe_text, train, tmp_path_factory):
    """A run that has learnt a little, and its recipe."""
    folder = tmp_path_factory.mktemp("delivered")
    recipe = folder / "shapes.toml"
    recipe.write_text(
        recipe_text.replace("\nsteps = 6", "\nsteps = 40").replace(
            "dev_steps = 3", "dev_steps = 40"
        )
    )
    train(recipe, data, folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def exported(data, run, tmp_path_factory):
    """The run's model in three precisions, whatever they cost, and what was said."""
    target = tmp_path_factory.mktemp("model") / "shapes.onnx"
    lines: list[str] = []
    wanted = Wanted(("float16", "int8"), loss_at_most=1.0)
    return deliver(run, target, data, wanted, lines.append), lines


def test_smaller_precisions_are_measured_said_and_smaller(exported):
    done, lines = exported
    assert [each.precision for each in done.files] == ["float32", "float16", "int8"]
    sizes = [each.file.bytes for each in done.files]
    assert sizes[0] > 1.7 * sizes[1] > 1.7 * sizes[2]
    for each in done.files[1:]:
        said = f"dev mIoU {done.files[0].scores.main:.4f} -> {each.scores.main:.4f}, a loss of"
        assert any(each.precision in line and said in line for line in lines), lines
        assert each.file.sha256 == hashlib.sha256(each.file.path.read_bytes()).hexdigest()
        assert each.interval[0] <= each.scores.main <= each.interval[1]


def test_smaller_files_take_and_answer_float32_close_to_the_first(exported):
    done, _ = exported
    x = np.random.default_rng(1).standard_normal((1, 3, 48, 64)).astype(np.float32)
    first, half, eight = (open_onnx(each.file.path)(x)[0] for each in done.files)
    assert first.dtype == half.dtype == eight.dtype == np.float32
    spread = float(np.ptp(first))
    assert np.abs(half - first).max() < 0.02 * spread
    assert np.abs(eight - first).mean() < 0.1 * spread


def test_the_row_names_the_last_precision_and_the_folder_is_a_model(
    exported, data, tmp_path, capsys
):
    done, _ = exported
    folder = done.files[0].file.path.parent
    row = tomllib.loads((folder / "model.toml").read_text())
    assert row["file"] == "shapes-int8.onnx"
    assert row["sha256"] == done.files[-1].file.sha256
    command = ["segment", str(data / "dev" / "dev0.webp"), "-o", str(tmp_path), "--model"]
    assert main([*command, str(folder), "--quiet"]) == 0, capsys.readouterr().err
    ids = np.asarray(PilImage.open(tmp_path / "dev0.png"))
    truth = np.asarray(PilImage.open(data / "dev" / "dev0.png"))
    assert (ids == truth)[truth < 3].mean() > 0.7


def test_the_card_of_a_run_says_what_it_learnt_and_reached(exported, run):
    done, _ = exported
    folder, spec = row_of(str(done.files[0].file.path.parent))
    said = dict(model_card(spec, folder=folder).parts)
    assert "| train | png | not stated by whoever trained it |" in said["Data and terms"]
    assert "| int8 |" in said["Scores"]
    assert "Intervals are percentile bootstrap over pictures" in said["Scores"]
    assert "Its worst dev pictures: dev" in said["Known failures"]
    assert "on 1 thread. No meter was read" in said["Energy and time of training"]
    digest = hashlib.sha256((run / "recipe.toml").read_bytes()).hexdigest()
    assert digest in said["How it was made"]


def test_a_precision_that_costs_too_much_is_not_kept_but_the_rest_is(run, data, tmp_path):
    target = tmp_path / "shapes.onnx"
    (tmp_path / "shapes-int8.onnx").write_bytes(b"of an earlier export")
    done = deliver(run, target, data, Wanted(("int8",), loss_at_most=-1.0), lambda _: None)
    (reason,) = done.refused
    assert "at most -1 was allowed" in reason
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.toml", "shapes.md", "shapes.onnx"]
    assert tomllib.loads((tmp_path / "model.toml").read_text())["file"] == "shapes.onnx"
    assert (
        f"Not kept, since it cost too much:\n\n- {reason}" in (tmp_path / "shapes.md").read_text()
    )


def test_the_command_says_what_was_not_kept_with_exit_code_1(run, data, tmp_path, capsys):
    target = tmp_path / "shapes.onnx"
    command = ["export", str(run), "-o", str(target), "--data", str(data), "--precision", "int8"]
    code = main([*command, "--loss-at-most", "0"])
    said = capsys.readouterr()
    kept = (tmp_path / "shapes-int8.onnx").exists()
    assert code == int(not kept)
    assert ("not kept: int8" in said.err) is not kept
    assert "a loss of" in said.out


def test_a_network_that_answers_no_numbers_is_not_written(run, tmp_path, capsys):
    shutil.copytree(run, tmp_path / "run")
    saved = torch.load(run / "best.pt", weights_only=True)
    saved["average"]["last.weight"].fill_(torch.nan)
    torch.save(saved, tmp_path / "run" / "best.pt")
    target = tmp_path / "out" / "shapes.onnx"
    assert main(["export", str(tmp_path / "run"), "-o", str(target)]) == 1
    assert "a chance differs by inf between ONNX and Torch" in capsys.readouterr().err
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--precision", "int8"), "is measured before it is kept; give its pictures by --data"),
        (("--precision", "int4"), "there is no precision 'int4'; float32, float16 or int8"),
    ],
)
def test_a_precision_is_refused_by_name(run, tmp_path, capsys, more, message):
    assert main(["export", str(run), "-o", str(tmp_path / "x.onnx"), *more]) != 0
    assert message in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []


def test_what_was_noted_in_a_card_is_kept(run, tmp_path):
    target = tmp_path / "shapes.onnx"
    deliver(run, target, None, Wanted(), lambda _: None)
    card = tmp_path / "shapes.md"
    card.write_text(card.read_text().replace("None yet.", "Mind the bars."))
    deliver(run, target, None, Wanted(), lambda _: None)
    assert card.read_text().endswith("## Notes\n\nMind the bars.\n")
    assert "Not measured: export with `--data DIR`." in card.read_text()


def test_precisions_are_taken_once_and_in_order():
    assert precisions_of(["int8", "float32", "float16", "int8"]) == ("int8", "float16")
    with pytest.raises(RecipeError, match="there is no precision 'half'"):
        precisions_of(["half"])
