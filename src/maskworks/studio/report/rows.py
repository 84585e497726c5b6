"""What a report is made from: one row a picture, and what is the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.cost import ZERO, Priced, Rates
from maskworks.studio.route import Route


@dataclass(frozen=True, kw_only=True)
class ReportItem:
    """What became of one picture.

    `source` is what the reader knows the picture by: its path below the input folder. `score`
    is in [0, 1], None where no score was reached. `outputs` are paths relative to the report's
    folder, with ``/``. `before` and `after` are small pictures (bytes as `thumbnail` makes
    them) or the files to make them from; only those that the page shows are opened.
    """

    source: str
    route: Route
    sku: str = ""
    tags: tuple[str, ...] = ()
    concept: str = ""
    score: float | None = None
    reasons: tuple[Reason, ...] = ()
    unit_cost: Decimal = ZERO
    baseline: Decimal = ZERO
    seconds: float = 0.0
    outputs: tuple[str, ...] = ()
    before: bytes | Path | None = None
    after: bytes | Path | None = None
    error: str | None = None

    @property
    def priced(self) -> Priced:
        """Return the picture as the ledger sees it."""
        return Priced(self.route, self.unit_cost, self.baseline)


@dataclass(frozen=True, kw_only=True)
class ReportHeader:
    """The campaign as a whole.

    `items_in` is how many pictures went in; `created` is an ISO 8601 time; `rates` is None if
    the campaign names no cost; `wall_s` is how long the run took by the clock, None if unknown.
    """

    campaign: str
    items_in: int
    deliver_at: float
    currency: str = "USD"
    model: str = ""
    preset: str = ""
    created: str = ""
    rates: Rates | None = None
    wall_s: float | None = None


def as_text(text: str) -> str:
    r"""Return a text that every file can hold: a file name's wrong bytes become escapes.

    Examples
    --------
    >>> as_text("a\udcff.jpg")
    'a\\udcff.jpg'
    """
    return text.encode("utf-8", "backslashreplace").decode()
