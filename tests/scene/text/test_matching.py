from __future__ import annotations

import pytest

from maskworks.scene.text.matching import NEGATED, STRONG, WEAK, WEAK_PAIR, find_terms
from maskworks.scene.text.terms import load_terms


def found(text, **options):
    return {(m.topic, m.confidence) for m in find_terms(text, load_terms(), **options)}


def test_a_strong_term_is_evidence_alone_and_weak_ones_only_together():
    assert ("arms", STRONG) in found("They have a rifle in the car")
    assert found("They have a sword in the car") == {("arms", WEAK)}
    both = found("They have a sword and a holster in the car")
    assert both == {("arms", WEAK_PAIR)}


@pytest.mark.parametrize(
    "text",
    [
        "There were no guns in the house",
        "Im Haus gab es keine Pistole",
        "Il n'y avait aucune mitraillette",
        "En la casa no había ninguna pistola",
    ],
    ids=["en", "de", "fr", "es"],
)
def test_a_negated_mention_is_a_hint(text):
    assert found(text) == {("arms", NEGATED)}


def test_a_negation_ends_with_its_clause():
    assert found("No, he has a gun") == {("arms", STRONG)}


def test_what_is_never_negated_stays_evidence():
    assert ("profanity", STRONG) in found("He is not an asshole")


def test_news_is_told_as_context():
    (match,) = find_terms("The police found a rifle", load_terms())
    assert match.context == ("news",)


@pytest.mark.parametrize(
    "text",
    ["what the f*ck", "f u c k you", "this is bulls**t", "you @sshole", "f.u.c.k off"],
)
def test_hidden_letters_are_seen_through(text):
    assert "profanity" in {topic for topic, _ in found(text)}


def test_a_misread_letter_is_forgiven_only_in_text_read_from_pixels():
    assert found("AMMUNITI0N AND R1FLES HERE", misread=True)
    assert "arms" in {topic for topic, _ in found("AMUNITION SALE", misread=True)}
    assert found("AMUNITION SALE") == set()


def test_places_are_counted_in_the_text_as_it_was_given():
    text = "Straße: er hat eine Waffe!"
    (match,) = [m for m in find_terms(text, load_terms()) if m.topic == "arms"]
    assert text[match.start : match.end] == match.term == "Waffe"


def test_a_short_word_of_another_language_does_not_count_where_none_is_known():
    assert found("TOTE BAG") == set()
    assert found("") == set()


def test_a_word_that_comes_again_in_a_line_is_one_match():
    (match,) = find_terms(
        "A rifle, a Rifle and one more rifle, all of them were in the car", load_terms()
    )
    assert (match.topic, match.start) == ("arms", 2)
