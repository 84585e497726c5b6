"""Read what the store holds of a campaign: items, their numbers, their outputs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from maskworks.batch.work import Fault
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.route import Route
from maskworks.studio.store.events import named
from maskworks.studio.store.given import Output
from maskworks.studio.store.opening import Store
from maskworks.studio.store.rows import CampaignRow, Counts, DeliverableRow, Filter, ItemRow, as_row
from maskworks.studio.store.schema import items, outputs

EVERYTHING = Filter()


def list_items(store: Store, campaign: CampaignRow, only: Filter = EVERYTHING) -> list[ItemRow]:
    """Return the items that the filter lets through, in the order they were added."""
    chosen = select(items).where(items.c.campaign_id == campaign.id).order_by(items.c.id)
    if only.name is not None:
        chosen = chosen.where(named(only.name))
    for column, allowed in (
        (items.c.state, only.states),
        (items.c.route, only.routes),
        (items.c.standing, only.standings),
    ):
        if allowed:
            chosen = chosen.where(column.in_(allowed))
    if only.decided is not None:
        chosen = chosen.where(items.c.decision.is_not(None) == only.decided)
    if only.spot_check is not None:
        chosen = chosen.where(items.c.spot_check == only.spot_check)
    with store.reading() as connection:
        return [to_item(row) for row in connection.execute(chosen)]


def counts(store: Store, campaign: CampaignRow) -> Counts:
    """Return how many items there are of each kind; every item is in one of them."""
    kinds = (items.c.standing, items.c.state, items.c.route)
    chosen = select(*kinds, func.count().label("number")).group_by(*kinds)
    found: dict[str, int] = {}
    with store.reading() as connection:
        for row in connection.execute(chosen.where(items.c.campaign_id == campaign.id)):
            kind = row.standing if row.standing != "current" else row.route or row.state
            found[kind] = found.get(kind, 0) + row.number
    return Counts(**found)


def deliverables(
    store: Store, campaign: CampaignRow, *, route: Route | None = "deliver"
) -> list[DeliverableRow]:
    """Return the outputs of the current items of one route, or of all with None.

    In the order of the items, and within one in the order they were made.
    """
    chosen = (
        select(outputs, items.c.source, items.c.sku, items.c.route)
        .join(items, outputs.c.item_id == items.c.id)
        .where(items.c.campaign_id == campaign.id, outputs.c.live, items.c.standing == "current")
        .where(items.c.state == "done")
        .order_by(items.c.id, outputs.c.id)
    )
    if route is not None:
        chosen = chosen.where(items.c.route == route)
    with store.reading() as connection:
        return [
            as_row(DeliverableRow, row, {"output": as_row(Output, row)})
            for row in connection.execute(chosen)
        ]


def leftovers(store: Store, campaign: CampaignRow) -> list[str]:
    """Return the paths of files that were made once and belong to no current item now.

    They are what changed, vanished or redone pictures have left in the output folder; whoever
    removes them looks whether they are there still.
    """
    mine = outputs.c.campaign_id == campaign.id
    owned = (
        select(outputs.c.path)
        .join(items, outputs.c.item_id == items.c.id)
        .where(mine, outputs.c.live, items.c.standing == "current")
    )
    with store.reading() as connection:
        held = set(connection.execute(owned).scalars())
        made = connection.execute(select(outputs.c.path).where(mine).distinct()).scalars()
        return sorted(path for path in made if path not in held)


def find_item(connection: Connection, number: int, *, lock: bool = False) -> ItemRow | None:
    """Return the item of that number, if there is one; `lock` holds it to the end."""
    chosen = select(items).where(items.c.id == number)
    row = connection.execute(chosen.with_for_update() if lock else chosen).one_or_none()
    return None if row is None else to_item(row)


def to_item(row: Row[Any]) -> ItemRow:
    """Return the row as what it means."""
    given = {
        "tags": tuple(row.tags),
        "reasons": tuple(
            Reason(name=one["name"], value=one["value"], limit=one["limit"], text=one["text"])
            for one in row.reasons
        ),
        "error": Fault(row.error_code, row.error_message) if row.error_code else None,
    }
    return as_row(ItemRow, row, given)
