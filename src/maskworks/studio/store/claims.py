"""Claim items from the work queue, and record their results."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, bindparam, or_, select, update

from maskworks.batch.work import Fault
from maskworks.core.errors import MaskworksError, UsageError
from maskworks.studio.store.columns import plain
from maskworks.studio.store.events import NewEvent, lock_trail, log
from maskworks.studio.store.given import Outcome
from maskworks.studio.store.items import find_item, to_item
from maskworks.studio.store.opening import Store
from maskworks.studio.store.outputs import drop_outputs, has_outputs, record_outputs
from maskworks.studio.store.rows import CampaignRow, ItemRow, Worker
from maskworks.studio.store.schema import UNDONE, items, workers

# Statements that run once for every picture are built once.
_ENDED = (
    select(workers.c.ended_at).where(workers.c.id == bindparam("worker")).with_for_update(read=True)
)
_NAME = select(workers.c.name).where(workers.c.id == bindparam("worker"))
_WAITING = (
    select(items.c.id)
    .where(items.c.campaign_id == bindparam("campaign"), items.c.standing == "current")
    .where(items.c.state == "pending")
    .order_by(items.c.id)
    .limit(bindparam("number"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(items)
    .where(items.c.id.in_(bindparam("numbers", expanding=True)))
    .values(state="claimed", worker_id=bindparam("worker"), claims=items.c.claims + 1)
    .returning(*items.c)
)
_TAKE_ONE = (
    update(items)
    .where(items.c.id == bindparam("number"), items.c.standing == "current")
    .where(
        or_(
            items.c.state == "pending",
            and_(items.c.state == "claimed", items.c.worker_id == bindparam("worker")),
        )
    )
    .values(state="claimed", worker_id=bindparam("worker"), claims=items.c.claims + 1)
    .returning(*items.c)
)
_FINISH = (
    update(items)
    .where(items.c.id == bindparam("item"), items.c.state == "claimed")
    .where(items.c.worker_id == bindparam("worker"), items.c.claims == bindparam("claim"))
)
_REROUTE = (
    update(items)
    .where(items.c.id == bindparam("item"), items.c.route == bindparam("was"))
    .where(items.c.standing == "current", items.c.decision.is_(None))
)


class ClaimLostError(MaskworksError):
    """An item that another run has taken over, as this one was silent for too long."""

    code = "claim-lost"

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source

    def __str__(self) -> str:
        return (
            f"{self.source}: is not in this run's hands any more, as another run or a changed "
            "file has taken it over; nothing was recorded, start the run again"
        )


def claim(store: Store, worker: Worker, number: int = 1) -> list[ItemRow]:
    """Claim up to `number` pending items, in the order they were added.

    No two workers ever get the same item. Empty if none waits.

    Raises
    ------
    ClaimLostError
        If this worker was declared dead, and its items given to others.
    """
    with store.writing() as connection:
        if connection.execute(_ENDED, {"worker": worker.id}).scalar_one() is not None:
            raise ClaimLostError(worker.name)
        chosen = {"campaign": worker.campaign_id, "number": number}
        numbers = connection.execute(_WAITING, chosen).scalars().all()
        if not numbers:
            return []
        rows = connection.execute(_TAKE, {"numbers": numbers, "worker": worker.id}).all()
        return sorted(map(to_item, rows), key=lambda item: item.id)


def take(store: Store, worker: Worker, number: int) -> tuple[ItemRow, bool]:
    """Take one item in hand, also out of the hands of a part of the same run that died.

    Returns
    -------
    the item, and whether it is to be done: False if that was recorded already. What a part of
    the run that is not dead after all says of the item later, is refused.

    Raises
    ------
    ClaimLostError
        If this run was declared dead, or the item is in other hands or gone.
    """
    with store.writing() as connection:
        if connection.execute(_ENDED, {"worker": worker.id}).scalar_one() is not None:
            raise ClaimLostError(worker.name)
        mine = {"number": number, "worker": worker.id}
        row = connection.execute(_TAKE_ONE, mine).one_or_none()
        if row is not None:
            return to_item(row), True
        item = find_item(connection, number)
        if item is None or item.state != "done":
            raise ClaimLostError(str(number) if item is None else item.source)
        return item, False


def finish(store: Store, item: ItemRow, outcome: Outcome) -> None:
    """Record what became of a claimed item, its outputs and the event, all or nothing.

    Raises
    ------
    ClaimLostError
        If the item is not in this run's hands any more, or was finished already.
    OutputError
        If one of the outputs is the file of another item of the campaign.
    """
    with store.writing() as connection:
        now = lock_trail(connection, item.campaign_id)
        mine = {"item": item.id, "worker": item.worker_id, "claim": item.claims}
        if connection.execute(_FINISH, mine | _values(outcome, now)).rowcount != 1:
            raise ClaimLostError(item.source)
        record_outputs(connection, item, outcome.outputs, now)
        log(
            connection,
            now,
            NewEvent(
                campaign_id=item.campaign_id,
                item_id=item.id,
                what="routed",
                who=connection.execute(_NAME, {"worker": item.worker_id}).scalar_one(),
                why=_why(outcome),
                after=outcome.route,
                details=_details(outcome),
            ),
        )


def fail(
    store: Store,
    item: ItemRow,
    error: Fault,
    *,
    cost: Decimal | None = None,
    baseline: Decimal | None = None,
    seconds: float | None = None,
) -> None:
    """Record that a claimed item could not be done: `finish` with the route ``failed``."""
    outcome = Outcome(route="failed", error=error, cost=cost, baseline=baseline, seconds=seconds)
    finish(store, item, outcome)


def reopen(
    store: Store, campaign: CampaignRow, numbers: Collection[int], *, who: str, why: str
) -> int:
    """Let finished items wait again, and return how many; others are left as they are.

    For failed items that are worth another try, and for outputs that somebody removed.
    """
    reopened = 0
    with store.writing(durable=True) as connection:
        now = lock_trail(connection, campaign.id)
        for number in sorted(numbers):
            chosen = select(items.c.route).where(
                items.c.id == number, items.c.campaign_id == campaign.id,
                items.c.standing == "current", items.c.state == "done",
            )  # fmt: skip
            route = connection.execute(chosen.with_for_update()).scalar_one_or_none()
            if route is None:
                continue
            back = update(items).where(items.c.id == number)
            connection.execute(back.values(UNDONE))
            drop_outputs(connection, number)
            log(
                connection,
                now,
                NewEvent(
                    campaign_id=campaign.id,
                    item_id=number,
                    what="reopened",
                    who=who,
                    why=why,
                    before=route,
                ),
            )
            reopened += 1
    return reopened


def reroute(store: Store, worker: Worker, changes: Sequence[tuple[ItemRow, Outcome]]) -> int:
    """Give finished items another route, score or price, and return how many changed.

    For thresholds, exceptions and prices that changed while the pictures did not. Outputs and
    seconds stay as they are. An item that is as its outcome says, that a person has decided on,
    or that is not any more as it was read, is left alone; so all items may be handed over.

    Raises
    ------
    UsageError
        If an item would be delivered that has no output (`reopen` it instead), or have failed.
    """
    changed = 0
    with store.writing() as connection:
        now = lock_trail(connection, worker.campaign_id)
        for item, outcome in changes:
            if item.decision is not None or _same(item, outcome):
                continue
            if outcome.route == "failed" or (
                outcome.route == "deliver" and not has_outputs(connection, item.id)
            ):
                raise UsageError(
                    f"{item.source}: cannot become {outcome.route!r} without being done again; "
                    "reopen it"
                )
            values = _values(outcome, now)
            for column in ("seconds", "finished_at", "scorer"):
                del values[column]
            as_read = {"item": item.id, "was": item.route}
            if connection.execute(_REROUTE.values(values), as_read).rowcount != 1:
                continue
            log(
                connection,
                now,
                NewEvent(
                    campaign_id=item.campaign_id, item_id=item.id, what="rerouted",
                    who=worker.name, why=_why(outcome), before=item.route, after=outcome.route,
                    details=_details(outcome),
                ),
            )  # fmt: skip
            changed += 1
    return changed


def _same(item: ItemRow, outcome: Outcome) -> bool:
    mine = (item.route, item.score, item.reasons, item.cost, item.baseline, item.spot_check)
    return mine == (
        outcome.route, outcome.score, outcome.reasons, outcome.cost, outcome.baseline,
        outcome.spot_check,
    )  # fmt: skip


def _values(outcome: Outcome, now: datetime) -> dict[str, object]:
    """Return the columns; numpy's numbers become plain ones, which every database takes."""
    return {
        "state": "done", "worker_id": None, "route": outcome.route, "finished_at": now,
        "score": None if outcome.score is None else float(outcome.score),
        "seconds": None if outcome.seconds is None else float(outcome.seconds),
        "cost": outcome.cost, "baseline": outcome.baseline, "decision": None,
        "spot_check": outcome.spot_check, "scorer": outcome.scorer,
        "error_code": outcome.error.code if outcome.error else None,
        "error_message": outcome.error.message if outcome.error else None,
        "reasons": [
            {
                "name": plain(reason.name), "value": float(reason.value),
                "limit": None if reason.limit is None else float(reason.limit),
                "text": plain(reason.text),
            }
            for reason in outcome.reasons
        ],
    }  # fmt: skip


def _why(outcome: Outcome) -> str:
    if outcome.error is not None:
        return outcome.error.message
    return "; ".join(reason.text or reason.name for reason in outcome.reasons)


def _details(outcome: Outcome) -> dict[str, object]:
    """Return what the trail keeps of an outcome beside its route."""
    return {
        "score": None if outcome.score is None else float(outcome.score),
        "reasons": [plain(reason.name) for reason in outcome.reasons],
        "cost": None if outcome.cost is None else f"{outcome.cost:f}",
        "outputs": len(outcome.outputs),
    }
