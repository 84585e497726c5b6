"""Signals of pictures: logos by their inliers, QR codes as hints, any classifier, adult scores."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from skimage import data

from maskworks.core.errors import ModelError, UsageError
from maskworks.scene.signals.adult import open_adult
from maskworks.scene.signals.classifier import open_classifier
from maskworks.scene.signals.codes import open_codes
from maskworks.scene.signals.logos import LEAST_INLIERS, open_logos
from maskworks.scene.signals.protocol import SampledFrame, SignalChoices


def frame(pixels, index=0):
    return SampledFrame(index, index, 40 * index, 40, np.ascontiguousarray(pixels, np.uint8))


@pytest.fixture
def logo():
    """A pattern with many corners, uint8 (160, 160, 3)."""
    random = np.random.default_rng(4)
    blocks = random.integers(0, 2, (16, 16), dtype=np.uint8) * 255
    return np.repeat(np.kron(blocks, np.ones((10, 10), np.uint8))[..., None], 3, 2)


@pytest.fixture
def logos(logo, tmp_path):
    (tmp_path / "hate").mkdir()
    Image.fromarray(logo).save(tmp_path / "hate/sign.png")
    return open_logos(SignalChoices(logos=str(tmp_path)))


def test_a_logo_is_found_where_it_is_with_the_number_of_points_that_agree(logos, logo):
    scene = data.chelsea()[:300, :450].copy()
    turn = cv2.getRotationMatrix2D((80, 80), 12, 0.8)
    small = cv2.warpAffine(logo, turn, (160, 160))
    inside = cv2.warpAffine(np.full_like(logo, 255), turn, (160, 160))[..., 0] > 0
    scene[100:260, 200:360][inside] = small[inside]
    (found,) = logos.examine(frame(scene))
    assert found.topic == "hate"
    assert int(found.label.split()[1]) >= LEAST_INLIERS
    box = found.box
    overlap = (min(box.bottom, 260) - max(box.top, 100)) * (
        min(box.right, 360) - max(box.left, 200)
    )
    assert overlap > 0.6 * 160 * 160 * 0.64


def test_no_logo_is_found_where_there_is_none(logos):
    pictures = (data.chelsea(), data.astronaut(), data.coffee(), data.rocket(), data.brick())
    for pixels in pictures:
        colours = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2)
        assert list(logos.examine(frame(colours))) == []
    assert list(logos.examine(frame(np.zeros((50, 50, 3))))) == []


@pytest.mark.parametrize(
    ("place", "pixels", "says"),
    [
        ("hatte", np.zeros((60, 60, 3)), "did you mean hate"),
        ("hate", np.zeros((60, 60, 3)), "has 0 features"),
    ],
    ids=["category", "flat"],
)
def test_a_wrong_logo_is_said(tmp_path, place, pixels, says):
    (tmp_path / place).mkdir()
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / place / "a.png")
    with pytest.raises(UsageError, match=says):
        open_logos(SignalChoices(logos=str(tmp_path)))


def test_an_empty_folder_of_logos_is_said(tmp_path):
    with pytest.raises(UsageError, match="holds no logo"):
        open_logos(SignalChoices(logos=str(tmp_path)))


def test_a_code_is_a_hint_once_with_its_text():
    code = cv2.QRCodeEncoder.create().encode("https://example.org/free-prize")
    drawn = np.full((300, 300), 255, np.uint8)
    large = cv2.resize(code, (200, 200), interpolation=cv2.INTER_NEAREST)
    drawn[50:250, 50:250] = large
    codes = open_codes(SignalChoices())
    (found,) = codes.examine(frame(np.repeat(drawn[..., None], 3, 2)))
    assert (found.quote, found.hint, found.topic) == (
        "https://example.org/free-prize",
        True,
        "spam",
    )
    assert list(codes.examine(frame(np.repeat(drawn[..., None], 3, 2), 1))) == []
    assert list(codes.examine(frame(data.chelsea()))) == []


def write_classifier(folder, classes, outputs=2):
    """Write a network whose scores are the mean red and the mean green of a picture."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Slice", ["mean", "from", "to", "axis"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])
    numbers = {"from": 0, "to": outputs, "axis": 1}
    fixed = [helper.make_tensor(n, TensorProto.INT64, [1], [v]) for n, v in numbers.items()]
    graph = helper.make_graph(nodes, "mean", [given], [gives], fixed)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    (folder / "classes.toml").write_text(
        'size = [8, 8]\nmean = [0, 0, 0]\nstd = [1, 1, 1]\nactivation = "none"\n' + classes
    )
    return SignalChoices(classifier=str(folder), threads=1)


RED_IS_ARMS = (
    '[[classes]]\nname = "red"\ncategory = "avbNf2"\n'
    '[[classes]]\nname = "green"\ncategory = "none"\n'
)


def test_a_classifier_gives_the_classes_that_have_a_category(tmp_path):
    signal = open_classifier(write_classifier(tmp_path, RED_IS_ARMS))
    assert signal.info.topics == ("arms",)
    red = np.zeros((20, 20, 3))
    red[..., 0] = 204
    (found,) = signal.examine(frame(red))
    assert (found.topic, found.label, found.calibrated) == ("arms", "red", False)
    assert found.confidence == pytest.approx(0.8, abs=1e-3)
    assert list(signal.examine(frame(red[..., ::-1]))) == []


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        ('[[classes]]\nname = "red"\ncategory = "avbNf"\n', "'red': there is no category 'avbNf'"),
        ('[[classes]]\nname = "red"\ncategory = "none"\n', "no class maps to a category"),
        ('[[classes]]\nname = "red"\n', "category"),
        ("classes = []\n", "classes"),
    ],
    ids=["id", "none maps", "no category", "no class"],
)
def test_classes_that_do_not_map_are_said(tmp_path, classes, says):
    with pytest.raises(UsageError, match=says):
        open_classifier(write_classifier(tmp_path, classes))


def test_a_list_of_another_length_than_the_outputs_is_said(tmp_path):
    signal = open_classifier(write_classifier(tmp_path, RED_IS_ARMS, outputs=1))
    with pytest.raises(ModelError, match="gives 1 scores and classes"):
        signal.examine(frame(np.zeros((20, 20, 3))))


def test_harmless_pictures_are_no_adult_finding_and_the_same_twice():
    signal = open_adult(SignalChoices(threads=1))
    for pixels in (data.astronaut(), data.chelsea(), data.coffee()):
        once, again = signal.score(pixels), signal.score(pixels)
        assert once == again < 0.1
        assert list(signal.examine(frame(pixels))) == []
