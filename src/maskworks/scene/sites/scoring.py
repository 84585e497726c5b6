"""From what photos show to a score with an interval.

Intervals of scores: bootstrap over photos (Efron 1979), widened by sqrt(n / (n - 1)), since few
photos spread too little. Of counts: Garwood's exact Poisson interval (1936), with the variance's
excess over the mean taken out of the count (quasi-Poisson).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

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
_ALIKE_BITS = 4
_SAME_S = 60.0

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
class ScoreTerm:
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
    terms: tuple[ScoreTerm, ...]
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

    Alike are difference hashes of 64 bits with at most four that differ. A fixed camera shows the
    same street again and again: photos of different minutes or hours are no repeats.
    """
    kept: list[PhotoRecord] = []
    done: list[PhotoRecord] = []
    for photo in photos:
        twin = next((each for each in kept if _is_repeat(each, photo)), None)
        if photo.left_out is not None:
            done.append(photo)
        elif twin is None:
            kept.append(photo)
            done.append(photo)
        else:
            why = f"shows the same as {twin.photo}"
            done.append(photo.model_copy(update={"left_out": why}))
    return tuple(done)


def _is_repeat(a: PhotoRecord, b: PhotoRecord) -> bool:
    if (int(a.difference_hash, 16) ^ int(b.difference_hash, 16)).bit_count() > _ALIKE_BITS:
        return False
    if a.at is not None and b.at is not None:
        apart = datetime.fromisoformat(a.at) - datetime.fromisoformat(b.at)
        return abs(apart.total_seconds()) <= _SAME_S
    return a.hour is None or b.hour is None or a.hour == b.hour


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
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[ScoreTerm, ...]]:
    """Return what each photo is worth by each measure (n, m), the weights (m,), and the terms."""
    columns: list[list[float]] = []
    weights: list[float] = []
    terms: list[tuple[str, float, float, float, float]] = []
    for rule in policy.measures:
        values = [VALUES[rule.name](photo) for photo in photos]
        there = [value for value in values if value is not None]
        if not there or not rule.weight:
            continue
        mean = sum(there) / len(there)
        worth = [rule.worth(mean if value is None else value) for value in values]
        columns.append(worth)
        weights.append(rule.weight)
        error = (
            100 * float(np.std(worth, ddof=1)) / math.sqrt(len(worth)) if len(worth) > 1 else 0.0
        )
        terms.append((rule.name, mean, float(np.mean(worth)), rule.weight, error))
    fit = policy.fit_of(record.venue)
    if fit is not None and policy.fit_weight:
        columns.append([fit] * len(photos))
        weights.append(policy.fit_weight)
        terms.append((VENUE_FIT, fit, fit, policy.fit_weight, 0.0))
    whole = sum(weights) or 1.0
    told = tuple(
        ScoreTerm(
            name=name, mean=mean, worth=worth, weight=weight, spread=100 * weight * error / whole
        )
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
    mean = float(values.mean())
    drawn: NDArray[np.float64] = values[chosen].mean(1)
    return mean + (drawn - mean) * math.sqrt(count / (count - 1))


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
