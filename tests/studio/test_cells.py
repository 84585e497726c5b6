from __future__ import annotations

import pytest

from maskworks.studio.cells import safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1+1", "-2+3|cmd", "-A1(B)", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1",
        "－1+1", "＠x", "-12\n=1",
    ],
)  # fmt: skip
def test_formula_gets_an_apostrophe(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["a=b.jpg", "x-1", "1+1", "'=", "日本.jpg", "two\nlines", "-1", "+1.5", "-12-A", ""]
)
def test_other_texts_stay_as_they_are(text):
    assert safe_cell(text) == text
