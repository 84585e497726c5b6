from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import ImageError
from maskworks.core.values import Box, Mask, Matte
from maskworks.studio.output.shadow import Blot, ShadowOptions, cast_shadow


def standing(*parts, size=(200, 200)):
    """A subject of solid rectangles (top, left, bottom, right)."""
    alpha = np.zeros(size, np.float32)
    for top, left, bottom, right in parts:
        alpha[top:bottom, left:right] = 1
    matte = Matte(alpha)
    return matte, matte.threshold().box()


BOX = standing((40, 70, 140, 130))


@pytest.mark.parametrize("kind", ["soft", "contact"])
def test_ground_is_darkest_where_the_subject_stands_and_clear_far_away(kind):
    shade = cast_shadow(*BOX, kind).alpha
    assert shade[140, 100] > 0.4
    assert shade[141:170, 100].tolist() == sorted(shade[141:170, 100], reverse=True)
    assert shade[20].max() == 0
    assert shade[199].max() == 0


def test_soft_shadow_reaches_farther_than_contact():
    soft, contact = (cast_shadow(*BOX, kind).alpha for kind in ("soft", "contact"))
    assert (soft >= contact - 1e-6).all()
    assert np.count_nonzero(soft) > 3 * np.count_nonzero(contact)
    assert contact[146].max() == 0
    assert soft[146].max() > 0.03


def test_shadow_of_a_symmetric_subject_is_symmetric():
    shade = cast_shadow(*BOX, "soft").alpha
    np.testing.assert_allclose(shade, shade[:, ::-1], atol=0.02)


def test_shadow_moves_with_its_subject():
    here = cast_shadow(*standing((30, 60, 130, 120)), "contact").alpha
    there = cast_shadow(*standing((40, 75, 140, 135)), "contact").alpha
    np.testing.assert_allclose(here[:-10, :-15], there[10:, 15:], atol=0.02)


def test_rear_legs_stand_farther_back_on_the_same_ground():
    chair = standing((20, 50, 120, 150), (120, 50, 180, 56), (120, 144, 180, 150),
                     (120, 70, 168, 74), (120, 126, 168, 130))  # fmt: skip
    shade = cast_shadow(*chair, "contact").alpha
    front, rear, seat = shade[181, 52], shade[169, 72], shade[122, 100]
    assert front > rear > 0.05
    assert seat == 0


def test_flank_of_a_ball_does_not_stand():
    rows, columns = np.mgrid[:200, :200]
    ball = Matte((np.hypot(rows - 100, columns - 100) < 60).astype(np.float32))
    box = ball.threshold().box()
    shade = cast_shadow(ball, box, "contact").alpha
    below = Mask(shade > 0.1).box()
    assert below.left > 65
    assert below.right < 135
    assert below.top > 140


@pytest.mark.parametrize("kind", ["soft", "contact"])
@pytest.mark.parametrize("clear_px", [1, 16])
def test_demanded_border_stays_exactly_clear(kind, clear_px):
    matte, box = standing((20, 5, 195, 195))
    shade = cast_shadow(matte, box, kind, clear_px=clear_px).alpha
    ring = np.ones(shade.shape, bool)
    ring[clear_px:-clear_px, clear_px:-clear_px] = False
    assert shade[ring].max() == 0


def test_faintest_shadow_is_none():
    shade = cast_shadow(*BOX, "soft").alpha
    assert shade[shade > 0].min() >= 0.5 / 255
    assert shade.max() <= 1


def test_options_decide_how_dark_it_is():
    faint = ShadowOptions(contact=Blot(0.012, 0.006, 0.1), soft=())
    assert cast_shadow(*BOX, "soft", options=faint).alpha.max() == pytest.approx(0.1, abs=0.01)


def test_one_pixel_casts_a_shadow_without_fail():
    matte, box = standing((100, 100, 101, 101))
    assert cast_shadow(matte, box, "soft").alpha.max() > 0


def test_box_of_another_picture_is_refused():
    with pytest.raises(ImageError, match="reaches beyond the matte"):
        cast_shadow(BOX[0], Box(0, 0, 300, 10), "soft")
