from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskworks.core.errors import ImageError
from maskworks.core.values import Box, Matte
from maskworks.studio.output.placing import OPTICAL_SHIFT, frame_of, measure_fill, place
from maskworks.studio.output.rules import OutputRules
from maskworks.studio.output.subject import Subject, find_subject


def rules(**fields) -> OutputRules:
    return OutputRules.model_validate({"padding": 0.0, **fields})


def solid(box: Box, *, cut=(), area=None, centre=None) -> Subject:
    """A subject that fills its box."""
    height, width = box.size
    middle = ((box.top + box.bottom) / 2, (box.left + box.right) / 2)
    return Subject(box, box, area or float(height * width), centre or middle, cut)


def matte_of(height, width, **parts) -> Matte:
    alpha = np.zeros((height, width), np.float32)
    for value, (rows, columns) in parts.values():
        alpha[rows, columns] = value
    return Matte(alpha)


# ------------------------------------------------------------------ the subject


def test_subject_has_box_mass_and_centre():
    matte = matte_of(20, 30, a=(1.0, (slice(5, 9), slice(10, 20))), b=(0.5, (slice(5, 9), 20)))
    found = find_subject(matte)
    assert found.box == Box(5, 10, 9, 21)
    assert found.area == pytest.approx(42)
    assert found.centre == pytest.approx((7.0, (40 * 15 + 2 * 20.5) / 42))


def test_faint_fringe_is_reached_but_not_counted():
    matte = matte_of(
        20, 20, a=(0.05, (slice(2, 18), slice(2, 18))), b=(1, (slice(8, 12), slice(8, 12)))
    )
    found = find_subject(matte)
    assert (found.box, found.reach) == (Box(8, 8, 12, 12), Box(2, 2, 18, 18))


@pytest.mark.parametrize(
    ("value", "cut", "fades"),
    [
        pytest.param(1.0, ("bottom",), (), id="solid"),
        pytest.param(0.3, (), ("bottom",), id="half-transparent"),
        pytest.param(0.15, (), (), id="a-breath"),
    ],
)
def test_subject_that_leaves_the_photo_says_where(value, cut, fades):
    matte = matte_of(
        20, 20, a=(1, (slice(5, 15), slice(5, 15))), b=(value, (slice(15, 20), slice(5, 15)))
    )
    found = find_subject(matte)
    assert (found.cut, found.fades) == (cut, fades)


def test_one_pixel_at_the_border_is_no_cut():
    matte = matte_of(20, 20, a=(1, (slice(5, 15), slice(5, 15))), b=(1, (19, 7)))
    assert find_subject(matte).cut == ()


def test_matte_without_a_subject_is_refused_with_its_largest_alpha():
    with pytest.raises(ImageError, match=r"no subject: its largest alpha is 0\.09"):
        find_subject(Matte(np.full((4, 4), 0.09, np.float32)))


# ------------------------------------------------------------------ fill


@pytest.mark.parametrize("by", ["longest-side", "height", "area", "box-area"])
def test_fill_is_met_as_the_rules_measure_it(by):
    subject = solid(Box(100, 200, 500, 900), area=210_000.0)
    placed = place(subject, rules(size=400, fill=0.3, fill_by=by))
    assert placed.fill == pytest.approx(0.3, abs=2 / 400)
    height, width = placed.box.size
    assert placed.fill == measure_fill(
        (height, width), subject.area * placed.scale**2, (400, 400), by
    )


def test_padding_bounds_what_fill_asks():
    placed = place(
        solid(Box(0, 0, 1000, 100)), rules(size=500, fill=0.5, fill_by="area", padding=0.1)
    )
    assert placed.box == Box(50, 230, 450, 270)
    assert placed.fill < 0.1


def test_shape_that_cannot_fill_the_frame_is_noted():
    fields = {"size": 500, "fill": 0.5, "fill_min": 0.4, "fill_by": "area", "padding": 0.1}
    (note,) = place(solid(Box(0, 0, 1000, 100)), rules(**fields)).notes
    assert (note.name, note.review) == ("fill-limited", True)
    assert note.limit == 0.4


# ------------------------------------------------------------------ the frame


@pytest.mark.parametrize(
    ("ratio", "side", "counted", "size"),
    [
        pytest.param(1.0, 1600, "longest", (1600, 1600), id="square"),
        pytest.param(4 / 5, 1350, "longest", (1350, 1080), id="portrait"),
        pytest.param(9 / 16, 1440, "shortest", (2560, 1440), id="story"),
        pytest.param(1.91, 628, "shortest", (628, 1199), id="landscape"),
    ],
)
def test_frame_has_the_ratio_and_the_side(ratio, side, counted, size):
    assert frame_of(ratio, side, counted) == size


def test_large_subject_gets_the_advised_frame():
    placed = place(solid(Box(0, 0, 3000, 2000)), rules(ratio="1:1", advised_side=1600, fill=0.9))
    assert (placed.canvas, placed.scale, placed.notes) == ((1600, 1600), pytest.approx(0.48), ())


def test_frame_shrinks_before_the_subject_is_enlarged():
    subject = solid(Box(10, 10, 910, 510))
    placed = place(subject, rules(ratio="1:1", min_side=500, advised_side=1600, fill=0.9))
    assert (placed.canvas, placed.scale) == ((1000, 1000), 1.0)
    assert [note.name for note in placed.notes] == ["canvas-shrunk"]
    assert not placed.notes[0].review


def test_frame_does_not_shrink_below_the_least_side_and_says_what_is_missing():
    fields = {"ratio": "1:1", "min_side": 500, "advised_side": 1600, "fill": 0.9, "fill_min": 0.85}
    placed = place(solid(Box(10, 10, 310, 210)), rules(**fields))
    assert (placed.canvas, placed.scale, placed.fill) == ((500, 500), 1.0, 0.6)
    needed = placed.notes[-1]
    assert (needed.name, needed.review, needed.value) == ("upscaling-needed", True, 1.5)
    assert "enlarged to 150% to fill the frame" in needed.text


def test_enlarging_that_is_allowed_is_done_and_told():
    fields = {"size": 500, "fill": 0.9, "max_scale": 2}
    placed = place(solid(Box(10, 10, 310, 210)), rules(**fields))
    assert placed.scale == 1.5
    assert [(n.name, n.value, n.review) for n in placed.notes] == [("upscaled", 1.5, False)]


def test_a_hair_of_enlargement_is_left_out():
    placed = place(solid(Box(0, 0, 447, 200)), rules(size=500, fill=0.9, max_scale=2))
    assert (placed.scale, placed.notes) == (1.0, ())


def test_frame_stays_below_the_most_pixels():
    fields = {"ratio": "1:1", "advised_side": 4000, "max_pixels": 1_000_000, "fill": 1.0}
    assert place(solid(Box(0, 0, 4000, 4000)), rules(**fields)).canvas == (1000, 1000)


@pytest.mark.parametrize(
    ("shadow", "most"), [pytest.param("none", 0, id="bare"), pytest.param("soft", 0.18, id="soft")]
)
def test_frame_without_size_and_ratio_is_the_subject_pixel_for_pixel(shadow, most):
    placed = place(solid(Box(5, 5, 205, 105)), rules(shadow=shadow))
    room = round(100 / (1 - 2 * most)) - 100
    assert placed.scale == 1.0
    assert placed.canvas == pytest.approx((200 + room, 100 + room), abs=2)


def test_free_frame_has_the_padding_on_every_side():
    placed = place(solid(Box(0, 0, 160, 80)), rules(padding=0.1))
    assert (placed.canvas, placed.box) == ((180, 100), Box(10, 10, 170, 90))


# ------------------------------------------------------------------ the place


def test_centre_leaves_the_same_on_both_sides():
    assert place(solid(Box(3, 9, 103, 59)), rules(size=300, fill=0.2)).box == Box(
        120, 135, 180, 165
    )


def test_bottom_stands_on_the_padding():
    placed = place(
        solid(Box(0, 0, 100, 50)), rules(size=200, fill=0.5, align="bottom", padding=0.1)
    )
    assert placed.box == Box(80, 75, 180, 125)


def test_optical_moves_the_centre_of_mass_to_the_middle():
    subject = solid(Box(0, 0, 100, 100), centre=(52.0, 50.0))
    placed = place(subject, rules(size=200, fill=0.5, align="optical"))
    assert placed.box.top == 48  # 52 of 100 lies on row 100 of 200


def test_optical_moves_no_farther_than_its_bound():
    subject = solid(Box(0, 0, 100, 100), centre=(95.0, 50.0))
    placed = place(subject, rules(size=200, fill=0.5, align="optical"))
    assert placed.box.top == 50 - OPTICAL_SHIFT * 200


def test_optical_stays_within_the_padding():
    subject = solid(Box(0, 0, 100, 100), centre=(90.0, 50.0))
    placed = place(subject, rules(size=100, fill=0.8, align="optical", padding=0.1))
    assert placed.box == Box(10, 10, 90, 90)


def test_subject_stays_out_of_the_zones_to_keep_clear():
    zones = {"top": 0.14, "right": 0.06, "bottom": 0.35, "left": 0.06}
    placed = place(solid(Box(0, 0, 900, 300)), rules(size="360x640", fill=1.0, keep_clear=zones))
    assert placed.box.top == round(0.14 * 640)
    assert placed.box.bottom == round(0.65 * 640)


@pytest.mark.parametrize(
    ("cut", "box"),
    [
        pytest.param(("bottom",), Box(100, 75, 200, 125), id="bottom"),
        pytest.param(("top",), Box(0, 75, 100, 125), id="top"),
        pytest.param(("left",), Box(50, 0, 150, 50), id="left"),
        pytest.param(("right", "bottom"), Box(100, 150, 200, 200), id="corner"),
    ],
)
def test_side_that_the_photo_cuts_lies_on_the_same_side_of_the_frame(cut, box):
    fields = {"size": 200, "fill": 0.5, "padding": 0.1}
    placed = place(solid(Box(0, 0, 100, 50), cut=cut), rules(**fields))
    assert placed.box == box
    assert set(placed.touches) == set(cut)
    assert placed.notes == ()


def test_subject_cut_on_both_sides_spans_the_frame():
    subject = solid(Box(0, 0, 300, 400), cut=("left", "bottom", "right"))
    placed = place(subject, rules(size="200x250", fill=0.5, padding=0.1))
    assert (placed.box, placed.notes) == (Box(100, 0, 250, 200), ())


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        pytest.param({"edges": "clear"}, 1, id="the-rules-want-clear-edges"),
        pytest.param({"size": 500, "edges": "any"}, 0, id="it-can-be-hidden"),
    ],
)
def test_cut_that_the_frame_does_not_hide_is_for_review(fields, left):
    subject = solid(Box(0, 0, 100, 50), cut=("bottom",))
    notes = place(subject, rules(**{"size": 100, "fill": 0.5, **fields})).notes
    assert [n.name for n in notes if n.name == "touches-border"] == ["touches-border"] * left
    assert all(note.review for note in notes if note.name == "touches-border")


@settings(max_examples=200, deadline=None)
@given(
    height=st.integers(1, 3000),
    width=st.integers(1, 3000),
    side=st.integers(40, 2500),
    ratio=st.sampled_from(["1:1", "4:5", "9:16", "1.91:1"]),
    fill=st.floats(0.05, 1),
    by=st.sampled_from(["longest-side", "height", "area", "box-area"]),
    padding=st.floats(0, 0.3),
    align=st.sampled_from(["centre", "bottom", "optical"]),
    at=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_placement_keeps_every_bound(*, height, width, side, ratio, fill, by, padding, align, at):
    box = Box(7, 11, 7 + height, 11 + width)
    centre = (7 + at[0] * height, 11 + at[1] * width)
    fields = {"ratio": ratio, "advised_side": side, "fill": fill, "fill_by": by}
    asked = rules(**fields, padding=padding, align=align)
    placed = place(solid(box, centre=centre), asked)
    assert placed.scale <= 1
    assert max(placed.canvas) <= side
    pad = padding * min(placed.canvas) - 1.5  # rounding of the box and of the frame
    rows, columns = placed.canvas
    assert placed.box.top >= pad
    assert placed.box.left >= pad
    assert placed.box.bottom <= rows - pad
    assert placed.box.right <= columns - pad
    expected = [max(1, length * placed.scale) for length in (height, width)]
    assert placed.box.size == pytest.approx(expected, abs=1.01)
    assert (
        placed.fill <= fill * 1.02 + 4 / min(placed.canvas) + 4 * math.prod(placed.canvas) ** -0.5
    )
