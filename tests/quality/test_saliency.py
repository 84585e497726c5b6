from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import ImageError
from maskworks.quality.saliency import saliency_score

# What pysodmetrics 1.6.2 says of `drawn`: MAE, maxF, meanF, wF, S, maxE, meanE, adpF, adpE. It is
# not installed with the tests, since it needs an older numpy than we do.
PYSODMETRICS = {
    ("disc", "noisy"): "0.19252215 1.0 0.685407844 0.568747542 0.826188262 1.001404494 0.683328392 "
    "0.983193277 0.986361881",
    ("disc", "shifted"): "0.109396914 0.731034483 0.729152215 0.754795189 0.723904649 0.899278752 "
    "0.896743879 0.731034483 0.899278752",
    ("disc", "flat"): "0.412754723 0.249173827 0.088573509 0.204652513 0.427168453 0.250351124 "
    "0.250351124 0.0 0.250351124",
    ("empty", "faint"): "0.495558672 0.0 0.0 0.0 0.504441328 0.991573034 0.505041915 0.0 "
    "0.991573034",
    ("full", "noisy"): "0.682607555 1.0 0.561491142 0.631753602 0.317392445 1.001404494 "
    "0.318672094 0.503009458 0.189606742",
    ("dot", "noisy"): "0.318407279 0.002542539 0.000303204 0.00069605 0.392025656 0.808770211 "
    "0.264632663 0.0 0.255860686",
}


def drawn(truth, guess):
    rows, columns = np.mgrid[:23, :31]
    disc = np.hypot(rows - 9, columns - 12) < 7
    noise = (rows * 37 + columns * 101) % 97
    truths = {
        "disc": disc,
        "empty": disc & False,
        "full": disc | True,
        "dot": (rows == 4) & (columns == 20),
    }
    guesses = {
        "noisy": disc * 150 + noise,
        "shifted": np.roll(disc, 3, 1) * 255,
        "flat": np.full(disc.shape, 90),
        "faint": noise,
    }
    return guesses[guess].astype(np.uint8), (truths[truth] * 255).astype(np.uint8)


@pytest.mark.parametrize("names", PYSODMETRICS, ids=" ".join)
def test_figures_are_those_of_pysodmetrics(names):
    found = saliency_score(*drawn(*names))
    ours = [
        found.mae,
        found.f_curve.max(),
        found.f_curve.mean(),
        found.weighted_f,
        found.s,
        found.e_curve.max(),
        found.e_curve.mean(),
        found.f_adaptive,
        found.e_adaptive,
    ]
    theirs = [float(figure) for figure in PYSODMETRICS[names].split()]
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_the_f_curve_is_that_of_every_threshold_by_hand():
    predicted, truth = drawn("disc", "noisy")
    values = (predicted / 255 - predicted.min() / 255) / (np.ptp(predicted) / 255)
    levels = (values * 255).astype(np.uint8)
    inside = truth > 128
    curve = []
    for threshold in range(255, -1, -1):
        chosen = levels >= threshold
        hit = (chosen & inside).sum()
        precision, recall = hit / max(chosen.sum(), 1), hit / inside.sum()
        curve.append(1.3 * precision * recall / (0.3 * precision + recall) if hit else 0)
    assert saliency_score(predicted, truth).f_curve == pytest.approx(curve, abs=1e-9)


def test_an_object_in_the_corner_leaves_parts_empty_and_that_is_fine():
    truth = np.zeros((4, 4), np.uint8)
    truth[3, 3] = 255
    found = saliency_score(truth, truth)
    assert found.s == pytest.approx(1, abs=1e-9)


def test_sizes_must_agree():
    with pytest.raises(ImageError, match=r"\(2, 3\), the truth \(2, 2\)"):
        saliency_score(np.zeros((2, 3), np.uint8), np.zeros((2, 2), np.uint8))
