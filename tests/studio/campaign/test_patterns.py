from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskworks.studio.campaign.patterns import name_matches, path_matches


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        pytest.param("lifestyle/**", ["lifestyle/a.jpg", "lifestyle/x/y/a.jpg"],
                     ["lifestyle", "other/lifestyle/a.jpg", "lifestyles/a.jpg"], id="below"),
        pytest.param("**/a.jpg", ["a.jpg", "x/a.jpg", "x/y/a.jpg"], ["ba.jpg"], id="any-depth"),
        pytest.param("x/**/a.jpg", ["x/a.jpg", "x/y/z/a.jpg"], ["y/a.jpg"], id="between"),
        pytest.param("*.jpg", ["a.jpg", "x/a.JPG"], ["a.jpeg", "a.jpg.png"], id="suffix"),
        pytest.param("x/*.jpg", ["x/a.jpg"], ["x/y/a.jpg", "a.jpg"], id="one-folder"),
        pytest.param("x", ["x/a.jpg", "x", "y/x/b.png"], ["xx/a.jpg"], id="folder"),
        pytest.param("x/", ["x/a.jpg"], ["xx/a.jpg"], id="folder-with-slash"),
        pytest.param("./x/y", ["x/y/a.jpg"], ["z/x/y/a.jpg"], id="folder-from-the-top"),
        pytest.param("a[12].jpg", ["a1.jpg", "A2.jpg"], ["a3.jpg"], id="one-of"),
        pytest.param("a[!12].jpg", ["a3.jpg"], ["a1.jpg", "a/.jpg"], id="none-of"),
        pytest.param("a[z-a].jpg", ["a[z-a].jpg"], ["az.jpg"], id="range-that-means-nothing"),
        pytest.param("a?.jpg", ["ab.jpg"], ["a.jpg", "a/.jpg"], id="one-character"),
        pytest.param("caf\u00e9*", ["cafe\u0301-1.jpg"], ["cafe-1.jpg"], id="accents"),
        pytest.param("a+(b).jpg", ["a+(b).jpg"], ["aab.jpg"], id="no-regular-expression"),
    ],
)  # fmt: skip
def test_path_pattern_means_what_a_producer_expects(pattern, fits, does_not):
    assert [path for path in fits if not path_matches(path, pattern)] == []
    assert [path for path in does_not if path_matches(path, pattern)] == []


def piece_fits(name, piece):
    """One part of a path by brute force: `*` and `?` only."""
    if not piece:
        return not name
    if piece[0] == "*":
        return any(piece_fits(name[at:], piece[1:]) for at in range(len(name) + 1))
    return bool(name) and piece[0] in ("?", name[0]) and piece_fits(name[1:], piece[1:])


def parts_fit(names, pieces):
    if not pieces:
        return not names
    if pieces[0] == "**":
        least = 1 if len(pieces) == 1 else 0
        return any(parts_fit(names[at:], pieces[1:]) for at in range(least, len(names) + 1))
    return bool(names) and piece_fits(names[0], pieces[0]) and parts_fit(names[1:], pieces[1:])


PIECE = st.one_of(
    st.just("**"), st.text("ab*?", min_size=1, max_size=3).filter(lambda t: "**" not in t)
)


@given(
    st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(PIECE, min_size=2, max_size=4),
)
def test_path_pattern_equals_brute_force(names, pieces):
    expected = parts_fit(names, pieces)
    if not any(c in pieces[-1] for c in "*?"):  # it may be a folder as well
        expected = any(parts_fit(names[:end], pieces) for end in range(1, len(names) + 1))
    assert path_matches("/".join(names), "/".join(pieces)) == expected


def test_name_pattern_knows_no_folders():
    assert name_matches("GLS/100", "gls*")
    assert not name_matches("GLS", "gls-?")


def test_pattern_of_many_stars_is_answered_at_once():
    """With every place of every star tried, these would take longer than the universe is old."""
    assert not name_matches("a" * 5000, "*a" * 30 + "b")
    assert name_matches("a" * 5000, "*a" * 30)
    deep = "/".join(["a"] * 200)
    assert not path_matches(deep, "/".join(["**", "a"] * 30) + "/b")
    assert path_matches(deep, "/".join(["**", "a"] * 30))
