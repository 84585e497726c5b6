"""Lists of terms hold what the bars ask of them, and say what is wrong with a user's own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from maskworks.core.errors import UsageError
from maskworks.scene.text.matching import find_terms
from maskworks.scene.text.terms import categories_of, load_terms
from maskworks.scene.topics import NAMES

LINES = Path(__file__).parent / "lines"
LEAST_CONFIDENCE = 0.5


def frozen_lines():
    for path in sorted(LINES.glob("*.txt")):
        for row in path.read_text(encoding="utf-8").splitlines():
            if not row.startswith("#"):
                kind, categories, text = (part.strip() for part in row.split("|", 2))
                said = set(categories.split()) - {"-"}
                may = {name[1:] for name in said if name.startswith("?")}
                yield path.stem, kind, said - {f"?{name}" for name in may}, may, text


def found_in(text, *, misread):
    matches = find_terms(text, load_terms(), misread=misread)
    return {match.topic for match in matches if match.confidence >= LEAST_CONFIDENCE}


@pytest.fixture(scope="module")
def measured():
    right, false, missed, faults = Counter(), Counter(), Counter(), []
    for language, kind, wanted, may, text in frozen_lines():
        found = found_in(text, misread=kind == "ocr")
        right.update(wanted & found)
        for topic in sorted(wanted - found):
            missed[topic] += 1
            faults.append(f"{language}, missed {topic}: {text}")
        for topic in sorted(found - wanted - may):
            false[topic] += 1
            faults.append(f"{language}, wrong {topic}: {text}")
    return right, false, missed, faults


def test_the_frozen_lines_are_many_and_of_every_kind():
    rows = list(frozen_lines())
    assert len(rows) >= 400
    kinds = Counter(kind for _, kind, *_ in rows)
    asked = {"plain", "ocr", "censored", "quote", "news", "negation", "homograph", "harmless"}
    assert set(kinds) == asked
    assert {language for language, *_ in rows} == {"de", "en", "es", "fr"}


@pytest.mark.parametrize("topic", NAMES)
def test_terms_reach_the_bars_in_each_category(measured, topic):
    right, false, missed, _ = measured
    assert right[topic] / (right[topic] + false[topic]) >= 0.9
    assert right[topic] / (right[topic] + missed[topic]) >= 0.85


def test_every_line_that_is_judged_wrongly_stands_in_the_card(measured, root):
    card = (root / "docs/models/suitability.md").read_text(encoding="utf-8")
    assert [fault for fault in measured[3] if fault not in card] == []


def test_lines_without_a_topic_stay_without_one_where_they_are_read_from_pixels():
    harmless = [text for _, kind, *_, text in frozen_lines() if kind in ("harmless", "homograph")]
    wrong = [text for text in harmless if found_in(text, misread=True)]
    assert len(wrong) <= 0.03 * len(harmless), wrong


def test_every_language_has_terms_for_every_category():
    for each in load_terms():
        assert categories_of((each,)) == NAMES, each.language


def test_a_users_list_replaces_ours(tmp_path):
    (tmp_path / "nl.toml").write_text(
        'language = "nl"\ndate = 2026-01-02\nnegations = ["geen"]\n[arms]\nstrong = ["geweer*"]\n'
    )
    lists = load_terms(tmp_path)
    (match,) = find_terms("Hij kocht een geweer", lists)
    assert (match.topic, match.source) == ("arms", "terms nl 2026-01-02")
    assert find_terms("geen geweer", lists)[0].context == ("negated",)
    assert categories_of(lists) == ("arms",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('language = "nl"\n', "has no date"),
        ("date = 2026-01-02\n[armz]\nstrong = []\n", "did you mean arms"),
        ("date = 2026-01-02\n[arms]\nfirm = []\n", "strong, weak, not"),
        ('date = 2026-01-02\n[arms]\nstrong = [""]\n', "not empty"),
        ("date = \n", "cannot be read as TOML"),
    ],
    ids=["no date", "category", "kind", "empty term", "no TOML"],
)
def test_a_wrong_list_says_what_is_wrong(tmp_path, text, says):
    (tmp_path / "nl.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        load_terms(tmp_path)


def test_a_folder_without_lists_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no term list"):
        load_terms(tmp_path)
