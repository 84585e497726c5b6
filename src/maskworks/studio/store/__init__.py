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
    from maskworks.studio.store.adding import add as add
    from maskworks.studio.store.adding import preview_add as preview_add
    from maskworks.studio.store.campaigns import list_campaigns as list_campaigns
    from maskworks.studio.store.campaigns import open_campaign as open_campaign
    from maskworks.studio.store.claims import ClaimLostError as ClaimLostError
    from maskworks.studio.store.claims import claim as claim
    from maskworks.studio.store.claims import fail as fail
    from maskworks.studio.store.claims import finish as finish
    from maskworks.studio.store.claims import reopen as reopen
    from maskworks.studio.store.claims import reroute as reroute
    from maskworks.studio.store.claims import take as take
    from maskworks.studio.store.decisions import decide as decide
    from maskworks.studio.store.decisions import ingest as ingest
    from maskworks.studio.store.decisions import list_reviews as list_reviews
    from maskworks.studio.store.events import list_events as list_events
    from maskworks.studio.store.export import to_csv as to_csv
    from maskworks.studio.store.export import to_json as to_json
    from maskworks.studio.store.export import to_lines as to_lines
    from maskworks.studio.store.given import Judgement as Judgement
    from maskworks.studio.store.given import NewItem as NewItem
    from maskworks.studio.store.given import Outcome as Outcome
    from maskworks.studio.store.given import Output as Output
    from maskworks.studio.store.given import Verdict as Verdict
    from maskworks.studio.store.holding import HeldError as HeldError
    from maskworks.studio.store.holding import hold as hold
    from maskworks.studio.store.items import counts as counts
    from maskworks.studio.store.items import deliverables as deliverables
    from maskworks.studio.store.items import leftovers as leftovers
    from maskworks.studio.store.items import list_items as list_items
    from maskworks.studio.store.opening import Store as Store
    from maskworks.studio.store.opening import database_beside as database_beside
    from maskworks.studio.store.opening import open_store as open_store
    from maskworks.studio.store.rows import Added as Added
    from maskworks.studio.store.rows import CampaignRow as CampaignRow
    from maskworks.studio.store.rows import Counts as Counts
    from maskworks.studio.store.rows import DeliverableRow as DeliverableRow
    from maskworks.studio.store.rows import Event as Event
    from maskworks.studio.store.rows import Filter as Filter
    from maskworks.studio.store.rows import ItemRow as ItemRow
    from maskworks.studio.store.rows import Review as Review
    from maskworks.studio.store.rows import Worker as Worker
    from maskworks.studio.store.workers import leave as leave
    from maskworks.studio.store.workers import release as release

__getattr__, __dir__, __all__ = lazy_names(__name__)
