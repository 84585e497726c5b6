from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.train.mattes.pack import build_pack
from maskworks.train.mattes.recipe import Teacher, load_recipe
from maskworks.train.mattes.run import packed
from maskworks.train.mattes.teacher import Labels

SIDE = 32
LINES = """
[teacher]
weights = "teacher.onnx"
input_size = 32
missing = "{missing}"
"""


@pytest.fixture
def weights(tmp_path):
    """A teacher that says: what is bright is the subject."""
    shape = ["n", 3, SIDE, SIDE]
    gain, least = numpy_helper.from_array(np.float32(20), "gain"), np.float32(-8)
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["grey", "gain"], ["steep"]),
        helper.make_node("Add", ["steep", "least"], ["odds"]),
        helper.make_node("Sigmoid", ["odds"], ["matte"]),
    ]
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("matte", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        initializer=[gain, numpy_helper.from_array(least, "least")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "teacher.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def disc():
    """A bright disc in a dark picture, (60, 100)."""
    rows, columns = np.mgrid[0:60, 0:100]
    inside = np.hypot(rows - 30, columns - 50) < 20
    pixels = np.where(inside[..., None], 250, 10).repeat(3, 2).astype(np.uint8)
    return PilImage.fromarray(pixels), inside


def teacher(missing):
    return Teacher(weights="teacher.onnx", input_size=SIDE, missing=missing)


def test_a_picture_is_labelled_squashed_and_stretched_to_the_whole_range(weights, disc, tmp_path):
    picture, inside = disc
    label = Labels(teacher("label"), tmp_path, tmp_path / "labels")("shop", "disc", picture)
    small = np.asarray(PilImage.fromarray(inside).resize((SIDE, SIDE)))
    assert (label.shape, label.min(), label.max()) == ((SIDE, SIDE), 0, 255)
    assert ((label > 127) == small).mean() > 0.97


def test_a_label_is_kept_and_the_network_is_not_asked_again(weights, disc, tmp_path):
    picture, _ = disc
    first = Labels(teacher("label"), tmp_path, tmp_path / "labels")
    label = first("shop/small", "disc", picture)
    assert first.counts() == {"shop/small": 1}
    weights.unlink()
    later = Labels(teacher("skip"), tmp_path, tmp_path / "labels")
    black = PilImage.new("RGB", (9, 9))
    assert (later("shop/small", "disc", black) == label).all()
    assert later("shop/small", "other", black) is None
    assert later.counts() == {"shop/small": 1}
    assert [path.name for path in (tmp_path / "labels/shop/small").iterdir()] == ["disc.png"]


def test_a_teacher_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"teacher.onnx.*does not exist"):
        Labels(teacher("label"), tmp_path, tmp_path / "labels")


@pytest.mark.parametrize("missing", ["label", "skip"])
def test_a_run_labels_what_has_no_mask_or_leaves_it_out(
    data, weights, recipe_file, tmp_path, missing
):
    text = recipe_file.read_text().replace('label = "matte"', 'label = "teacher"')
    named = LINES.format(missing=missing).replace("teacher.onnx", str(weights))
    recipe_file.write_text(text.replace("[judge]", f"{named}\n[judge]"))
    recipe = load_recipe(recipe_file)
    pack = packed(recipe, data, tmp_path / "runs", lambda _: None)
    taught = [entry for entry in pack.entries if entry.source == 0]
    kept = sorted(path.stem for path in (tmp_path / "runs/labels/teacher/discs").glob("*.png"))
    if missing == "skip":
        assert taught == []
        assert kept == []
        return
    assert kept == [str(number) for number in range(8)]
    assert taught
    for entry in taught:
        with PilImage.open(data / "discs" / f"{entry.stem}.png") as opened:
            truth = np.asarray(opened.resize((entry.width, entry.height))) > 127
        found = pack.matte(entry) > 127
        assert (found & truth).sum() / (found | truth).sum() > 0.9


def test_a_source_for_a_teacher_without_one_says_what_to_add(data, recipe_file, tmp_path):
    recipe_file.write_text(recipe_file.read_text().replace('label = "matte"', 'label = "teacher"'))
    recipe = load_recipe(recipe_file)
    with pytest.raises(RecipeError, match=r"add \[teacher\]"):
        build_pack(data, recipe, tmp_path / "packs", teach=None, report=lambda _: None)
