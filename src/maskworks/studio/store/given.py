"""What is given to the store: checked when it is made, free of any database."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from maskworks.batch.work import Fault
from maskworks.core.errors import UsageError
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.route import Route

Verdict = Literal["accept", "fix", "reject"]


def check_money(name: str, value: object) -> None:
    """Refuse what is no exact amount: a float, a negative number, NaN.

    Raises
    ------
    UsageError
        If `value` is neither None nor a finite Decimal >= 0.

    Examples
    --------
    >>> check_money("cost", Decimal("3.40"))
    >>> check_money("cost", 3.4)
    Traceback (most recent call last):
    maskworks.core.errors.UsageError: cost is 3.4 (float); give a Decimal of 0 or more
    """
    if value is None:
        return
    if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
        raise UsageError(f"{name} is {value} ({type(value).__name__}); give a Decimal of 0 or more")


def check_person(who: str) -> None:
    """Refuse a decision that nobody took.

    Raises
    ------
    UsageError
        If `who` is empty or blank.
    """
    if not who.strip():
        raise UsageError("nobody is named; say who decides")


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """One picture as a run finds it.

    Parameters
    ----------
    source : the file's path; one item for each
    content : sha256 of the file, in hexadecimal
    settings : digest of everything else that its result depends on
    sku, tags, concept : what the campaign says of it
    """

    source: str
    content: str
    settings: str
    sku: str | None = None
    tags: tuple[str, ...] = ()
    concept: str | None = None

    @property
    def key(self) -> str:
        """Digest of all but the path: a result holds as long as this is the same."""
        parts = [self.content, self.settings, self.sku, list(self.tags), self.concept]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Output:
    """One file that was made from a picture; `width` and `height` in pixels."""

    path: str
    sha256: str
    width: int
    height: int
    bytes: int
    concept: str | None = None
    variant: str | None = None
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an item.

    Parameters
    ----------
    score : in [0, 1]; None if the model gives none
    scorer : digest of the score file that it comes from
    cost, baseline : what this item cost, and what it would have; in the campaign's currency
    outputs : the files that were made; those of a `review` item await its acceptance
    spot_check : it is delivered, and a person looks at it all the same
    error : what went wrong; given exactly if the route is `failed`

    Raises
    ------
    UsageError
        If an amount is no exact one, a number is not finite, or route and error disagree.
    """

    route: Route
    score: float | None = None
    reasons: tuple[Reason, ...] = ()
    cost: Decimal | None = None
    baseline: Decimal | None = None
    seconds: float | None = None
    outputs: tuple[Output, ...] = ()
    spot_check: bool = False
    error: Fault | None = None
    scorer: str | None = None

    def __post_init__(self) -> None:
        check_money("cost", self.cost)
        check_money("baseline", self.baseline)
        if (self.route == "failed") != (self.error is not None):
            given = "no error" if self.error is None else f"the error {self.error.code!r}"
            raise UsageError(f"the route is {self.route!r} with {given}; failed has one, else none")
        numbers: list[tuple[str, float | None]] = [("score", self.score), ("seconds", self.seconds)]
        for reason in self.reasons:
            numbers += [(reason.name, reason.value), (f"limit of {reason.name}", reason.limit)]
        for name, number in numbers:
            if number is not None and not math.isfinite(number):
                raise UsageError(f"{name} is {number}; only a finite number can be kept")


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a person decides on an item, and why, in words.

    Parameters
    ----------
    cost : what the item costs now; None leaves it

    Raises
    ------
    UsageError
        If the decision is none, nobody is named, or the cost is no exact amount.
    """

    decision: Verdict
    who: str
    why: str = ""
    cost: Decimal | None = None

    def __post_init__(self) -> None:
        known = get_args(Verdict)
        if self.decision not in known:
            raise UsageError(f"the decision is {self.decision!r}; it must be {', '.join(known)}")
        check_person(self.who)
        check_money("cost", self.cost)
