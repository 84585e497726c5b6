"""The files that were made: each path belongs to one output of one item."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from maskworks.core.errors import OutputError
from maskworks.studio.store.given import Output
from maskworks.studio.store.rows import ItemRow
from maskworks.studio.store.schema import items, outputs

_TAKEN = (
    select(outputs.c.id, outputs.c.path, items.c.source, items.c.standing)
    .join(items, outputs.c.item_id == items.c.id)
    .where(outputs.c.campaign_id == bindparam("campaign"), outputs.c.live)
    .where(outputs.c.path.in_(bindparam("paths", expanding=True)))
)
_MADE = insert(outputs)


def record_outputs(
    connection: Connection, item: ItemRow, made: Sequence[Output], now: datetime
) -> None:
    """Keep the files made from an item that has none at the moment.

    A path that an item had which is not current any more passes on to this one.

    Raises
    ------
    OutputError
        If a path is there twice, or is the file of another current item.
    """
    if not made:
        return
    paths = [output.path for output in made]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise _collision(twice, "it is among the outputs twice")
    chosen = {"campaign": item.campaign_id, "paths": paths}
    for row in connection.execute(_TAKEN, chosen).all():
        if row.standing == "current":
            raise _collision(row.path, f"it is made from {row.source} already")
        passed = update(outputs).where(outputs.c.id == row.id)
        connection.execute(passed.values(live=False))
    connection.execute(_MADE, [_row(item, output, now) for output in made])


def drop_outputs(connection: Connection, number: int) -> None:
    """Note that an item's outputs are not its own any more; the rows stay."""
    stale = update(outputs).where(outputs.c.item_id == number, outputs.c.live)
    connection.execute(stale.values(live=False))


def has_outputs(connection: Connection, number: int) -> bool:
    """Say whether an item has a file that could be delivered."""
    live = select(outputs.c.id).where(outputs.c.item_id == number, outputs.c.live).limit(1)
    return connection.execute(live).first() is not None


def _collision(path: str, what: str) -> OutputError:
    return OutputError(path, f"two outputs would be this file ({what})", "give them other names")


def _row(item: ItemRow, output: Output, now: datetime) -> dict[str, object]:
    return {
        "campaign_id": item.campaign_id, "item_id": item.id, "path": output.path,
        "sha256": output.sha256, "width": int(output.width), "height": int(output.height),
        "bytes": int(output.bytes), "concept": output.concept, "variant": output.variant,
        "score": None if output.score is None else float(output.score), "live": True,
        "made_at": now,
    }  # fmt: skip
