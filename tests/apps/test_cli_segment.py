from __future__ import annotations

import csv
import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from skimage import data

from maskworks.apps.cli import main
from maskworks.core.panoptic import ids_of_png
from maskworks.core.rle_coco import from_coco


@pytest.fixture
def segment(tmp_path, capsys):
    """Run `maskworks segment` here; return the exit code, stdout and stderr."""

    def run(*arguments, out="out"):
        code = main(["segment", *map(str, arguments), "-o", str(tmp_path / out)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def shapes(tmp_path):
    """A folder with two pictures of dark discs on white, one of them below a folder."""
    folder = tmp_path / "in"
    rows, columns = np.mgrid[:90, :140]
    for name, middles in (("two.png", (35, 105)), ("a/one.jpg", (70,))):
        inside = np.any([np.hypot(rows - 45, columns - x) < 20 for x in middles], axis=0)
        grey = np.where(inside, 40, 245).astype(np.uint8)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(path)
    return folder


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_row(folder, network, **fields):
    """Write a folder with a model: an ONNX file and the row that describes it."""
    folder.mkdir(exist_ok=True)
    onnx.save(network, folder / "model.onnx")
    rule = {
        "height": 32,
        "width": 32,
        "resize": "squash",
        "scale": "255",
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
    }
    row = {
        "name": "tiny",
        "family": "semantic",
        "task": "semantic",
        "file": "model.onnx",
        "input": rule | fields.pop("input", {}),
        "output": {"kind": "class-logits"},
        **fields,
    }
    lines = [f"{key} = {_toml(value)}" for key, value in row.items()]
    (folder / "model.toml").write_text("\n".join(lines))
    return folder


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def brightness_network(*, kind="class-logits", classes=2):
    """Dark is class 0, bright is class 1: as logits, probabilities, ids, or one matte."""
    weights = np.zeros((classes, 3, 1, 1), np.float32)
    weights[0], weights[1] = -4, 4
    bias = np.full(classes, -9, np.float32)
    bias[:2] = (6, -6)
    nodes = [helper.make_node("Conv", ["pixels", "w", "b"], ["logits"])]
    last, value = "logits", TensorProto.FLOAT
    if kind == "class-scores":
        nodes.append(helper.make_node("Softmax", ["logits"], ["answer"], axis=1))
        last = "answer"
    elif kind == "class-map":
        nodes.append(helper.make_node("ArgMax", ["logits"], ["answer"], axis=1, keepdims=0))
        last, value = "answer", TensorProto.INT64
    elif kind == "matte":
        first = numpy_helper.from_array(np.array([1], np.int64), "one")
        nodes += [
            helper.make_node("Softmax", ["logits"], ["soft"], axis=1),
            helper.make_node("Gather", ["soft", "one"], ["answer"], axis=1),
        ]
        last = "answer"
    initial = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")]
    if kind == "matte":
        initial.append(first)
    shape = ["N", 3, "H", "W"]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, value, None)],
        initial,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)


def test_folder_becomes_label_maps_of_its_tree_with_overlays_and_tables(segment, shapes, tmp_path):
    code, out, err = segment(shapes, "--model", "otsu")
    assert code == 0, err
    assert files_in(tmp_path / "out") == [
        "a/one.png",
        "classes.csv",
        "classes.json",
        "found/a/one.json",
        "found/two.json",
        "manifest.jsonl",
        "overlay/a/one.jpg",
        "overlay/two.jpg",
        "two.png",
    ]
    ids = pixels_of(tmp_path / "out/two.png")
    assert ids.shape == (90, 140)
    assert ids[45, 35] == ids[45, 105] == 1
    assert ids[5, 5] == 0
    rows = rows_of(tmp_path / "out/manifest.jsonl")
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert (rows[1]["width"], rows[1]["height"], rows[1]["model"]) == (140, 90, "otsu")
    assert "2 pictures: 2 ok" in out


def test_shares_add_up_and_name_their_classes(segment, shapes, tmp_path):
    assert segment(shapes, "--model", "kmeans", "--classes", "2")[0] == 0
    with (tmp_path / "out/classes.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["picture"] for row in rows} == {"a/one.jpg", "two.png"}
    assert sum(float(r["percent"]) for r in rows if r["picture"] == "two.png") == pytest.approx(100)
    record = json.loads((tmp_path / "out/classes.json").read_text())
    assert record["pixels"] == 2 * 90 * 140 == sum(each["pixels"] for each in record["classes"])
    assert [each["name"] for each in record["classes"]] == ["cluster 1", "cluster 2"]


def test_objects_are_written_as_coco_reads_them(segment, shapes, tmp_path):
    what = "coco,coco-polygons,shares"
    assert segment(shapes, "--model", "watershed", "--write", what)[0] == 0
    coco = json.loads((tmp_path / "out/instances.json").read_text())
    assert [(each["file_name"], each["width"]) for each in coco["images"]] == [
        ("two.png", 140), ("a/one.jpg", 140)]  # fmt: skip
    assert [each["image_id"] for each in coco["annotations"]] == [1, 1, 2]
    assert {each["id"]: each["name"] for each in coco["categories"]}[1] == "object"
    labels = pixels_of(tmp_path / "out/two.png")
    drawn = np.zeros_like(labels, bool)
    for each in coco["annotations"][:2]:
        mask = from_coco(each["segmentation"])
        assert mask.area == each["area"]
        drawn |= mask.to_mask().inside
    assert (drawn == (labels == 1)).all()
    polygons = json.loads((tmp_path / "out/instances-polygons.json").read_text())
    assert all(isinstance(each["segmentation"], list) for each in polygons["annotations"])


def test_panoptic_pictures_agree_with_their_json(segment, shapes, tmp_path):
    assert segment(shapes, "--model", "otsu", "--task", "panoptic")[0] == 0
    record = json.loads((tmp_path / "out/panoptic.json").read_text())
    for each in record["annotations"]:
        ids = ids_of_png(pixels_of(tmp_path / "out/panoptic" / each["file_name"]))
        areas = {info["id"]: info["area"] for info in each["segments_info"]}
        assert {int(at): int((ids == at).sum()) for at in np.unique(ids) if at} == areas
    assert {each["name"]: each["isthing"] for each in record["categories"]} == {
        "background": 0, "object": 1}  # fmt: skip


def test_coins_are_counted(segment, tmp_path):
    Image.fromarray(data.coins()).save(tmp_path / "coins.png")
    assert segment(tmp_path / "coins.png", "--model", "watershed")[0] == 0
    assert len(json.loads((tmp_path / "out/instances.json").read_text())["annotations"]) == 24


@pytest.mark.parametrize("kind", ["class-logits", "class-scores", "class-map", "matte"])
@pytest.mark.parametrize("resize", ["squash", "pad", "keep"])
def test_onnx_of_every_kind_labels_the_discs(segment, shapes, tmp_path, kind, resize):
    classes = ["dark", "bright"]
    rule = {"resize": resize, "height": 140 if resize == "pad" else 90, "width": 140}
    output = {"kind": kind}
    network = brightness_network(kind=kind)
    folder = write_row(
        tmp_path / "model", network, classes=classes, output=output,
        input=rule | ({"stride": 32} if resize == "keep" else {}),
    )  # fmt: skip
    code, _, err = segment(shapes, "--model", folder, "--write", "none")
    assert code == 0, err
    dark = pixels_of(shapes / "two.png")[..., 0] < 128
    found = pixels_of(tmp_path / "out/two.png") == 0
    assert (found == dark).mean() > 0.99


def test_probabilities_are_written_as_16_bits(segment, shapes, tmp_path):
    import tifffile

    folder = write_row(tmp_path / "model", brightness_network(), classes=["dark", "bright"])
    assert segment(shapes / "two.png", "--model", folder, "--write", "scores")[0] == 0
    pages = tifffile.imread(tmp_path / "out/scores/two.tif")
    assert pages.shape == (2, 90, 140)
    assert pages.dtype == np.uint16
    assert abs(pages.astype(int).sum(axis=0) - 65_535).max() <= 1
    assert (pages.argmax(axis=0) == pixels_of(tmp_path / "out/two.png")).mean() > 0.999


@pytest.mark.parametrize(
    ("fields", "network", "message"),
    [
        pytest.param(
            {"classes": ["a", "b", "c"]}, {}, "its answer has 2 classes, its row names 3", id="few"
        ),
        pytest.param(
            {"classes": ["a", "b"]}, {"classes": 4}, "has 4 classes, its row names 2", id="many"
        ),
        pytest.param(
            {"classes": ["a", "b"], "output": {"kind": "class-scores"}}, {},
            "if they are logits", id="logits",
        ),
        pytest.param(
            {"classes": ["a"], "output": {"kind": "class-map"}}, {"kind": "class-map"},
            "holds the id 1, its row names 1 classes", id="strange-id",
        ),
        pytest.param(
            {"classes": ["a", "b"], "output": {"kind": "class-map"}}, {},
            "its first output is .* a class-map answer is", id="shape",
        ),
        pytest.param(
            {"classes": ["a"], "family": "instance", "task": "instance",
             "output": {"kind": "detections"}}, {},
            "answers 1 outputs, detections are four", id="detections",
        ),
    ],
)  # fmt: skip
def test_answer_that_does_not_fit_its_row_fails_that_picture(
    segment, shapes, tmp_path, fields, network, message
):
    folder = write_row(tmp_path / "model", brightness_network(**network), **fields)
    code, out, _ = segment(shapes / "two.png", "--model", folder)
    assert code == 1
    row = rows_of(tmp_path / "out/manifest.jsonl")[0]
    assert row["error"]["code"] == "network"
    assert re.search(message, row["error"]["message"]), out


@pytest.mark.parametrize("task", ["semantic", "instance", "panoptic"])
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)], ids=["pixel", "row", "column"])
def test_degenerate_pictures_are_labelled(segment, tmp_path, size, task):
    Image.new("RGB", (size[1], size[0]), (9, 200, 3)).save(tmp_path / "thin.png")
    for model in ("otsu", "kmeans", "watershed", "grabcut", "slic"):
        code, _, err = segment(tmp_path / "thin.png", "--model", model, "--task", task, out=model)
        assert code == 0, err
        assert pixels_of(tmp_path / model / "thin.png").shape == size


def test_picture_without_objects_is_an_answer(segment, tmp_path):
    Image.new("RGB", (40, 30), "white").save(tmp_path / "empty.png")
    every = "coco,coco-polygons,yolo,voc,labelme,geojson,cutouts,overlay,shares"
    assert segment(tmp_path / "empty.png", "--model", "watershed", "--write", every)[0] == 0
    coco = json.loads((tmp_path / "out/instances.json").read_text())
    assert coco["annotations"] == []
    assert len(coco["images"]) == 1


def test_bad_picture_fails_alone_and_every_input_has_a_row(segment, shapes, tmp_path):
    (shapes / "letter.jpg").write_text("Dear Sir")
    code, out, _ = segment(shapes, "--model", "otsu")
    assert code == 1
    rows = rows_of(tmp_path / "out/manifest.jsonl")
    assert [row["status"] for row in rows] == ["failed", "ok", "ok"] or len(rows) == 3
    assert "3 pictures: 2 ok, 1 failed" in out
    assert "letter" not in (tmp_path / "out/classes.csv").read_text()


def test_outputs_are_kept_unless_asked_and_resume_does_the_rest(segment, shapes, tmp_path):
    assert segment(shapes, "--model", "otsu")[0] == 0
    code, out, _ = segment(shapes, "--model", "otsu")
    assert code == 1
    assert "exists already" in out
    (tmp_path / "out/two.png").unlink()
    before = (tmp_path / "out/a/one.png").stat().st_mtime_ns
    code, out, _ = segment(shapes, "--model", "otsu", "--resume")
    assert code == 0
    assert "(1 done before)" in out
    assert (tmp_path / "out/a/one.png").stat().st_mtime_ns == before
    assert len(json.loads((tmp_path / "out/classes.json").read_text())["pictures"]) == 2


def test_one_picture_to_one_file(segment, shapes, tmp_path):
    assert segment(shapes / "two.png", "--model", "otsu", out="map.png")[0] == 0
    assert pixels_of(tmp_path / "map.png").max() == 1
    assert files_in(tmp_path) == ["in/a/one.jpg", "in/two.png", "map.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--model", "nothing"], "no model is named 'nothing'", id="model"),
        pytest.param(["--model", "cutout"], "use it with `maskworks cutout`", id="saliency"),
        pytest.param(["--model", "otsu", "--write", "cake"], "--write cake", id="write"),
        pytest.param(["--model", "otsu", "--write", "coco"], "has none", id="objects"),
        pytest.param(
            ["--model", "kmeans", "--write", "panoptic"], "needs --task panoptic", id="panoptic"
        ),
        pytest.param(["--model", "multi-otsu", "--classes", "8"], "2 to 5 classes", id="classes"),
        pytest.param(["--model", "otsu", "--tile", "64"], "cannot be tiled", id="tile"),
        pytest.param(["--model", "otsu", "--taxonomy", "voc-21"], "otsu has none", id="taxonomy"),
        pytest.param(["--model", "hf:somebody/something"], r"config\.json", id="offline"),
        pytest.param(["--model", "./no/such/folder"], "no such folder", id="folder"),
        pytest.param(["--model", "otsu", "--overwrite", "--resume"], "exclude", id="both"),
        pytest.param([], "name either --model or --scene street", id="neither"),
        pytest.param(["--model", "otsu", "--scene", "street"], "name either", id="scene"),
        pytest.param(["--scene", "kitchen"], "is not one of 'street'", id="other-scene"),
    ],
)
def test_wrong_use_says_the_way_out(segment, shapes, arguments, message):
    code, out, err = segment(shapes, *arguments)
    assert code in {1, 2}
    assert message.replace("\\", "") in out + err
    assert "Traceback" not in err


def test_a_street_scene_is_labelled_by_our_street_model(segment, tmp_path):
    sky = np.full((90, 120, 3), (150, 180, 230), np.uint8)
    sky[60:] = 90
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(sky).save(folder / "road.png")
    code, _, err = segment(folder, "--scene", "street")
    assert code == 0, err
    rows = (tmp_path / "out/manifest.jsonl").read_text().splitlines()
    assert [json.loads(row)["model"] for row in rows] == ["street"]


def test_hub_name_says_which_file_it_looked_for_and_where_to_put_it(segment, shapes, monkeypatch,
                                                                    tmp_path):  # fmt: skip
    monkeypatch.setenv("MASKWORKS_HOME", str(tmp_path / "home"))
    _, _, err = segment(shapes, "--model", "hf:nvidia/segformer-b0")
    assert str(tmp_path / "home/hub/nvidia/segformer-b0/config.json") in err
    assert "maskworks models pull hf:nvidia/segformer-b0" in err


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pth"])
def test_pickles_are_refused_with_the_way_out(segment, shapes, tmp_path, name):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / name).write_bytes(b"\x80\x02.")
    (folder / "config.json").write_text('{"architectures": ["SegformerForSemanticSegmentation"]}')
    for model in (folder, folder / name):
        _, _, err = segment(shapes, "--model", model)
        assert "convert it to safetensors" in err


def test_box_says_which_object_is_meant(segment, shapes, tmp_path):
    arguments = ["--model", "grabcut", "--box", "15,5,75,65", "--write", "none"]
    assert segment(shapes / "two.png", *arguments)[0] == 0
    found = pixels_of(tmp_path / "out/two.png")
    assert found[45, 35] == 1
    assert found[45, 105] == 0
    code, _, err = segment(shapes, "--model", "grabcut", "--box", "9,9,3,3", out="other")
    assert code == 2
    assert "--box is four whole numbers TOP,LEFT,BOTTOM,RIGHT" in err
    assert "got '9,9,3,3'" in err


def test_hub_is_not_asked_when_offline(monkeypatch, capsys):
    monkeypatch.setenv("MASKWORKS_OFFLINE", "1")
    assert main(["models", "pull", "hf:nvidia/segformer-b0"]) == 1
    assert "MASKWORKS_OFFLINE forbids connections" in capsys.readouterr().err


def test_folder_that_is_called_like_an_output_is_refused(segment, shapes):
    (shapes / "overlay").mkdir()
    (shapes / "two.png").rename(shapes / "overlay/two.png")
    code, _, err = segment(shapes, "--model", "otsu")
    assert code == 2
    assert "its folder is called 'overlay'" in err
