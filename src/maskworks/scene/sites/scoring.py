"""From what photos show to a score with an interval, and from scores to a ranking.

Intervals of scores: bootstrap over photos (Efron 1979), widened by sqrt(n / (n - 1)), since few
photos spread too little. Of counts: Garwood's exact Poisson interval (1936), with the variance's
excess over the mean taken out of the count (quasi-Poisson).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maskworks.scene.sites.site_policy import VENUE_FIT, MeasureName, SitePolicy
from maskworks.scene.sites.site_record import (
    Estimate,
    HourCount,
    PhotoRecord,
    SiteDecision,
    SiteExclusion,
    SiteRecord,
)

LEAST_PHOTOS = 4
"""With fewer a site gets a score, and no rank."""

DRAWS = 2000
APART = 0.95
"""The share of draws in which one site is ahead of another from which they are told apart."""

_ALIKE_BITS = 4
_PARTS = {
    "morning": range(6, 11),
    "noon": range(11, 15),
    "afternoon": range(15, 19),
    "evening": range(19, 23),
}

Values = dict[MeasureName, Callable[[PhotoRecord], float | None]]

VALUES: Values = {
    "people": lambda p: p.people,
    "vehicles": lambda p: p.vehicles,
    "retail_words": lambda p: None if p.clutter is None else len(p.retail_words),
    "windows": lambda p: p.windows,
    "openness": lambda p: p.shares.get("sky", 0.0),
    "green": lambda p: p.shares.get("vegetation", 0.0),
    "buildings": lambda p: p.shares.get("building", 0.0) + p.shares.get("window", 0.0),
    "road": lambda p: p.shares.get("road", 0.0),
    "pavement": lambda p: p.shares.get("pavement", 0.0),
    "clutter": lambda p: p.clutter,
    "own_brand": lambda p: p.own_brand,
    "competitors": lambda p: p.competitors,
    "occlusion": lambda p: p.occlusion,
    "light": lambda p: p.light,
}
"""How each measure is read off a photo; None where it was not measured."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """One measure's part in a score: its mean, what that is worth (0 to 1), its weight.

    `spread` is its part in the score's standard error, points.
    """

    name: str
    mean: float
    worth: float
    weight: float
    spread: float


@dataclass(frozen=True, eq=False, kw_only=True)
class SiteScore:
    """A site's score, 0 to 100, with its interval, and its place in the ranking.

    `rank` is None where `unranked` says why. Sites of one `group` cannot be told apart.
    `top_share` is the share of draws in which the site is among the best k. `human` is the score
    that a person gave instead; both stay.
    """

    record: SiteRecord
    score: float | None
    low: float | None
    high: float | None
    photos: int
    terms: tuple[Term, ...]
    exclusions: tuple[SiteExclusion, ...]
    counts: dict[str, Estimate]
    hours: tuple[HourCount, ...]
    decision: SiteDecision | None = None
    rank: int | None = None
    group: int | None = None
    top_share: float | None = None
    unranked: str | None = None
    advice: str = ""
    draws: NDArray[np.float64] | None = None

    @property
    def human(self) -> float | None:
        """The score that a person gave, None if nobody did."""
        return None if self.decision is None else self.decision.score


def counted_photos(record: SiteRecord) -> list[PhotoRecord]:
    """Return the photos that count."""
    return [photo for photo in record.photos if photo.left_out is None]


def without_repeats(photos: Sequence[PhotoRecord]) -> tuple[PhotoRecord, ...]:
    """Return the photos with those left out that show what an earlier one does.

    Alike are difference hashes of 64 bits with at most four that differ.
    """
    kept: list[PhotoRecord] = []
    done: list[PhotoRecord] = []
    for photo in photos:
        twin = next((each for each in kept if _bits_apart(each, photo) <= _ALIKE_BITS), None)
        if photo.left_out is not None:
            done.append(photo)
        elif twin is None:
            kept.append(photo)
            done.append(photo)
        else:
            why = f"shows the same as {twin.photo}"
            done.append(photo.model_copy(update={"left_out": why}))
    return tuple(done)


def _bits_apart(a: PhotoRecord, b: PhotoRecord) -> int:
    return (int(a.look, 16) ^ int(b.look, 16)).bit_count()


def score_site(record: SiteRecord, policy: SitePolicy) -> SiteScore:
    """Score one site by a policy; the ranking is not known yet."""
    photos = counted_photos(record)
    exclusions = find_exclusions(record, policy)
    counts = {
        "people": count_estimate([p.people for p in photos]),
        "vehicles": count_estimate([p.vehicles for p in photos]),
    }
    known = SiteScore(
        record=record,
        score=None,
        low=None,
        high=None,
        photos=len(photos),
        terms=(),
        exclusions=exclusions,
        counts=counts if photos else {},
        hours=hours_of(photos),
    )
    if not photos:
        return replace(known, unranked=_no_photo(record))
    worths, weights, terms = _worths(photos, record, policy)
    if not weights.sum():
        return replace(known, unranked="none of the policy's measures could be taken here")
    each = 100 * (worths @ weights) / weights.sum()
    draws = bootstrap(each, seed=zlib.crc32(record.id.encode()))
    low, high = (float(np.clip(np.quantile(draws, at), 0, 100)) for at in (0.025, 0.975))
    short = len(photos) < LEAST_PHOTOS
    why = f"{len(photos)} photos count, {LEAST_PHOTOS} are the least for a rank" if short else None
    return replace(
        known,
        score=float(each.mean()),
        low=None if len(photos) == 1 else low,
        high=None if len(photos) == 1 else high,
        terms=terms,
        unranked=why,
        draws=draws,
    )


def _no_photo(record: SiteRecord) -> str:
    if not record.photos:
        return "has no photo that can be read"
    reasons = sorted({photo.left_out or "" for photo in record.photos})
    return f"no photo counts: {'; '.join(reasons[:3])}"


def _worths(
    photos: Sequence[PhotoRecord], record: SiteRecord, policy: SitePolicy
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[Term, ...]]:
    """Return what each photo is worth by each measure (n, m), the weights (m,), and the terms."""
    columns, weights, terms = [], [], []
    whole = 0.0
    for rule in policy.measures:
        values = [VALUES[rule.name](photo) for photo in photos]
        there = [value for value in values if value is not None]
        if not there or not rule.weight:
            continue
        mean = sum(there) / len(there)
        worth = [rule.worth(mean if value is None else value) for value in values]
        columns.append(worth)
        weights.append(rule.weight)
        error = float(np.std(worth, ddof=1)) / math.sqrt(len(worth)) if len(worth) > 1 else 0.0
        terms.append((rule.name, mean, float(np.mean(worth)), rule.weight, error))
    fit = policy.fit_of(record.venue)
    if fit is not None and policy.fit_weight:
        columns.append([fit] * len(photos))
        weights.append(policy.fit_weight)
        terms.append((VENUE_FIT, fit, fit, policy.fit_weight, 0.0))
    whole = sum(weights) or 1.0
    told = tuple(
        Term(name=name, mean=mean, worth=worth, weight=weight, spread=100 * weight * error / whole)
        for name, mean, worth, weight, error in terms
    )
    return np.array(columns, float).T, np.array(weights, float), told


def bootstrap(values: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
    """Return draws (2000,) of the mean of values (n,), n >= 1; of one value it does not move.

    Examples
    --------
    >>> draws = bootstrap(np.array([1.0, 2.0, 3.0, 4.0]), seed=1)
    >>> draws.shape, bool(abs(draws.mean() - 2.5) < 0.05)
    ((2000,), True)
    """
    count = len(values)
    if count == 1:
        return np.full(DRAWS, values[0])
    chosen = np.random.default_rng(seed).integers(0, count, (DRAWS, count))
    mean = values.mean()
    return mean + (values[chosen].mean(1) - mean) * math.sqrt(count / (count - 1))


def count_estimate(counts: Sequence[int]) -> Estimate:
    """Return the mean of counts with its 95 % interval.

    Examples
    --------
    >>> count_estimate([0, 0, 0, 0])
    Estimate(mean=0.0, low=0.0, high=0.9222)
    """
    from scipy.stats import chi2

    if not counts:
        return Estimate(mean=0.0, low=0.0, high=0.0)
    total, number = float(sum(counts)), len(counts)
    mean = total / number
    excess = 1.0
    if number > 1 and mean > 0:
        excess = max(1.0, float(np.var(counts, ddof=1)) / mean)
    whole, part = total / excess, number / excess
    low = float(chi2.ppf(0.025, 2 * whole)) / 2 / part if whole > 0 else 0.0
    high = float(chi2.ppf(0.975, 2 * whole + 2)) / 2 / part
    return Estimate(mean=round(mean, 4), low=round(low, 4), high=round(high, 4))


def hours_of(photos: Sequence[PhotoRecord]) -> tuple[HourCount, ...]:
    """Return people and vehicles a photo for each hour of the day that photos are known from."""
    hours = sorted({photo.hour for photo in photos if photo.hour is not None})
    told = []
    for hour in hours:
        there = [photo for photo in photos if photo.hour == hour]
        told.append(
            HourCount(
                hour=hour,
                photos=len(there),
                people=count_estimate([p.people for p in there]),
                vehicles=count_estimate([p.vehicles for p in there]),
            )
        )
    return tuple(told)


def find_exclusions(record: SiteRecord, policy: SitePolicy) -> tuple[SiteExclusion, ...]:
    """Return what rules a site out: its venue, or the first sign that names such a place."""
    found = [
        SiteExclusion(rule=rule.name, proof=f"venue {record.venue}", source=rule.source)
        for rule in policy.excluded_by_venue(record.venue)
    ]
    for photo in record.photos:
        for text in photo.texts:
            for place, word in zip(text.places, text.place_words, strict=True):
                for rule in policy.excluded_by_place(place):
                    if rule.name not in {each.rule for each in found}:
                        found.append(
                            SiteExclusion(
                                rule=rule.name,
                                proof=f"{text.text!r} reads {word!r}, a {place}",
                                source=rule.source,
                                photo=photo.photo,
                                region=text.region,
                            )
                        )
    return tuple(found)


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
        if not spans or any(_is_on(spans, hour) for hour in hours)
    }
    if not on:
        return ""
    least = min(on, key=lambda name: on[name])
    return f" {'at' if least == 'noon' else 'in the'} {least}"


def _is_on(spans: Sequence[tuple[int, int]], hour: int) -> bool:
    return any(
        (start <= 60 * hour < end) if start < end else (60 * hour >= start or 60 * hour < end)
        for start, end in spans
    )


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
