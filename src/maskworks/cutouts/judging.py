"""Whether a cut-out can be used unseen: its status, its score and what speaks against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskworks.batch.work import Status
from maskworks.core.values import Matte
from maskworks.cutouts.cutout import KEPT, Cutout
from maskworks.cutouts.scoring.evidence import measure
from maskworks.cutouts.scoring.score import score
from maskworks.models.families.saliency import NO_SUBJECT_BELOW, SMALLEST_SUBJECT

LIKELY_BAD_BELOW = 0.5
"""A cut-out with a lower score is more likely bad than good: it is for review."""


def assessed(cutout: Cutout, *, min_score: float = 0.0) -> Cutout:
    """Return a cut-out with its evidence, its score and the reasons against it.

    They are those of a campaign (`maskworks.cutouts.scoring`). An empty matte, a torn inside and a
    score below `LIKELY_BAD_BELOW` or `min_score` are for review, however sure the model is.

    Parameters
    ----------
    cutout : Cutout
        Refined. One without a subject comes back as it is, and so does one whose file had an
        alpha of its own that was kept: nobody has to vouch for that.
    min_score : float in [0, 1]
        A lower score gives the status "review". A model without a confidence has no score.
    """
    if cutout.status == "no-subject" or cutout.refined == KEPT:
        return cutout
    evidence = measure(
        cutout.image,
        cutout.foreground,
        cutout.matte,
        confidence=cutout.confidence,
        presence=cutout.presence,
        soft_interior=cutout.soft_interior or 0.0,
        band_share=cutout.band_share,
    )
    found = score(evidence)
    low = found.score is not None and found.score < max(LIKELY_BAD_BELOW, min_score)
    empty = evidence.area < SMALLEST_SUBJECT
    return replace(
        cutout,
        evidence=evidence,
        score=found.score,
        reasons=found.reasons,
        status="review" if low or empty or cutout.torn else cutout.status,
    )


def covered(matte: Matte) -> float:
    """Return the share of pixels with alpha >= 0.5."""
    return np.count_nonzero(matte.alpha >= 0.5) / matte.alpha.size


def judge(
    confidence: float | None, presence: float | None, covered: float, *, min_confidence: float
) -> tuple[Status, float | None]:
    """Decide the status of an answer and how sure it is.

    Parameters
    ----------
    confidence : predicted IoU, None if the model has none
    presence : probability that there is a subject, None if the model has none
    covered : share of pixels with alpha >= 0.5
    min_confidence : below it an answer with a subject is for review

    Returns
    -------
    status, confidence
        For "no-subject" the confidence is ``1 - presence``. A tie is "ok". An empty matte of a
        model that sees a subject all the same is for review, with a confidence of 0.

    Examples
    --------
    >>> judge(0.9, 0.99, 0.3, min_confidence=0.8)
    ('ok', 0.9)
    >>> judge(0.7, 0.99, 0.3, min_confidence=0.8)
    ('review', 0.7)
    >>> judge(0.9, 0.25, 0.3, min_confidence=0.8)
    ('no-subject', 0.75)
    >>> judge(0.9, 0.99, 0.0, min_confidence=0.0)
    ('review', 0.0)
    """
    empty = covered < SMALLEST_SUBJECT
    if presence is not None and presence < NO_SUBJECT_BELOW:
        return "no-subject", 1 - presence
    if empty and presence is None:
        return "no-subject", None
    if empty:
        return "review", 0.0
    if confidence is not None and confidence < min_confidence:
        return "review", confidence
    return "ok", confidence
