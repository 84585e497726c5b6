from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from maskworks.core.errors import ImageError
from maskworks.core.reading import read_picture
from maskworks.core.trimaps import trimap_of

LEVELS = np.repeat(np.array([[0, 128, 255]], np.uint8), 2, axis=0)


def drawn(array, **options):
    written = io.BytesIO()
    picture = array if isinstance(array, Image.Image) else Image.fromarray(array)
    picture.save(written, "PNG", **options)
    return trimap_of(read_picture(written.getvalue()), "t.png")


def in_alpha(levels, colour=0):
    return np.dstack([np.full((*levels.shape, 3), colour, np.uint8), levels])


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(LEVELS, id="0-128-255"),
        pytest.param(np.array([[4, 90, 250]] * 2, np.uint8), id="nearly"),
        pytest.param(np.dstack([LEVELS] * 3), id="rgb"),
        pytest.param(LEVELS // 127, id="0-1-2"),
        pytest.param(Image.fromarray(LEVELS).convert("P"), id="palette"),
        pytest.param(in_alpha(LEVELS), id="in alpha, black"),
        pytest.param(in_alpha(LEVELS, 255), id="in alpha, white"),
        pytest.param(in_alpha(LEVELS // 127), id="0-1-2 in alpha"),
        pytest.param(np.dstack([LEVELS] * 3 + [np.full_like(LEVELS, 255)]), id="opaque RGBA"),
        pytest.param(LEVELS.astype(np.uint16) * 257, id="16 bits"),
    ],
)
def test_every_known_way_to_draw_a_trimap_is_understood(picture):
    assert np.array_equal(drawn(picture).levels, LEVELS)


def test_numbers_in_two_bits_are_numbers():
    assert np.array_equal(drawn(LEVELS // 127, bits=2).levels, LEVELS)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        pytest.param(LEVELS * 0, "t.png: is background everywhere", id="all black"),
        pytest.param(LEVELS // 255, "holds 0 and 1 alone, as a mask does", id="0-1"),
        pytest.param(LEVELS // 127 + 1, "holds 1, 2, 3 of 255, as ids or marks do", id="1-2-3"),
        pytest.param(LEVELS // 85, "holds 0, 1, 3 of 255", id="GrabCut's marks"),
        pytest.param(np.dstack([LEVELS, LEVELS, LEVELS // 2]), "is in colours", id="colours"),
        pytest.param(
            np.dstack([LEVELS[:, ::-1]] * 3 + [LEVELS]), "not clear which of both", id="both"
        ),
        pytest.param(in_alpha(LEVELS * 0), "background everywhere", id="empty alpha"),
        pytest.param(
            np.where(LEVELS == 128, 1, LEVELS).astype(np.uint8), "holds 0, 1, 255, three", id="dim"
        ),
        pytest.param(
            np.where(LEVELS == 128, 254, LEVELS).astype(np.uint8), "none of them is grey", id="pale"
        ),
        pytest.param(LEVELS * 0 + 128, "t.png: marks no sure background", id="all grey"),
        pytest.param(LEVELS // 255 * 127 + 128, "marks no sure background", id="no background"),
        pytest.param(LEVELS % 255, "marks no sure foreground", id="no foreground"),
    ],
)
def test_what_is_no_trimap_is_refused_by_what_it_is(picture, message):
    with pytest.raises(ImageError, match=message):
        drawn(picture)


ROWS, COLUMNS = np.mgrid[:40, :50]
AWAY = np.hypot(ROWS - 20, COLUMNS - 25)
DISC = np.digitize(-AWAY, [-15, -12]).astype(np.uint8)
"""A disc as a trimap of 0, 1 and 2 should be: background, a band 3 px wide, the foreground."""


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 2, 0), (1, 0, 2), (2, 0, 1), (2, 1, 0)])
def test_numbers_in_another_order_are_refused(order):
    with pytest.raises(ImageError, match=r"t.png: its [02] (lies as a thin band|fills the whole)"):
        drawn(np.array(order, np.uint8)[DISC])


@pytest.mark.parametrize("order", [(0, 255, 128), (128, 255, 0), (128, 0, 255), (255, 0, 128)])
def test_greys_in_another_order_are_refused(order):
    with pytest.raises(ImageError, match=r"its (0|255) lies as a thin band between 128 and"):
        drawn(np.array(order, np.uint8)[DISC])


def test_a_trimap_with_a_window_an_edge_without_a_band_and_smoke_apart_is_taken():
    levels, inverted = (np.array(order, np.uint8)[DISC] for order in ((0, 128, 255), (255, 128, 0)))
    window = np.where(AWAY < 5, 128, np.where(AWAY < 15, 255, 0)).astype(np.uint8)
    smoke = np.where(AWAY < 12, 255, 0).astype(np.uint8)
    smoke[:3, :] = 128
    for picture in (levels, window, smoke, inverted):
        assert np.array_equal(drawn(picture).levels, picture)
