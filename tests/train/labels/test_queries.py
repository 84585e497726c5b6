"""Mask2Former learns classes, objects and panoptic segments from label folders."""

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
from maskworks.train.labels.families import build_network, is_encoder
from maskworks.train.labels.loop import LabelRun
from maskworks.train.labels.queries import segments_of
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import Start, load_label_recipe
from maskworks.train.labels.views import Splits
from maskworks.train.labels.watch import ProgressListener

pytest.importorskip("transformers", reason="Mask2Former needs the extra [torch]")

NETWORK = """
network = "transformers/mask2former"
encoder = "test_resnet"

[queries]
count = 8
width = 32
encoder_layers = 1
layers = 1
points = 256
"""


@pytest.fixture
def recipe(tmp_path, recipe_text):
    """Write the recipe of the drawn scenes for a small Mask2Former, with changes."""

    def write(*changes: tuple[str, str], steps: int = 1):
        network, queries = NETWORK.split("\n\n")
        replaced = (
            ('network = "unet"\nchannels = 4', network.strip()),
            ('[losses]\nlovasz = 1.0\nclass_weights = "balanced"', queries.strip()),
            ("height = 48", "height = 64"),
            ("height = 32", "height = 64"),
            ("width = 48", "width = 64"),
            ("lr = 1e-2", "lr = 1e-3"),
            ("ema = 0.5", "ema = 0.9"),
            ("steps = 6", f"steps = {steps}"),
            ("dev_steps = 3", f"dev_steps = {steps}"),
            *changes,
        )
        text = recipe_text
        for before, after in replaced:
            assert before in text, before
            text = text.replace(before, after)
        path = tmp_path / "shapes.toml"
        path.write_text(text)
        return path

    return write


def last_row(run):
    return list(csv.DictReader((run / "log.csv").read_text().splitlines()))[-1]


def test_classes_are_learnt_and_the_exported_file_labels_as_the_run_scored(
    recipe, data, train, tmp_path
):
    run = tmp_path / "run"
    train(recipe(steps=40), data, run)
    assert float(last_row(run)["dev mIoU"]) > 0.6
    wanted = ["--precision", "float16", "--loss-at-most", "0.02"]
    assert main(["export", str(run), "--data", str(data), *wanted]) == 0
    command = ["segment", str(data / "dev" / "dev0.webp"), "-o", str(tmp_path / "out")]
    assert main([*command, "--model", str(run), "--quiet"]) == 0
    ids = np.asarray(PilImage.open(tmp_path / "out" / "dev0.png"))
    truth = np.asarray(PilImage.open(data / "dev" / "dev0.png"))
    assert (ids == truth)[truth < 3].mean() > 0.75


@pytest.fixture
def panoptic(tmp_path, draw_scene):
    """Draw the scenes as a COCO panoptic set: the ground is stuff, discs and bars are things."""
    for first, (split, count) in enumerate((("train", 6), ("dev", 3))):
        (tmp_path / split).mkdir()
        (tmp_path / f"{split}-truth").mkdir()
        images, rows = [], []
        for at in range(count):
            pixels, ids = draw_scene(100 * first + at)
            name = f"{split}{at}"
            PilImage.fromarray(pixels).save(tmp_path / split / f"{name}.png")
            segments = np.where(ids == 255, 0, ids.astype(np.int64) + 300)
            png = np.stack([segments % 256, segments // 256, segments * 0], 2).astype(np.uint8)
            PilImage.fromarray(png).save(tmp_path / f"{split}-truth" / f"{name}.png")
            found = [
                {"id": 300 + int(c), "category_id": 7 + int(c)} for c in np.unique(ids) if c < 3
            ]
            images.append({"id": at, "file_name": f"{name}.png", "height": 48, "width": 64})
            rows.append({"image_id": at, "file_name": f"{name}.png", "segments_info": found})
        names = ("ground", "disc", "bar")
        categories = [
            {"id": 7 + c, "name": name, "isthing": int(c > 0)} for c, name in enumerate(names)
        ]
        whole = {"images": images, "annotations": rows, "categories": categories}
        (tmp_path / f"{split}-truth.json").write_text(json.dumps(whole))
    return tmp_path


def of_coco(split: str) -> tuple[str, str]:
    source = f'folder = "{split}"'
    return source, f'{source}\nformat = "coco-panoptic"\nlabels = "{split}-truth.json"'


PANOPTIC = (
    ('task = "labels"', 'task = "labels"\ntargets = "objects"'),
    of_coco("train"),
    of_coco("dev"),
)


def test_panoptic_files_are_learnt_and_answered_as_segments(recipe, panoptic, train, tmp_path):
    run = tmp_path / "run"
    train(recipe(*PANOPTIC, steps=60), panoptic, run)
    row = last_row(run)
    assert {"pq ground", "pq disc", "pq bar", "iou ground"} <= set(row)
    assert float(row["dev PQ"]) > 0.3
    assert main(["export", str(run), "--data", str(panoptic)]) == 0
    command = ["segment", str(panoptic / "dev"), "-o", str(tmp_path / "out"), "--quiet"]
    assert main([*command, "--model", str(run), "--write", "panoptic"]) == 0
    (found,) = (tmp_path / "out").rglob("panoptic.json")
    segments = [s for a in json.loads(found.read_text())["annotations"] for s in a["segments_info"]]
    assert {each["category_id"] for each in segments} >= {0, 1}


def test_segments_are_objects_and_the_rest_class_by_class():
    labels = torch.tensor([[0, 0, 1, 1], [2, 2, 1, 9]])
    objects = torch.tensor([[0, 0, 4, 4], [0, 0, 8, 8]])
    masks, ids = segments_of(labels, objects, 3)
    assert ids.tolist() == [0, 2, 1, 1]
    assert masks.sum((1, 2)).tolist() == [2, 2, 2, 1]  # 9 has no truth
    assert masks.sum(0).max() == 1
    none = segments_of(torch.full((4, 4), 255), None, 3)
    assert none[0].shape == (0, 4, 4)
    assert none[1].dtype == torch.int64


def test_views_without_any_truth_can_be_learnt_from(recipe, data):
    loaded = load_label_recipe(recipe())
    network = build_network(loaded)
    nothing = [torch.zeros((0, 64, 64))] * 2, [torch.zeros(0, dtype=torch.int64)] * 2
    loss = network.loss(torch.randn(2, 3, 64, 64), *nothing)
    loss.backward()
    assert bool(torch.isfinite(loss))


def test_a_killed_run_of_queries_ends_with_the_same_weights(recipe, data, train, tmp_path):
    path = recipe(steps=4)
    train(path, data, tmp_path / "whole")
    loaded = load_label_recipe(path)
    splits = Splits(load_set(data, loaded, loaded.train), load_set(data, loaded, loaded.dev))
    watch = ProgressListener(lambda _: None)
    killed = LabelRun(loaded, data, splits, folder=tmp_path / "killed", watch=watch)
    for step in range(3):  # the loss draws points; one step after the checkpoint is lost
        killed.learn(step / 4)
        if step == 1:
            killed.save()
    lines = train(path, data, tmp_path / "killed")
    assert "resumed at step 2" in "\n".join(lines)
    whole, again = (
        torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "killed")
    )
    for name, tensor in whole["body"].items():
        assert torch.equal(tensor, again["body"][name]), name


def test_it_starts_from_a_folder_of_transformers_or_an_encoder_of_timm(
    recipe, tmp_path, monkeypatch
):
    import timm

    loaded = load_label_recipe(recipe())
    theirs = build_network(loaded.model_copy(update={"classes": ("a", "b", "c", "d", "e")}))
    theirs.body.save_pretrained(tmp_path / "hub" / "we" / "five")
    monkeypatch.setenv("MASKWORKS_HOME", str(tmp_path))
    ours = build_network(loaded)
    filled = start_network(ours, start_of("hf:we/five"), tmp_path).names
    fresh = {name for name in ours.state_dict() if name not in filled}
    assert fresh == {f"body.{n}" for n in LAST}
    encoder = timm.create_model("test_resnet", pretrained=False)
    save_file(encoder.state_dict(), tmp_path / "timm.safetensors")
    filled = start_network(ours, Start(weights="timm.safetensors"), tmp_path).names
    assert filled == {name for name in ours.state_dict() if is_encoder(name)}
    with pytest.raises(ModelError, match="Fetch it with `maskworks models pull hf:we/six`"):
        start_of("hf:we/six")


LAST = ("class_predictor.weight", "class_predictor.bias", "criterion.empty_weight")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ignore = 255", 'ignore = 255\ninput = "keep"'), "exported for one size; say input"),
        (("[queries]", "[losses]\nlovasz = 1.0\n[queries]"), r"own loss; take \[losses\] out"),
        (("[queries]", '[start]\nweights = "x"\nrows = [[0], [1], [2]]\n[queries]'), "take it out"),
        (("width = 32", "width = 48"), r"queries\.width: Input should be a multiple of 32"),
        (('task = "labels"', 'task = "labels"\ntargets = "objects"'), "is called background"),
    ],
)
def test_what_does_not_go_with_queries_is_refused_by_name(recipe, change, message):
    with pytest.raises(RecipeError, match=message):
        load_label_recipe(recipe(change))


def test_an_encoder_that_is_not_known_is_named(recipe):
    loaded = load_label_recipe(recipe(('"test_resnet"', '"resnet12345"')))
    with pytest.raises(ModelError, match=r"'resnet12345' cannot be made .* choose swin-tiny"):
        build_network(loaded)


@pytest.mark.slow
def test_the_encoder_of_the_published_networks_has_their_parameters(recipe):
    text = recipe(('"test_resnet"', '"swin-tiny"')).read_text().split("[queries]")
    own, rest = text[0], text[1].split("[views]")[1]
    path = recipe()
    path.write_text(f"{own}\n[views]{rest}")
    count = sum(each.numel() for each in build_network(load_label_recipe(path)).parameters())
    assert count == pytest.approx(47.4e6, rel=0.01)
