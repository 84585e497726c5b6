from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pil

from maskworks.core.errors import NetworkError
from maskworks.core.values import Image
from maskworks.models.families.saliency import (
    from_outputs,
    input_size,
    placement,
    predict,
    to_batch,
)
from maskworks.models.spec import OutputSpec

SIZES = [(1, 1), (1, 500), (500, 1), (33, 32), (64, 48), (301, 777), (32, 32), (5, 7)]


def picture(rng, height, width):
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image(np.asarray(Pil.fromarray(coarse).resize((width, height), Pil.Resampling.BILINEAR)))


def grey(batch):
    """A network whose matte is the picture's own brightness."""
    return (batch.mean(axis=1, keepdims=True),)


def constant(value, *scores):
    return lambda batch: (
        np.full((1, 1, *batch.shape[2:]), value, np.float32),
        *(np.array([score], np.float32) for score in scores),
    )


def with_input(spec, **fields):
    return spec.model_copy(update={"input": spec.input.model_copy(update=fields)})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", ["pad", "squash"])
def test_to_batch_fills_the_networks_input(rng, row, size, resize):
    spec = with_input(row(url="http://x/y"), resize=resize, height=32, width=48)
    batch = to_batch(picture(rng, *size), spec)
    assert batch.shape == (1, 3, 32, 48)
    assert batch.dtype == np.float32
    top, left, height, width = placement(size, spec.input)
    outside = np.ones((32, 48), bool)
    outside[top : top + height, left : left + width] = False
    assert (batch[0][:, outside] == 0).all()
    if resize == "squash":
        assert not outside.any()
    else:
        assert height == 32 or width == 48


@pytest.mark.parametrize("scale", ["255", "max"])
def test_to_batch_normalises_as_its_row_says(rng, row, scale):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    spec = with_input(row(url="http://x/y"), scale=scale, mean=mean, std=std)
    pixels = rng.integers(0, 200, (32, 32, 3), dtype=np.uint8)
    peak = 255 if scale == "255" else pixels.max()
    wanted = ((pixels / peak - np.array(mean)) / np.array(std)).transpose(2, 0, 1)
    assert np.abs(to_batch(Image(pixels), spec)[0] - wanted).max() < 1e-5


def test_to_batch_divides_a_black_picture_by_nothing(row):
    spec = with_input(row(url="http://x/y"), scale="max")
    assert (to_batch(Image(np.zeros((9, 9, 3), np.uint8)), spec) == 0).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", ["pad", "squash"])
def test_predict_puts_the_matte_where_the_picture_was(rng, row, size, resize):
    """The brightness that goes through the network comes back at the picture's own place."""
    spec = with_input(row(url="http://x/y"), resize=resize)
    image = picture(rng, *size)
    matte = predict(image, spec, grey).matte
    assert matte.size == size
    small = to_batch(image, spec)[0].mean(axis=0)
    top, left, height, width = placement(size, spec.input)
    small = small[top : top + height, left : left + width]
    wanted = Pil.fromarray(small).resize(size[::-1], Pil.Resampling.BILINEAR)
    assert np.abs(matte.alpha - np.asarray(wanted)).max() < 1e-4


def test_predict_understands_a_map_that_is_coarser_than_the_input(rng, row):
    spec = row(url="http://x/y")
    image = picture(rng, 64, 32)

    def halved(batch):
        matte = grey(batch)[0]
        return (matte.reshape(1, 1, 16, 2, 16, 2).mean(axis=(3, 5)),)

    difference = predict(image, spec, halved).matte.alpha - predict(image, spec, grey).matte.alpha
    assert np.abs(difference).mean() < 0.05


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_flat_answer_stays_flat(row, value):
    spec = row(url="http://x/y")
    alpha = predict(Image(np.zeros((97, 61, 3), np.uint8)), spec, constant(value)).matte.alpha
    assert np.abs(alpha - value).max() < 1e-6


def test_logits_go_through_a_sigmoid(row):
    spec = row(url="http://x/y", output=OutputSpec(kind="logits"))
    image = Image(np.zeros((32, 32, 3), np.uint8))
    for logit in (-1e9, -200.0, -1.0, 0.0, 2.0, 200.0, 1e9):
        alpha = predict(image, spec, constant(logit)).matte.alpha
        wanted = 1 / (1 + np.exp(-np.clip(logit, -500, 500)))
        assert np.abs(alpha - wanted).max() < 1e-6


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (OutputSpec(kind="matte"), (None, None)),
        (OutputSpec(kind="matte", confidence=True), (0.25, None)),
        (OutputSpec(kind="matte", presence=True), (None, 0.25)),
        (OutputSpec(kind="matte", confidence=True, presence=True), (0.25, 0.75)),
    ],
    ids=["neither", "confidence", "presence", "both"],
)
def test_scores_are_read_in_order(row, output, wanted):
    spec = row(url="http://x/y", output=output)
    found = predict(Image(np.zeros((9, 9, 3), np.uint8)), spec, constant(0.5, 0.25, 0.75))
    assert (found.confidence, found.presence) == wanted


@pytest.mark.parametrize("value", [-5e-4, 1 + 5e-4])
def test_rounding_noise_is_clipped(row, value):
    image = Image(np.zeros((9, 9, 3), np.uint8))
    alpha = predict(image, row(url="http://x/y"), constant(value)).matte.alpha
    assert set(np.unique(alpha)) == {np.float32(round(value))}


BOTH = OutputSpec(kind="matte", confidence=True, presence=True)
FLAT = np.zeros((1, 1, 32, 32), np.float32)
HALF = np.array([0.5], np.float32)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        pytest.param((FLAT,), "gave 1 outputs, its row promises 3", id="too few"),
        pytest.param((FLAT + np.nan, HALF, HALF), "NaN or infinity", id="nan"),
        pytest.param((FLAT + np.inf, HALF, HALF), "NaN or infinity", id="inf"),
        pytest.param((FLAT + 7, HALF, HALF), r"got \[7, 7\]; if these are logits", id="range"),
        pytest.param((FLAT - 0.01, HALF, HALF), r"must lie in \[0, 1\]", id="below"),
        pytest.param((FLAT.astype(np.int64), HALF, HALF), "int64, expected floats", id="type"),
        pytest.param((FLAT[0, 0, 0], HALF, HALF), r"shape \(32,\), expected", id="rank"),
        pytest.param((np.zeros((1, 2, 8, 8)), HALF, HALF), r"shape \(1, 2, 8, 8\)", id="channels"),
        pytest.param((np.zeros((1, 1, 0, 8)), HALF, HALF), "expected", id="empty"),
        pytest.param((FLAT, HALF * np.nan, HALF), "confidence must lie", id="confidence"),
        pytest.param((FLAT, HALF, HALF * 3), r"presence must lie in .*got \[1.5", id="presence"),
        pytest.param((FLAT, FLAT, HALF), r"confidence has shape .*one number", id="score shape"),
    ],
)
def test_an_answer_that_breaks_the_rules_is_an_error(row, outputs, message):
    with pytest.raises(NetworkError, match=message):
        from_outputs(outputs, row(url="http://x/y", output=BOTH), (40, 40))


def test_predict_does_not_write_into_the_picture(rng, row):
    image = picture(rng, 32, 32)
    before = image.pixels.copy()
    predict(image, row(url="http://x/y"), grey)
    assert (image.pixels == before).all()


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        pytest.param((90, 90), (96, 96), id="square"),
        pytest.param((300, 200), (128, 64), id="3:2, standing"),
        pytest.param((900, 1600), (64, 128), id="16:9"),
        pytest.param((3, 400), (64, 160), id="a strip is squashed to 1:3 first"),
        pytest.param((1, 1), (96, 96), id="one pixel"),
    ],
)
def test_a_picture_is_seen_in_a_rectangle_of_its_aspect_and_of_one_area(rng, row, size, shape):
    seen = []

    def watched(batch):
        seen.append(batch.shape[2:])
        return grey(batch)

    plain = {"mean": (0, 0, 0), "std": (1, 1, 1), "resize": "area"}
    spec = with_input(row(url="http://x/y"), height=96, width=96, **plain)
    image = picture(rng, *size)
    matte = predict(image, spec, watched).matte
    assert seen == [shape]
    assert input_size(size, spec.input) == shape
    assert matte.size == size
    assert np.abs(matte.alpha - image.pixels.mean(axis=2) / 255).mean() < 0.1


def test_a_rectangle_of_an_area_leaves_no_border(row):
    spec = with_input(row(url="http://x/y"), resize="area", height=96, width=96)
    assert placement((300, 200), spec.input) == (0, 0, 128, 64)
