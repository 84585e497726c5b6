from __future__ import annotations

import pytest
import torch

from maskworks.train.labels.recipe import LabelStage, Views
from maskworks.train.labels.views import LabelSet, ViewSampler


def coloured(height=40, width=60) -> LabelSet:
    """Make one picture whose red says the class: 0, 100 or 200."""
    labels = torch.zeros(height, width, dtype=torch.uint8)
    labels[10:, 20:] = 1
    labels[25:, :30] = 2
    pixels = (labels * 100)[None].repeat(3, 1, 1)
    return LabelSet(("one",), [pixels], [labels])


@pytest.mark.parametrize("zoom", [(0.4, 0.6), (1.0, 1.0), (1.5, 3.0)])
def test_labels_stay_with_their_pixels(zoom):
    stage = LabelStage(share=1, height=32, width=48, batch=8, zoom=zoom)
    plain = Views(rise=0.5, colour=0)
    drawn = ViewSampler(coloured(), plain, unknown=3, seed=1).batch(stage)
    x, y = drawn.pixels, drawn.labels
    known = y < 3
    red = (x[:, 0] * 255 / 100).round()
    assert x.shape == (8, 3, 32, 48)
    assert float((red[known] == y[known]).float().mean()) > 0.9
    assert bool(known.any())


def test_beside_a_small_picture_nothing_is_known():
    stage = LabelStage(share=1, height=32, width=48, batch=1, zoom=(0.4, 0.4))
    y = ViewSampler(coloured(), Views(flip=0, aspect=0), unknown=3, seed=1).batch(stage).labels
    assert (y[0, :16, :24] < 3).all()
    assert (y[0, 16:] == 3).all()
    assert (y[0, :, 24:] == 3).all()


def test_colours_stay_in_range_and_every_picture_comes_once_a_round():
    many = LabelSet(
        tuple("abcd"),
        [torch.full((3, 32, 32), 60 * i, dtype=torch.uint8) for i in range(4)],
        [torch.full((32, 32), i, dtype=torch.uint8) for i in range(4)],
    )
    stage = LabelStage(share=1, height=32, width=32, batch=4)
    drawn = ViewSampler(many, Views(colour=1), unknown=9, seed=2).batch(stage)
    x, y = drawn.pixels, drawn.labels
    assert 0 <= float(x.min()) <= float(x.max()) <= 1
    assert sorted(y[:, 5, 5].tolist()) == [0, 1, 2, 3]


def test_a_kept_state_gives_the_same_views_again():
    stage = LabelStage(share=1, height=32, width=48, batch=3, zoom=(0.5, 2))
    sampler = ViewSampler(coloured(), Views(), unknown=3, seed=5)
    sampler.batch(stage)
    state = sampler.state()
    first = sampler.batch(stage)
    other = ViewSampler(coloured(), Views(), unknown=3, seed=99)
    other.restore(state)
    again = other.batch(stage)
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.labels, again.labels)
