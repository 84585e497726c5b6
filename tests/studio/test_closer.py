from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskworks.core import Image, Matte, ModelError
from maskworks.models import Model, ModelSpec
from maskworks.studio.closer import look_closer, second_look


def row(family, side, detail=None, **kind):
    keep = {"resize": "keep", "stride": 32} if family == "edge" else {"resize": "pad"}
    return ModelSpec.model_validate(
        {
            "name": "own",
            "title": "A test's own",
            "family": family,
            "task": "edge" if family == "edge" else "cutout",
            "file": "own.onnx",
            "sha256": "0" * 64,
            "input": {
                "height": side,
                "width": side,
                "detail": detail,
                "scale": "255",
                "mean": (0, 0, 0),
                "std": (1, 1, 1),
                **keep,
            },
            "output": {"kind": "matte", **kind},
            "licence": "MIT",
            "commercial": True,
            "data": "none",
            "source": "this test",
        }
    )


def bright(batch):
    return (batch[:, :3].mean(axis=1, keepdims=True),)


def contrary(batch):
    return (1 - batch[:, :3].mean(axis=1, keepdims=True),)


class Opened:
    """What `Model.edge` holds, already open."""

    def __init__(self, model):
        self.model = model

    def open(self):
        return self.model


@pytest.fixture
def scene():
    """A small comb in a large picture: its teeth are finer than the first look's pixels."""
    truth = np.zeros((640, 640), np.float32)
    truth[300:360, 280:360] = 1
    truth[260:300, 280:360:8] = 1
    truth[260:300, 281:360:8] = 1
    truth[260:300, 282:360:8] = 1
    return Image(np.repeat((truth * 255).astype(np.uint8)[..., None], 3, 2)), truth


def first_look(model, image):
    return model.predict(image).matte


def error(matte, truth):
    return float(np.abs(matte.alpha - truth).sum())


def test_a_second_look_at_a_small_subject_halves_the_error(scene):
    image, truth = scene
    model = Model(row("saliency", 64, 128), bright)
    first = first_look(model, image)
    closer = second_look(image, first, model)
    assert error(closer.matte, truth) < 0.5 * error(first, truth)
    assert closer.seen_px > 500


def test_a_subject_that_fills_the_picture_gains_nothing_and_is_not_looked_at_again(scene):
    image, _ = scene
    model = Model(row("saliency", 64, 64), bright)
    whole = Matte(np.ones((640, 640), np.float32))
    closer = second_look(image, whole, model)
    assert closer.matte is whole
    assert closer.seen_px == 64


def test_a_model_without_a_size_for_it_keeps_its_first_look(scene):
    image, _ = scene
    model = Model(row("saliency", 64), bright)
    first = first_look(model, image)
    assert look_closer(image, first, model).matte is first


def test_a_second_look_that_sees_another_subject_is_not_believed(scene):
    image, _ = scene
    model = Model(row("saliency", 64, 128), bright)
    first = first_look(model, image)
    other = Model(model.spec, contrary)
    assert second_look(image, first, other).matte is first


def test_no_subject_is_not_looked_at_again(scene):
    image, _ = scene
    model = Model(row("saliency", 64, 128), bright, edge=Opened(Model(row("edge", 320), bright)))
    empty = Matte(np.zeros((640, 640), np.float32))
    assert look_closer(image, empty, model).matte is empty


def test_the_edge_network_redraws_the_subjects_part_alone(scene):
    image, truth = scene
    pixels = image.pixels.copy()
    pixels[:20, :20] = 255  # bright too, but far from the subject
    edge = Model(row("edge", 320), bright)
    coarse = cv2.GaussianBlur(truth, (0, 0), 6)
    model = Model(row("saliency", 64), bright, edge=Opened(edge))
    closer = look_closer(Image(pixels), Matte(np.clip(coarse, 0, 1)), model)
    assert error(closer.matte, truth) < 1
    assert closer.seen_px == 640


def test_seen_px_says_how_finely_a_large_picture_was_seen(scene):
    image, truth = scene
    large = Image(np.repeat(np.repeat(image.pixels, 4, 0), 4, 1))
    matte = Matte(np.repeat(np.repeat(truth, 4, 0), 4, 1))
    model = Model(row("saliency", 64), bright, edge=Opened(Model(row("edge", 240), bright)))
    closer = look_closer(large, matte, model)
    assert 1000 < closer.seen_px < 2560  # the crop of about 480 px was seen at 240


def test_a_model_is_not_asked_for_what_its_family_does_not_do(scene):
    image, _ = scene
    edge = Model(row("edge", 64), bright)
    with pytest.raises(ModelError, match="gives no matte of a subject"):
        edge.predict(image)
    with pytest.raises(ModelError, match="redraws no edges"):
        Model(row("saliency", 64), bright).redraw(image, Matte(np.ones((640, 640), np.float32)))
