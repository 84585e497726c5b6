"""Every family becomes an ONNX file that answers the same: `maskworks export MODEL -o FILE`."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image as Pil

from maskworks.apps.cli import main
from maskworks.core.errors import UsageError
from maskworks.core.values import Image
from maskworks.models.exporting import export_loaded
from maskworks.models.families.hub_input import HubInput, prepare
from maskworks.models.families.network_input import to_input
from maskworks.models.labelling import label_picture
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter
from maskworks.models.traceable import input_of

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own


def pictures(shapes):
    """Two drawings of sizes the networks do not have."""
    rng = np.random.default_rng(5)
    wide = np.ascontiguousarray(shapes.draw(rng, 96)[0][:70])
    return [Image(shapes.draw(rng, 90)[0]), Image(wide)]


def answers(folder, images, task):
    segmenter = load_segmenter(str(folder), Opening(min_score=0.1))
    return segmenter, [label_picture(each, segmenter, task) for each in images]


def assert_same(model, exported, images, task, *, least=0.999):
    before, ours = answers(model, images, task)
    after, theirs = answers(exported, images, task)
    assert (before.own, before.taxonomy.names) == (after.own, after.taxonomy.names)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.labels.ids == other.labels.ids).mean() > least
        if one.instances is not None:
            assert one.instances.labels.tolist() == other.instances.labels.tolist()
            assert one.instances.scores == pytest.approx(other.instances.scores, abs=1e-3)
        if one.panoptic is not None:
            found = [[each.category for each in p.segments] for p in (one.panoptic, other.panoptic)]
            assert found[0] == found[1]


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(("torchvision/lraspp_mobilenet_v3_large", 25), id="lraspp"),
        pytest.param(
            ("torchvision/deeplabv3_mobilenet_v3_large", 0), id="deeplab", marks=pytest.mark.slow
        ),
        pytest.param(("torchvision/fcn_resnet50", 0), id="fcn", marks=pytest.mark.slow),
        pytest.param(("smp/Unet/resnet18", 20), id="unet"),
        pytest.param(("smp/UnetPlusPlus/resnet18", 0), id="unet++", marks=pytest.mark.slow),
        pytest.param(("smp/DeepLabV3Plus/mobilenet_v2", 0), id="deeplab+"),
        pytest.param(("smp/FPN/timm-mobilenetv3_small_100", 0), id="fpn"),
        pytest.param(("smp/PSPNet/resnet18", 0), id="pspnet"),
        pytest.param(("smp/UPerNet/resnet18", 0), id="smp-upernet", marks=pytest.mark.slow),
        pytest.param(("smp/Segformer/mit_b0", 0), id="smp-segformer", marks=pytest.mark.slow),
        pytest.param(("transformers/segformer", 40), id="segformer"),
        pytest.param(("transformers/upernet", 0), id="upernet"),
        pytest.param(("transformers/dpt", 0), id="dpt"),
    ],
)
def test_model_of_classes_gives_the_same_labels_as_onnx(made, shapes, tmp_path, model):
    folder = made(*model)
    done = export_loaded(str(folder), tmp_path / "out/model.onnx")
    assert done.difference <= 1e-4
    assert_same(folder, tmp_path / "out", pictures(shapes), "semantic")


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(("transformers/eomt", 250), id="eomt"),
        pytest.param(("transformers/mask2former", 0), id="mask2former"),
        pytest.param(("transformers/maskformer", 0), id="maskformer"),
        pytest.param(("transformers/detr", 0), id="detr"),
        pytest.param(("transformers/mask2former", 250), id="trained", marks=pytest.mark.slow),
    ],
)
def test_model_of_queries_does_every_task_as_onnx(made, shapes, tmp_path, model):
    folder = made(*model)
    assert export_loaded(str(folder), tmp_path / "out/model.onnx").difference <= 1e-4
    for task in ("semantic", "instance", "panoptic"):
        # With weights by chance many queries claim a pixel alike, and a millionth decides.
        least = 0.999 if model[1] else 0.99
        assert_same(folder, tmp_path / "out", pictures(shapes), task, least=least)


@pytest.mark.slow
def test_mask_rcnn_finds_the_same_objects_as_onnx(made, shapes, tmp_path):
    folder = made("torchvision/maskrcnn_resnet50_fpn")
    assert export_loaded(str(folder), tmp_path / "out/model.onnx").difference <= 1e-4
    assert_same(folder, tmp_path / "out", pictures(shapes)[:1], "instance")


def test_command_exports_a_model_and_runs_its_file(made, shapes, tmp_path, capsys):
    folder, out = made("transformers/segformer", 40), tmp_path / "out/shapes.onnx"
    assert main(["export", str(folder), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "from PyTorch" in said
    assert str(tmp_path / "out/model.toml") in said
    Pil.fromarray(shapes.draw(np.random.default_rng(0), 90)[0]).save(tmp_path / "a.png")
    found = []
    for model in (folder, tmp_path / "out"):
        target = tmp_path / f"{model.name}.png"
        command = ["segment", str(tmp_path / "a.png"), "-o", str(target), "--model", str(model)]
        assert main(command) == 0
        found.append(np.asarray(Pil.open(target)))
    assert (found[0] == found[1]).all()
    assert set(np.unique(found[0])) == {0, 1, 2}
    assert main(["export", str(folder), "-o", str(out)]) == 0  # again, over its own file


def test_size_is_asked_for_where_the_input_follows_the_picture(made, shapes, tmp_path, capsys):
    folder = tmp_path / "model"
    shutil.copytree(made("transformers/segformer", 40), folder)
    rule = json.loads((folder / "preprocessor_config.json").read_text())
    rule["size"] = {"shortest_edge": 64, "longest_edge": 128}
    (folder / "preprocessor_config.json").write_text(json.dumps(rule))
    out = tmp_path / "out/model.onnx"
    assert main(["export", str(folder), "-o", str(out)]) == 2
    assert "give it with --size HEIGHTxWIDTH" in capsys.readouterr().err
    assert main(["export", str(folder), "-o", str(out), "--size", "64x96"]) == 0
    wide = np.ascontiguousarray(shapes.draw(np.random.default_rng(5), 96)[0][:64])
    assert_same(folder, tmp_path / "out", [Image(wide)], "semantic")


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        pytest.param("SamModel", "looks at a picture once and then answers prompts", id="sam"),
        pytest.param("Sam2Model", "looks at a picture once and then answers prompts", id="sam2"),
        pytest.param("oneformer", "is told its task in words", id="oneformer"),
    ],
)
def test_what_cannot_be_one_file_says_why_and_the_way_out(
    made, tmp_path, capsys, architecture, message
):
    folder = tmp_path / "model"
    if architecture == "oneformer":
        folder = made("transformers/oneformer")
    else:
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    assert main(["export", str(folder), "-o", str(tmp_path / "out/m.onnx")]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert "run the folder itself with `maskworks segment --model FOLDER`" in said
    assert not (tmp_path / "out").exists()


def test_operation_that_onnx_has_not_is_one_line_and_no_file(tmp_path, capfd):
    import torch

    from maskworks.core.errors import ModelError
    from maskworks.models.runtimes.onnx_writing import Answers, write_onnx

    network = Answers(torch.nn.Identity(), lambda _, x: (torch.special.bessel_j0(x),))
    with pytest.raises(ModelError, match=r"cannot be written as ONNX .*bessel_j0.* run its"):
        write_onnx(network, tmp_path / "m.onnx", size=(8, 8), outputs=("logits",))
    assert capfd.readouterr().out == ""
    assert not (tmp_path / "m.onnx").exists()


def test_file_that_answers_otherwise_is_not_kept(made, tmp_path, monkeypatch):
    from maskworks.core.errors import ModelError
    from maskworks.models import exporting

    monkeypatch.setattr(exporting, "PARITY_AT_MOST", -1.0)
    with pytest.raises(ModelError, match=r"ONNX and Torch differ by .* nothing was"):
        export_loaded(str(made("transformers/segformer", 40)), tmp_path / "out/m.onnx")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        pytest.param("out/m.pt", [], "is exported as a .onnx file", id="suffix"),
        pytest.param("model/m.onnx", [], "makes that folder another model", id="beside"),
        pytest.param(None, [], "say where its file goes", id="nowhere"),
        pytest.param("out/m.onnx", ["--embed"], "are for runs", id="embed"),
        pytest.param("out/m.onnx", ["--size", "big"], "an input size is", id="size"),
    ],
)
def test_wrong_target_is_refused(made, tmp_path, capsys, target, options, message):
    folder = tmp_path / "model"
    shutil.copytree(made("transformers/segformer", 40), folder)
    output = ["-o", str(tmp_path / target)] if target else []
    assert main(["export", str(folder), *output, *options]) == 2
    assert message in capsys.readouterr().err


def test_onnx_model_has_nothing_to_export(made, tmp_path, capsys):
    export_loaded(str(made("transformers/segformer", 40)), tmp_path / "one/m.onnx")
    assert main(["export", str(tmp_path / "one"), "-o", str(tmp_path / "two/m.onnx")]) == 2
    assert "is ONNX already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rule", "resize"),
    [
        pytest.param(HubInput(square=(48, 64), resample=3, mean=(0.4, 0.5, 0.6)), "squash", id="3"),
        pytest.param(HubInput(square=(48, 64), rescale=1.0, std=(60.0,) * 3), "squash", id="raw"),
        pytest.param(HubInput(longest=64, shortest=64, pad=(64, 64)), "pad", id="corner"),
        pytest.param(HubInput(shortest=64, split=True), "squash", id="split"),
    ],
)
def test_row_prepares_a_picture_as_the_folder_does(rng, tmp_path, rule, resize):
    pixels = rng.integers(0, 256, (150, 150 if rule.split else 210, 3)).astype(np.uint8)
    found = input_of(rule, tmp_path, None)
    assert found.resize == resize
    ours, _ = to_input(pixels, found)
    assert np.abs(ours - prepare(pixels, rule).batch).max() < 1e-5


def test_size_that_the_network_cannot_take_is_refused(tmp_path):
    with pytest.raises(UsageError, match="multiples of 32, got 50x64"):
        input_of(HubInput(shortest=64, divisor=32), tmp_path, (50, 64))
