from __future__ import annotations

import unicodedata

import pytest

from maskworks.core.names import met, nearest


@pytest.mark.parametrize(
    ("disk", "listed"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("a/b.JPG", "a/b.jpg"),
        ("a/b.jpg", "a\\b.jpg"),
        (unicodedata.normalize("NFD", "caf\u00e9/\u00fc.jpg"), "caf\u00e9/\u00fc.jpg"),
        ("caf\u00e9.jpg", unicodedata.normalize("NFD", "caf\u00e9.jpg")),
    ],
)
def test_a_name_is_met_in_every_spelling(tmp_path, disk, listed):
    path = tmp_path / disk
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert met(tmp_path, listed).samefile(path)


def test_two_files_that_a_name_could_mean_are_none(tmp_path):
    for name in ("a.JPG", "a.Jpg"):
        (tmp_path / name).touch()
    assert met(tmp_path, "a.jpg") is None


def test_the_nearest_name_is_told(tmp_path):
    (tmp_path / "shoe-red.jpg").touch()
    assert met(tmp_path, "shoe_red.jpg") is None
    assert nearest(tmp_path, "shoe_red.jpg") == "; the nearest is shoe-red.jpg"
    assert not nearest(tmp_path, "zzz.tif")
