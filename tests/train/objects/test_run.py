"""A detector learnt end to end at 64 px, from a teacher of random weights that finds much."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

import maskworks as mw
from maskworks.core.errors import RecipeError
from maskworks.models.networks.objects import Decoded, ObjectsNetwork, decode
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.models.runtimes.onnx_writing import trace
from maskworks.train.objects.losses import (
    Lesson,
    assign,
    generous_iou,
    overlaps,
    places_of,
)
from maskworks.train.objects.recipe import load_detector_recipe
from maskworks.train.objects.run import assess_objects, open_objects
from maskworks.train.objects.start import start_from
from maskworks.train.objects.views import DetectorViews

RECIPE = """
name = "tiny"
task = "objects"
size = 64
batch = 2
lr = 1e-3
new_lr = 1e-3
freeze = ["stem."]
[init]
weights = "start.onnx"
[teacher]
weights = "start.onnx"
size = 96
sure = 0.2
doubt = 0.05
[dev]
pictures = "dev"
truth = "dev.json"
[[source]]
folder = "photos"
"""


def noisy(context=0):
    torch.manual_seed(1)
    network = ObjectsNetwork(context)
    for head in network.heads:
        torch.nn.init.normal_(head.kind.weight, std=1.0)
        torch.nn.init.constant_(head.there.bias, 2.0)
    return network.eval()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for folder in ("photos", "dev"):
        (root / folder).mkdir()
        for at in range(3):
            pixels = rng.integers(0, 255, (50, 70, 3), np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{at}.webp")
    Image.fromarray(np.zeros((50, 70), np.uint8)).save(root / "photos" / "0.png")  # its mask
    names = ("level8", "level16", "level32")
    trace(_Levels(noisy()), root / "start.onnx", torch.zeros(1, 3, 64, 64), names=("input", *names))
    sizes = {"height": 50, "width": 70}
    person = {"id": 1, "image_id": 0, "category_id": 1, "iscrowd": 0}
    truth = {
        "images": [{"id": at, "file_name": f"{at}.webp", **sizes} for at in range(3)],
        "annotations": [person | {"bbox": [5, 5, 30, 30], "area": 900}],
        "categories": [{"id": 1, "name": "person"}],
    }
    (root / "dev.json").write_text(json.dumps(truth))
    (root / "recipe.toml").write_text(RECIPE)
    return root


class _Levels(torch.nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return tuple(self.body(x))


def test_weights_are_read_back_and_new_blocks_begin_as_the_identity(data):
    torch.manual_seed(5)
    network = ObjectsNetwork(context=1).eval()
    start_from(data / "start.onnx", network)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for ours, theirs in zip(network(x), noisy()(x), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-4)


def test_weights_of_another_network_are_refused(data, tmp_path):
    with pytest.raises(RecipeError, match="does not exist"):
        start_from(tmp_path / "none.onnx", ObjectsNetwork())
    from maskworks.models.catalogue import WEIGHTS

    with pytest.raises(RecipeError, match=r"has \d+ convolutions, the network \d+"):
        start_from(WEIGHTS / "cutout.onnx", ObjectsNetwork())


def test_a_run_is_trained_exported_and_measured(data, tmp_path):
    run = mw.train_model(
        data / "recipe.toml", data, minutes=0.02, output=tmp_path / "run", threads=1
    )
    recipe, body, took = open_objects(run)
    assert took["step"] >= 1
    assert took["pictures"] == took["step"] * recipe.batch
    began = ObjectsNetwork(recipe.context)
    start_from(data / "start.onnx", began)
    now = dict(body.named_parameters())
    moved = {k for k, v in began.named_parameters() if not torch.equal(v, now[k])}
    assert not any(name.startswith("stem.") for name in moved)
    assert any(name.startswith("heads.") for name in moved)
    exported = mw.export_model(run)
    assert exported.difference <= 1e-4
    x = np.zeros((1, 3, 64, 64), np.float32)
    boxes, scores = open_onnx(exported.path)(x)
    with torch.no_grad():
        ours = Decoded(body)(torch.from_numpy(x))
    assert boxes == pytest.approx(ours[0].numpy(), abs=1e-2)
    assert scores.shape == (1, 8 * 8 + 4 * 4 + 2 * 2, 80)
    found = assess_objects(run, data)
    again = ObjectsNetwork(recipe.context)
    start_from(exported.path, again)  # to train on
    assert all(torch.allclose(v, now[k]) for k, v in again.named_parameters())
    assert set(found) == {"tiny", "started from"}
    assert all(each.pictures == 3 and 0 <= each.ap <= 1 for each in found.values())


def test_a_view_is_drawn_from_its_number(data):
    views = DetectorViews(data, load_detector_recipe(data / "recipe.toml"))
    assert len(views.photos[0]) == 3  # the mask beside a picture is none of them
    first = views.view(3)
    assert first.shape == (96, 96, 3)
    assert np.array_equal(first, views.view(3))
    assert not np.array_equal(first, views.view(4))


def boxes_of(rng, count):
    corners = torch.from_numpy(rng.uniform(0, 40, (count, 2)))
    return torch.cat([corners, corners + torch.from_numpy(rng.uniform(2, 24, (count, 2)))], 1)


def test_overlaps_are_those_of_torchvision():
    a, b = (boxes_of(np.random.default_rng(at), 9) for at in (0, 1))
    assert torch.allclose(overlaps(a, b), torchvision.ops.box_iou(a, b))
    paired = torchvision.ops.generalized_box_iou(a, b).diagonal()
    assert torch.allclose(generous_iou(a, b), paired)


def test_every_box_has_places_and_no_place_serves_two():
    rng = np.random.default_rng(2)
    boxes, there, kinds = decode(noisy()(torch.randn(1, 3, 64, 64)))
    lesson = Lesson(
        boxes_of(rng, 6).float(), torch.arange(6), torch.ones(6), torch.ones(6), torch.zeros(0, 4)
    )
    rows, owners = assign(lesson, places_of(64), boxes[0], there[0], kinds[0])
    assert sorted(set(owners.tolist())) == list(range(6))
    assert len(set(rows.tolist())) == len(rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("size = 64", "size = 65"), "size: Input should be a multiple of 32"),
        (('folder = "photos"', 'folder = "none"'), "holds no picture"),
        (("start.onnx", "none.onnx"), "does not exist"),
        (("[[source]]", "[[sources]]"), "source"),
    ],
    ids=["size", "folder", "weights", "key"],
)
def test_a_recipe_that_cannot_be_used_is_refused(data, tmp_path, change, message):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace(*change))
    with pytest.raises(RecipeError, match=message):
        mw.train_model(path, data, minutes=0.001, output=tmp_path / "run")


def test_the_recipe_of_the_package_can_be_read(pytestconfig):
    recipe = load_detector_recipe(pytestconfig.rootpath / "recipes" / "objects.toml")
    assert (recipe.name, recipe.size) == ("objects", 416)
