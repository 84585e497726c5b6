"""An ONNX file is taken for what its shapes, metadata and answer say, or refused with them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from maskworks.core.errors import ModelError
from maskworks.core.values import Image
from maskworks.models.guessing import guess_onnx, names_in
from maskworks.models.importing import ImportOptions, WeightTerms, described, import_model
from maskworks.models.segmenters import load_segmenter

SIDE = 32
RED, GREEN, BLUE = (250, 5, 5), (5, 250, 5), (5, 5, 250)


def saved(path, nodes, outputs, *, shape=(1, 3, SIDE, SIDE), constants=(), kind=1, metadata=None):
    """Write a network of one input, `input`."""
    graph = helper.make_graph(
        nodes,
        "drawn",
        [helper.make_tensor_value_info("input", kind, list(shape))],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for key, value in (metadata or {}).items():
        entry = made.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(made, path)
    return path


WEIGHTS = ("w", np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1) * 20)
"""Class 0, 1, 2 is red, green, blue."""

CONV = helper.make_node("Conv", ["input", "w"], ["scores"])
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
HEADS = {
    "class-logits": ([CONV], [("scores", FLOAT)]),
    "class-scores": (
        [CONV, helper.make_node("Softmax", ["scores"], ["out"], axis=1)],
        [("out", FLOAT)],
    ),
    "class-map": (
        [CONV, helper.make_node("ArgMax", ["scores"], ["out"], axis=1, keepdims=0)],
        [("out", INT64)],
    ),
}


@pytest.fixture
def striped():
    """Three columns: red, green, blue."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    for at, colour in enumerate((RED, GREEN, BLUE)):
        pixels[:, 20 * at : 20 * at + 20] = colour
    return Image(pixels)


@pytest.fixture
def colours(tmp_path):
    """A function that writes a network of three classes, by the kind of its head."""

    def make(head, metadata=None):
        nodes, outputs = HEADS[head]
        names = {"names": "{0: 'red', 1: 'green', 2: 'blue'}"} if metadata is None else metadata
        path = tmp_path / f"{head}.onnx"
        return saved(path, nodes, outputs, constants=[WEIGHTS], metadata=names)

    return make


@pytest.mark.parametrize("head", HEADS)
def test_semantic_file_alone_labels_a_picture(colours, head, striped):
    path = colours(head)
    found = guess_onnx(path)
    assert (found.family, found.output.kind) == ("semantic", head)
    assert found.names == ("red", "green", "blue")
    segmenter = load_segmenter(str(path))
    answer = segmenter.answer(striped, "semantic")
    assert answer.labels()[20, [10, 30, 50]].tolist() == [0, 1, 2]
    assert "ImageNet's mean" in segmenter.remarks[0]


@pytest.mark.parametrize("head", HEADS)
def test_semantic_file_is_imported_with_its_names(colours, head, cache, striped):
    what = described(colours(head), ImportOptions())
    spec = import_model(colours(head), name="stripes", what=what, terms=WeightTerms())
    assert (spec.family, spec.task, spec.classes) == ("semantic", "semantic", what.names)
    answer = load_segmenter("stripes").answer(striped, "semantic")
    assert answer.labels()[20, [10, 30, 50]].tolist() == [0, 1, 2]


def test_names_by_hand_stand_for_those_the_file_lacks(colours):
    found = described(colours("class-map", {}), ImportOptions(names="r, g, b", normalise="unit"))
    assert (found.names, found.input.mean) == (("r", "g", "b"), (0, 0, 0))
    assert found.assumed == ()


def test_channels_last_and_bytes_are_seen(tmp_path, striped):
    nodes = [
        helper.make_node("Cast", ["input"], ["whole"], to=FLOAT),
        helper.make_node("Div", ["whole", "peak"], ["unit"]),
        helper.make_node("Softmax", ["unit"], ["out"], axis=3),
    ]
    path = saved(
        tmp_path / "tf.onnx", nodes, [("out", FLOAT)], shape=(1, SIDE, SIDE, 3),
        kind=TensorProto.UINT8, constants=[("peak", np.float32(10))],
    )  # fmt: skip
    found = guess_onnx(path)
    assert (found.input.layout, found.input.scale, found.output.kind) == (
        "nhwc", "1", "class-scores",
    )  # fmt: skip
    answer = load_segmenter(str(path)).answer(striped, "semantic")
    assert answer.labels()[20, [10, 30, 50]].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("sigmoid", "kind"), [(True, "matte"), (False, "logits")])
def test_one_map_is_a_subject_and_two_classes_where_labels_are_wanted(
    tmp_path, striped, sigmoid, kind
):
    red = np.array([20, -20, -20], np.float32).reshape(1, 3, 1, 1)
    nodes = [helper.make_node("Conv", ["input", "w"], ["scores"])]
    if sigmoid:
        nodes.append(helper.make_node("Sigmoid", ["scores"], ["out"]))
    outputs = [("out" if sigmoid else "scores", FLOAT)]
    path = saved(tmp_path / "subject.onnx", nodes, outputs, constants=[("w", red)])
    assert (guess_onnx(path).family, guess_onnx(path).output.kind) == ("saliency", kind)
    named = guess_onnx(path, names=["rust"])
    assert (named.family, named.names) == ("semantic", ("background", "rust"))
    answer = load_segmenter(str(path)).answer(striped, "semantic")
    assert answer.labels()[20, [10, 30, 50]].tolist() == [1, 0, 0]


MASKS, CLASSES, ROWS = 2, 2, 40
BOX = (24.0, 30.0, 32.0, 20.0)
"""Middle, width and height in an input of 64 x 64: columns 8 to 40, rows 20 to 40."""


def yolo_rows(layout):
    """Four good rows: an object, the same once more, the same as another class, a doubtful one."""
    good = [(BOX, 0, 0.9), ((25.0, 30.0, 32.0, 20.0), 0, 0.8), (BOX, 1, 0.7), (BOX, 1, 0.2)]
    if layout == "finished":
        corners = (8.0, 20.0, 40.0, 40.0)
        rows = [[*corners, score, label, 1.0, 0.0] for _, label, score in (good[0], good[2])]
        return np.array(rows + [[0.0] * 8] * (ROWS - 2), np.float32)
    wide = 4 + CLASSES + MASKS + (layout == "five")
    rows = np.zeros((1001 if layout == "five" else ROWS, wide), np.float32)
    for at, (box, label, score) in enumerate(good):
        rows[at, :4], rows[at, -MASKS:] = box, (1.0, 0.0)
        rows[at, wide - MASKS - CLASSES + label] = score
        if layout == "five":
            rows[at, 4] = 1.0
    return rows if layout == "five" else rows.T


@pytest.fixture
def yolo(tmp_path):
    """A function that writes a network that always finds the same."""

    def make(layout="eight", metadata=None):
        shared = np.full((1, MASKS, 16, 16), -9, np.float32)
        shared[0, 0, 5:10, 2:10] = 9
        rows = yolo_rows(layout)[np.newaxis]
        names = {"names": "{0: 'cup', 1: 'jug'}", "imgsz": "[64, 64]", "task": "segment"}
        nodes = [
            helper.make_node("ReduceMean", ["input"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["rows", "nothing"], ["output0"]),
            helper.make_node("Add", ["shared", "nothing"], ["output1"]),
        ]
        return saved(
            tmp_path / f"{layout}.onnx", nodes, [("output0", FLOAT), ("output1", FLOAT)],
            shape=(1, 3, "height", "width"), metadata=names if metadata is None else metadata,
            constants=[("rows", rows), ("shared", shared), ("zero", np.float32(0))],
        )  # fmt: skip

    return make


@pytest.mark.parametrize("layout", ["eight", "five", "finished"])
def test_yolo_file_alone_finds_objects_with_their_names(yolo, layout):
    segmenter = load_segmenter(str(yolo(layout)))
    assert (segmenter.own, segmenter.taxonomy.names) == ("instance", ("cup", "jug"))
    found = segmenter.answer(Image(np.zeros((32, 64, 3), np.uint8)), "instance")
    assert found.labels.tolist() == [0, 1]
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])
    inside = found.masks[0].to_mask().inside
    expected = np.zeros((32, 64), bool)
    expected[4:24, 8:40] = True  # the picture lies 16 rows down in the square
    assert (inside != expected).sum() <= 4  # its corners are round


def test_yolo_is_imported_and_padded_with_grey(yolo, cache):
    what = described(yolo(), ImportOptions())
    spec = import_model(yolo(), name="cups", what=what, terms=WeightTerms())
    assert (spec.family, spec.output.kind, spec.classes) == ("instance", "yolo", ("cup", "jug"))
    assert (spec.input.height, spec.input.width, spec.input.resize) == (64, 64, "pad")
    assert spec.input.fill == pytest.approx(114 / 255)


def scalars(path):
    nodes = [helper.make_node("ReduceMean", ["input"], ["out"], keepdims=0)]
    return saved(path, nodes, [("out", FLOAT)])


def boxes_alone(path):
    nodes = [helper.make_node("Mul", ["input", "zero"], ["nothing"]),
             helper.make_node("ReduceMean", ["nothing"], ["none"], keepdims=0),
             helper.make_node("Add", ["rows", "none"], ["out"])]  # fmt: skip
    rows = np.zeros((1, 84, 100), np.float32)
    return saved(path, nodes, [("out", FLOAT)], constants=[("zero", np.float32(0)), ("rows", rows)])


def any_size(path):
    nodes, outputs = HEADS["class-logits"]
    return saved(path, nodes, outputs, constants=[WEIGHTS], shape=(1, 3, "h", "w"))


def grey_input(path):
    node = helper.make_node("Relu", ["input"], ["out"])
    return saved(path, [node], [("out", FLOAT)], shape=(1, 1, SIDE, SIDE))


def too_wide(path):
    node = helper.make_node("Relu", ["input"], ["out"])
    return saved(path, [node], [("out", FLOAT)], shape=(1, 3, SIDE, 9000))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        pytest.param(scalars, r"Outputs: out float \(\)", id="scalar"),
        pytest.param(boxes_alone, "has not the aspect of its input", id="boxes"),
        pytest.param(any_size, "--input-size 512", id="any-size"),
        pytest.param(grey_input, "its input has 1 channels, a picture has 3", id="grey"),
        pytest.param(too_wide, "x9000, a side is from 1 to 8192 pixels", id="too-wide"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_shapes(tmp_path, write, message):
    with pytest.raises(ModelError, match=message) as refused:
        guess_onnx(write(tmp_path / "odd.onnx"))
    if write is not any_size:
        assert 'output = { kind = "class-logits" }' in str(refused.value)
        assert "Inputs: input float" in str(refused.value)


def test_map_of_ids_without_names_is_refused_with_the_option(colours):
    with pytest.raises(ModelError, match="--names a,b,c"):
        guess_onnx(colours("class-map", {}))


def test_another_number_of_names_is_refused(colours):
    with pytest.raises(ModelError, match=r"answers 3 classes, and 2 are named \(a, b\)"):
        guess_onnx(colours("class-logits"), names=["a", "b"])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("['a', 'b']", ("a", "b"), id="list"),
        pytest.param('{"1": "b", "0": "a"}', ("a", "b"), id="json-by-number"),
        pytest.param("a\nb\n", ("a", "b"), id="lines"),
        pytest.param("__import__('os')", ("__import__('os')",), id="nothing-is-run"),
    ],
)
def test_names_are_read_in_every_usual_form(text, names):
    assert names_in({"names": text}) == names
