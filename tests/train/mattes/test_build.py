"""Bodies: norms folded away, and networks that are started from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from maskworks.core.errors import RecipeError
from maskworks.models.networks.judge import Passes
from maskworks.models.networks.mobilenet import MobilePyramid, WideBlock
from maskworks.models.networks.u2net import U2Net
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.mattes.build import build_body, fold_norms, start_from
from maskworks.train.mattes.onnx_start import embedded_file
from maskworks.train.mattes.recipe import Init, load_recipe
from maskworks.train.mattes.run import export_run, open_run

RECIPES = Path(__file__).parents[3] / "recipes"


def picture(height=64, width=96):
    """Smooth shapes, normalised as the recipes of ours do, float32 (1, 3, height, width)."""
    rows, columns = torch.meshgrid(
        torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij"
    )
    disc = ((rows**2 + columns**2) < 0.3).float()
    return torch.stack([disc, 0.5 * rows, 0.4 - disc * columns])[None]


@torch.no_grad()
def matte_of(body, x, *, mirrored=False):
    matte, _ = Passes(body.eval(), mirrored=mirrored)(x)
    return matte.numpy()


def lively(body):
    """Give every batch norm statistics and weights of its own."""
    torch.manual_seed(1)
    for layer in body.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.2)
    return body.eval()


@pytest.mark.parametrize("make", [MobilePyramid, U2Net], ids=["mobile-pyramid", "u2netp"])
def test_folded_norms_leave_what_the_network_computes(make):
    torch.manual_seed(0)
    body, x = lively(make()), picture()
    before = matte_of(body, x)
    fold_norms(body)
    assert not [layer for layer in body.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert np.abs(matte_of(body, x) - before).max() < 1e-4


def test_wide_blocks_begin_as_the_identity():
    torch.manual_seed(0)
    features = torch.randn(2, 16, 5, 7)
    assert torch.equal(WideBlock(16)(features), features)


def test_the_package_has_a_network_to_go_on_from():
    """A body started from `embedded:cutout` answers what the ONNX file answers, unsharpened."""
    recipe = load_recipe(RECIPES / "cutout.toml")
    body = build_body(recipe)
    loaded = start_from(body, Init(weights="embedded:cutout"), Path())
    own = {name for name, _ in body.named_parameters()}
    assert {name.split(".")[0] for name in own - loaded} <= {
        "wide",
        "middle",
    }  # identities, if they are new
    network = open_onnx(embedded_file("cutout"), threads=1)
    for shape in ((64, 96), (352, 544)):
        x = picture(*shape)
        matte, *_ = network(x.numpy())
        assert np.abs(matte_of(body, x, mirrored=True) - matte).max() < 1e-3
        assert matte.max() - matte.min() > 0.05


@pytest.mark.parametrize("frozen", [True, False], ids=["norms folded", "norms kept"])
def test_an_exported_file_can_be_gone_on_from(finished, frozen, tmp_path):
    _, folder, _ = finished
    done = open_run(folder)
    exported = export_run(folder, tmp_path / "mine.onnx")
    body = build_body(done.recipe.model_copy(update={"frozen_norm": frozen}))
    x = picture()
    before = matte_of(body, x, mirrored=True)
    loaded = start_from(body, Init(weights="mine.onnx"), tmp_path)
    assert {name for name, _ in body.named_parameters()} <= loaded
    (matte, *_) = open_onnx(exported.path)(x.numpy())
    assert np.abs(matte_of(body, x, mirrored=True) - matte).max() < 1e-4
    assert np.abs(before - matte).max() > 1e-3


@pytest.mark.parametrize(
    ("network", "weights", "message"),
    [
        pytest.param("mobile-pyramid", "none.onnx", "does not exist", id="missing"),
        pytest.param("u2netp", "embedded:cutout", "holds no tensor", id="another network"),
        pytest.param("mobile-pyramid", "embedded:u2net", "is not embedded", id="not ours"),
    ],
)
def test_weights_that_cannot_be_started_from_are_refused(
    recipe_file, tmp_path, network, weights, message
):
    recipe = load_recipe(recipe_file).model_copy(update={"network": network})
    with pytest.raises(RecipeError, match=message):
        start_from(build_body(recipe), Init(weights=weights), tmp_path)


def test_the_embedded_file_is_the_one_the_catalogue_names():
    assert embedded_file("cutout").name == "cutout.onnx"
