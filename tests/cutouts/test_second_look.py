from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Image, Matte, ModelError
from maskworks.cutouts.second_look import look_closer
from maskworks.models import Model, ModelSpec


def row(side, detail=None):
    return ModelSpec.model_validate(
        {
            "name": "own",
            "title": "A test's own",
            "family": "saliency",
            "task": "cutout",
            "file": "own.onnx",
            "sha256": "0" * 64,
            "input": {
                "height": side,
                "width": side,
                "detail": detail,
                "resize": "pad",
                "scale": "255",
                "mean": (0, 0, 0),
                "std": (1, 1, 1),
            },
            "output": {"kind": "matte"},
            "licence": "MIT",
            "commercial": True,
            "data": "none",
            "source": "this test",
        }
    )


def bright(batch):
    """A network: the subject is what is bright."""
    return (batch.mean(axis=1, keepdims=True),)


def one_sided(batch):
    """A network with a bias: it sees nothing in the left fifth of what it is shown."""
    matte = batch.mean(axis=1, keepdims=True).copy()
    matte[..., : matte.shape[-1] // 5] *= 0.5
    return (matte,)


def contrary(batch):
    return (1 - batch.mean(axis=1, keepdims=True),)


@pytest.fixture
def scene():
    """A small comb in a large picture: its teeth are finer than the first look's pixels."""
    truth = np.zeros((640, 640), np.float32)
    truth[300:360, 280:360] = 1
    for start in range(280, 360, 8):
        truth[260:300, start : start + 4] = 1
    return Image(np.repeat((truth * 255).astype(np.uint8)[..., None], 3, 2)), truth


def error(matte, truth):
    return float(np.abs(matte.alpha - truth).sum())


def test_a_second_look_at_a_small_subject_halves_the_error(scene):
    image, truth = scene
    model = Model(row(64, 128), bright)
    first = model.predict(image).matte
    closer = look_closer(image, first, model)
    assert error(closer.matte, truth) < 0.5 * error(first, truth)
    assert closer.seen_px > 500


def test_a_bias_to_one_side_is_halved_by_the_mirrored_look():
    image = Image(np.full((64, 64, 3), 255, np.uint8))
    model = Model(row(64), one_sided)
    first = model.predict(image).matte
    closer = look_closer(image, first, model)
    truth = np.ones((64, 64), np.float32)
    assert np.abs(closer.matte.alpha - truth).max() == pytest.approx(0.25)
    assert np.array_equal(closer.matte.alpha, closer.matte.alpha[:, ::-1])


def test_a_subject_that_fills_the_picture_gains_nothing_from_a_second_look(scene):
    image, _ = scene
    sizes = []

    def watched(batch):
        sizes.append(batch.shape)
        return bright(batch)

    whole = Matte(np.ones((640, 640), np.float32))
    closer = look_closer(image, whole, Model(row(64, 64), watched))
    assert sizes == [(1, 3, 128, 128)]  # the mirrored first look alone, a little larger
    assert closer.seen_px == 64


def test_a_second_look_that_sees_another_subject_is_not_believed(scene):
    image, _ = scene
    model = Model(row(64, 128), bright)
    first = model.predict(image).matte
    told = []

    def changes_its_mind(batch):
        told.append(batch.shape)
        return bright(batch) if len(told) == 1 else contrary(batch)

    closer = look_closer(image, first, Model(model.spec, changes_its_mind))
    assert len(told) == 3
    assert closer.matte.alpha[330, 320] > 0.9  # what was seen first
    assert closer.seen_px == 64


def test_an_empty_matte_stays_empty(scene):
    image, _ = scene
    black = Image(np.zeros_like(image.pixels))
    empty = Matte(np.zeros((640, 640), np.float32))
    assert not look_closer(black, empty, Model(row(64, 128), bright)).matte.alpha.any()


def test_seen_px_says_how_finely_a_large_picture_was_seen(scene):
    image, truth = scene
    large = Image(np.repeat(np.repeat(image.pixels, 4, 0), 4, 1))
    matte = Matte(np.repeat(np.repeat(truth, 4, 0), 4, 1))
    closer = look_closer(large, matte, Model(row(64, 240), bright))
    assert 1000 < closer.seen_px < 2560  # the crop of about 480 px was seen at 240


def test_a_model_of_another_family_gives_no_matte(scene):
    image, _ = scene
    spec = row(64).model_copy(update={"family": "semantic"})
    with pytest.raises(ModelError, match="gives no matte of a subject"):
        Model(spec, bright).predict(image)
