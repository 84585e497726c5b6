from __future__ import annotations

import pytest

from maskworks.batch.work import Fault
from maskworks.core.errors import UsageError
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.route import ROUTES, Decision, Rules, route, spot_check


def why(name):
    return Reason(name=name, value=1.0, limit=None, text=name)


ERROR = Fault("unreadable", "is no picture")


@pytest.mark.parametrize(
    ("score", "names", "error", "expected", "added"),
    [
        pytest.param(0.97, [], None, "deliver", [], id="sure"),
        pytest.param(0.85, [], None, "deliver", [], id="at-the-threshold"),
        pytest.param(0.8499, [], None, "review", ["low-score"], id="just-below"),
        pytest.param(0.0, [], None, "review", ["low-score"], id="zero"),
        pytest.param(None, [], None, "review", ["low-score"], id="no-score"),
        pytest.param(0.97, ["soft-edge"], None, "deliver", [], id="reason-that-decides-nothing"),
        pytest.param(0.97, ["no-subject"], None, "review", [], id="no-subject"),
        pytest.param(0.97, ["torn"], None, "review", [], id="torn"),
        pytest.param(0.97, ["colours-unsure"], None, "review", [], id="colours"),
        pytest.param(0.97, ["gate:white"], None, "review", [], id="gate"),
        pytest.param(0.2, ["gate:white"], None, "review", ["low-score"], id="gate-and-low"),
        pytest.param(None, ["exception:clear"], None, "manual", [], id="exception"),
        pytest.param(0.97, ["exception:clear"], None, "manual", [], id="exception-and-sure"),
        pytest.param(
            0.2, ["gate:white", "exception:x"], None, "manual", [], id="exception-and-gate"
        ),
        pytest.param(None, [], ERROR, "failed", [], id="error"),
        pytest.param(0.97, ["exception:x"], ERROR, "failed", [], id="error-and-exception"),
    ],
)
def test_first_rule_that_holds_decides(score, names, error, expected, added):
    reasons = [why(name) for name in names]
    decision = route(score, reasons, Rules(), error=error)
    assert decision.route == expected
    assert [reason.name for reason in decision.reasons] == names + added
    assert expected in ROUTES


def test_low_score_says_by_how_much():
    (reason,) = route(0.5, (), Rules(deliver_at=0.9)).reasons
    assert (reason.name, reason.value, reason.limit) == ("low-score", 0.5, 0.9)
    assert reason.text == "score 0.500 is below 0.9"


@pytest.mark.parametrize(
    ("deliver_at", "score", "expected"),
    [(0.0, 0.0, "deliver"), (1.0, 1.0, "deliver"), (1.0, 0.999, "review")],
)
def test_threshold_may_be_anything_from_0_to_1(deliver_at, score, expected):
    assert route(score, (), Rules(deliver_at=deliver_at)).route == expected


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_score_outside_0_to_1_is_refused(score):
    with pytest.raises(UsageError, match=r"the score is .*; it must lie in \[0, 1\]"):
        route(score, (), Rules())


@pytest.mark.parametrize("field", ["deliver_at", "spot_check"])
@pytest.mark.parametrize("value", [-0.01, 1.01, 85, float("nan")])
def test_rule_outside_0_to_1_is_refused(field, value):
    with pytest.raises(UsageError, match=rf"{field} is .*; give a number from 0 to 1"):
        Rules(**{field: value})


DELIVERED = Decision(route="deliver", reasons=(why("soft-edge"),))
CONTENTS = [f"{number:064x}" for number in range(20_000)]


def chosen(share):
    rules = Rules(spot_check=share)
    return {c for c in CONTENTS if spot_check(DELIVERED, c, rules).spot_check}


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
def test_spot_check_takes_its_share(share):
    sigma = (share * (1 - share) / len(CONTENTS)) ** 0.5
    assert abs(len(chosen(share)) / len(CONTENTS) - share) < 4 * sigma


def test_spot_check_of_none_and_of_all():
    assert chosen(0.0) == set()
    assert chosen(1.0) == set(CONTENTS)


def test_spot_check_depends_on_the_content_alone_and_grows():
    assert chosen(0.05) == chosen(0.05) < chosen(0.1)


def test_spot_check_keeps_the_route_and_says_so():
    decision = spot_check(DELIVERED, CONTENTS[0], Rules(spot_check=1.0))
    assert (decision.route, decision.spot_check) == ("deliver", True)
    assert [reason.name for reason in decision.reasons] == ["soft-edge", "spot-check"]


@pytest.mark.parametrize("other", ["review", "manual", "failed"])
def test_spot_check_leaves_alone_what_is_not_delivered(other):
    decision = Decision(route=other)
    assert spot_check(decision, CONTENTS[0], Rules(spot_check=1.0)) is decision
