from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Matte
from maskworks.quality.sequences import flicker, frame_statistics


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 40, 300])
def test_decay_is_first_quarter_less_last(rng, count):
    values = rng.random(count)
    marks = [int(np.floor(x + 0.5)) - 1 for x in np.linspace(1, count, 5)]  # halves go up
    quarters = [values[marks[at] : marks[at + 1] + 1] for at in range(4)]
    found = frame_statistics(values)
    assert found.mean == pytest.approx(values.mean())
    assert found.recall == pytest.approx((values > 0.5).mean())
    assert found.decay == pytest.approx(quarters[0].mean() - quarters[3].mean())


def test_no_frame_is_refused():
    with pytest.raises(UsageError, match="at least one"):
        frame_statistics([])


def test_flicker_sees_changes_and_not_offsets():
    half, full, low = (Matte(np.full((2, 2), a, np.float32)) for a in (0.5, 1.0, 0.25))
    assert flicker((half, half), (full, full)) == 0
    assert flicker((half, low), (full, full)) == 0.25
    with pytest.raises(ImageError, match="one size"):
        flicker((half, half), (half, Matte(np.zeros((1, 2), np.float32))))
