from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.studio.calibration.decision_files import read_decisions
from maskworks.studio.calibration.suggestions import DecisionRow, suggest_rules
from maskworks.studio.campaign.exceptions import Rule, find_rule
from maskworks.studio.rate import Rate


def rows(count, failures, *, source="p/{}.jpg", sku="", tags=(), start=0):
    """`count` decisions, of which the first `failures` failed."""
    return [
        DecisionRow(
            source=source.format(start + n),
            sku=sku.format(start + n),
            tags=tags,
            outcome="reject" if n < failures else "accept",
            reason="edges" if n < failures else "",
        )
        for n in range(count)
    ]


def names(decisions, **options):
    return [found.rule.name for found in suggest_rules(decisions, **options)]


GOOD = rows(30, 1, source="good/{}.jpg", tags=("wood",))


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param(rows(10, 10, source="{}.jpg", tags=("glass",)), ["tag:glass"], id="tag"),
        pytest.param(rows(9, 8, source="{}.jpg", sku="GLS-{}"), ["sku:GLS-*"], id="sku-prefix"),
        pytest.param(
            rows(9, 9, source="{}.jpg", sku="ab{}"), ["sku:AB*"], id="letters-then-digits"
        ),
        pytest.param(rows(8, 8, source="gel/{}.jpg"), ["glob:gel/**"], id="folder"),
        pytest.param(rows(8, 8, source="a[1]/{}.jpg"), ["glob:a[[]1]/**"], id="brackets"),
        pytest.param(rows(4, 4, tags=("glass",)), [], id="too-few"),
        pytest.param(rows(10, 7, tags=("glass",)), [], id="not-sure"),
        pytest.param(rows(20, 16, source="{}.jpg", tags=("glass",)), ["tag:glass"], id="sure"),
    ],
)
def test_rule_is_proposed_where_something_fails_again_and_again(decisions, expected):
    assert names(decisions + GOOD) == expected


def test_bar_is_the_lower_end_of_the_interval():
    decisions = rows(10, 8, source="{}.jpg", tags=("glass",))
    low, _ = Rate(8, 10).interval
    assert names(decisions, above=low - 0.01) == ["tag:glass"]
    assert names(decisions, above=low + 0.01) == []


def test_figures_and_reason_stand_beside_the_rule():
    (found,) = suggest_rules(rows(16, 15, source="{}.jpg", tags=("glass",)))
    assert (found.rate.hits, found.rate.n) == (15, 16)
    assert found.rule.reason == (
        "15 of 16 reviewed had to be fixed or rejected (94 %; 95 % interval 72 % to 99 %), "
        "mostly edges"
    )


def test_folder_that_fails_only_by_its_tag_is_not_proposed_too():
    shoot = rows(12, 12, source="shoot/{}.jpg", tags=("glass",))
    other = rows(12, 12, source="other/{}.jpg", tags=("glass",))
    assert names(shoot + other + GOOD) == ["tag:glass"]


def test_two_causes_are_both_found_the_surer_first():
    glass = rows(20, 20, source="a/{}.jpg", tags=("glass",))
    gel = rows(10, 10, source="b/{}.jpg", sku="GEL-{}", tags=("wood",))
    assert names(glass + gel + GOOD) == ["tag:glass", "sku:GEL-*"]


def test_of_equal_evidence_the_narrower_pattern_is_taken():
    decisions = rows(8, 8, source="{}.jpg", sku="GLS-100-{}")
    assert names(decisions + rows(8, 0, source="x{}.jpg", sku="GLS-200-{}")) == ["sku:GLS-100-*"]


def test_what_the_list_covers_already_is_left_out():
    decisions = rows(10, 10, source="{}.jpg", tags=("glass",))
    assert names(decisions, rules=[Rule("tag", "glass", "x")]) == []


def test_last_decision_about_a_picture_counts():
    first = [DecisionRow(source=f"{n}", tags=("a",), outcome="reject", when="1") for n in range(9)]
    later = [DecisionRow(source=f"{n}", tags=("a",), outcome="accept", when="2") for n in range(9)]
    assert names(later + first) == []
    assert names(first) == ["tag:a"]


def test_every_proposed_rule_fits_the_pictures_it_was_made_from():
    decisions = rows(7, 7, source="a b/[x]{}.jpg", sku="Q*[1]-{}", tags=("what?",))
    for found in suggest_rules(decisions):
        assert all(
            find_rule([found.rule], path=d.source, sku=d.sku, tags=d.tags) for d in decisions
        )


# ------------------------------------------------------------------ files

CSV = "source,outcome,tags,when,by\na.jpg,Reject,glass;new,2026-11-01,ann\n"
JSON = '[{"source": "a.jpg", "outcome": "reject", "tags": ["glass", "new"], "when": "2026-11-01"}]'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("d.csv", CSV, id="csv"),
        pytest.param("d.json", JSON, id="json"),
        pytest.param("d.jsonl", f"{JSON[1:-1]}\n\n", id="json-lines"),
    ],
)
def test_decisions_are_read(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    (row,) = read_decisions(tmp_path / name)
    assert row == DecisionRow(
        source="a.jpg", outcome="reject", tags=("glass", "new"), when="2026-11-01"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("d.csv", "source,outcome\na,ok\n", "csv:2: the outcome is 'ok'; it must be",
                     id="outcome"),
        pytest.param("d.csv", "source,outcome\n,fix\n", "csv:2: has no source", id="source"),
        pytest.param("d.json", "[1]", "d.json, row 1: is 1, not a decision", id="no-row"),
        pytest.param("d.json", '[{"a":\n', "json:2: is not JSON", id="no-json"),
        pytest.param("d.jsonl", '{"source":"a","outcome":"fix"}\n{', "jsonl:2: is not JSON",
                     id="no-json-line"),
    ],
)  # fmt: skip
def test_broken_decisions_name_the_line(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=message):
        read_decisions(tmp_path / name)
