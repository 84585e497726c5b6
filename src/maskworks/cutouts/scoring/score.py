"""The score of a cut-out: the model's confidence, lowered by reasons that have names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from maskworks.core.percent import percent
from maskworks.cutouts.scoring.evidence import Evidence
from maskworks.cutouts.scoring.reason import Reason
from maskworks.cutouts.scoring.score_model import (
    EVIDENCE,
    EvidenceName,
    ScoreModel,
    chance,
    load_score_model,
    logit,
)
from maskworks.models.families.saliency import SMALLEST_SUBJECT


@dataclass(frozen=True)
class Scored:
    """A score in [0, 1], None if the model gives no confidence, and the reasons against it."""

    score: float | None
    reasons: tuple[Reason, ...] = ()


def score(evidence: Evidence, model: ScoreModel | None = None) -> Scored:
    """Return the probability that a cut-out is good, and the reasons against it.

    Good means an IoU with the truth of `model.good_iou` or more. The logarithm of the odds is
    that of the confidence, stretched and shifted, plus a weight for each evidence beyond its
    limit. A higher confidence never lowers the score and no reason raises it.

    Parameters
    ----------
    model : ScoreModel, optional
        By default the one that comes with Maskworks.

    Returns
    -------
    Scored
        Its score is None if the confidence is: nobody vouches for the picture then, and
        `maskworks.studio.route.route` sends it to review. It is 0 if the matte is empty
        (`SMALLEST_SUBJECT`), with ``no-subject`` as the only reason. A reason whose weight is
        0 is told, and lowers nothing.

    Examples
    --------
    >>> plain = Evidence(confidence=0.97, presence=1.0, area=0.3, soft_edge=0.02, transparent=0,
    ...     low_contrast=0.05, border=(0, 0, 0, 0), second=0, blur=0.3, fill=0.5)
    >>> from dataclasses import replace
    >>> [reason.name for reason in score(plain).reasons]
    []
    >>> busy = score(replace(plain, second=0.6))
    >>> [(reason.name, reason.value) for reason in busy.reasons]
    [('several-subjects', 0.6)]
    """
    model = load_score_model() if model is None else model
    if evidence.area < SMALLEST_SUBJECT:
        nothing = Reason(
            "no-subject", evidence.area, SMALLEST_SUBJECT, "the cut-out is empty: no subject"
        )
        return Scored(None if evidence.confidence is None else 0.0, (nothing,))
    values = evidence_values(evidence)
    reasons = tuple(
        _reason(name, values[name], limit, evidence)
        for name in EVIDENCE
        if name in values and (limit := model.evidence[name].broken(values[name])) is not None
    )
    if evidence.confidence is None:
        return Scored(None, reasons)
    says = model.confidence
    odds = says.intercept + says.slope * float(
        logit(evidence.confidence, low=says.clip[0], high=says.clip[1])
    )
    odds += sum(
        model.evidence[name].weight * model.evidence[name].excess(value)
        for name, value in values.items()
    )
    return Scored(model.recalibrated(float(chance(odds))), reasons)


def evidence_values(evidence: Evidence) -> Mapping[EvidenceName, float]:
    """Return the number that each limit is compared with; what is not known is left out.

    Examples
    --------
    >>> values = evidence_values(Evidence(confidence=None, presence=None, area=0.2, soft_edge=0,
    ...     transparent=0, low_contrast=0, border=(0, 0, 0.4, 0), second=0, blur=None, fill=0.5))
    >>> values["touches-border"], "blurred" in values, "no-subject" in values
    (0.4, False, False)
    """
    known: dict[EvidenceName, float | None] = {
        "no-subject": evidence.presence,
        "soft-edge": evidence.soft_edge,
        "transparent": evidence.transparent,
        "low-contrast": evidence.low_contrast,
        "touches-border": max(evidence.border),
        "several-subjects": evidence.second,
        "small-subject": evidence.area,
        "blurred": evidence.blur,
        "fill-out-of-range": evidence.fill,
    }
    return {name: value for name, value in known.items() if value is not None}


Sentence = Callable[[float, float], str]

_SENTENCES: Mapping[EvidenceName, Sentence] = {
    "no-subject": lambda value, limit: (
        f"the model gives {percent(value)} for a subject to be there, less than {percent(limit)}"
    ),
    "soft-edge": lambda value, limit: (
        f"the edge is unsure over {value:.1%} of the subject's size (limit {limit:.1%}): "
        "hair, fur or a fringe"
    ),
    "transparent": lambda value, limit: (
        f"{percent(value)} of the subject is see-through (limit {percent(limit)}): glass, foil "
        "or gauze, or an unsure inside"
    ),
    "low-contrast": lambda value, limit: (
        f"along {percent(value)} of the outline subject and background have one colour "
        f"(limit {percent(limit)})"
    ),
    "several-subjects": lambda value, limit: (
        f"there is a second piece, {percent(value)} the size of the first "
        f"(limit {percent(limit)}): two subjects, or one torn apart"
    ),
    "small-subject": lambda value, limit: (
        f"the subject covers {value:.1%} of the picture, less than {limit:.1%}"
    ),
    "blurred": lambda value, limit: (
        f"the subject is out of focus: blur {value:.2f} on a scale from 0 to 1 (limit {limit:.2f})"
    ),
}


def _reason(name: EvidenceName, value: float, limit: float, evidence: Evidence) -> Reason:
    if name == "touches-border":
        sides = [
            f"{percent(share)} of the {side} side"
            for side, share in evidence.sides.items()
            if share > limit
        ]
        text = f"the subject touches the border: {', '.join(sides)} (limit {percent(limit)})"
    elif name == "fill-out-of-range":
        than = "more" if value > limit else "less"
        text = f"the subject's box fills {value:.1%} of the picture, {than} than {limit:.1%}"
    else:
        text = _SENTENCES[name](value, limit)
    return Reason(name, value, limit, text)
