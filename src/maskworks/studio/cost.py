"""What a picture costs by the route it took, and what a campaign costs in all.

Money is `Decimal` and is never rounded on the way: sums are exact. Rounding happens once, at
the output: amounts to the currency's own decimals and unit prices to four, ties to the even
digit (`currency.rounded`, `unit_price`); a promise of savings down to whole units
(`yearly_saving`), so that it is never more than what was computed.

| route | unit cost | baseline |
|---|---|---|
| deliver | automated | baseline |
| review | flagged | baseline |
| manual | manual | baseline |
| failed | 0 | 0 |

A picture in review waits for a person, and nobody knows yet what it will cost: it counts at the
price that the campaign names for flagged pictures, by default a retoucher's, until it is decided.
Accepted it costs automated and the look at it, sent to a retoucher manual and the look; both ends
are in `Bill.span`. A picture that failed was made by nobody and could
not have been made by hand from this file either, so it counts neither as a cost nor as a saving.
Whoever looked at a picture is paid: `review` is added wherever a person decided, whatever the
route became.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from maskworks.studio.route import ROUTES, Route

ZERO = Decimal(0)
_UNIT_PRICE = Decimal("0.0001")


def _no_truth(value: Any) -> Any:  # noqa: ANN401 - whatever the file says
    """Refuse `true` and `false`, which Python counts as numbers."""
    if isinstance(value, bool):
        raise ValueError("must be an amount of money, such as 3.40")  # noqa: TRY004 - pydantic's way
    return value


Money = Annotated[Decimal, BeforeValidator(_no_truth), Field(ge=0, max_digits=15, decimal_places=6)]
"""An amount in the campaign's currency: at least 0, at most six decimals."""


class Rates(BaseModel):
    """What one picture costs, in the campaign's currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manual: Money
    """Made by a retoucher."""
    automated: Money
    """Made by this line."""
    baseline: Money | None = None
    """What it would cost without this line; by default what `manual` says."""
    review: Money = ZERO
    """A person's look at one picture, on top."""
    flagged: Money | None = None
    """Counted for a picture that waits for a decision; by default what `manual` says."""

    @property
    def waiting(self) -> Decimal:
        """What a picture counts until a person has decided."""
        return self.manual if self.flagged is None else self.flagged

    @property
    def without(self) -> Decimal:
        """What one picture would cost without this line."""
        return self.manual if self.baseline is None else self.baseline


def unit_cost(route: Route, rates: Rates, *, reviewed: bool = False) -> Decimal:
    """Return what one picture costs.

    Parameters
    ----------
    route : Route
        Where the picture is now.
    reviewed : bool
        Whether a person has looked at it and decided; their look is paid for.

    Examples
    --------
    >>> rates = Rates(manual=Decimal(22), automated=Decimal("3.40"), review=Decimal("0.50"))
    >>> [str(unit_cost(route, rates)) for route in ROUTES]
    ['3.40', '22', '22', '0']
    >>> str(unit_cost("manual", rates, reviewed=True))
    '22.50'
    """
    if route == "review":
        return rates.waiting
    made = {"manual": rates.manual, "failed": ZERO}.get(route, rates.automated)
    return made + rates.review if reviewed else made


def baseline_cost(route: Route, rates: Rates) -> Decimal:
    """Return what one picture would have cost without this line; nothing if it failed."""
    return ZERO if route == "failed" else rates.without


@dataclass(frozen=True)
class Priced:
    """One picture in the ledger."""

    route: Route
    cost: Decimal
    baseline: Decimal


@dataclass(frozen=True)
class RouteCost:
    """The pictures of one route: how many, and what they cost together."""

    items: int
    cost: Decimal


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The ledger's sums, exact; round when they are shown."""

    items: int
    """Pictures that were made, failed ones not counted."""
    total: Decimal
    baseline: Decimal
    routes: dict[Route, RouteCost]

    @property
    def open(self) -> Decimal:
        """What pictures count that wait for a decision."""
        return self.routes["review"].cost if "review" in self.routes else ZERO

    @property
    def settled(self) -> Decimal:
        """What pictures cost of which all is decided."""
        return self.total - self.open

    def span(self, rates: Rates) -> tuple[Decimal, Decimal]:
        """Return the total if all that waits is accepted, and if all is sent to a retoucher.

        Examples
        --------
        >>> rates = Rates(manual=Decimal("22.00"), automated=Decimal("3.40"))
        >>> routes = ["deliver", "deliver", "review", "review", "review", "review"]
        >>> bill = add_up(Priced(r, unit_cost(r, rates), baseline_cost(r, rates)) for r in routes)
        >>> [str(amount) for amount in (bill.settled, bill.open, *bill.span(rates))]
        ['6.80', '88.00', '20.40', '94.80']
        """
        waiting = self.routes["review"].items if "review" in self.routes else 0
        ends = (unit_cost(route, rates, reviewed=True) for route in ("deliver", "manual"))
        low, high = (self.settled + waiting * each for each in ends)
        return low, high

    @property
    def blended(self) -> Decimal:
        """The cost of one picture on average; 0 if there is none."""
        return self.total / self.items if self.items else ZERO

    @property
    def saved(self) -> Decimal:
        """Baseline less total; negative if the line was dearer."""
        return self.baseline - self.total

    @property
    def saved_share(self) -> Decimal:
        """What was saved, as a share of the baseline; 0 if that is 0."""
        return self.saved / self.baseline if self.baseline else ZERO


def add_up(pictures: Iterable[Priced]) -> Bill:
    """Return the sums over all pictures.

    Examples
    --------
    >>> rates = Rates(manual=Decimal("22.00"), automated=Decimal("3.40"))
    >>> routes = ["manual"] * 18 + ["deliver"] * 82
    >>> bill = add_up(Priced(r, unit_cost(r, rates), baseline_cost(r, rates)) for r in routes)
    >>> str(bill.total), str(bill.blended), f"{bill.saved_share:.0%}"
    ('674.80', '6.748', '69%')
    """
    counts = dict.fromkeys(ROUTES, 0)
    costs = dict.fromkeys(ROUTES, ZERO)
    baseline = ZERO
    for picture in pictures:
        counts[picture.route] += 1
        costs[picture.route] += picture.cost
        baseline += picture.baseline
    return Bill(
        items=sum(counts.values()) - counts["failed"],
        total=sum(costs.values(), ZERO),
        baseline=baseline,
        routes={route: RouteCost(counts[route], costs[route]) for route in ROUTES},
    )


def unit_price(amount: Decimal) -> Decimal:
    """Round the price of one picture to four decimals; a tie goes to the even digit.

    Examples
    --------
    >>> unit_price(Decimal(20) / 3), unit_price(Decimal("6.748"))
    (Decimal('6.6667'), Decimal('6.7480'))
    """
    return amount.quantize(_UNIT_PRICE, ROUND_HALF_EVEN)


def yearly_saving(bill: Bill, *, campaigns: int, pictures: int) -> Decimal:
    """Return what campaigns of this mix save in a year, rounded down to whole units.

    Exact until the last step: (baseline - total) / items * pictures * campaigns. The mix of
    routes is kept as a share, so half a picture may go to the retoucher; the result is rounded
    down because it is a promise.

    Parameters
    ----------
    bill : Bill
        Of the campaign whose mix of routes is taken.
    campaigns : campaigns in a year
    pictures : pictures in each

    Examples
    --------
    >>> routes = {"deliver": RouteCost(1, Decimal("3.40"))}
    >>> bill = Bill(items=1, total=Decimal("3.40"), baseline=Decimal(22), routes=routes)
    >>> yearly_saving(bill, campaigns=1, pictures=3)
    Decimal('55')
    """
    if bill.items == 0:
        return ZERO
    saved = bill.saved * pictures * campaigns / bill.items
    return saved.quantize(Decimal(1), ROUND_FLOOR)


CURRENCIES = frozenset(
    # One name a word: a list of 150 strings would fill four screens.
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW
    KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
    MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905
)
"""The codes in use for money that pictures are paid with; no funds, metals or test codes."""


_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"


_THREE = "BHD IQD JOD KWD LYD OMR TND"


_DIGITS = dict.fromkeys(_NONE.split(), 0) | dict.fromkeys(_THREE.split(), 3)


def minor_digits(currency: str) -> int:
    """Return how many decimals an amount of this currency has.

    Examples
    --------
    >>> minor_digits("USD"), minor_digits("JPY"), minor_digits("KWD")
    (2, 0, 3)
    """
    return _DIGITS.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Round an amount to what can be paid; a tie goes to the even digit (ROUND_HALF_EVEN).

    Examples
    --------
    >>> rounded(Decimal("6.748"), "USD"), rounded(Decimal("0.125"), "EUR")
    (Decimal('6.75'), Decimal('0.12'))
    """
    return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), ROUND_HALF_EVEN)


def amount(money: Decimal, currency: str) -> str:
    """Return money as people read it, without its code.

    Examples
    --------
    >>> amount(Decimal("1525.2"), "USD"), amount(Decimal("-0.001"), "USD")
    ('1,525.20', '0.00')
    """
    return f"{rounded(money, currency) + 0:,f}"


def shown(money: Decimal, currency: str) -> str:
    """Return money as people read it, with its code behind.

    Examples
    --------
    >>> shown(Decimal("6.748"), "USD")
    '6.75 USD'
    """
    return f"{amount(money, currency)} {currency}"
