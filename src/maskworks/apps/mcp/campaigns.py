"""A campaign as an assistant sees it: its counts, what awaits a person, and a decision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from maskworks.apps.cli.campaigns import known, opened
from maskworks.apps.mcp.root import Root
from maskworks.studio.campaign.campaign_file import CampaignFile, read_campaign
from maskworks.studio.output_folder import FOLDERS
from maskworks.studio.review.deciding import awaiting, find, judge
from maskworks.studio.review.rehanding import hand_missing
from maskworks.studio.run.filing import follow_up, out_of
from maskworks.studio.store import CampaignRow, Store, counts, deliverables

if TYPE_CHECKING:
    from maskworks.studio.store import ItemRow, Verdict

MOST_LISTED = 50
"""Pictures in one answer; an assistant's memory is short."""


@contextmanager
def entered(root: Root, campaign: str) -> Iterator[tuple[CampaignFile, Store, CampaignRow]]:
    """Open a campaign whose file, pictures and outputs all lie below the root.

    Raises
    ------
    UsageError
        If one of them lies elsewhere, or the campaign was never run.
    """
    file = read_campaign(root.found(campaign))
    for path in (file.path, file.input, out_of(file)):
        root.inside(path)
    with opened(file, None, create=False) as store:
        yield file, store, known(store, file)


def status_of(root: Root, campaign: str) -> dict[str, Any]:
    """Return how many pictures went which way, and how many await a decision."""
    with entered(root, campaign) as (file, store, row):
        now = counts(store, row)
        waiting = len(awaiting(store, row))
    return {
        "campaign": row.name,
        "pictures": now.total,
        "left_to_do": now.total - now.done,
        "deliver": now.deliver,
        "review": now.review,
        "manual": now.manual,
        "failed": now.failed,
        "awaiting_decision": waiting,
        "outputs": root.shown(out_of(file)),
    }


def reviews_of(root: Root, campaign: str, *, skip: int) -> dict[str, Any]:
    """Return what awaits a decision, `MOST_LISTED` pictures at a time, with its files."""
    with entered(root, campaign) as (file, store, row):
        items = awaiting(store, row)
        shown = items[skip : skip + MOST_LISTED]
        made: dict[int, list[str]] = {item.id: [] for item in shown}
        for one in deliverables(store, row, route=None):
            path = out_of(file) / FOLDERS.get(one.route, "") / one.output.path
            if one.item_id in made:
                made[one.item_id].append(root.shown(path) or "")
    return {
        "awaiting_decision": len(items),
        "skipped": min(skip, len(items)),
        "pictures": [_record(item, made[item.id]) for item in shown],
    }


def decide_on(
    root: Root, campaign: str, picture: str, verdict: Verdict, *, why: str, who: str
) -> dict[str, Any]:
    """Record a decision, and bring files and lists to it.

    Raises
    ------
    UsageError
        If there is no such picture, or it cannot be decided on.
    """
    with entered(root, campaign) as (file, store, row):
        item = find(store, row, picture)
        after = judge(store, item, verdict, who=who, why=why, rates=file.campaign.cost)
        if verdict != "accept":
            hand_missing(file, store, row, {item.id})
        follow_up(out_of(file), store, row)
        left = len(awaiting(store, row))
    return {
        "item": item.id,
        "source": item.source,
        "before": item.route,
        "after": after,
        "decided_by": who,
        "awaiting_decision": left,
    }


def _record(item: ItemRow, made: list[str]) -> dict[str, Any]:
    return {
        "item": item.id,
        "source": item.source,
        "sku": item.sku,
        "route": item.route,
        "score": item.score,
        "spot_check": item.spot_check,
        "reasons": [reason.text or reason.name for reason in item.reasons],
        "outputs": made,
    }
