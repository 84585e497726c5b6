from __future__ import annotations

import numpy as np
import pytest

from maskworks.evaluate.pages.drawing import bars, curve, facts, matrix, page, reduced, tiles


def test_names_are_text_and_never_markup():
    parts = [
        tiles({"<i>": 0.5}),
        facts({"<i>": "<script>"}),
        bars("<i>", ("<i>", "<i>"), [("<i>", [0.5, "<i>", None])]),
        matrix(["<i>"], np.array([[3, 1]])),
        curve("<i>", {"<i>": [0.1, 0.9]}, label="<i>"),
    ]
    drawn = page("<i>", parts)
    assert "<script" not in drawn
    assert "&lt;i&gt;" in drawn
    assert drawn.count("<i>") == 0


def test_a_page_may_load_nothing():
    drawn = page("report", [])
    assert "default-src 'none'" in drawn
    assert " src=" not in drawn


@pytest.mark.parametrize(
    ("classes", "tables", "pictures"), [(3, 2, 0), (40, 1, 1)], ids=["few", "many"]
)
def test_a_matrix_is_a_table_or_a_picture(classes, tables, pictures):
    counts = np.full((classes, classes + 1), 2)
    drawn = matrix([f"class {at}" for at in range(classes)], counts)
    assert (drawn.count("<table"), drawn.count("<img")) == (tables, pictures)


def test_a_perfect_matrix_has_no_confusions():
    assert "Largest confusions" not in matrix(["a", "b"], np.array([[5, 0, 0], [0, 2, 0]]))


@pytest.mark.parametrize("size", [(10, 10), (1000, 3), (721, 1500)])
def test_pictures_are_made_small_enough(size):
    small = reduced(np.zeros((*size, 3), np.uint8))
    assert max(small.shape[:2]) <= 360
    assert min(small.shape[:2]) >= 1
