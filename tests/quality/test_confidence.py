from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from maskworks.core.errors import UsageError
from maskworks.quality.confidence import area_under_roc, calibration_error, reliability, spearman


@pytest.mark.parametrize("values", [5, 1000], ids=["many ties", "hardly any"])
def test_area_under_roc_compares_every_pair(rng, values):
    for _ in range(10):
        scores = rng.integers(0, values, 60) / values
        positives = rng.random(60) < scores * 0.5 + 0.2
        pairs = [(a > b) + (a == b) / 2 for a in scores[positives] for b in scores[~positives]]
        assert area_under_roc(scores, positives) == pytest.approx(np.mean(pairs))
        u = stats.mannwhitneyu(scores[positives], scores[~positives]).statistic
        assert area_under_roc(scores, positives) == pytest.approx(u / len(pairs))


def test_area_under_roc_of_one_class_is_not_a_number():
    assert math.isnan(area_under_roc([0.1, 0.2], [True, True]))
    assert math.isnan(area_under_roc([], []))
    assert area_under_roc([0.5, 0.5], [True, False]) == 0.5


@pytest.mark.parametrize("values", [4, 10**6], ids=["many ties", "hardly any"])
def test_spearman_is_scipys(rng, values):
    for _ in range(10):
        a = rng.integers(0, values, 50)
        b = a * 0.5 + rng.integers(0, values, 50)
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)


def test_spearman_of_something_constant_is_not_a_number():
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert math.isnan(spearman([1], [2]))
    assert math.isnan(spearman([], []))
    assert spearman([1, 2, 3], [9, 5, 1]) == -1.0


@pytest.mark.parametrize("bins", [1, 3, 10, 15])
def test_reliability_puts_every_picture_into_its_bin(rng, bins):
    said = np.concatenate([rng.random(200), np.linspace(0, 1, bins + 1)])
    got = np.clip(said + rng.normal(0, 0.2, said.size), 0, 1)
    bars = reliability(said, got, bins=bins)
    assert sum(bar.count for bar in bars) == said.size
    assert (bars[0].low, bars[-1].high) == (0.0, 1.0)
    error = 0.0
    for index, bar in enumerate(bars):
        last = index == bins - 1
        inside = [
            (s, g)
            for s, g in zip(said, got, strict=True)
            if bar.low <= s and (s < bar.high or (last and s == 1.0))
        ]
        assert bar.count == len(inside)
        if inside:
            confidence, outcome = np.mean(inside, axis=0)
            assert (bar.confidence, bar.outcome) == pytest.approx((confidence, outcome))
            error += len(inside) / said.size * abs(confidence - outcome)
        else:
            assert math.isnan(bar.confidence)
    assert calibration_error(said, got, bins=bins) == pytest.approx(error)


def test_calibration_error_of_the_honest_is_nothing():
    said = np.repeat([0.25, 0.75], 4)
    assert calibration_error(said, [1, 0, 0, 0, 1, 1, 1, 0]) == 0.0
    assert math.isnan(calibration_error([], []))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: area_under_roc([1, 2], [True]), "got 2 and 1", id="roc lengths"),
        pytest.param(lambda: area_under_roc([math.nan], [True]), "scores must be finite", id="nan"),
        pytest.param(lambda: spearman([1, 2], [1]), "got 2 and 1", id="spearman lengths"),
        pytest.param(lambda: spearman([1, math.inf], [1, 2]), "1 of 2 are not", id="inf"),
        pytest.param(lambda: reliability([0.5], [0.5, 1]), "got 1 and 2", id="lengths"),
        pytest.param(
            lambda: reliability([1.5], [0.5]), r"confidence must lie in \[0, 1\]", id="said"
        ),
        pytest.param(lambda: reliability([0.5], [-1]), r"outcome must lie in .*got \[-1", id="got"),
        pytest.param(lambda: reliability([0.5], [1], bins=0), "bins must be 1 or more", id="bins"),
    ],
)
def test_wrong_numbers_are_errors(call, message):
    with pytest.raises(UsageError, match=message):
        call()
