from __future__ import annotations

import pytest
from scipy.stats import binomtest

from maskworks.studio.rate import Rate


@pytest.mark.parametrize("n", [1, 2, 5, 17, 400])
def test_interval_is_that_of_scipy(n):
    for hits in {0, 1, n // 3, n - 1, n}:
        expected = binomtest(hits, n).proportion_ci(0.95, method="wilson")
        assert Rate(hits, n).interval == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_interval_of_nothing_is_everything():
    assert (Rate(0, 0).share, Rate(0, 0).interval) == (0, (0, 1))
