"""What edited thresholds, exceptions and prices mean for pictures that are done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.handoff.folder import HANDED_OVER
from maskworks.studio.route import Decision, route, spot_check
from maskworks.studio.run.item_job import ItemJob
from maskworks.studio.run.item_work import exception_reason, price
from maskworks.studio.store.given import Outcome
from maskworks.studio.store.rows import ItemRow as Kept

_OF_THE_RULES = ("low-score", "spot-check")
_EXCEPTION = "exception:"
_OF_THE_FILE = frozenset({"unreadable", "too-large", "bad-image"})


def settle(done: Iterable[Kept], job: ItemJob) -> tuple[list[int], list[tuple[Kept, Outcome]]]:
    """Say which items have to be made again, and what route and price the others have now.

    An item is made again if an exception names it that did not, or does not any more, if its
    score is of another score file, or if it has to be handed over and was not. What a person
    has decided on stays as it is.

    Parameters
    ----------
    done : current items that have a route
    job : with the rules and rates as they are now

    Returns
    -------
    numbers, changes
        For `store.reopen` and `store.reroute`.
    """
    again: list[int] = []
    changes: list[tuple[Kept, Outcome]] = []
    for item in done:
        if item.decision is not None or item.route is None or item.source not in job.planned:
            continue
        outcome = _settled(item, job)
        if outcome is None:
            again.append(item.id)
        elif item.route != "failed":
            changes.append((item, outcome))
    return again, changes


def retry_numbers(done: Sequence[Kept]) -> list[int]:
    """Return the failed items that may fare better now: it was not the file's own fault."""
    return [
        item.id
        for item in done
        if item.route == "failed" and item.error and item.error.code not in _OF_THE_FILE
    ]


def _settled(item: Kept, job: ItemJob) -> Outcome | None:
    """Return what an item is under the rules of now; None if it has to be made again."""
    if item.route == "failed":
        return Outcome(route="failed", error=item.error)
    reason = exception_reason(job.planned[item.source])
    excepted = any(one.name.startswith(_EXCEPTION) for one in item.reasons)
    if excepted != (reason is not None):
        return None
    if reason is not None:
        return _outcome(item, Decision(route="manual", reasons=(reason,)), job)
    if item.scorer != job.scorer:
        return None
    kept = tuple(one for one in item.reasons if one.name not in _OF_THE_RULES)
    decision = _decided(item, kept, job)
    if decision.route in HANDED_OVER and item.route not in HANDED_OVER:
        return None
    return _outcome(item, decision, job)


def _decided(item: Kept, reasons: tuple[Reason, ...], job: ItemJob) -> Decision:
    return spot_check(route(item.score, reasons, job.rules), item.content, job.rules)


def _outcome(item: Kept, decision: Decision, job: ItemJob) -> Outcome:
    cost, baseline = price(job.rates, decision.route)
    return Outcome(
        route=decision.route,
        score=item.score,
        reasons=decision.reasons,
        cost=cost,
        baseline=baseline,
        spot_check=decision.spot_check,
    )
