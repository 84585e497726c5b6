from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskworks.core.errors import ImageError
from maskworks.quality.boundary_band import band_width, square_band
from maskworks.quality.confusion import confusion_of

CLASSES = 3
PAIRS = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda size: arrays(np.int32, (2, *size), elements=st.integers(0, CLASSES))
)


@given(PAIRS)
def test_figures_are_those_of_counting_pixels(pair):
    truth, ours = pair
    found = confusion_of(truth, ours, classes=CLASSES)
    known = truth < CLASSES
    present = [at for at in range(CLASSES) if (truth == at).any()]
    if not present:
        assert np.isnan([found.pixel_accuracy, found.mean(found.iou)]).all()
        return
    iou, accuracy, dice = [], [], []
    for at in present:
        mine, its = (ours == at) & known, truth == at
        iou.append((mine & its).sum() / (mine | its).sum())
        accuracy.append((mine & its).sum() / its.sum())
        dice.append(2 * (mine & its).sum() / (mine.sum() + its.sum()))
    assert found.mean(found.iou) == pytest.approx(np.mean(iou))
    assert found.mean(found.accuracy) == pytest.approx(np.mean(accuracy))
    assert found.mean(found.dice) == pytest.approx(np.mean(dice))
    assert found.pixel_accuracy == pytest.approx((truth == ours)[known].mean())
    shares = [(truth == at).sum() / known.sum() for at in present]
    assert found.frequency_weighted_iou == pytest.approx(np.dot(shares, iou))


@given(PAIRS, PAIRS)
def test_pictures_add_up(first, second):
    both = [np.concatenate([first[at].ravel(), second[at].ravel()]) for at in (0, 1)]
    summed = confusion_of(*first, classes=CLASSES) + confusion_of(*second, classes=CLASSES)
    assert (summed.counts == confusion_of(*both, classes=CLASSES).counts).all()


def test_a_class_that_is_only_predicted_costs_others_and_is_not_in_the_mean():
    found = confusion_of(np.array([0, 0]), np.array([0, 1]), classes=CLASSES)
    assert found.iou[:2].tolist() == [0.5, 0.0]
    assert np.isnan(found.iou[2])
    assert found.mean(found.iou) == 0.5


def test_shapes_must_agree():
    with pytest.raises(ImageError, match="the truth"):
        confusion_of(np.zeros((1, 2), int), np.zeros((2, 1), int), classes=1)


@pytest.mark.parametrize("size", [(9, 13), (40, 60), (1, 30)])
def test_the_band_is_what_erosion_pixel_by_pixel_takes_away(rng, size):
    inside = rng.random(size) < 0.9
    inside[size[0] // 4 : size[0] // 2, 3:9] = True
    width = band_width(size, 0.05)
    left = np.pad(inside, 1)
    for _ in range(width):  # as the authors: a 3x3 square, time after time
        shifted = [np.roll(left, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        left = np.all(shifted, axis=0)
    assert (square_band(inside, width) == inside & ~left[1:-1, 1:-1]).all()
