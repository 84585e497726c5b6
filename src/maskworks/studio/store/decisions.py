"""What people decide on items, and what comes back from a retoucher."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection, insert, select, update

from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.studio.route import Route
from maskworks.studio.store.columns import plain
from maskworks.studio.store.events import NewEvent, lock_trail_of, log
from maskworks.studio.store.given import Judgement, Output, Verdict, check_money, check_person
from maskworks.studio.store.items import find_item
from maskworks.studio.store.opening import Store
from maskworks.studio.store.outputs import drop_outputs, has_outputs, record_outputs
from maskworks.studio.store.reviewing import Held, check_held
from maskworks.studio.store.rows import CampaignRow, ItemRow, Review, as_row
from maskworks.studio.store.schema import decisions, items, outputs

ROUTE_AFTER: dict[Verdict, Route] = {"accept": "deliver", "fix": "review", "reject": "manual"}
"""Where an item goes; one to be fixed stays in review until `ingest` delivers it."""


@public
def decide(
    store: Store,
    number: int,
    judgement: Judgement,
    *,
    made: Sequence[Output] = (),
    held: Held | None = None,
) -> Route:
    """Record what a person decided on a finished item, and return its route after it.

    Saying the same again changes nothing. Of decisions that differ the last one counts, and
    all are kept.

    Parameters
    ----------
    number : the item's
    made : outputs that an acceptance brings with it, if there were none yet
    held : what must still be so, looked at in the very transaction that decides

    Raises
    ------
    UsageError
        If there is no such item, it is not finished or not current, or it is accepted without
        any output.
    LeasedError, DecidedError
        If what `held` says does not hold any more; nothing is recorded then.

    Examples
    --------
    >>> decide(store, 7, "accept", judgement)  # doctest: +SKIP
    """
    decision, cost = judgement.decision, judgement.cost
    after = ROUTE_AFTER[decision]
    with store.writing(durable=True) as connection:
        now = lock_trail_of(connection, number)
        item = _finished(connection, number)
        check_held(connection, item, held, now)
        last = (
            select(decisions).where(decisions.c.item_id == number).order_by(decisions.c.id.desc())
        )
        row = connection.execute(last.limit(1)).one_or_none()
        said = (row.decision, row.who, row.why) if row and row.decision == item.decision else None
        again = said == (decision, plain(judgement.who), plain(judgement.why))
        if again and not made and cost in (None, item.cost):
            return after
        if made:
            drop_outputs(connection, number)
            record_outputs(connection, item, made, now)
        if decision == "accept" and not has_outputs(connection, number):
            raise UsageError(
                f"{item.source}: has no output that could be delivered; reject it, or deliver "
                "a retoucher's file with `maskworks ingest`"
            )
        new: dict[str, object] = {"item_id": number, "decision": decision, "at": now}
        new |= {"who": judgement.who, "why": judgement.why}
        connection.execute(insert(decisions).values(new))
        _set(connection, item, after, decision, cost)
        log(
            connection,
            now,
            NewEvent(
                campaign_id=item.campaign_id,
                item_id=number,
                what="decided",
                who=judgement.who,
                why=judgement.why,
                before=item.route,
                after=after,
                details={"decision": decision, "cost": None if cost is None else f"{cost:f}"},
            ),
        )
        return after


def ingest(  # noqa: PLR0913 - what a hand-in says, and what must hold
    store: Store,
    number: int,
    made: Sequence[Output],
    *,
    who: str,
    why: str = "came back from the retoucher",
    cost: Decimal | None = None,
    held: Held | None = None,
) -> None:
    """Deliver what was made from a retoucher's file, in place of the item's earlier outputs.

    The same files once more change nothing. What was decided on the earlier outputs is history
    then: `ItemRow.decision` is ``accept``, without a row of its own among the decisions.

    Raises
    ------
    UsageError
        If there is no such item, it is not finished or not current, nobody is named, or
        nothing was made.
    LeasedError, DecidedError
        If what `held` says does not hold any more; nothing is recorded then.
    """
    check_money("cost", cost)
    check_person(who)
    if not made:
        raise UsageError("nothing was made from the retoucher's file; give at least one output")
    with store.writing(durable=True) as connection:
        now = lock_trail_of(connection, number)
        item = _finished(connection, number)
        check_held(connection, item, held, now)
        has = select(outputs.c.path, outputs.c.sha256).where(
            outputs.c.item_id == number, outputs.c.live
        )
        there = {(row.path, row.sha256) for row in connection.execute(has)}
        same = there == {(output.path, output.sha256) for output in made}
        if same and item.route == "deliver" and cost in (None, item.cost):
            return
        drop_outputs(connection, number)
        record_outputs(connection, item, made, now)
        _set(connection, item, "deliver", "accept", cost)
        log(
            connection,
            now,
            NewEvent(
                campaign_id=item.campaign_id,
                item_id=number,
                what="ingested",
                who=who,
                why=why,
                before=item.route,
                after="deliver",
                details={"outputs": len(made), "cost": None if cost is None else f"{cost:f}"},
            ),
        )


@public
def list_reviews(store: Store, campaign: CampaignRow, *, number: int | None = None) -> list[Review]:
    """Return every decision, also on superseded items, in the order they were taken.

    Examples
    --------
    >>> [review.decision for review in list_reviews(store, campaign)]  # doctest: +SKIP
    ['accept', 'reject']
    """
    chosen = (
        select(decisions, items.c.source, items.c.sku, items.c.tags)
        .join(items, decisions.c.item_id == items.c.id)
        .where(items.c.campaign_id == campaign.id)
        .order_by(decisions.c.id)
    )
    if number is not None:
        chosen = chosen.where(items.c.id == number)
    with store.reading() as connection:
        return [
            as_row(Review, row, {"tags": tuple(row.tags)}) for row in connection.execute(chosen)
        ]


def _finished(connection: Connection, number: int) -> ItemRow:
    item = find_item(connection, number, lock=True)
    if item is None:
        raise UsageError(f"there is no item {number}; `maskworks review list` shows them")
    if item.standing != "current":
        raise UsageError(f"{item.source}: item {number} is {item.standing}; decide on its new one")
    if item.state != "done":
        raise UsageError(f"{item.source}: is not done yet; finish it with `maskworks run`")
    return item


def _set(
    connection: Connection,
    item: ItemRow,
    route: Route,
    decision: Verdict | None,
    cost: Decimal | None,
) -> None:
    values: dict[str, object] = {"route": route, "decision": decision}
    values |= {"error_code": None, "error_message": None}  # only `failed` has one; the trail tells
    if cost is not None:
        values["cost"] = cost
    connection.execute(update(items).where(items.c.id == item.id).values(values))
