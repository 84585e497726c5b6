"""From scores to a ranking that says how firm it is, what would firm it up, and who agrees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maskworks.scene.sites.scoring import (
    DRAWS,
    LEAST_PHOTOS,
    SiteScore,
    counted_photos,
)
from maskworks.scene.sites.site_record import SiteDecision
from maskworks.scene.sites.table import is_on

APART = 0.95
"""The share of draws in which one site is ahead of another from which they are told apart."""

_PARTS = {
    "morning": range(6, 11),
    "noon": range(11, 15),
    "afternoon": range(15, 19),
    "evening": range(19, 23),
}


def rank_sites(
    scores: Sequence[SiteScore], decisions: Sequence[SiteDecision] = (), *, top: int | None = None
) -> list[SiteScore]:
    """Return the sites in their order: ranked ones, then those without a rank, then excluded ones.

    Parameters
    ----------
    scores : of `score_site`
    decisions : of people, the last of a site counts
    top : int, optional
        The k of "among the best k"; by default a quarter of the ranked sites, at least 1.
    """
    last = {each.site: each for each in decisions}
    known = [replace(each, decision=last.get(each.record.id)) for each in scores]
    out = [each for each in known if _is_out(each)]
    ranked = [each for each in known if not _is_out(each) and each.unranked is None]
    rest = [each for each in known if not _is_out(each) and each.unranked is not None]
    ranked.sort(key=lambda each: (-_counts_as(each), each.record.id))
    placed = _grouped(ranked, top or max(1, len(ranked) // 4))
    return [
        *placed,
        *(replace(each, advice=_more_photos(each)) for each in rest),
        *(replace(each, unranked=_why_out(each)) for each in out),
    ]


def _is_out(each: SiteScore) -> bool:
    if each.decision is not None:
        return each.decision.verdict == "exclude"
    return bool(each.exclusions)


def _why_out(each: SiteScore) -> str:
    if each.decision is not None:
        return f"excluded by {each.decision.reviewer}: {each.decision.reason or 'no reason given'}"
    return f"excluded: {each.exclusions[0].rule}"


def _counts_as(each: SiteScore) -> float:
    return each.human if each.human is not None else (each.score or 0.0)


def _grouped(ranked: Sequence[SiteScore], top: int) -> list[SiteScore]:
    if not ranked:
        return []
    draws = np.stack([_draws_of(each) for each in ranked])
    places = (-draws).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    placed: list[SiteScore] = []
    leader, group = 0, 1
    for at, each in enumerate(ranked):
        ahead = float((draws[leader] > draws[at]).mean())
        if at != leader and ahead >= APART:
            leader, group = at, group + 1
        placed.append(
            replace(
                each,
                rank=at + 1,
                group=group,
                top_share=round(float((places[at] < top).mean()), 4),
                advice=_advice(at, ranked, draws),
            )
        )
    return placed


def _draws_of(each: SiteScore) -> NDArray[np.float64]:
    if each.human is not None:
        return np.full(DRAWS, each.human)
    if each.draws is None:
        raise AssertionError("a ranked site has draws")
    return each.draws


def _advice(at: int, ranked: Sequence[SiteScore], draws: NDArray[np.float64]) -> str:
    """Say what would firm up a site's place the most: how many photos, of which time of day."""
    each = ranked[at]
    if each.human is not None or each.low is None or each.high is None or each.score is None:
        return ""
    near = min(
        (other for other in range(len(ranked)) if other != at),
        key=lambda other: abs(_counts_as(ranked[other]) - each.score),  # type: ignore[operator]
        default=None,
    )
    half = (each.high - each.low) / 2
    if near is None or half < 0.05:
        return ""
    ahead = float((draws[at] > draws[near]).mean())
    if max(ahead, 1 - ahead) >= APART:
        return ""
    gap = abs(_counts_as(ranked[near]) - each.score)
    wanted = max(gap / 1.4, half / 2)
    more = max(1, math.ceil(each.photos * (half / wanted) ** 2) - each.photos)
    widest = max(each.terms, key=lambda term: term.spread)
    return (
        f"{more} more {'photo' if more == 1 else 'photos'}{_at_time(each)}: interval of "
        f"{half:.1f} points to about {half * math.sqrt(each.photos / (each.photos + more)):.1f}, "
        f"{gap:.1f} from {ranked[near].record.name}; {widest.name.replace('_', ' ')} varies most"
    )


def _more_photos(each: SiteScore) -> str:
    missing = LEAST_PHOTOS - each.photos
    if missing <= 0 or each.unranked is None:
        return ""
    return f"{missing} more {'photo' if missing == 1 else 'photos'}{_at_time(each)} for a rank"


def _at_time(each: SiteScore) -> str:
    """Name the part of the day, of those the screen is on, that has the fewest photos."""
    seen = [photo.hour for photo in counted_photos(each.record) if photo.hour is not None]
    if not seen:
        return " of known hours"
    spans = each.record.hours
    on = {
        name: sum(hour in hours for hour in seen)
        for name, hours in _PARTS.items()
        if any(is_on(spans, hour) for hour in hours)
    }
    if not on:
        return ""
    least = min(on, key=lambda name: on[name])
    return f" {'at' if least == 'noon' else 'in the'} {least}"


@dataclass(frozen=True)
class SiteAgreement:
    """How far score and people agree.

    `ordered` is the share of the pairs of an accepted and an excluded site in which the accepted
    one scores higher, `mean_change` the mean change where a person set the score.
    """

    accepted: int
    excluded: int
    overridden: int
    ordered: float | None
    mean_change: float | None


def agreement_of(scores: Sequence[SiteScore]) -> SiteAgreement:
    """Return how far the scores agree with what people decided."""
    decided = [each for each in scores if each.decision is not None and each.score is not None]
    yes = [
        each.score or 0.0 for each in decided if each.decision and each.decision.verdict == "accept"
    ]
    no = [
        each.score or 0.0
        for each in decided
        if each.decision and each.decision.verdict == "exclude"
    ]
    changed = [
        (each.human or 0.0) - (each.score or 0.0) for each in decided if each.human is not None
    ]
    pairs = [(a > b) + 0.5 * (a == b) for a in yes for b in no]
    return SiteAgreement(
        len(yes),
        len(no),
        len(changed),
        float(np.mean(pairs)) if pairs else None,
        float(np.mean(changed)) if changed else None,
    )
