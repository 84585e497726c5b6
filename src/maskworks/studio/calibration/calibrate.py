"""Recalibrate the score by what reviewers decided: from decisions to a new score file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.cutouts.scoring.score_model import (
    Floats,
    Isotonic,
    Logistic,
    Recalibration,
    ScoreModel,
    logit,
)
from maskworks.quality import Bin, area_under_roc
from maskworks.studio.calibration.judged import JudgedItem
from maskworks.studio.calibration.logistic import Coefficients, fit_logistic

FEWEST = 100
"""Fewer decisions with a score are refused: one in ten wrong would be ten pictures."""

FEWEST_OF_EACH = 10
"""Fewer accepted, or fewer not accepted, are refused."""

ISOTONIC_FROM = 1000
"""From so many decisions on the curve is free to take any rising form (Niculescu-Mizil and
Caruana, Predicting Good Probabilities with Supervised Learning, ICML 2005)."""

THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
"""Values of `deliver_at` whose flag rate is told."""

BINS = 10
FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How well scores foretell decisions; means are over what the decisions stand for.

    `log_loss` and `error` (expected calibration error) are better the smaller, `auroc` (the
    chance that an accepted picture scores higher than another) the larger.
    """

    log_loss: float
    auroc: float
    error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, kw_only=True)
class FlagRate:
    """What a threshold would do: the share flagged, and the bad among what it delivers.

    `wrong` is NaN where nothing would be delivered.
    """

    deliver_at: float
    flagged: float
    wrong: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What the decisions say of the score.

    `before` is of the scores as they were, `after` of recalibrated ones, each from the other
    four fifths of the decisions; `thresholds` are of the recalibrated scores.
    """

    n: int
    good: int
    recalibration: Recalibration
    before: Reliability
    after: Reliability
    thresholds: tuple[FlagRate, ...]


@public
def calibrate(
    decisions: Sequence[JudgedItem], *, thresholds: Sequence[float] = THRESHOLDS
) -> Calibration:
    """Find the calibration that makes scores the share of pictures that people accept.

    Below `ISOTONIC_FROM` decisions the curve has two numbers (Platt's), from there on it is
    the best one that never falls. The order of pictures stays as it is, but that an isotonic
    curve may make neighbours equal.

    Parameters
    ----------
    decisions : Sequence of Judged
        The last decision on each picture, about the machine's own result.
    thresholds : values of `deliver_at` to tell the flag rate of

    Raises
    ------
    UsageError
        If there are too few decisions (the message says how many are needed), or higher scores
        are not accepted more often: then no curve helps.

    References
    ----------
    Platt, Probabilistic Outputs for Support Vector Machines, 1999; Zadrozny and Elkan,
    Transforming Classifier Scores into Accurate Multiclass Probability Estimates, KDD 2002.

    Examples
    --------
    >>> calibrate([JudgedItem(source="a.jpg", score=0.9, good=True)])
    Traceback (most recent call last):
    maskworks.core.errors.UsageError: there is 1 decision with a score (1 accepted, 0 not); ...
    """
    _check_enough(decisions)
    scores = np.array([one.score for one in decisions], np.float64)
    good = np.array([one.good for one in decisions], np.float64)
    weights = np.array([one.weight for one in decisions], np.float64)
    weights *= weights.size / weights.sum()
    held = np.empty_like(scores)
    fold = _folds([one.source for one in decisions], good)
    for number in range(FOLDS):
        test = fold == number
        held[test] = _fit(scores[~test], good[~test], weights[~test], of=scores.size).apply(
            scores[test]
        )
    final = _fit(scores, good, weights, of=scores.size)
    calibrated = final.apply(scores)
    return Calibration(
        n=len(decisions),
        good=int(good.sum()),
        recalibration=final,
        before=measure_reliability(scores, good, weights),
        after=measure_reliability(held, good, weights),
        thresholds=tuple(flag_rate(at, calibrated, good, weights) for at in thresholds),
    )


def apply_calibration(
    model: ScoreModel, found: Calibration, *, today: date, origin: str = ""
) -> ScoreModel:
    """Return the next version of a score model, recalibrated.

    Parameters
    ----------
    model : ScoreModel
        The one that the scores of the decisions came from.
    today : date
        Becomes its `fitted_on`.
    origin : what the decisions were read from, for the record
    """
    record = {
        "decisions": found.n,
        "accepted": found.good,
        "recalibrated_on": today,
        "recalibrated_from": f"version {model.version} of {model.fitted_on}",
    }
    rows = {
        "decisions, before recalibration": found.before,
        "decisions, after, cross-validated": found.after,
    }
    metrics = {
        name: {
            "log_loss": round(row.log_loss, 4),
            "auroc": round(row.auroc, 4),
            "calibration_error": round(row.error, 4),
        }
        for name, row in rows.items()
    }
    new = {
        "version": model.version + 1,
        "fitted_on": today,
        "recalibration": (*model.recalibration, found.recalibration),
        "fit": {**model.fit, **record, **({"decisions_from": origin} if origin else {})},
        "metrics": {**model.metrics, **metrics},
    }
    return model.model_copy(update=new)


def _check_enough(decisions: Sequence[JudgedItem]) -> None:
    good = sum(one.good for one in decisions)
    bad = len(decisions) - good
    if len(decisions) >= FEWEST and min(good, bad) >= FEWEST_OF_EACH:
        return
    number = len(decisions)
    there = "is 1 decision" if number == 1 else f"are {number:,} decisions"
    raise UsageError(
        f"there {there} with a score ({good:,} accepted, {bad:,} not); calibrating needs "
        f"{FEWEST}, at least {FEWEST_OF_EACH} of either kind: review "
        f"{max(FEWEST - number, FEWEST_OF_EACH - good, FEWEST_OF_EACH - bad):,} more"
    )


def _folds(sources: Sequence[str], good: Floats) -> np.ndarray:
    """Deal the decisions of either kind out in turn, in the order of their names."""
    fold = np.empty(len(sources), np.intp)
    order = sorted(range(len(sources)), key=lambda index: (good[index], sources[index]))
    fold[order] = np.arange(len(sources)) % FOLDS
    return fold


def _fit(scores: Floats, good: Floats, weights: Floats, *, of: int) -> Recalibration:
    return (
        _isotonic(scores, good, weights)
        if of >= ISOTONIC_FROM
        else _logistic(scores, good, weights)
    )


def _logistic(scores: Floats, good: Floats, weights: Floats) -> Logistic:
    """Fit two numbers, drawn a little to the curve that changes nothing."""
    rows = np.column_stack([np.ones_like(scores), logit(scores)])
    free = float("inf")
    terms = Coefficients([-free, 0.0], [free, free], ridge=[0.1, 0.1], centre=[0.0, 1.0])
    intercept, slope = (float(x) for x in fit_logistic(rows, good, terms, weights=weights))
    if slope < 0.01:
        raise UsageError(
            f"pictures with higher scores are not accepted more often (slope {slope:.3f}): no "
            "curve helps; look at the reasons of what was rejected"
        )
    return Logistic(intercept=intercept, slope=slope)


def _isotonic(scores: Floats, good: Floats, weights: Floats) -> Isotonic:
    from scipy.optimize import isotonic_regression

    at, place = np.unique(scores, return_inverse=True)
    mass = np.bincount(place, weights)
    share = np.bincount(place, weights * good) / mass
    rising = isotonic_regression(share, weights=mass).x
    edge = 1 / (scores.size + 2)  # a chance of just 0 or 1 is more than the decisions say
    if at.size < 2 or rising[0] == rising[-1]:
        raise UsageError(
            "pictures with higher scores are not accepted more often: no curve helps; look at "
            "the reasons of what was rejected"
        )
    turns = np.flatnonzero(np.diff(rising))
    kept = np.unique(np.concatenate([[0], turns, turns + 1, [at.size - 1]]))
    chances = np.clip(rising[kept], edge, 1 - edge)
    return Isotonic(scores=tuple(at[kept].tolist()), chances=tuple(chances.tolist()))


def measure_reliability(scores: Floats, good: Floats, weights: Floats) -> Reliability:
    """Return how well scores foretell what is good, each row counted by its weight.

    The ranking (`auroc`) counts every row once.
    """
    near = np.clip(scores, 1e-4, 1 - 1e-4)
    loss = -(good * np.log(near) + (1 - good) * np.log(1 - near))
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, BINS - 1)
    bins = []
    error = 0.0
    for number in range(BINS):
        chosen = place == number
        mass = float(weights[chosen].sum())
        said = float(weights[chosen] @ scores[chosen]) / mass if mass else float("nan")
        got = float(weights[chosen] @ good[chosen]) / mass if mass else float("nan")
        error += mass * abs(said - got) / float(weights.sum()) if mass else 0.0
        bins.append(
            Bin(
                low=float(edges[number]),
                high=float(edges[number + 1]),
                count=int(np.count_nonzero(chosen)),
                confidence=said,
                outcome=got,
            )
        )
    return Reliability(
        log_loss=float(weights @ loss / weights.sum()),
        auroc=area_under_roc(scores, good > 0.5),
        error=error,
        bins=tuple(bins),
    )


def flag_rate(at: float, scores: Floats, good: Floats, weights: Floats) -> FlagRate:
    """Return what a threshold would flag and deliver, each row counted by its weight."""
    if not 0 <= at <= 1:
        raise UsageError(f"a threshold is {at}; it must lie in [0, 1]")
    through = scores >= at
    delivered = float(weights[through].sum())
    wrong = float(weights[through] @ (1 - good[through])) / delivered if delivered else float("nan")
    return FlagRate(deliver_at=at, flagged=1 - delivered / float(weights.sum()), wrong=wrong)
