from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskworks.core.errors import UsageError
from maskworks.quality.groups import bootstrap_interval, gap_chance, holm
from maskworks.quality.selective import (
    area_under_risk,
    precision_threshold,
    risk_coverage,
    share_interval,
    sure_threshold,
    threshold_interval,
)

PICTURES = st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.booleans()), min_size=1)


@given(PICTURES)
def test_every_threshold_delivers_what_counting_says(pictures):
    said, good = zip(*pictures, strict=True)
    rows = risk_coverage(said, good)
    assert [row.threshold for row in rows] == sorted(set(said), reverse=True)
    for row in rows:
        chosen = [right for confidence, right in pictures if confidence >= row.threshold]
        assert row.coverage == pytest.approx(len(chosen) / len(pictures))
        assert row.risk == pytest.approx(1 - np.mean(chosen))
        assert (row.delivered, row.wrong) == (len(chosen), len(chosen) - sum(chosen))


@given(PICTURES, st.sampled_from([0.5, 0.8, 1.0]))
def test_the_threshold_is_the_lowest_that_reaches_the_target(pictures, target):
    said, good = zip(*pictures, strict=True)
    found = precision_threshold(said, good, target=target)
    fitting = [
        level
        for level in set(said)
        if np.mean([right for confidence, right in pictures if confidence >= level]) >= target
    ]
    assert (found.threshold if found else None) == min(fitting, default=None)


def test_a_sure_threshold_needs_pictures_enough():
    # log(0.05) / log(0.99) = 298.07
    assert sure_threshold([0.9] * 298, [1] * 298, target=0.99) is None
    assert sure_threshold([0.9] * 299, [1] * 299, target=0.99).threshold == 0.9


def test_intervals_of_a_share_hold_the_binomial():
    from scipy.stats import binom

    low, high = share_interval(7, 20)
    assert binom.sf(6, 20, low) == pytest.approx(0.025)
    assert binom.cdf(7, 20, high) == pytest.approx(0.025)
    assert share_interval(0, 5)[0] == 0
    assert share_interval(5, 5)[1] == 1


def test_the_threshold_of_resamples_lies_around_it(rng):
    said = rng.random(300)
    good = rng.random(300) < said
    found = precision_threshold(said, good, target=0.8)
    low, high = threshold_interval(said, good, target=0.8)
    assert low <= found.threshold <= high
    assert threshold_interval([0.5, 0.4], [0, 0], target=0.8) is None
    assert threshold_interval([0.5, 0.4], [1, 0], target=0.8)[1] == np.inf


def test_a_perfect_order_has_the_least_area_under_the_risk(rng):
    good = np.arange(10) < 6
    best = area_under_risk(np.linspace(1, 0, 10), good)
    assert all(best <= area_under_risk(rng.random(10), good) for _ in range(20))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: risk_coverage([], []), "0 confidences", id="none"),
        pytest.param(lambda: risk_coverage([0.1], [1, 0]), "2 outcomes", id="lengths"),
        pytest.param(lambda: risk_coverage([np.nan], [1]), "not a number", id="nan"),
        pytest.param(
            lambda: precision_threshold([0.1], [1], target=1.2), r"\(0, 1\], got 1.2", id="target"
        ),
        pytest.param(lambda: bootstrap_interval([]), "is empty", id="group"),
        pytest.param(lambda: gap_chance([[1.0]]), "two groups", id="gap"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_a_bootstrap_interval_is_about_two_standard_errors_wide(rng):
    values = rng.normal(0.7, 0.1, 400)
    low, high = bootstrap_interval(values)
    assert (high - low) == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert bootstrap_interval(values) == (low, high)


def test_gaps_of_equal_groups_are_chance_and_large_ones_are_not(rng):
    same = [rng.normal(0.8, 0.1, 40) for _ in range(3)]
    assert gap_chance(same)[1] > 0.05
    gap, chance = gap_chance([same[0], same[1] - 0.3])
    assert gap == pytest.approx(abs(same[0].mean() - same[1].mean() + 0.3))
    assert chance < 0.001


def test_the_permutation_test_is_that_of_all_dealings():
    from itertools import combinations

    first, second = np.array([0.9, 0.8, 0.7]), np.array([0.5, 0.6])
    every = np.concatenate([first, second])
    gap = abs(first.mean() - second.mean())
    reached = []
    for chosen in combinations(range(5), 3):
        rest = np.delete(every, chosen)
        reached.append(abs(every[list(chosen)].mean() - rest.mean()) >= gap - 1e-12)
    assert gap_chance([first, second])[1] == pytest.approx(np.mean(reached), abs=0.02)


def test_corrections_never_fall_and_end_at_one():
    assert holm([]) == []
    assert holm([0.5, 0.9]) == [1.0, 1.0]
