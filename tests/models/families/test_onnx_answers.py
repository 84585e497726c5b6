"""Any ONNX file by its row: four outputs as Mask R-CNN gives them, queries, what cannot be."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pil

from maskworks.apps.cli import main
from maskworks.core.rle_coco import from_coco

SIDE = 32
DISC = (np.hypot(*(np.mgrid[:SIDE, :SIDE] - 15.5)) < 8).astype(np.float32)
PIXEL = {"height": SIDE, "width": SIDE, "resize": "squash", "scale": "255",
         "mean": [0, 0, 0], "std": [1, 1, 1]}  # fmt: skip


def network_of(**outputs):
    """A network that answers constants whatever the picture is; 0 times it keeps it needed."""
    nodes = [
        helper.make_node("ReduceMax", ["pixels"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "nothing"], ["zero"]),
    ]
    initial, values = [numpy_helper.from_array(np.array(0, np.float32), "nothing")], []
    for name, value in outputs.items():
        initial.append(numpy_helper.from_array(value, f"{name}_"))
        given = "zero"
        if value.dtype != np.float32:
            given = f"{name}_zero"
            nodes.append(helper.make_node("Cast", ["zero"], [given], to=TensorProto.INT64))
        nodes.append(helper.make_node("Add", [f"{name}_", given], [name]))
        kind = TensorProto.FLOAT if value.dtype == np.float32 else TensorProto.INT64
        values.append(helper.make_tensor_value_info(name, kind, None))
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, "h", "w"])
    graph = helper.make_graph(nodes, "constants", [pixels], values, initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)


def detections(count=2, **changed):
    boxes = np.array([[4, 4, 28, 28], [0, 0, 10, 10]], np.float32)
    masks = np.stack([DISC, np.zeros_like(DISC)])[:, None]
    masks[1, 0, :10, :10] = 1
    known = {
        "boxes": boxes[:count],
        "labels": np.array([2, 1])[:count],
        "scores": np.array([0.9, 0.6], np.float32)[:count],
        "masks": masks[:count],
    }
    return network_of(**{**known, **changed})


def queries(**changed):
    classes = np.full((1, 3, 3), -4, np.float32)
    classes[0, [0, 1, 2], [0, 1, 2]] = 4  # the ground, a disc, nothing
    masks = np.stack([8 - 16 * DISC, 16 * DISC - 8, -np.full_like(DISC, 9)])[None]
    return network_of(**{"classes": classes, "masks": masks, **changed})


@pytest.fixture
def segment(tmp_path, capsys):
    """Write a model, label a grey picture with it; return the exit code and the folder."""

    def run(network, *options, size=(64, 96), **fields):
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        onnx.save(network, folder / "model.onnx")
        row = {"name": "constants", "file": "model.onnx", "input": PIXEL, **fields}
        lines = [f"{key} = {toml(value)}" for key, value in row.items()]
        (folder / "model.toml").write_text("\n".join(lines))
        Pil.new("RGB", size[::-1], (90, 90, 90)).save(tmp_path / "a.png")
        out = tmp_path / "out"
        command = ["segment", str(tmp_path / "a.png"), "-o", str(out), "--model", str(folder)]
        return main([*command, "--overwrite", *options]), out

    run.said = capsys.readouterr
    return run


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


BOXES = {
    "family": "instance",
    "task": "instance",
    "classes": ["cat", "dog"],
    "output": {"kind": "detections"},
}
QUERIES = {
    "family": "panoptic",
    "task": "panoptic",
    "classes": ["background", "disc"],
    "output": {"kind": "queries"},
}
PLAIN = {
    "family": "semantic",
    "task": "semantic",
    "classes": ["background", "disc"],
    "output": {"kind": "class-logits"},
}


def test_four_outputs_are_objects(segment):
    code, out = segment(detections(), "--write", "coco", **BOXES)
    assert code == 0
    written = json.loads((out / "instances.json").read_text())
    assert [each["category_id"] for each in written["annotations"]] == [1, 0]
    disc = from_coco(written["annotations"][0]["segmentation"]).to_mask().inside
    expected = np.hypot(np.arange(64)[:, None] / 2 - 15.75, np.arange(96) / 3 - 15.83) < 8
    assert (disc & expected).sum() / (disc | expected).sum() > 0.95


def test_no_object_is_an_answer(segment):
    code, out = segment(detections(count=0), "--write", "coco,overlay,shares", **BOXES)
    assert code == 0
    assert json.loads((out / "instances.json").read_text())["annotations"] == []
    assert np.asarray(Pil.open(out / "a.png")).shape == (64, 96)


@pytest.mark.parametrize("at_input", [False, True])
def test_queries_do_all_three_tasks(segment, at_input):
    row = {**QUERIES, "output": {"kind": "queries", "at_input": at_input}}
    code, out = segment(queries(), **row)
    assert code == 0
    ids = np.asarray(Pil.open(out / "a.png"))
    assert (ids[32, 48], ids[2, 2]) == (1, 0)
    info = json.loads((out / "panoptic.json").read_text())["annotations"][0]["segments_info"]
    assert sorted(each["category_id"] for each in info) == [0, 1]
    for task in ("semantic", "instance"):
        code, out = segment(queries(), "--task", task, **row)
        assert (code, np.asarray(Pil.open(out / "a.png"))[32, 48]) == (0, 1)


def test_queries_that_say_nothing_are_an_answer(segment):
    nothing = np.full((1, 3, 3), -4, np.float32)
    nothing[..., 2] = 9
    for task in ("semantic", "instance", "panoptic"):
        assert segment(queries(classes=nothing), "--task", task, **QUERIES)[0] == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)], ids=["pixel", "row", "column"])
@pytest.mark.parametrize(
    ("network", "row"),
    [
        pytest.param(detections(), BOXES, id="detections"),
        pytest.param(queries(), QUERIES, id="queries"),
        pytest.param(network_of(logits=np.stack([1 - DISC, DISC])[None]), PLAIN, id="logits"),
    ],
)
@pytest.mark.parametrize("resize", ["squash", "pad"])
def test_degenerate_pictures_go_through_networks(segment, network, row, size, resize):
    rule = {**PIXEL, "resize": resize}
    code, out = segment(network, "--write", "none", size=size, **{**row, "input": rule})
    assert code == 0
    assert np.asarray(Pil.open(out / "a.png")).shape == size


@pytest.mark.parametrize(
    ("network", "row", "message"),
    [
        pytest.param(
            detections(labels=np.array([3, 1])), BOXES, "its label 3 has no class", id="label"
        ),
        pytest.param(
            detections(scores=np.array([0.9], np.float32)), BOXES, "its outputs are", id="lengths"
        ),
        pytest.param(
            detections(scores=np.array([np.nan, 0.5], np.float32)), BOXES, "NaN", id="nan"
        ),
        pytest.param(
            queries(), {**QUERIES, "classes": ["a", "b", "c"]},
            "has 2 classes and one for nothing, its row names 3", id="classes",
        ),
        pytest.param(
            queries(masks=np.zeros((1, 2, 4, 4), np.float32)), QUERIES,
            r"queries are (1, Q, C + 1)", id="queries",
        ),
        pytest.param(detections(), QUERIES, "answers 4 outputs, queries are two", id="four"),
        pytest.param(
            queries(masks=np.full((1, 3, 4, 4), np.inf, np.float32)), QUERIES, "NaN", id="inf"
        ),
        pytest.param(
            network_of(logits=np.zeros((1, 5, 4, 4), np.float32)), PLAIN,
            "its answer has 5 classes, its row names 2", id="more-than-the-taxonomy",
        ),
    ],
)  # fmt: skip
def test_answer_that_does_not_fit_its_row_fails_that_picture(segment, network, row, message):
    assert segment(network, **row)[0] == 1
    assert message in segment.said().out


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"output": {"kind": "class-map"}}, "a panoptic model answers", id="kind"),
        pytest.param({"input": {**PIXEL, "corner": True}}, "corner goes with resize pad", id="pad"),
        pytest.param({"input": {**PIXEL, "resample": "soft"}}, "input.resample", id="filter"),
    ],
)
def test_row_that_cannot_be_is_refused(segment, changed, message):
    assert segment(queries(), **{**QUERIES, **changed})[0] == 1
    assert message in segment.said().err
