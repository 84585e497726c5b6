from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Image, Matte, NetworkError
from maskworks.models.families.edges import redraw
from maskworks.models.spec import ModelSpec


def spec_for(side):
    return ModelSpec.model_validate(
        {
            "name": "redraws",
            "title": "A test's own",
            "family": "edge",
            "task": "edge",
            "file": "redraws.onnx",
            "sha256": "0" * 64,
            "input": {
                "height": side,
                "width": side,
                "resize": "keep",
                "stride": 32,
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
    return (batch[:, :3].mean(axis=1, keepdims=True),)


def scene(height, width):
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[height // 4 : height // 2, width // 4 : width // 2] = 255
    return Image(pixels), Matte(np.full((height, width), 0.5, np.float32))


@pytest.mark.parametrize(
    "size",
    [
        pytest.param((64, 96), id="a multiple of the stride"),
        pytest.param((75, 50), id="filled up to the stride"),
        pytest.param((1, 1), id="one pixel"),
    ],
)
def test_a_small_picture_is_redrawn_at_its_own_pixels(size):
    image, matte = scene(*size)
    alpha = redraw(image, matte, spec_for(128), bright).alpha
    assert np.array_equal(alpha, image.pixels[..., 0] / np.float32(255))


def test_a_large_picture_is_shrunk_to_the_networks_side():
    seen = []

    def watched(batch):
        seen.append(batch.shape)
        return bright(batch)

    image, matte = scene(400, 200)
    alpha = redraw(image, matte, spec_for(128), watched).alpha
    assert seen == [(1, 4, 128, 64)]
    assert alpha.shape == (400, 200)
    assert np.abs(alpha - image.pixels[..., 0] / 255).mean() < 0.01


def test_the_network_is_told_the_coarse_matte():
    image, _ = scene(64, 64)
    matte = Matte(np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
    alpha = redraw(image, matte, spec_for(64), lambda batch: (batch[:, 3:],)).alpha
    assert np.array_equal(alpha, matte.alpha)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        pytest.param(lambda _: (), "has shape nothing, expected", id="no answer"),
        pytest.param(lambda b: (b[:, :1, ::2],), "expected", id="another size"),
        pytest.param(lambda b: (b[:, :1] * 0 + 2,), r"\[2, 2\]", id="out of range"),
        pytest.param(lambda b: (b[:, :1] * np.nan,), r"\[nan, nan\]", id="NaN"),
    ],
)
def test_an_answer_that_cannot_be_a_matte_is_refused(network, message):
    image, matte = scene(64, 64)
    with pytest.raises(NetworkError, match=message):
        redraw(image, matte, spec_for(64), network)
