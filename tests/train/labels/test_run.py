from __future__ import annotations

import csv
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from maskworks.core.errors import RecipeError
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.budget import Budget
from maskworks.train.labels.exporting import export_labels, open_labels
from maskworks.train.labels.loop import LabelRun
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import load_label_recipe
from maskworks.train.labels.run import train_labels
from maskworks.train.labels.views import Splits
from maskworks.train.labels.watch import ProgressListener

QUIET = ProgressListener(lambda _: None)


def test_it_learns_shapes_and_writes_checkpoints_and_a_log(data, recipe_file, train, tmp_path):
    recipe = recipe_file(steps="50", dev_steps="25")
    lines = train(recipe, data, tmp_path / "run")
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["25", "50"]
    assert float(rows[-1]["dev mIoU"]) > 0.6
    assert {"iou ground", "iou disc", "iou bar"} <= set(rows[0])
    assert (tmp_path / "run" / "best.pt").exists()
    assert "maskworks export" in lines[-1]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_run_that_was_killed_ends_with_the_same_weights(
    data, recipe_file, train, tmp_path, accumulate
):
    recipe = recipe_file()
    recipe.write_text(recipe.read_text() + f"\naccumulate = {accumulate}\n")
    train(recipe, data, tmp_path / "whole")

    loaded = load_label_recipe(recipe)
    splits = Splits(load_set(data, loaded, loaded.train), load_set(data, loaded, loaded.dev))
    killed = LabelRun(loaded, data, splits, folder=tmp_path / "killed", watch=QUIET)
    for step in range(4):  # a checkpoint after step 3, one more step that is lost
        killed.learn(step / 6)
        if step == 2:
            killed.save()
    del killed
    lines = train(recipe, data, tmp_path / "killed")
    assert "resumed at step 3" in "\n".join(lines)

    whole, again = (
        torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "killed")
    )
    for part in ("body", "average"):
        for name, tensor in whole[part].items():
            assert torch.equal(tensor, again[part][name]), name


def test_the_exported_file_answers_as_the_network_does(data, recipe_file, train, tmp_path):
    train(recipe_file(), data, tmp_path / "run")
    exported = export_labels(tmp_path / "run", tmp_path / "shapes.onnx")
    assert exported.difference <= 1e-4
    network = open_labels(tmp_path / "run").network
    x = np.random.default_rng(1).standard_normal((1, 3, 48, 64)).astype(np.float32)
    with torch.no_grad():
        ours = network(torch.from_numpy(x)).numpy()
    theirs = open_onnx(tmp_path / "shapes.onnx")(x)[0]
    assert theirs.shape == (1, 3, 48, 64)
    np.testing.assert_allclose(theirs, ours, atol=1e-3)


def test_minutes_that_are_too_few_leave_a_run_that_can_go_on(data, recipe_file, train, tmp_path):
    recipe = recipe_file(steps="100000")
    lines = train(recipe, data, tmp_path / "run", minutes=0.001)
    assert "of 100000" in lines[-1]
    assert (tmp_path / "run" / "last.pt").exists()


def test_a_loss_that_is_not_finite_keeps_its_batch_and_stops(data, recipe_file, train, tmp_path):
    recipe = recipe_file(lr="1e30")
    with pytest.raises(RecipeError, match=r"the loss is nan.*bad-batch\.pt"):
        train(recipe, data, tmp_path / "run")
    kept = torch.load(tmp_path / "run" / "bad-batch.pt", weights_only=True)
    assert kept["pictures"].shape == (2, 3, 32, 48)


SHORT = """
import resource, sys
from maskworks.apps.cli import main
import maskworks.train.labels.run
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + {megabytes} * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, most))
sys.exit(main(sys.argv[1:]))
"""
"""Train in a process that may not take much more memory than it has when it begins."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_memory_that_does_not_suffice_names_the_setting_that_halves_it(data, recipe_file, tmp_path):
    recipe = recipe_file(batch="64")
    text = recipe.read_text().replace("height = 32\nwidth = 48", "height = 512\nwidth = 512")
    recipe.write_text(text)
    words = ["train", str(recipe), "--data", str(data), "-o", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", SHORT.format(megabytes=900), *words, "--threads", "1"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    said = " ".join(done.stderr.split())
    assert "there is not memory enough for 64 views of 512x512" in said
    assert "batch = 32 with accumulate = 2 halves it" in said
    assert "Traceback" not in said
    assert done.returncode == 1


def test_a_process_that_is_killed_goes_on_to_the_same_weights(data, recipe_file, train, tmp_path):
    recipe = recipe_file(steps="40", dev_steps="2")
    command = [sys.executable, "-m", "maskworks.apps.cli", "train", str(recipe), "--threads", "1"]
    run = tmp_path / "killed"
    with subprocess.Popen([*command, "--data", str(data), "-o", str(run)]) as process:
        until = time.monotonic() + 300
        while not (run / "last.pt").exists() and time.monotonic() < until:
            time.sleep(0.02)
        process.kill()
        assert process.wait() == -signal.SIGKILL  # it had not ended by itself
    lines = "\n".join(train(recipe, data, run))
    assert re.search(r"resumed at step \d+", lines)
    train(recipe, data, tmp_path / "whole")
    whole, again = (
        torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "killed")
    )
    for name, tensor in whole["average"].items():
        assert torch.equal(tensor, again["average"][name]), name
    steps = [row["step"] for row in csv.DictReader((run / "log.csv").read_text().splitlines())]
    assert steps == [str(step) for step in range(2, 41, 2)]  # none twice, none missing


def test_a_checkpoint_of_another_network_is_refused(data, recipe_file, train, tmp_path):
    train(recipe_file(), data, tmp_path / "run")
    with pytest.raises(RecipeError, match=r"checkpoint of channels 4, the recipe says 8"):
        train(recipe_file(channels="8"), data, tmp_path / "run")


def test_patience_stops_a_run_that_no_longer_improves(data, recipe_file, train, tmp_path):
    recipe = recipe_file(steps="400", lr="1e-12", dev_steps="1")
    recipe.write_text(recipe.read_text().replace("ema = 0.5", "ema = 0.0\npatience = 2"))
    lines = train(recipe, data, tmp_path / "run")
    assert "2 dev scores without a new best" in "\n".join(lines)


def test_one_picture_in_both_splits_is_refused(data, recipe_file, tmp_path):
    recipe = recipe_file()
    recipe.write_text(recipe.read_text().replace('folder = "dev"', 'folder = "train"'))
    with pytest.raises(RecipeError, match="6 pictures are in train and dev, such as train0"):
        train_labels(recipe, data, tmp_path / "run", Budget(minutes=1), watch=QUIET)
