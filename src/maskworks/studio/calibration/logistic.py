"""Logistic regression with signs: no feature may pull the other way than it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.cutouts.scoring.score_model import Floats


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What is fitted: one coefficient for each column of the features.

    Parameters
    ----------
    lowest, highest : K numbers
        Bounds of each coefficient; infinite where it is free.
    ridge : K numbers, >= 0
        How hard each is drawn to `centre`: half of it times the squared distance is added to
        the summed loss.
    centre : K numbers
    """

    lowest: Sequence[float]
    highest: Sequence[float]
    ridge: Sequence[float]
    centre: Sequence[float]


def fit_logistic(
    features: Floats, good: Floats, terms: Coefficients, *, weights: Floats | None = None
) -> Floats:
    """Fit P(good) = 1 / (1 + exp(-features @ coefficients)) by penalised maximum likelihood.

    Parameters
    ----------
    features : float64 (N, K)
        A column of ones if there shall be an intercept.
    good : float64 (N,) of 0 and 1
    terms : Terms of K columns
    weights : float64 (N,), >= 0, optional
        How much each row counts.

    Returns
    -------
    float64 (K,)
        Inside their bounds; the problem is convex, so there is one answer.

    Raises
    ------
    UsageError
        If a number is not finite, or the solver does not converge.

    References
    ----------
    Byrd, Lu, Nocedal and Zhu, A Limited Memory Algorithm for Bound Constrained Optimization,
    SIAM Journal on Scientific Computing, 1995.

    Examples
    --------
    >>> rows = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    >>> free = Coefficients([-np.inf] * 2, [np.inf] * 2, [0.0, 1.0], [0.0, 0.0])
    >>> fit_logistic(rows, np.array([0.0, 0.0, 1.0, 1.0]), free).round(2).tolist()
    [-0.4, 0.8]
    """
    from scipy.optimize import Bounds, minimize

    counts = np.ones(len(good)) if weights is None else weights
    if not (np.isfinite(features).all() and np.isfinite(counts).all()):
        raise UsageError("features and weights must be finite; leave the row out")
    ridge, centre = np.asarray(terms.ridge, np.float64), np.asarray(terms.centre, np.float64)

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        odds = features @ coefficients
        away = coefficients - centre
        value = counts @ (np.logaddexp(0, odds) - good * odds) + 0.5 * ridge @ away**2
        slope: Floats = features.T @ (counts * (0.5 * (1 + np.tanh(0.5 * odds)) - good))
        return float(value), slope + ridge * away

    bounds = Bounds(np.asarray(terms.lowest), np.asarray(terms.highest))
    start = np.clip(centre, bounds.lb, bounds.ub)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, tol=1e-10)
    if not np.isfinite(found.x).all() or (not found.success and "ABNORMAL" not in found.message):
        raise UsageError(f"the fit did not converge ({found.message}); give more decisions")
    answer: Floats = found.x
    return answer
