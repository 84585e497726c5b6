"""Points and boxes in both orders mean the same, and a wrong one is told the order."""

from __future__ import annotations

import pytest

from maskworks.apps.cli.segment import _box
from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Box
from maskworks.models.prompts import prompt_of


def test_point_of_x_and_y_is_the_point_of_column_and_row():
    ours = prompt_of(["30,40", "5,9,out"], [], None)
    theirs = prompt_of([], ["40,30", "9,5,out"], None)
    assert ours == theirs
    assert ours[0].inside == ((30.0, 40.0),)


def test_box_of_corners_is_the_box_of_sides():
    assert _box("1,2,3,5", None) == _box(None, "2,1,5,3") == Box(1, 2, 3, 5)
    assert Box(1, 2, 3, 5).xyxy == (2, 1, 5, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: prompt_of(["3"], [], None), "--point is ROW,COLUMN", id="point"),
        pytest.param(lambda: prompt_of([], ["a,b"], None), "--point-xy is X,Y", id="point-xy"),
        pytest.param(lambda: _box("9,9,1,1", None), "TOP,LEFT,BOTTOM,RIGHT", id="box"),
        pytest.param(lambda: _box(None, "1,2,3"), r"X1,Y1,X2,Y2 \(left, top", id="box-xyxy"),
        pytest.param(lambda: _box("1,2,3,4", "1,2,3,4"), "give one of them", id="both"),
    ],
)
def test_wrong_numbers_are_told_their_order(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_wrong_box_is_told_the_order_of_its_numbers():
    with pytest.raises(ImageError, match=r"got \(top, left, bottom, right\) = \(5, 0, 1, 4\)"):
        Box(5, 0, 1, 4)
