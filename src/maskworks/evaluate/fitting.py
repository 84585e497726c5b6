"""Find how a model's confidence has to be calibrated so that it says the IoU it reaches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.evaluate.confidences import Confidences
from maskworks.models.confidence_fit import ConfidenceFit
from maskworks.models.spec import ModelSpec
from maskworks.quality import calibration_error
from maskworks.quality.fits import fitted_temperature, isotonic_curve, log_odds

FEWEST = 50
"""Pictures without which nothing is fitted."""

FOLDS = 5
_SEED = 20240501

Method = Literal["isotonic", "temperature"]
Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]


def fit_confidence(
    found: Confidences, method: Method, spec: ModelSpec, *, today: date
) -> ConfidenceFit:
    """Fit a model's confidence to the IoU that was reached.

    Pictures in which it saw no subject are left out: their confidence is that there is none.

    Parameters
    ----------
    method : "isotonic" or "temperature"
    spec : ModelSpec
        Whose confidence it is; it must give one.

    Returns
    -------
    ConfidenceFit
        `error_after` is the calibration error over five folds, each calibrated by the fit of the
        other four.

    Raises
    ------
    UsageError
        If there are fewer than `FEWEST` pictures, the model gives no confidence, or the rows
        are of another model.
    """
    if not spec.output.confidence or spec.sha256 is None:
        raise UsageError(f"the model {spec.name!r} gives no confidence, so there is none to fit")
    others = {row.model for row in found.pictures} - {spec.name, None}
    if others:
        raise UsageError(
            f"the manifest has rows of {', '.join(sorted(map(str, others)))}, not only of "
            f"{spec.name}; fit one model at a time"
        )
    rows = [(row.raw, row.iou) for row in found.pictures if row.raw is not None]
    if len(rows) < FEWEST:
        raise UsageError(
            f"{len(rows)} pictures with a subject and a confidence; a fit takes {FEWEST} or more"
        )
    confidence, reached = np.array(rows, np.float64).T
    after = np.empty_like(confidence)
    folds = np.random.default_rng(_SEED).permutation(confidence.size) % FOLDS
    for fold in range(FOLDS):
        here = folds == fold
        after[here] = _curve(method, confidence[~here], reached[~here])(confidence[here])
    knots = isotonic_curve(confidence, reached) if method == "isotonic" else ((), ())
    return ConfidenceFit(
        method=method,
        raw=tuple(float(value) for value in knots[0]),
        reached=tuple(float(value) for value in knots[1]),
        temperature=fitted_temperature(confidence, reached) if method == "temperature" else 1.0,
        sha256=spec.sha256,
        fitted_on=today,
        pictures=len(rows),
        error_before=calibration_error(confidence, reached),
        error_after=calibration_error(np.clip(after, 0, 1), reached),
    )


def model_of(found: Confidences) -> str | None:
    """Return the one model whose name the rows bear, None if they bear none or several."""
    names = {row.model for row in found.pictures}
    return names.pop() if len(names) == 1 else None


def _curve(method: Method, confidence: Floats, reached: Floats) -> Curve:
    if method == "temperature":
        temperature = fitted_temperature(confidence, reached)
        return lambda values: 1 / (1 + np.exp(-log_odds(values) / temperature))
    knots = isotonic_curve(confidence, reached)
    return lambda values: np.interp(values, *knots)
