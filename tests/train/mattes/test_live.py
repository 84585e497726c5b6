"""The live network: thinned from a wide one, trained with mattes of the frame before, exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from maskworks.models.networks.live import LivePyramid
from maskworks.models.networks.mobilenet import MobilePyramid
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.mattes.before import matte_before, with_matte
from maskworks.train.mattes.build import fold_norms, start_from
from maskworks.train.mattes.card import write_card
from maskworks.train.mattes.export import Matting, parity, write_onnx
from maskworks.train.mattes.recipe import Init
from maskworks.train.mattes.run import assess_run, export_run, open_run
from maskworks.train.mattes.thinning import fit, thin

RECIPES = Path(__file__).parents[3] / "recipes"


def discs(count: int = 8, size: tuple[int, int] = (96, 96)) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw pictures (N, 3, h, w) as the recipes normalise them, and their mattes (N, 1, h, w)."""
    torch.manual_seed(3)
    rows, columns = torch.meshgrid(*(torch.linspace(-1, 1, s) for s in size), indexing="ij")
    middles = torch.rand(count, 2, 1, 1) - 0.5
    matte = ((rows - middles[:, 0]).square() + (columns - middles[:, 1]).square() < 0.2).float()
    matte = matte[:, None]
    colour, ground = torch.rand(count, 3, 1, 1) * 2 - 1, torch.rand(count, 3, 1, 1) * 2 - 1
    noise = 0.05 * torch.randn(count, 3, *size)
    return matte * colour + (1 - matte) * ground + noise, matte


@torch.no_grad()
def test_a_thinned_network_answers_nearly_what_the_wide_one_does():
    init = Init(weights="embedded:cutout")
    wide = MobilePyramid(context=2, middle=2)
    fold_norms(wide)
    start_from(wide, init, Path())
    x, _ = discs()
    expected = torch.sigmoid(wide.eval()(x)[0][0])
    body = LivePyramid(1)
    fold_norms(body)
    start_from(body, init, Path())
    before = (torch.sigmoid(body.eval()(x)[0][0]) - expected).abs().mean()
    missed = thin(body, init, Path(), x)
    after = (torch.sigmoid(body(x)[0][0]) - expected).abs().mean()
    assert missed < 0.5
    assert after < before / 2


def test_a_fitted_layer_is_the_least_squares_answer():
    layer, wanted = torch.nn.Conv2d(5, 3, 1), torch.nn.Conv2d(5, 3, 1)
    given = torch.randn(2, 5, 16, 16)
    with torch.no_grad():
        fit(layer, given, wanted(given))
        assert torch.allclose(layer(given), wanted(given), atol=1e-2)


def test_the_matte_before_is_often_near_the_truth_sometimes_wrong_and_sometimes_missing():
    _, matte = discs(200)
    before = matte_before(matte)
    assert before.shape == matte.shape
    assert 0 <= float(before.min()) <= float(before.max()) <= 1
    apart = (before - matte).abs().mean((1, 2, 3)) / matte.mean((1, 2, 3))
    missing = before.amax((1, 2, 3)) == 0
    assert 0.2 < missing.float().mean() < 0.5
    assert (apart[~missing] < 0.3).float().mean() > 0.3
    assert (apart[~missing] > 0.5).float().mean() > 0.1


@torch.no_grad()
def test_without_anything_before_three_channels_are_as_good_as_four():
    body = LivePyramid().eval()
    torch.nn.init.normal_(body.memory.weight)
    x, _ = discs(2, (48, 80))  # multiples of 16 are enough
    (first, *_), features = body(x)
    (again, *_), _ = body(with_matte(x, torch.zeros(2, 1, 48, 80)))
    assert first.shape == (2, 1, 48, 80)
    assert features.shape == (2, 96, 1, 2)
    assert torch.allclose(first, again, atol=1e-5)


def test_the_file_pads_as_it_goes_and_equals_torch(tmp_path):
    body = LivePyramid().eval()
    torch.nn.init.normal_(body.memory.weight)
    path = tmp_path / "live.onnx"
    write_onnx(Matting(body).eval(), path, 64, ("matte",), channels=4)
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert "Pad" not in kinds
    assert kinds.count("Conv") > 30
    assert parity(Matting(body).eval(), path, 64, channels=4) <= 1e-4
    (matte,) = open_onnx(path)(np.zeros((1, 4, 144, 256), np.float32))
    assert matte.shape == (1, 1, 144, 256)


@pytest.fixture
def live_recipe(recipe_text, tmp_path) -> Path:
    path = tmp_path / "tiny.toml"
    text = recipe_text.replace('"mobile-pyramid"', '"live-pyramid"')
    path.write_text(text.replace("mirrored_pass = true", "squashed = 0.5"))
    return path


def test_a_live_recipe_is_trained_exported_and_measured_without_a_judge(
    live_recipe, data, train, tmp_path
):
    folder = tmp_path / "run"
    lines = train(live_recipe, data, folder, 0.03)
    assert any("maskworks export" in line for line in lines)
    assert open_run(folder).judge is None
    exported = export_run(folder, tmp_path / "out" / "tiny.onnx")
    assert exported.difference <= 1e-4
    found = assess_run(folder, exported.path, data, lambda _: None)
    text = write_card(folder, exported, found).read_text()
    assert "There is no confidence" in text
    assert not (tmp_path / "out" / "tiny-reliability.svg").exists()


def test_the_recipe_of_the_package_begins_with_cutout():
    text = (RECIPES / "cutout-live.toml").read_text()
    assert 'weights = "embedded:cutout"' in text
