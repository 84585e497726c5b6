"""What rows say of files and people, cleared once the pictures are gone."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Text, cast, delete, literal, select, update

from maskworks.studio.store.opening import Store
from maskworks.studio.store.schema import campaigns, items, outputs
from maskworks.studio.store.service_schema import drafts, leases, mattes


def forget_names(store: Store, campaign: str) -> int:
    """Clear names of files, SKUs, tags, messages and drawings of a campaign's rows.

    Numbers, routes, scores and amounts stay, and so do the trail and the decisions, with who
    took them and why: they are what the trail is for, and can only be added to.

    Returns
    -------
    int, how many pictures' rows were cleared
    """
    with store.writing(durable=True) as connection:
        mine = select(campaigns.c.id).where(campaigns.c.name == campaign)
        number = connection.execute(mine).scalar_one_or_none()
        if number is None:
            return 0
        its = select(items.c.id).where(items.c.campaign_id == number)
        for table in (drafts, leases):
            connection.execute(delete(table).where(table.c.item_id.in_(its)))
        drawn = update(mattes).where(mattes.c.item_id.in_(its))
        connection.execute(drawn.values(who="", strokes=[], path=_cleared(mattes.c.id)))
        made = update(outputs).where(outputs.c.campaign_id == number)
        connection.execute(made.values(path=_cleared(outputs.c.id)))
        rows = update(items).where(items.c.campaign_id == number)
        values: dict[str, object] = {
            "source": _cleared(items.c.id),
            "sku": None,
            "tags": [],
            "error_message": None,
        }
        return connection.execute(rows.values(values)).rowcount


def _cleared(number: ColumnElement[int]) -> ColumnElement[str]:
    return literal("deleted-", Text).concat(cast(number, Text))
