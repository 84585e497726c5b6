"""Weights of a policy fitted to what people decided, kept near those it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.scene.sites.scoring import SiteScore

LEAST_DECISIONS = 8
"""Decisions that a fit needs, of both sorts."""

_PULL = 0.5
"""How strongly weights are held where they were, in deviances for a change by all of the weight."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class WeightFit:
    """Weights before and after, by measure, and how many pairs of sites each order rightly.

    `left_out` is the share of pairs that weights fitted without both of their sites order
    rightly: what to expect of new sites.
    """

    before: dict[str, float]
    after: dict[str, float]
    ordered_before: float
    ordered_after: float
    left_out: float
    accepted: int
    excluded: int


def fit_weights(scores: Sequence[SiteScore]) -> WeightFit:
    """Fit the weights of measures to decisions: accepted sites should score above excluded ones.

    Logistic regression on the difference of each pair of an accepted and an excluded site, weights
    of at least 0 and of the same sum as before, pulled towards the present ones. A measure that
    some decided site lacks is left out and keeps its weight.

    Parameters
    ----------
    scores : of `rank_sites`, with decisions

    Raises
    ------
    UsageError
        If fewer than eight sites are decided on, or all in the same way.
    """
    decided = [each for each in scores if each.decision is not None and each.terms]
    yes = [each for each in decided if each.decision and each.decision.verdict == "accept"]
    no = [each for each in decided if each.decision and each.decision.verdict == "exclude"]
    if len(yes) + len(no) < LEAST_DECISIONS or min(len(yes), len(no)) < 2:
        raise UsageError(
            f"{len(yes)} sites are accepted and {len(no)} excluded; weights need "
            f"{LEAST_DECISIONS} decisions, two of each sort at least: review more sites"
        )
    names = [
        term.name
        for term in yes[0].terms
        if all(term.name in {other.name for other in each.terms} for each in (*yes, *no))
    ]
    before = np.array([next(t.weight for t in yes[0].terms if t.name == n) for n in names])
    good, bad = _worths(yes, names), _worths(no, names)
    after = _fitted(good[:, None] - bad[None], before)
    held = [
        float(
            _ordered(
                good[a] - bad[b], _fitted(_without(good, a)[:, None] - _without(bad, b), before)
            )
        )
        for a in range(len(good))
        for b in range(len(bad))
    ]
    differences = (good[:, None] - bad[None]).reshape(-1, len(names))
    return WeightFit(
        dict(zip(names, before.tolist(), strict=True)),
        dict(zip(names, after.round(3).tolist(), strict=True)),
        float(_ordered(differences, before).mean()),
        float(_ordered(differences, after).mean()),
        float(np.mean(held)),
        len(yes),
        len(no),
    )


def _worths(scores: Sequence[SiteScore], names: Sequence[str]) -> Values:
    found = [{term.name: term.worth for term in each.terms} for each in scores]
    return np.array([[each[name] for name in names] for each in found])


def _without(rows: Values, at: int) -> Values:
    return np.delete(rows, at, axis=0)


def _ordered(differences: Values, weights: Values) -> Values:
    margin = differences @ weights
    return np.asarray((margin > 1e-9) + 0.5 * (np.abs(margin) <= 1e-9), float)


def _fitted(differences: Values, before: Values) -> Values:
    """Return weights >= 0 of the sum of `before`, (m,), from differences (..., m)."""
    from scipy.optimize import minimize

    rows = differences.reshape(-1, len(before)) * 10 / before.sum()

    def loss(weights: Values) -> tuple[float, Values]:
        margin = rows @ weights
        change = (weights - before) / before.sum()
        value = float(np.logaddexp(0, -margin).mean() + _PULL * (change @ change))
        slope = -(rows.T @ (1 / (1 + np.exp(margin)))) / len(rows)
        return value, slope + 2 * _PULL * change / before.sum()

    found = minimize(loss, before, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(before))
    weights = np.asarray(found.x, float)
    scaled: Values = weights * before.sum() / max(float(weights.sum()), 1e-9)
    return scaled
