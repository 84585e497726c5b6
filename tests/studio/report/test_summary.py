from __future__ import annotations

import json

import numpy as np
import pytest

from maskworks.studio.report import summarise
from maskworks.studio.report.summary import BINS, to_json


@pytest.fixture
def figures(book):
    """The figures of some rows, as report.json has them."""

    def run(items, **fields):
        head = book.header(len(items), **fields)
        return json.loads(json.dumps(to_json(head, summarise(head, items))))

    return run


def test_a_hundred_pictures_cost_what_the_manual_says(figures, book):
    found = figures(book.items(manual=18, deliver=82))
    assert found["items"] == 100
    assert found["routes"] == {"deliver": 82, "review": 0, "manual": 18, "failed": 0}
    assert found["flag_rate"] == 0.18
    assert found["cost"] == {
        "currency": "USD",
        "items": 100,
        "total": 674.80,
        "settled": 674.80,
        "open": 0,
        "open_items": 0,
        "if_all_accepted": 674.80,
        "if_all_sent_out": 674.80,
        "blended": 6.748,
        "baseline": 2200.00,
        "saved": 1525.20,
        "saved_share": 0.6933,
        "routes": {"deliver": 278.80, "review": 0, "manual": 396.00, "failed": 0},
    }


def test_figures_of_mixed_rows(figures, mixed):
    found = figures(mixed, wall_s=3.0)
    assert found["routes"] == {"deliver": 1, "review": 1, "manual": 1, "failed": 1}
    assert found["reasons"] == {"exception:tag:glass": 1, "low-score": 1}
    assert (found["flag_rate"], found["seconds"], found["wall_seconds"]) == (0.5, 2.0, 3.0)
    assert found["outputs"] == 2
    assert found["tags"]["glass"] == {"items": 2, "flagged": 2, "flag_rate": 1.0}
    assert found["tags"]["wood"] == {"items": 2, "flagged": 1, "flag_rate": 0.5}
    assert list(found["tags"]) == ["glass", "wood"]
    assert found["concepts"]["linen"] == {"deliver": 0, "review": 0, "manual": 1, "failed": 1}
    assert found["scores"]["without"] == 2


def test_histogram_is_that_of_numpy(book, rng):
    scores = [*rng.random(500), *np.linspace(0, 1, 21), *np.linspace(0, 1, 101)]
    items = [book.item(str(n), score=float(score)) for n, score in enumerate(scores)]
    found = summarise(book.header(len(items)), items).histogram
    exact = np.round(scores, 9)  # 0.15 in floats is a hair below the edge of its bar
    expected, _ = np.histogram(exact, np.round(np.linspace(0, 1, BINS + 1), 9))
    assert [bar["deliver"] for bar in found] == expected.tolist()


def test_pictures_that_wait_are_not_counted_as_saved(figures, book):
    cost = figures(book.items(deliver=2, review=4))["cost"]
    assert (cost["total"], cost["settled"], cost["open"], cost["open_items"]) == (94.8, 6.8, 88, 4)
    assert (cost["if_all_accepted"], cost["if_all_sent_out"]) == (20.4, 94.8)
    assert cost["saved_share"] == pytest.approx(0.2818, abs=1e-4)


def test_a_campaign_without_rates_has_no_cost(figures, book):
    assert figures(book.items(deliver=1), rates=None)["cost"] is None


def test_no_pictures_are_no_division_by_zero(figures):
    found = figures([])
    assert (found["items"], found["flag_rate"], found["cost"]["blended"]) == (0, 0, 0)
    assert found["complete"] is True


@pytest.mark.parametrize(
    ("items_in", "names", "complete"),
    [
        pytest.param(2, ["a", "b"], True, id="all"),
        pytest.param(3, ["a", "b"], False, id="one-lost"),
        pytest.param(1, ["a", "b"], False, id="one-too-many"),
        pytest.param(2, ["a", "a"], False, id="one-twice"),
    ],
)
def test_items_in_are_items_out(book, items_in, names, complete):
    summary = summarise(book.header(items_in), [book.item(name) for name in names])
    assert summary.complete is complete
