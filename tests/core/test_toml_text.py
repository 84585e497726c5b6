from __future__ import annotations

import tomllib

import pytest

from maskworks.core.toml_text import MOST_CHARACTERS, parse_toml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a = " + "[" * 100_000, "too deeply", id="lists"),
        pytest.param("a = " + "{a=" * 100_000, "too deeply", id="tables"),
        pytest.param(".".join(["a"] * 100_000) + " = 1", "more than 32 parts", id="key"),
        pytest.param("x = 1\n[" + ".".join(["'a'"] * 40) + "]", "line 2", id="quoted-header"),
        pytest.param("#" * (MOST_CHARACTERS + 1), "characters", id="large"),
        pytest.param("a = ", "Invalid value", id="no-toml"),
    ],
)
def test_toml_that_would_take_for_ever_is_refused(text, message):
    with pytest.raises(tomllib.TOMLDecodeError, match=rf"(?i){message}"):
        parse_toml(text)


def test_toml_within_the_bounds_is_what_tomllib_says():
    text = '[a.b."c.d"]\nx.y = ["' + ".".join("abcdefghijklmnopqrstuvwxyz0123456789") + '"]\n'
    assert parse_toml(text) == tomllib.loads(text)
