"""The store: what is known of every picture of a campaign, in SQLite or PostgreSQL.

One run, start to end::

    with open_store("spring.db") as store:
        campaign = open_campaign(store, "spring", currency="USD", settings=digest)
        with hold(store, campaign) as worker:
            release(store, worker)                  # what a killed run had in hand
            added = add(store, worker, pictures)    # only what is new or changed waits
            while items := claim(store, worker, 8):
                for item in items:
                    finish(store, item, Outcome(route="deliver", score=0.97))

A verb is one transaction: it happened, or it did not. What a verb has returned from survives
``kill -9`` of the process; what a person has said (`decide`, `ingest`, `reopen`) survives the
loss of power as well. After a loss of power an SQLite file may have forgotten the last few
finished items, each as a whole; they are then done again, over the same file names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.studio.store.adding import add, preview_add
    from maskworks.studio.store.campaigns import list_campaigns, open_campaign
    from maskworks.studio.store.claims import ClaimLostError, claim, fail, finish, reopen, reroute
    from maskworks.studio.store.decisions import decide, ingest, list_reviews
    from maskworks.studio.store.events import list_events
    from maskworks.studio.store.export import to_csv, to_json, to_lines
    from maskworks.studio.store.given import Judgement, NewItem, Outcome, Output, Verdict
    from maskworks.studio.store.holding import HeldError, hold
    from maskworks.studio.store.items import counts, deliverables, leftovers, list_items
    from maskworks.studio.store.opening import Store, database_beside, open_store
    from maskworks.studio.store.rows import (
        Added,
        CampaignRow,
        Counts,
        DeliverableRow,
        Event,
        Filter,
        ItemRow,
        Review,
        Worker,
    )
    from maskworks.studio.store.workers import leave, release

__all__ = [
    "Added",
    "CampaignRow",
    "ClaimLostError",
    "Counts",
    "DeliverableRow",
    "Event",
    "Filter",
    "HeldError",
    "ItemRow",
    "Judgement",
    "NewItem",
    "Outcome",
    "Output",
    "Review",
    "Store",
    "Verdict",
    "Worker",
    "add",
    "claim",
    "counts",
    "database_beside",
    "decide",
    "deliverables",
    "fail",
    "finish",
    "hold",
    "ingest",
    "leave",
    "leftovers",
    "list_campaigns",
    "list_events",
    "list_items",
    "list_reviews",
    "open_campaign",
    "open_store",
    "preview_add",
    "release",
    "reopen",
    "reroute",
    "to_csv",
    "to_json",
    "to_lines",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "adding": ["add", "preview_add"],
        "campaigns": ["list_campaigns", "open_campaign"],
        "claims": ["ClaimLostError", "claim", "fail", "finish", "reopen", "reroute"],
        "decisions": ["decide", "ingest", "list_reviews"],
        "events": ["list_events"],
        "export": ["to_csv", "to_json", "to_lines"],
        "given": ["Judgement", "NewItem", "Outcome", "Output", "Verdict"],
        "holding": ["HeldError", "hold"],
        "items": ["counts", "deliverables", "leftovers", "list_items"],
        "opening": ["Store", "database_beside", "open_store"],
        "rows": [
            "Added",
            "CampaignRow",
            "Counts",
            "DeliverableRow",
            "Event",
            "Filter",
            "ItemRow",
            "Review",
            "Worker",
        ],
        "workers": ["leave", "release"],
    },
)
