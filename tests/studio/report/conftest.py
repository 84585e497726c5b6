"""Rows for the reports."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from maskworks.core.values import Image
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.cost import Rates, baseline_cost, unit_cost
from maskworks.studio.report import ReportHeader, ReportItem, thumbnail


class Book:
    """Makes rows with their prices, and the header above them."""

    rates = Rates(manual=Decimal("22.00"), automated=Decimal("3.40"))
    hard_name = "<script>alert('x')</script> \"&amp; \u2028é\udcff.jpg"
    """A file name that no page may run and no file may choke on."""

    def item(self, source, route="deliver", **fields):
        price = {
            "unit_cost": unit_cost(route, self.rates),
            "baseline": baseline_cost(route, self.rates),
        }
        return ReportItem(source=source, route=route, **{**price, **fields})

    def items(self, **routes):
        """So many rows of each route."""
        return [self.item(f"{r}-{n}.jpg", r) for r, count in routes.items() for n in range(count)]

    def header(self, count, **fields):
        given = {"campaign": "spring", "items_in": count, "deliver_at": 0.85, "rates": self.rates}
        return ReportHeader(**{**given, **fields})


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def small() -> bytes:
    return thumbnail(Image(np.full((30, 40, 3), 200, np.uint8)))


@pytest.fixture
def mixed(book, small) -> list[ReportItem]:
    """One row of each kind, the hard file name among them."""
    low = Reason(name="low-score", value=0.61, limit=0.85, text="score 0.610 is below 0.85")
    glass = Reason(name="exception:tag:glass", value=1.0, limit=None, text="by hand")
    return [
        book.item("a/1.jpg", score=0.97, sku="A-1", tags=("wood",), concept="marble", seconds=1.5,
                  outputs=("out/1 a.jpg", "out/1_b.jpg"), before=small, after=small),
        book.item(book.hard_name, "review", score=0.61, sku="=1+1", tags=("glass", "wood"),
                  concept="marble", seconds=0.5, reasons=(low,), before=small, after=small),
        book.item("a/3.jpg", "manual", tags=("glass",), concept="linen", reasons=(glass,),
                  before=small),
        book.item("a/4.jpg", "failed", concept="linen", error="is <b>cut off</b>"),
    ]  # fmt: skip
