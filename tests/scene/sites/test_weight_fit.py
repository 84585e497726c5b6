"""Weights follow what people decide, and stay where nothing tells otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from maskworks.core.errors import UsageError
from maskworks.scene.sites.scoring import ScoreTerm, SiteScore
from maskworks.scene.sites.site_record import SiteDecision, SiteRecord
from maskworks.scene.sites.weight_fit import fit_weights


def decided(name, verdict, **worths):
    record = SiteRecord(
        id=name,
        name=name,
        venue=None,
        lat=None,
        lon=None,
        audience=None,
        hours=(),
        fingerprint="x",
        version="1",
        network="street",
        counter="regions",
        reader="none",
        photos=(),
    )
    terms = [
        ScoreTerm(name=name, mean=worth, worth=worth, weight=1.0, spread=0.0)
        for name, worth in worths.items()
    ]
    empty = SiteScore(
        record=record,
        score=50.0,
        low=None,
        high=None,
        photos=4,
        terms=tuple(terms),
        exclusions=(),
        counts={},
        hours=(),
    )
    said = SiteDecision(
        site=name, verdict=verdict, reviewer="ana", reason="r", at=date(2026, 12, 1).isoformat()
    )
    return replace(empty, decision=said)


def sites(count, seed=0):
    """People follow green alone; people and sky are chance."""
    random = np.random.default_rng(seed)
    return [
        decided(
            f"s{at}",
            "accept" if at % 2 else "exclude",
            people=float(random.random()),
            openness=float(random.random()),
            green=float(0.3 * random.random() + 0.6 * (at % 2)),
        )
        for at in range(count)
    ]


def test_the_measure_that_people_follow_gains_and_chance_loses():
    fit = fit_weights(sites(20))
    assert fit.after["green"] > 1.3
    assert fit.after["people"] < 1
    assert min(fit.after.values()) >= 0
    assert sum(fit.after.values()) == pytest.approx(3, abs=0.01)
    assert fit.ordered_after >= fit.ordered_before
    assert fit.left_out > 0.8


def test_decisions_by_chance_do_not_promise_anything():
    random = np.random.default_rng(4)
    chance = [
        decided(
            f"s{at}",
            "accept" if at % 2 else "exclude",
            people=random.random(),
            green=random.random(),
        )
        for at in range(24)
    ]
    assert fit_weights(chance).left_out < 0.75


def test_too_few_decisions_are_refused():
    with pytest.raises(UsageError, match="3 sites are accepted and 3 excluded"):
        fit_weights(sites(6))
