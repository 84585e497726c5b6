from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.stored_values import dim_values, inside_of


@pytest.mark.parametrize(
    ("levels", "white", "doubted"),
    [
        pytest.param([0, 1], 255, True, id="a mask of 0 and 1"),
        pytest.param([1], 255, True, id="all inside"),
        pytest.param([0, 1, 2, 9], 255, True, id="ids"),
        pytest.param([0, 0], 255, False, id="empty"),
        pytest.param([0, 11, 12], 255, False, id="faint alpha"),
        pytest.param([0, 100, 100], 255, True, id="a mask of 0 and 100"),
        pytest.param([0, 127], 255, True, id="a mask of 0 and 127"),
        pytest.param([0, 128], 255, False, id="a mask of 0 and 128"),
        pytest.param([100, 100], 255, False, id="half transparent everywhere"),
        pytest.param([0, 255], 255, False, id="a mask of 0 and 255"),
        pytest.param([0, 1], 3, True, id="0 and 1 in two bits"),
        pytest.param([0, 2, 3], 3, False, id="alpha in two bits"),
        pytest.param([0, 255], 65535, True, id="8 bits in a file of 16"),
        pytest.param([0, 65535], 65535, False, id="16 bits"),
    ],
)
def test_values_that_cannot_be_alpha_are_told(levels, white, doubted):
    assert (dim_values(np.array(levels), white) is not None) == doubted


def test_the_inside_of_a_mask_is_above_0_or_from_half_of_white_on():
    assert inside_of(np.array([0, 1, 1])).tolist() == [False, True, True]
    assert inside_of(np.array([0, 100, 100])).tolist() == [False, True, True]
    assert inside_of(np.array([0, 127, 128, 255])).tolist() == [False, False, True, True]
    assert inside_of(np.array([0, 32767, 32768]), 65535).tolist() == [False, False, True]
