"""Each family of Torch, end to end: a tiny model is trained here on drawn shapes until it really
segments them, saved as a hub would hold it, opened through the public path, and asked."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pil

from maskworks.apps.cli import main

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own, at import and training


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        pytest.param("lraspp_mobilenet_v3_large", 25, id="lraspp"),
        pytest.param("deeplabv3_mobilenet_v3_large", 100, id="deeplab", marks=pytest.mark.slow),
        pytest.param("fcn_resnet50", 25, id="fcn", marks=pytest.mark.slow),
    ],
)
def test_torchvision_state_dict_segments_what_it_was_trained_on(made, agreement, name, steps):
    share, _ = agreement(made(f"torchvision/{name}", steps))
    assert share > 0.8


@pytest.mark.slow
def test_mask_rcnn_finds_each_object(made, agreement):
    share, found = agreement(made("torchvision/maskrcnn_resnet50_fpn", 150), task="instance")
    assert share > 0.8
    assert sorted(found.instances.labels.tolist()) == [1, 2]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Unet/resnet18", id="unet"),
        pytest.param("UnetPlusPlus/resnet18", id="unet++", marks=pytest.mark.slow),
        pytest.param("DeepLabV3Plus/mobilenet_v2", id="deeplab+", marks=pytest.mark.slow),
        pytest.param("FPN/timm-mobilenetv3_small_100", id="fpn", marks=pytest.mark.slow),
        pytest.param("PSPNet/resnet18", id="pspnet", marks=pytest.mark.slow),
        pytest.param("UPerNet/resnet18", id="upernet", marks=pytest.mark.slow),
        pytest.param("Segformer/mit_b0", id="segformer", marks=pytest.mark.slow),
    ],
)
def test_smp_folder_segments_what_it_was_trained_on(made, agreement, shapes, name):
    pytest.importorskip("segmentation_models_pytorch")
    share, found = agreement(made(f"smp/{name}", 20))
    assert share > 0.8
    assert found.labels.taxonomy.names == shapes.names


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        pytest.param("segformer", 40, id="segformer"),
        pytest.param("upernet", 60, id="upernet", marks=pytest.mark.slow),
        pytest.param("dpt", 200, id="dpt", marks=pytest.mark.slow),
    ],
)
def test_transformers_folder_of_classes_segments_what_it_was_trained_on(
    made, agreement, shapes, name, steps
):
    share, found = agreement(made(f"transformers/{name}", steps))
    assert share > 0.8
    assert found.labels.taxonomy.names == shapes.names


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        pytest.param("eomt", 250, id="eomt"),
        pytest.param("mask2former", 250, id="mask2former", marks=pytest.mark.slow),
        pytest.param("maskformer", 400, id="maskformer", marks=pytest.mark.slow),
        pytest.param("oneformer", 700, id="oneformer", marks=pytest.mark.slow),
    ],
)
def test_transformers_folder_of_queries_does_all_three_tasks(made, agreement, name, steps):
    folder = made(f"transformers/{name}", steps)
    assert agreement(folder)[0] > 0.75
    share, found = agreement(folder, task="panoptic")
    assert share > 0.7
    assert {each.category for each in found.panoptic.segments} >= {1, 2}
    share, found = agreement(folder, task="instance")
    assert share > 0.7
    assert {1, 2} <= set(found.instances.labels.tolist())


@pytest.mark.slow
def test_detr_finds_each_object(made, agreement):
    share, found = agreement(made("transformers/detr", 800), task="instance", min_score=0.3)
    assert share > 0.6
    assert set(found.instances.labels.tolist()) == {1, 2}


def test_command_runs_a_folder_of_transformers(made, shapes, tmp_path):
    folder = made("transformers/segformer", 40)
    Pil.fromarray(shapes.draw(np.random.default_rng(0), 90)[0]).save(tmp_path / "a.png")
    out = str(tmp_path / "out")
    assert main(["segment", str(tmp_path / "a.png"), "-o", out, "--model", str(folder)]) == 0
    assert np.asarray(Pil.open(tmp_path / "out/a.png")).shape == (90, 90)


def test_more_classes_than_the_taxonomy_fail_that_picture(made, shapes, tmp_path, capsys):
    folder = made("transformers/segformer", 40)
    Pil.fromarray(shapes.draw(np.random.default_rng(0), 90)[0]).save(tmp_path / "a.png")
    command = ["segment", str(tmp_path / "a.png"), "-o", str(tmp_path / "out")]
    assert main([*command, "--model", str(folder), "--taxonomy", "voc-21"]) == 1
    said = capsys.readouterr().out
    assert "answers 3 classes, the taxonomy voc-21 has 21" in said
    assert "with --taxonomy" in said
