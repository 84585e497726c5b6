"""What comes out of the store: frozen rows, free of any database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeVar

from maskworks.batch.work import Fault
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.route import Route
from maskworks.studio.store.given import Output, Verdict
from maskworks.studio.store.processes import Process

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

State = Literal["pending", "claimed", "done"]
"""`done` has a route; the others have none yet."""

Standing = Literal["current", "superseded", "gone"]
"""`superseded`: the picture or its settings changed; `gone`: the file is not there any more."""

What = Literal[
    "settings-changed",
    "added",
    "superseded",
    "gone",
    "returned",
    "routed",
    "rerouted",
    "released",
    "reopened",
    "decided",
    "ingested",
    "taken-over",
]
"""What an event tells of."""


R = TypeVar("R", bound="DataclassInstance")


def as_row(kind: type[R], row: object, given: Mapping[str, object] | None = None) -> R:
    """Return a row of the database as `kind`: a field is the column of its name.

    Parameters
    ----------
    kind : a frozen dataclass
    row : what the database answered
    given : the fields that are not a column as it stands
    """
    known = given or {}
    names = (each.name for each in fields(kind))
    return kind(**{name: known[name] if name in known else getattr(row, name) for name in names})


@dataclass(frozen=True, kw_only=True)
class CampaignRow:
    """A campaign: `settings` is the digest of its file, `currency` the code of its money."""

    id: int
    name: str
    currency: str
    settings: str
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One run of a campaign: the process, since when, and its last sign of life (UTC)."""

    id: int
    campaign_id: int
    process: Process
    since: datetime
    beat_at: datetime
    ended_at: datetime | None = None
    beats: int = 0

    @property
    def name(self) -> str:
        """Who it is, for people."""
        return self.process.name


@dataclass(frozen=True, kw_only=True)
class Added:
    """What `add` found, each a number of pictures.

    `new` were never seen; `changed` differ in content or settings from what was done;
    `kept` are done and still hold; `waiting` were added before and are not done;
    `returned` were gone and are back as they were; `gone` are not there any more.
    """

    new: int = 0
    changed: int = 0
    kept: int = 0
    waiting: int = 0
    returned: int = 0
    gone: int = 0


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One picture's row; times are UTC.

    `claims` counts how often it was taken in hand, `decision` is the last a
    person took; what came back from a retoucher counts as accepted. `scorer` is the digest of
    the score file that the score comes from.
    """

    id: int
    campaign_id: int
    source: str
    content: str
    settings: str
    sku: str | None
    tags: tuple[str, ...]
    concept: str | None
    standing: Standing
    state: State
    route: Route | None
    score: float | None
    reasons: tuple[Reason, ...]
    cost: Decimal | None
    baseline: Decimal | None
    seconds: float | None
    spot_check: bool
    error: Fault | None
    decision: Verdict | None
    claims: int
    worker_id: int | None
    added_at: datetime
    finished_at: datetime | None
    scorer: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeliverableRow:
    """One output with the item it was made from."""

    item_id: int
    source: str
    sku: str | None
    route: Route
    output: Output


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many items there are; `superseded` and `gone` are not in `total`."""

    pending: int = 0
    claimed: int = 0
    deliver: int = 0
    review: int = 0
    manual: int = 0
    failed: int = 0
    superseded: int = 0
    gone: int = 0

    @property
    def done(self) -> int:
        """How many have a route."""
        return self.deliver + self.review + self.manual + self.failed

    @property
    def total(self) -> int:
        """How many there are to account for: items in = items out once all are done."""
        return self.pending + self.claimed + self.done


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which items are meant; every condition that is given must hold.

    `name` is an item's number, its path or its SKU; `decided` is whether a person has
    decided on it.
    """

    name: str | None = None
    states: Sequence[State] = ()
    routes: Sequence[Route] = ()
    standings: Sequence[Standing] = ("current",)
    decided: bool | None = None
    spot_check: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Review:
    """What a person decided on an item, and when (UTC)."""

    id: int
    item_id: int
    source: str
    sku: str | None
    tags: tuple[str, ...]
    decision: Verdict
    who: str
    why: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the audit trail; `before` and `after` are routes, or what else changed."""

    id: int
    at: datetime
    campaign: str
    item_id: int | None
    source: str | None
    sku: str | None
    what: What
    who: str
    why: str
    before: str | None
    after: str | None
    details: Mapping[str, object]
    previous: str = ""
    digest: str = ""
