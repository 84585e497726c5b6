"""The recipe of the shipped street model goes a step, on frames drawn in CamVid's classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from safetensors.torch import save_file

from maskworks.apps.cli import main
from maskworks.models.networks.espnet import EspNet
from maskworks.train.labels.recipe import load_label_recipe

SMALLER = (
    ("height = 540\nwidth = 720", "height = 96\nwidth = 128"),
    ("height = 288\nwidth = 384\nbatch = 8", "height = 64\nwidth = 96\nbatch = 2"),
    ("height = 352\nwidth = 480\nbatch = 6", "height = 96\nwidth = 128\nbatch = 2"),
    ("recalibrate = 8", "recalibrate = 1"),
)


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """Frames of every class, and weights of 20 classes that know nothing."""
    root = tmp_path_factory.mktemp("street")
    random = np.random.default_rng(5)
    for split, count in (("train", 8), ("val", 1), ("test", 1)):
        (root / "data" / "street" / split).mkdir(parents=True)
        for at in range(count):
            ids = np.kron(random.integers(0, 12, (12, 16)), np.ones((30, 30))).astype(np.uint8)
            pixels = (ids[..., None] * np.array([20, 15, 7]) + random.integers(0, 30, 3)) % 256
            stem = root / "data" / "street" / split / f"{split}{at}"
            PilImage.fromarray(pixels.astype(np.uint8)).save(stem.with_suffix(".webp"))
            PilImage.fromarray(ids).save(stem.with_suffix(".png"))
    (root / "weights").mkdir()
    torch.manual_seed(0)
    weights = root / "weights" / "espnetv2_s2_cityscapes20.safetensors"
    save_file(EspNet(20, width=16).state_dict(), weights)
    return root


@pytest.mark.parametrize(
    "changes", [SMALLER, pytest.param((), marks=pytest.mark.slow)], ids=["smaller", "as shipped"]
)
def test_the_recipe_takes_a_step_from_weights_of_other_classes(
    street, tmp_path, root, changes, capsys
):
    text = (root / "recipes" / "street.toml").read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    recipe, run = tmp_path / "street.toml", tmp_path / "run"
    recipe.write_text(text)
    command = ["train", str(recipe), "--data", str(street / "data"), "-o", str(run)]
    assert main([*command, "--minutes", "0.0001"]) == 0
    said = capsys.readouterr().out
    assert "8 pictures to learn from, 1 to score on" in said
    assert "started from ../weights/espnetv2_s2_cityscapes20.safetensors" in said
    saved = torch.load(run / "best.pt", weights_only=True)
    assert saved["progress"]["step"] == 1
    assert saved["architecture"]["classes"] == list(load_label_recipe(recipe).class_names)
    assert main(["export", str(run)]) == 0
    picture = street / "data" / "street" / "test" / "test0.webp"
    out = ["-o", str(tmp_path / "out"), "--model", str(run), "--quiet"]
    assert main(["segment", str(picture), *out]) == 0
    with PilImage.open(tmp_path / "out" / "test0.png") as labels:
        assert labels.size == (480, 360)


def test_the_check_finds_nothing_to_mend_in_them(street, root, capsys):
    command = ["data", "check", str(street / "data"), "--recipe", str(root / "recipes/street.toml")]
    assert main(command) == 0, capsys.readouterr().out
