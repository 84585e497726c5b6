from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Image
from maskworks.models import ModelSpec
from maskworks.models.families.semantic import predict_scores


def spec_for(*, mirrored):
    return ModelSpec.model_validate(
        {
            "name": "own",
            "title": "A test's own",
            "family": "semantic",
            "task": "semantic",
            "classes": ["dark", "bright"],
            "file": "own.onnx",
            "sha256": "0" * 64,
            "input": {
                "height": 32,
                "width": 64,
                "mirrored": mirrored,
                "resize": "pad",
                "scale": "255",
                "mean": (0, 0, 0),
                "std": (1, 1, 1),
            },
            "output": {"kind": "class-scores"},
            "licence": "MIT",
            "commercial": True,
            "data": "none",
            "source": "this test",
        }
    )


def one_sided(batch):
    """Sees what is bright, but only half as well in the left half of what it is shown."""
    bright = batch.mean(axis=1).copy()
    bright[..., : bright.shape[-1] // 2] *= 0.5
    return (np.stack([1 - bright, bright], axis=1),)


@pytest.mark.parametrize(
    ("mirrored", "left", "right"),
    [pytest.param(False, 0.5, 1.0, id="once"), pytest.param(True, 0.75, 0.75, id="both ways")],
)
def test_a_mirrored_model_gives_the_mean_of_both_answers(mirrored, left, right):
    image = Image(np.full((32, 64, 3), 255, np.uint8))
    scores = predict_scores(image, spec_for(mirrored=mirrored), one_sided, 2).rows(0, 32)
    assert scores[1, :, :32] == pytest.approx(left)
    assert scores[1, :, 32:] == pytest.approx(right)


def test_the_mirrored_answer_is_turned_back(rng):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :5] = 255

    def bright(batch):
        seen = batch.mean(axis=1)
        return (np.stack([1 - seen, seen], axis=1),)

    found = predict_scores(Image(pixels), spec_for(mirrored=True), bright, 2).labels()
    assert found.sum() == 16 * 5
    assert found[:, :5].all()
