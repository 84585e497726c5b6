from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Matte
from maskworks.cutouts.own_alpha import is_cut_out

HEIGHT, WIDTH = 240, 320
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)


def disc(radius=80):
    return np.hypot(ROWS - HEIGHT / 2, COLUMNS - WIDTH / 2) < radius


def turned(degrees, high=120, wide=200):
    """A photo turned on clear ground."""
    angle = np.deg2rad(degrees)
    down, across = ROWS - HEIGHT / 2, COLUMNS - WIDTH / 2
    along = across * np.cos(angle) + down * np.sin(angle)
    aside = down * np.cos(angle) - across * np.sin(angle)
    return (np.abs(along) < wide / 2) & (np.abs(aside) < high / 2)


def rounded(corner=12):
    """A photo with round corners."""
    beyond = np.maximum(np.abs(ROWS - 119.5) - (120 - corner), 0) ** 2
    beyond += np.maximum(np.abs(COLUMNS - 159.5) - (160 - corner), 0) ** 2
    return beyond <= corner**2


def matte(values):
    return Matte(np.asarray(values, np.float32))


@pytest.mark.parametrize(
    ("own", "seen", "expected"),
    [
        pytest.param(disc(), disc(), True, id="a thing the network sees too"),
        pytest.param(disc(), disc(0), True, id="a thing the network does not see"),
        pytest.param(disc() * 0.6, disc(), True, id="a see-through thing"),
        pytest.param(turned(0), turned(0), True, id="a book, seen as it is"),
        pytest.param(turned(0), disc(50), False, id="a photo on clear ground"),
        pytest.param(turned(8), disc(50), False, id="a photo turned by 8 degrees"),
        pytest.param(rounded(), disc(50), False, id="a photo with round corners"),
        pytest.param(np.ones((HEIGHT, WIDTH)), disc(), False, id="nothing clear"),
        pytest.param(disc() * 0.4, disc(), False, id="nothing opaque"),
        pytest.param(np.where(disc(), 1, 0.2), disc(), False, id="dimmed but nowhere clear"),
        pytest.param(np.zeros((HEIGHT, WIDTH)), disc(), False, id="all clear"),
    ],
)
def test_a_cut_out_is_told_from_a_photo_on_clear_ground(own, seen, expected):
    assert is_cut_out(matte(own), matte(seen)) is expected
