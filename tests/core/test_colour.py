from __future__ import annotations

import pytest

from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        pytest.param("#f4f1ec", (244, 241, 236), id="six-digits"),
        pytest.param("#FFF", (255, 255, 255), id="three-digits"),
        pytest.param(" White ", (255, 255, 255), id="name"),
        pytest.param("rebeccapurple", (102, 51, 153), id="css-4-name"),
        pytest.param("255,0,7", (255, 0, 7), id="numbers"),
        pytest.param("1, 2, 3", (1, 2, 3), id="numbers-with-spaces"),
    ],
)
def test_parse_colour_reads_what_people_write(text, colour):
    assert parse_colour(text) == colour


@pytest.mark.parametrize(
    "text",
    ["", "whitish", "#ff", "#ff00ff80", "256,0,0", "1,2", "1,2,3,4", "-1,2,3", "hsl(0,0%,0%)"],
)
def test_parse_colour_refuses_the_rest(text):
    with pytest.raises(UsageError, match="is not a colour; write it as #f4f1ec"):
        parse_colour(text)
