from __future__ import annotations

import numpy as np
import pytest

from maskworks.apps.http.review.strokes import Stroke, draw, refine_touched, scaled
from maskworks.core.values import Image, Matte


@pytest.fixture
def disc():
    """A photo of a blue disc on orange, and its matte."""
    rows, columns = np.mgrid[0:160, 0:200]
    inside = np.hypot(rows - 80, columns - 100) < 50
    pixels = np.where(inside[..., None], (30, 60, 200), (230, 140, 40)).astype(np.uint8)
    return Image(pixels), Matte(inside.astype(np.float32))


@pytest.mark.parametrize("soft", [0.0, 0.5])
def test_brush_paints_to_its_radius_and_no_further(soft):
    stroke = Stroke(kind="add", points=((20, 30), (60, 30)), size=20, soft=soft)
    empty = Matte(np.zeros((60, 80), np.float32))
    alpha = draw(Image(np.zeros((60, 80, 3), np.uint8)), empty, [stroke]).alpha
    rows, columns = np.mgrid[0:60, 0:80]
    away = np.hypot(rows - 30, np.maximum(0, np.abs(columns - 40) - 20))
    assert (alpha[away < 10 * (1 - soft) - 1] > 0.99).all()
    assert alpha[away > 11.5].max() == 0
    ring = alpha[np.abs(away - (10 - 5 * soft)) < 0.5]
    assert soft == 0 or 0.2 < ring.mean() < 0.8


def test_eraser_takes_away_what_the_brush_has_put_there(disc):
    image, before = disc
    path = ((60, 20), (140, 20))
    sizes = {"add": 20, "erase": 24}  # the rim of a stroke is softer than a pixel
    both = [Stroke(kind=kind, points=path, size=size, soft=0) for kind, size in sizes.items()]
    assert np.array_equal(draw(image, before, both).alpha[:30], before.alpha[:30])


def test_edge_is_refined_only_where_it_was_touched(disc):
    image, before = disc
    beyond = Stroke(kind="add", points=((145, 60), (145, 100)), size=16, soft=0)
    drawn = draw(image, before, [beyond])
    refined = refine_touched(image, before, drawn).alpha
    changed = np.abs(drawn.alpha - before.alpha) > 0.02
    columns = np.flatnonzero(changed.any(axis=0))
    assert np.array_equal(refined[:, : columns[0] - 5], before.alpha[:, : columns[0] - 5])
    assert np.abs(refined - drawn.alpha).max() > 0.1, "the touched edge is another one"


def test_nothing_touched_is_nothing_refined(disc):
    image, before = disc
    assert refine_touched(image, before, before) is before


def test_strokes_fit_a_photo_of_another_size():
    (stroke,) = scaled([Stroke(kind="add", points=((10, 20),), size=8)], 2.5)
    assert (stroke.points, stroke.size) == (((25, 50),), 20)
