"""Words on signs: read exactly, or misread by a letter, and never inside other words."""

from __future__ import annotations

import pytest

from maskworks.scene.sites.words import find_words, place_words, word_list


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("APOTHEKE am Markt", {("service", "apotheke"), ("shop", "markt")}),
        ("KAUFHAUZ", {("shop", "kaufhaus")}),
        ("Grundschu1e Nord", {("school", "grundschule")}),
        ("STRE", set()),
        ("Barista", set()),
        ("BAR", {("alcohol", "bar")}),
        ("Aire de jeux", {("playground", "aire de jeux")}),
    ],
)
def test_places_are_told_by_words(text, found):
    assert {(each.kind, each.word) for each in find_words(text, place_words())} == found


def test_a_brand_is_found_though_a_letter_is_misread():
    brands = [word_list("Yamaha", ["Yamaha"]), word_list("Blue Cup", ["blue cup"])]
    assert [each.kind for each in find_words("YAMANA music", brands)] == ["Yamaha"]
    assert [each.kind for each in find_words("the BLUE CUP", brands)] == ["Blue Cup"]
    assert not find_words("blue saucer", brands)
