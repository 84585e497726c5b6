"""What edited rules mean for a picture that is done: every branch is a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from maskworks.batch.work import Fault
from maskworks.batch.workers import PixelBudget
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.campaign.assignment import PlannedItem
from maskworks.studio.campaign.exceptions import Rule
from maskworks.studio.cost import Rates
from maskworks.studio.route import Rules
from maskworks.studio.run.item_job import ItemJob
from maskworks.studio.run.rerouting import retry_numbers, settle
from maskworks.studio.store.rows import ItemRow

RULE = Rule("glob", "a.jpg", "see-through", 2)
LOW = Reason("low-score", 0.6, 0.85, "score 0.600 is below 0.85")
BLURRED = Reason("blurred", 0.7, 0.6, "blur 0.7")
BREACH = Reason("gate:fill", 0.7, 0.85, "too small")
EXCEPTED = Reason("exception:glob:a.jpg", 1.0, None, "see-through")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DONE = ItemRow(
    id=1, campaign_id=1, source="a.jpg", content="ab" * 32, settings="s", sku="a", tags=(),
    concept="plain", standing="current", state="done", route="deliver", score=0.6,
    reasons=(BLURRED,), cost=Decimal("3.40"), baseline=Decimal(22), seconds=1.0, spot_check=False,
    error=None, decision=None, claims=1, worker_id=None, added_at=NOON, finished_at=NOON,
)  # fmt: skip


def job(*, rule=None, deliver_at=0.5):
    planned = PlannedItem(
        path=Path("/in/a.jpg"), source="a.jpg", sku="a", tags=(), concept="plain", backgrounds=(),
        rule=rule,
    )  # fmt: skip
    return ItemJob(
        out=Path("/out"),
        planned={"a.jpg": planned},
        names={"a.jpg": "a"},
        steps=(),
        form="png",
        rules=Rules(deliver_at=deliver_at, spot_check=0),
        rates=Rates(manual=Decimal(22), automated=Decimal("3.40")),
        budget=PixelBudget(),
    )


@pytest.mark.parametrize(
    ("item", "now", "route", "reasons"),
    [
        pytest.param(DONE, job(), "deliver", (BLURRED,), id="as-it-was"),
        pytest.param(
            replace(DONE, route="review", reasons=(BLURRED, LOW)),
            job(), "deliver", (BLURRED,), id="threshold-lowered",
        ),
        pytest.param(
            replace(DONE, route="review", reasons=(BREACH,)),
            job(), "review", (BREACH,), id="breach-stays",
        ),
        pytest.param(
            replace(DONE, route="manual", score=None, reasons=(EXCEPTED,)),
            job(rule=RULE), "manual", (EXCEPTED,), id="exception-stays",
        ),
    ],
)  # fmt: skip
def test_route_follows_the_rules_of_now(item, now, route, reasons):
    again, ((same, outcome),) = settle([item], now)
    assert (again, same) == ([], item)
    assert (outcome.route, outcome.reasons) == (route, reasons)


@pytest.mark.parametrize(
    ("item", "now"),
    [
        pytest.param(DONE, job(deliver_at=0.85), id="needs-a-hand-off"),
        pytest.param(DONE, job(rule=RULE), id="new-exception"),
        pytest.param(replace(DONE, scorer="a score file of before"), job(), id="other-score-file"),
        pytest.param(
            replace(DONE, route="manual", score=None, reasons=(EXCEPTED,)), job(), id="no-exception"
        ),
    ],
)
def test_what_the_rules_of_now_need_otherwise_is_made_again(item, now):
    assert settle([item], now) == ([1], [])


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(replace(DONE, decision="accept"), id="decided"),
        pytest.param(replace(DONE, source="b.jpg"), id="not-in-the-plan"),
        pytest.param(replace(DONE, route="failed", error=Fault("output", "x")), id="failed"),
    ],
)
def test_some_are_left_alone(item):
    assert settle([item], job(rule=RULE, deliver_at=0.85)) == ([], [])


@pytest.mark.parametrize(
    ("code", "again"),
    [("unreadable", []), ("too-large", []), ("changed", [1]), ("internal", [1]), ("network", [1])],
)
def test_failure_is_tried_again_unless_it_is_the_file_s_own(code, again):
    assert retry_numbers([replace(DONE, route="failed", error=Fault(code, "x"))]) == again
