"""Take a decision back: the item waits for one again, as before; the trail keeps both."""

from __future__ import annotations

from sqlalchemy import select, update

from maskworks.core.errors import UsageError
from maskworks.studio.route import Route
from maskworks.studio.store.events import NewEvent, lock_trail_of, log
from maskworks.studio.store.given import check_person
from maskworks.studio.store.items import find_item
from maskworks.studio.store.opening import Store
from maskworks.studio.store.reviewing import Held, check_held
from maskworks.studio.store.schema import events, items

WITHDRAWN = "withdrawn"
"""The event after a decision that was taken back; its `why` begins with this word."""


def withdraw(store: Store, number: int, *, who: str, held: Held | None = None) -> Route:
    """Undo the last decision on an item and return its route, which is what it was before.

    The decision stays among the decisions, and the trail says that it was taken back.

    Raises
    ------
    UsageError
        If nobody has decided on it, or not by a decision (it came back from a retoucher).
    LeasedError, DecidedError
        If what `held` says does not hold any more.
    """
    check_person(who)
    with store.writing(durable=True) as connection:
        now = lock_trail_of(connection, number)
        item = find_item(connection, number, lock=True)
        if item is not None:
            check_held(connection, item, held, now)
        if item is None or item.decision is None or item.route is None:
            raise UsageError(f"nothing was decided on item {number}, so nothing can be undone")
        chosen = select(events).where(
            events.c.item_id == number, events.c.what.in_(("decided", "ingested"))
        )
        last = connection.execute(chosen.order_by(events.c.id.desc()).limit(1)).one_or_none()
        if last is None or last.what != "decided" or last.before is None:
            raise UsageError(f"{item.source}: came back from a retoucher; decide on it anew")
        back = update(items).where(items.c.id == number)
        connection.execute(back.values(route=last.before, decision=None))
        why = f"{WITHDRAWN}: {item.decision}"
        log(
            connection,
            now,
            NewEvent(
                campaign_id=item.campaign_id,
                item_id=number,
                what="rerouted",
                who=who,
                why=why,
                before=item.route,
                after=last.before,
            ),
        )
        before: Route = last.before
        return before
