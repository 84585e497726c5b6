"""Every family that a recipe can name learns a step, is exported, and runs as a model."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from safetensors.torch import save_file

from maskworks.apps.cli import main
from maskworks.core.errors import ModelError, RecipeError
from maskworks.train.labels.building import start_network, start_of
from maskworks.train.labels.families import build_network, is_encoder, last_layer
from maskworks.train.labels.recipe import Start, load_label_recipe

NETWORKS = {
    "espnetv2": 'network = "espnetv2"\nchannels = 8',
    "smp unet": 'network = "smp/unet"\nencoder = "mobilenet_v2"',
    "smp deeplabv3plus": 'network = "smp/deeplabv3plus"\nencoder = "mobilenet_v2"',
    "smp segformer": 'network = "smp/segformer"\nencoder = "mit_b0"',
    "torchvision lraspp": 'network = "torchvision/lraspp_mobilenet_v3_large"',
}
LOSSES = (
    '[losses]\nlovasz = 1.0\nclass_weights = "balanced"',
    "[queries]\ncount = 8\nwidth = 32\nencoder_layers = 1\nlayers = 1\npoints = 256",
)
"""In the place of the losses of the drawn scenes' recipe, a small network of queries."""
SLOW = {
    "torchvision fcn": 'network = "torchvision/fcn_resnet50"',
    "torchvision deeplabv3": 'network = "torchvision/deeplabv3_mobilenet_v3_large"',
    "smp fpn": 'network = "smp/fpn"\nencoder = "resnet18"',
}


@pytest.fixture
def named(recipe_file):
    """Write the recipe of the drawn scenes with another network."""

    def write(network: str, *more: tuple[str, str]):
        path = recipe_file(steps="1", dev_steps="1", height="64")
        text = path.read_text().replace('network = "unet"\nchannels = 4', network)
        text = text.replace("height = 32", "height = 64").replace("width = 48", "width = 64")
        text = text.replace("\nsteps = 1\n", "\nsteps = 1\nexamples = 1\n")
        for before, after in more:
            assert before in text, before
            text = text.replace(before, after)
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    "network",
    [
        *(pytest.param(text, id=name) for name, text in NETWORKS.items()),
        *(pytest.param(text, id=name, marks=pytest.mark.slow) for name, text in SLOW.items()),
    ],
)
def test_a_family_is_trained_exported_with_parity_and_run(named, data, train, tmp_path, network):
    train(named(network), data, tmp_path / "run")
    assert main(["export", str(tmp_path / "run")]) == 0
    model = str(tmp_path / "run")
    picture = str(data / "dev" / "dev0.webp")
    assert main(["segment", picture, "-o", str(tmp_path), "--model", model, "--quiet"]) == 0
    ids = np.asarray(PilImage.open(tmp_path / "dev0.png"))
    assert ids.shape == (48, 64)
    assert set(np.unique(ids)) <= {0, 1, 2}


OBJECTS = (
    ('task = "labels"', 'task = "labels"\ntargets = "objects"\ninput = "keep"'),
    ('classes = ["ground", "disc", "bar"]', 'classes = ["background", "thing"]'),
    ("ignore = 255\n", ""),
    ('class_weights = "balanced"', ""),
)


def test_objects_are_learnt_as_depth_and_found_as_instances(named, data, train, tmp_path):
    steps = (("\nsteps = 1\n", "\nsteps = 12\n"), ("dev_steps = 1", "dev_steps = 12"))
    recipe = named('network = "unet"\nchannels = 4', *OBJECTS, *steps)
    lines = train(recipe, data, tmp_path / "run")
    assert any(line.startswith("dev PQ") for line in lines)
    (row,) = csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()[:2])
    assert {"dev PQ", "pq thing", "iou background", "iou thing"} <= set(row)
    assert main(["export", str(tmp_path / "run")]) == 0
    command = ["segment", str(data / "dev"), "-o", str(tmp_path / "out"), "--quiet", "--model"]
    assert main([*command, str(tmp_path / "run"), "--write", "coco"]) == 0
    (found,) = (tmp_path / "out").rglob("instances.json")
    assert json.loads(found.read_text())["categories"][-1]["name"] == "thing"


@pytest.mark.slow
def test_mask_r_cnn_learns_objects_and_is_a_model_of_safetensors(named, data, train, tmp_path):
    own = ("[losses]\nlovasz = 1.0\n", "")
    recipe = named('network = "torchvision/maskrcnn_resnet50_fpn"', *OBJECTS, own)
    train(recipe, data, tmp_path / "run")
    assert main(["export", str(tmp_path / "run"), "--data", str(data)]) == 0
    assert (tmp_path / "run" / "shapes.safetensors").is_file()
    command = ["segment", str(data / "dev"), "-o", str(tmp_path / "out"), "--quiet", "--model"]
    assert main([*command, str(tmp_path / "run")]) == 0
    command = ["export", str(tmp_path / "run"), "--data", str(data), "--precision", "int8"]
    assert main(command) == 1


@pytest.mark.parametrize(
    ("network", "more", "message"),
    [
        ('network = "smp/unet"', (), "'smp/unet' needs encoder, such as resnet18 or mit_b0"),
        ('network = "unet"\nencoder = "mit_b0"', (), "'unet' takes no encoder; it has one"),
        (
            'network = "torchvision/maskrcnn_resnet50_fpn"',
            (),
            "finds objects; say targets = 'objects'",
        ),
        (
            'network = "torchvision/maskrcnn_resnet50_fpn"',
            OBJECTS,
            r"has its own loss; take \[losses\] out",
        ),
        ('network = "transformers/mask2former"', (), "needs encoder, such as swin-tiny"),
        (
            'network = "transformers/detr"\nencoder = "resnet50"',
            (),
            "'transformers/detr'; choose one of transformers/mask2former",
        ),
        ('network = "unet"', (LOSSES,), "queries is for transformers/mask2former, not for unet"),
        (
            'network = "unet"',
            (('task = "labels"', 'task = "labels"\ntargets = "objects"'),),
            "the first class is called background",
        ),
    ],
)
def test_networks_that_cannot_be_are_refused_by_name(named, network, more, message):
    with pytest.raises(RecipeError, match=message):
        load_label_recipe(named(network, *more))


def test_an_encoder_that_is_not_there_is_named(named):
    recipe = load_label_recipe(named('network = "smp/unet"\nencoder = "resnet19"'))
    with pytest.raises(ModelError, match="encoder 'resnet19' cannot be made"):
        build_network(recipe)


# ---------------------------------------------------------------- weights to start from


@pytest.fixture
def unet(named):
    recipe = load_label_recipe(named('network = "smp/unet"\nencoder = "mobilenet_v2"'))
    torch.manual_seed(1)
    return lambda: build_network(recipe)


def test_an_encoder_alone_fills_the_encoder_and_nothing_else(unet, tmp_path):
    theirs, ours = unet(), unet()
    theirs.encoder(torch.randn(2, 3, 64, 64))  # in training, so batch norms learn statistics
    before = {name: t.clone() for name, t in ours.state_dict().items()}
    own = {k: v for k, v in theirs.encoder.state_dict().items() if "num_batches" not in k}
    save_file(own, tmp_path / "encoder.safetensors")
    loaded = start_network(ours, Start(weights="encoder.safetensors"), tmp_path)
    assert loaded.names == {f"encoder.{name}" for name in own}
    assert not loaded.folded
    for name, tensor in ours.state_dict().items():
        expected = theirs.state_dict() if name in loaded.names else before
        assert torch.equal(tensor, expected[name]), name
        assert is_encoder(name) or name not in loaded.names


def test_batch_norms_that_were_folded_away_are_noticed(unet, tmp_path):
    folded = {
        name: torch.zeros_like(t) if name.endswith("running_mean") else t
        for name, t in unet().encoder.state_dict().items()
        if "num_batches" not in name
    }
    spread = {n: torch.full_like(t, 1 - 1e-5) for n, t in folded.items() if n.endswith("_var")}
    folded |= spread
    save_file(folded, tmp_path / "encoder.safetensors")
    assert start_network(unet(), Start(weights="encoder.safetensors"), tmp_path).folded


def test_a_layer_for_other_classes_stays_fresh(named, tmp_path):
    recipe = load_label_recipe(named('network = "unet"\nchannels = 4'))
    theirs = build_network(recipe.model_copy(update={"classes": ("a", "b", "c", "d", "e")}))
    save_file(theirs.state_dict(), tmp_path / "five.safetensors")
    ours = build_network(recipe)
    loaded = start_network(ours, Start(weights="five.safetensors"), tmp_path)
    assert {n for n in ours.state_dict() if n not in loaded.names} == {"last.weight", "last.bias"}
    assert last_layer(ours) == "last"


def test_init_takes_a_model_of_the_catalogue(named, data, tmp_path, capsys):
    recipe = named('network = "espnetv2"\nchannels = 16')
    run = tmp_path / "run"
    command = ["train", str(recipe), "--data", str(data), "-o", str(run), "--init", "street"]
    assert main([*command, "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert "started from" in said
    share = said.split("street.onnx: ")[1].split(" tensors")[0].split(" of ")
    assert int(share[0]) > 0.8 * int(share[1])  # the rest: classes, counters
    assert main(["export", str(run)]) == 0
    assert "started from street.onnx" in (run / "shapes.md").read_text()


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("street", "is a model of another architecture"),
        ("nobody", "nobody"),
        ("pickle.pt", "is neither safetensors nor ONNX"),
        ("broken.safetensors", "is no safetensors file"),
    ],
)
def test_weights_that_do_not_fit_are_refused(named, data, tmp_path, capsys, init, message):
    for name in ("pickle.pt", "broken.safetensors"):
        (tmp_path / name).write_bytes(b"no")
    given = str(tmp_path / init) if "." in init else init
    recipe = str(named('network = "unet"\nchannels = 4'))
    run = str(tmp_path / "run")
    assert main(["train", recipe, "--data", str(data), "-o", run, "--init", given]) != 0
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_a_folder_of_weights_is_its_safetensors_file(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert start_of(str(tmp_path)).weights == str((tmp_path / "model.safetensors").resolve())
