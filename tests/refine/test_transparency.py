from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Matte
from maskworks.refine import soft_interior


def pane(size, value, *, rim=0):
    alpha = np.zeros((size, size), np.float32)
    low, high = size // 5, size - size // 5
    alpha[low:high, low:high] = value
    if rim:
        alpha[low + rim : high - rim, low + rim : high - rim] = 1
    return Matte(alpha)


def test_glass_is_soft_inside_and_a_soft_edge_is_not():
    assert soft_interior(pane(400, 0.5)) > 0.8
    assert soft_interior(pane(400, 0.5, rim=6)) == 0
    assert soft_interior(pane(400, 1.0)) == 0


def test_the_share_does_not_depend_on_the_size_of_the_picture():
    shares = [soft_interior(pane(size, 0.4)) for size in (200, 800, 3000)]
    assert max(shares) - min(shares) < 0.03


def test_the_share_is_that_of_the_subject():
    alpha = pane(400, 1.0).alpha.copy()
    alpha[150:250, 150:250] = 0.5
    assert soft_interior(Matte(alpha)) == pytest.approx(100 * 100 / 240**2, abs=0.01)


def test_no_subject_has_no_soft_inside():
    assert soft_interior(Matte(np.zeros((50, 50), np.float32))) == 0
