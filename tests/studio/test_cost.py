from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maskworks.studio.cost import (
    CURRENCIES,
    Priced,
    Rates,
    add_up,
    amount,
    baseline_cost,
    minor_digits,
    rounded,
    shown,
    unit_cost,
    unit_price,
    yearly_saving,
)
from maskworks.studio.route import ROUTES

RATES = Rates(manual=Decimal("22.00"), automated=Decimal("3.40"), baseline=Decimal("22.00"))


def bill_of(rates=RATES, **counts):
    return add_up(
        Priced(route, unit_cost(route, rates), baseline_cost(route, rates))
        for route, count in counts.items()
        for _ in range(count)
    )


def test_18_manual_and_82_automated_blend_to_6_75_and_save_69_percent():
    bill = bill_of(manual=18, deliver=82)
    assert bill.items == 100
    assert bill.total == Decimal("674.80")
    assert bill.baseline == Decimal(2200)
    assert bill.saved == Decimal("1525.20")
    assert bill.blended == Decimal("6.748")
    assert shown(bill.blended, "USD") == "6.75 USD"
    assert f"{bill.saved_share:.0%}" == "69%"
    assert bill.saved_share == Decimal("1525.20") / 2200


def test_four_campaigns_of_200_to_260_pictures_save_12201_to_15862_a_year():
    # Four campaigns of so many pictures each, at the mix above: 15.252 saved a picture is
    # 12,201.60 and 15,862.08 a year. A promise is rounded down, so it is 12,201 and not 12,202.
    bill = bill_of(manual=18, deliver=82)
    each = Decimal("22.00") - (18 * Decimal("22.00") + 82 * Decimal("3.40")) / 100
    assert (each * 4 * 200, each * 4 * 260) == (Decimal("12201.60"), Decimal("15862.08"))
    assert yearly_saving(bill, campaigns=4, pictures=200) == 12_201
    assert yearly_saving(bill, campaigns=4, pictures=260) == 15_862


def test_a_loss_is_never_made_smaller_by_rounding():
    dear = Rates(manual=Decimal(1), automated=Decimal("1.30"))
    assert yearly_saving(bill_of(dear, deliver=10), campaigns=1, pictures=1) == -1


@pytest.mark.parametrize(
    ("route", "reviewed", "cost"),
    [
        pytest.param("deliver", False, "3.40", id="deliver"),
        pytest.param("deliver", True, "4.00", id="accepted-by-a-person"),
        pytest.param("review", False, "22.00", id="waits-for-a-person"),
        pytest.param("manual", False, "22.00", id="manual"),
        pytest.param("manual", True, "22.60", id="rejected-by-a-person"),
        pytest.param("failed", False, "0", id="failed"),
    ],
)
def test_each_route_has_its_price(route, reviewed, cost):
    rates = Rates(manual=Decimal("22.00"), automated=Decimal("3.40"), review=Decimal("0.60"))
    assert unit_cost(route, rates, reviewed=reviewed) == Decimal(cost)


def test_a_picture_that_waits_counts_what_the_campaign_says_of_flagged_ones():
    rates = Rates(manual=Decimal(22), automated=Decimal("3.40"), flagged=Decimal("10.50"))
    assert unit_cost("review", rates) == Decimal("10.50")


def test_two_made_and_four_that_wait_save_28_percent_and_not_70():
    rates = Rates(manual=Decimal(22), automated=Decimal("3.40"), review=Decimal("0.60"))
    bill = bill_of(rates, deliver=2, review=4)
    assert (bill.settled, bill.open, bill.total) == (Decimal("6.80"), Decimal(88), Decimal("94.80"))
    assert bill.span(rates) == (Decimal("22.80"), Decimal("97.20"))
    assert f"{bill.saved_share:.0%}" == "28%"


def test_what_is_decided_leaves_nothing_open():
    bill = bill_of(deliver=2, manual=4)
    assert (bill.open, bill.settled) == (0, bill.total)
    assert bill.span(RATES) == (bill.total, bill.total)


def test_baseline_is_the_retouchers_price_unless_it_is_given():
    assert baseline_cost("deliver", Rates(manual=Decimal(22), automated=Decimal(3))) == 22
    given = Rates(manual=Decimal(22), automated=Decimal(3), baseline=Decimal(18))
    assert baseline_cost("manual", given) == 18
    assert baseline_cost("failed", given) == 0


def test_a_failed_picture_is_neither_a_cost_nor_a_saving():
    bill = bill_of(deliver=3, failed=2)
    assert (bill.items, bill.baseline, bill.blended) == (3, Decimal(66), Decimal("3.40"))
    assert bill.routes["failed"].items == 2


def test_nothing_costs_nothing():
    bill = add_up([])
    assert (bill.blended, bill.saved, bill.saved_share) == (0, 0, 0)
    assert yearly_saving(bill, campaigns=4, pictures=200) == 0


@given(
    st.lists(st.sampled_from(ROUTES), min_size=1, max_size=60),
    st.decimals(0, 10_000, places=4),
    st.decimals(0, 10_000, places=4),
)
def test_sums_are_exact(routes, manual, automated):
    rates = Rates(manual=manual, automated=automated)
    bill = add_up(Priced(r, unit_cost(r, rates), baseline_cost(r, rates)) for r in routes)
    prices = {"manual": manual, "review": manual, "failed": Decimal(0)}
    expected = sum(Fraction(prices.get(route, automated)) for route in routes)
    assert Fraction(bill.total) == expected == sum(Fraction(s.cost) for s in bill.routes.values())
    assert bill.saved + bill.total == bill.baseline


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("-0.01", "greater than or equal to 0", id="negative"),
        pytest.param("NaN", "finite number", id="nan"),
        pytest.param(True, "must be an amount of money", id="truth"),
        pytest.param("0.0000001", "no more than 6 decimal places", id="too-fine"),
    ],
)
def test_rates_refuse_what_is_no_amount(value, message):
    with pytest.raises(ValidationError, match=message):
        Rates(manual=value, automated=Decimal(1))


def test_a_number_of_a_file_is_taken_as_it_is_written():
    assert Rates.model_validate({"manual": 22, "automated": 3.40}).automated == Decimal("3.4")


@pytest.mark.parametrize(
    ("money", "currency", "text"),
    [
        pytest.param("0.125", "USD", "0.12", id="tie-to-even-down"),
        pytest.param("0.135", "USD", "0.14", id="tie-to-even-up"),
        pytest.param("1234567.5", "JPY", "1,234,568", id="no-decimals"),
        pytest.param("1.0005", "KWD", "1.000", id="three-decimals"),
        pytest.param("-0.004", "USD", "0.00", id="no-negative-zero"),
    ],
)
def test_money_is_rounded_once_and_to_what_can_be_paid(money, currency, text):
    assert amount(Decimal(money), currency) == text


def test_unit_price_has_four_decimals():
    assert str(unit_price(Decimal(1) / 3)) == "0.3333"


def test_currencies_are_codes_of_three_letters_and_know_their_decimals():
    assert len(CURRENCIES) > 150
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert {minor_digits(code) for code in CURRENCIES} == {0, 2, 3}
    assert rounded(Decimal("1.5"), "CLP") == 2
