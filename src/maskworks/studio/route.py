"""Where a picture goes: a pure function of its score, its reasons and the rules."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from maskworks.batch.work import Fault
from maskworks.core.errors import UsageError
from maskworks.core.percent import percent
from maskworks.cutouts.scoring.reason import Reason

Route = Literal["deliver", "review", "manual", "failed"]

ROUTES: tuple[Route, ...] = ("deliver", "review", "manual", "failed")

_GATE = "gate:"
_EXCEPTION = "exception:"
_FOR_A_PERSON = ("no-subject", "torn", "colours-unsure")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What decides on a route.

    Parameters
    ----------
    deliver_at : least score in [0, 1] that is delivered without a person
    spot_check : share in [0, 1] of the delivered that a person sees all the same

    Raises
    ------
    UsageError
        If one of them does not lie in [0, 1].
    """

    deliver_at: float = 0.85
    spot_check: float = 0.05

    def __post_init__(self) -> None:
        for name, value in (("deliver_at", self.deliver_at), ("spot_check", self.spot_check)):
            if not 0 <= value <= 1:  # NaN fails too
                raise UsageError(f"{name} is {value}; give a number from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A route and every reason for it; `spot_check` marks a delivered item to be looked at."""

    route: Route
    reasons: tuple[Reason, ...] = ()
    spot_check: bool = False


def route(
    score: float | None, reasons: Sequence[Reason], rules: Rules, *, error: Fault | None = None
) -> Decision:
    """Decide where a picture goes; the first row that holds decides.

    ========================================  ===========
    an error                                  ``failed``
    a reason ``exception:<rule>``             ``manual``
    a reason ``no-subject``, ``torn``         ``review``
    a reason ``colours-unsure``               ``review``
    a reason ``gate:<rule>``                  ``review``
    no score, or one below `deliver_at`       ``review``
    else                                      ``deliver``
    ========================================  ===========

    A picture that cannot be read fails even if an exception names it: a retoucher cannot read
    it either. One without a subject goes to a person, who sees at a glance whether the model
    or the photo is at fault. Other reasons have lowered the score already and decide nothing.

    Parameters
    ----------
    score : in [0, 1]; None if the model gives none, and then nobody vouches for the picture
    reasons : all that is known of the picture; kept in this order
    error : what went wrong, if something did

    Returns
    -------
    Decision
        With a reason ``low-score`` added where the score was too low or missing.

    Raises
    ------
    UsageError
        If the score does not lie in [0, 1].

    Examples
    --------
    >>> route(0.9, (), Rules()).route, route(0.8, (), Rules()).route
    ('deliver', 'review')
    """
    if score is not None and not 0 <= score <= 1:
        raise UsageError(f"the score is {score}; it must lie in [0, 1]")
    names = [reason.name for reason in reasons]
    if error is not None:
        return Decision(route="failed", reasons=tuple(reasons))
    if any(name.startswith(_EXCEPTION) for name in names):
        return Decision(route="manual", reasons=tuple(reasons))
    low = () if score is not None and score >= rules.deliver_at else (_low(score, rules),)
    if low or any(name in _FOR_A_PERSON or name.startswith(_GATE) for name in names):
        return Decision(route="review", reasons=(*reasons, *low))
    return Decision(route="deliver", reasons=tuple(reasons))


def spot_check(decision: Decision, content: str, rules: Rules) -> Decision:
    """Mark a delivered picture for a person's eye if its content falls into the share.

    The choice depends on the content alone, so every rerun and every copy of the picture
    agrees, and a larger share contains a smaller one.

    Parameters
    ----------
    decision : what `route` decided; other routes than ``deliver`` come back as they are
    content : sha256 of the picture's file, in hexadecimal

    Examples
    --------
    >>> delivered = Decision(route="deliver")
    >>> chosen = [spot_check(delivered, str(n), Rules()).spot_check for n in range(1000)]
    >>> 30 < sum(chosen) < 70
    True
    """
    if decision.route != "deliver":
        return decision
    place = _place(content)
    if place >= rules.spot_check:
        return decision
    share = f"{percent(rules.spot_check)} of the delivered are looked at all the same"
    chosen = Reason(name="spot-check", value=place, limit=rules.spot_check, text=share)
    return replace(decision, spot_check=True, reasons=(*decision.reasons, chosen))


def _place(content: str) -> float:
    """Return a number in [0, 1) that the content alone decides; all are equally likely."""
    digest = hashlib.sha256(b"spot-check " + content.encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def _low(score: float | None, rules: Rules) -> Reason:
    if score is None:
        text, value = "the model gives no score", 0.0
    else:
        text, value = f"score {score:.3f} is below {rules.deliver_at:g}", score
    return Reason(name="low-score", value=value, limit=rules.deliver_at, text=text)
