"""What each field of remove.bg's API means, and what leaving it out means."""

from __future__ import annotations

import numpy as np
import pytest

from maskworks.apps.http.bodies import FormFields
from maskworks.apps.http.pictures.removebg_fields import Length, read_request, region_of
from maskworks.apps.http.pictures.removebg_layout import opaque_inside
from maskworks.core.values import Box


def asked(**fields):
    return read_request(FormFields(fields, {}))


def test_defaults_are_those_of_the_interface():
    plain = asked()
    assert (plain.megapixels, plain.form, plain.typed, plain.type_level) == (
        0.25,
        "auto",
        "auto",
        "1",
    )
    assert (plain.roi, plain.crop, plain.margin, plain.scale, plain.position) == (
        None,
        False,
        None,
        None,
        None,
    )
    assert (plain.alpha_only, plain.shadow, plain.semitransparency) == (False, None, True)
    assert plain.background is None


@pytest.mark.parametrize(
    ("size", "megapixels"),
    [
        ("preview", 0.25), ("small", 0.25), ("regular", 0.25), ("medium", 1.5), ("hd", 4),
        ("full", 25), ("4k", 25), ("50MP", 50), ("auto", 50),
    ],
)  # fmt: skip
def test_size_is_the_most_megapixels(size, megapixels):
    assert asked(size=size).megapixels == megapixels


PX = [Length(n, relative=False) for n in (1, 2, 3, 4)]
TENTH, FIFTH = (Length(n, relative=True) for n in (0.1, 0.2))


@pytest.mark.parametrize(
    ("field", "said", "name", "meant"),
    [
        pytest.param("crop_margin", "1px 2 3px 4", "margin", tuple(PX), id="margins"),
        pytest.param("crop_margin", "10%", "margin", (TENTH,) * 4, id="one-margin"),
        pytest.param("crop_margin", "10% 20%", "margin", (TENTH, FIFTH) * 2, id="two-margins"),
        pytest.param("scale", "80%", "scale", 0.8, id="scale"),
        pytest.param("scale", "80%", "position", (0.5, 0.5), id="scale-means-centre"),
        pytest.param("scale", "original", "scale", None, id="scale-original"),
        pytest.param("position", "center", "position", (0.5, 0.5), id="centre"),
        pytest.param("position", "20%", "position", (0.2, 0.2), id="one-position"),
        pytest.param("position", "20% 100%", "position", (0.2, 1.0), id="two-positions"),
        pytest.param("position", "original", "position", None, id="position-original"),
        pytest.param("channels", "alpha", "alpha_only", True, id="channels"),
        pytest.param("semitransparency", "false", "semitransparency", False, id="opaque"),
        pytest.param("add_shadow", "true", "shadow", "soft", id="shadow"),
        pytest.param("shadow_type", "contact", "shadow", "contact", id="contact"),
        pytest.param("shadow_type", "none", "shadow", None, id="no-shadow"),
        pytest.param("bg_color", "f00", "background", (255, 0, 0, 255), id="hex-3"),
        pytest.param("bg_color", "f008", "background", (255, 0, 0, 136), id="hex-4"),
        pytest.param("bg_color", "#81d4fa", "background", (129, 212, 250, 255), id="hex-6"),
        pytest.param("bg_color", "81d4fa77", "background", (129, 212, 250, 119), id="hex-8"),
        pytest.param("bg_color", "green", "background", (0, 128, 0, 255), id="name"),
        pytest.param("format", "WEBP", "form", "webp", id="format"),
    ],
)
def test_field_means(field, said, name, meant):
    assert getattr(asked(**{field: said}), name) == meant


@pytest.mark.parametrize(
    ("roi", "box"),
    [
        pytest.param("0% 0% 100% 100%", None, id="all"),
        pytest.param("10 20 50 60", Box(20, 10, 60, 50), id="px"),
        pytest.param("10px 25% 100% 60", Box(25, 10, 60, 200), id="mixed"),
        pytest.param("50 60 10 20", Box(20, 10, 60, 50), id="corners-swapped"),
    ],
)
def test_region_is_given_as_left_top_right_bottom(roi, box):
    assert region_of(asked(roi=roi), (100, 200)) == box


def test_without_semitransparency_only_the_outline_stays_soft():
    rows, columns = np.mgrid[0:81, 0:81]
    away = np.hypot(rows - 40, columns - 40)
    alpha = np.clip(35.5 - away, 0, 1).astype(np.float32)
    alpha[away < 15] = 0.6  # glass
    made = opaque_inside(alpha)
    assert made[40, 40] == 1
    assert made[40, 0] == 0
    edge = (alpha > 0.05) & (alpha < 0.95) & (away > 30)
    np.testing.assert_array_equal(made[edge], alpha[edge])
