"""Scores, intervals and ranks from photos whose measures are known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from maskworks.scene.sites.ranking import agreement_of, rank_sites
from maskworks.scene.sites.scoring import (
    bootstrap,
    count_estimate,
    hours_of,
    score_site,
    without_repeats,
)
from maskworks.scene.sites.site_policy import MeasureRule, SitePolicy, VenueFit, read_site_policy
from maskworks.scene.sites.site_record import PhotoRecord, SiteDecision, SiteRecord, SiteText

DAY = date(2026, 12, 1)


def photo(at=0, *, people=0, bits=None, **more):
    known = {
        "photo": f"{at}.jpg",
        "width": 640,
        "height": 480,
        "shares": {"sky": 0.2, "vegetation": 0.1},
        "people": people,
        "vehicles": 1,
        "windows": None,
        "retail_words": (),
        "text_regions": 0,
        "clutter": 0.0,
        "own_brand": None,
        "competitors": None,
        "occlusion": None,
        "light": 0.5,
        "sharpness": 100.0,
        "difference_hash": bits or f"{at * 0x1111111111111111 % 2**64:016x}",
    }
    return PhotoRecord(**(known | more))


def site(name, photos, **more):
    known = {
        "id": name,
        "name": name.upper(),
        "venue": None,
        "lat": None,
        "lon": None,
        "audience": None,
        "hours": (),
        "fingerprint": "x",
        "version": "1",
        "network": "street",
        "counter": "regions",
        "reader": "none",
        "photos": tuple(photos),
    }
    return SiteRecord(**(known | more))


def people_policy(**more):
    rule = MeasureRule(name="people", weight=1, low=0, high=10, source="test", checked=DAY)
    return SitePolicy(name="test", date=DAY, measures=(rule,), **more)


def test_a_score_is_the_weighted_worth_of_what_was_measured():
    busy = site("busy", [photo(at, people=5) for at in range(4)])
    assert score_site(busy, people_policy()).score == pytest.approx(50)
    sky = MeasureRule(name="openness", weight=3, low=0, high=0.4, source="test", checked=DAY)
    both = people_policy().model_copy(update={"measures": (*people_policy().measures, sky)})
    assert score_site(busy, both).score == pytest.approx(50)  # (5/10 + 3 * .2/.4) / 4
    less = sky.model_copy(update={"low": 0.4, "high": 0.2})
    both = both.model_copy(update={"measures": (*people_policy().measures, less)})
    assert score_site(busy, both).score == pytest.approx(100 * (0.5 + 3) / 4)


def test_what_was_not_measured_does_not_count():
    hidden = MeasureRule(name="occlusion", weight=5, low=0.5, high=0, source="test", checked=DAY)
    policy = people_policy()
    policy = policy.model_copy(update={"measures": (*policy.measures, hidden)})
    found = score_site(site("a", [photo(at, people=10) for at in range(4)]), policy)
    assert found.score == pytest.approx(100)
    assert [term.name for term in found.terms] == ["people"]


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random, covered = np.random.default_rng(3), 0
    for at in range(200):
        values = random.normal(50, 10, 8)
        low, high = np.quantile(bootstrap(values, seed=at), (0.025, 0.975))
        covered += low <= 50 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_interval_of_a_count_is_poissons_or_wider():
    same = count_estimate([4, 4, 4, 4])
    assert (same.mean, same.low, same.high) == pytest.approx((4, 2.2865, 6.4959), abs=2e-3)
    wild = count_estimate([0, 0, 0, 16])
    assert wild.mean == 4
    assert wild.low < same.low
    assert wild.high > same.high
    assert count_estimate([0] * 10).high == pytest.approx(0.3689, abs=1e-3)


def test_few_photos_get_a_score_and_no_rank_and_say_what_is_missing():
    ranked = rank_sites(
        [
            score_site(site("few", [photo(at, people=9) for at in range(3)]), people_policy()),
            score_site(site("full", [photo(at, people=1) for at in range(4)]), people_policy()),
        ]
    )
    assert [(each.record.id, each.rank) for each in ranked] == [("full", 1), ("few", None)]
    assert ranked[1].unranked == "3 photos count, 4 are the least for a rank"
    assert ranked[1].advice == "1 more photo of known hours for a rank"
    assert ranked[1].score == pytest.approx(90)


def test_sites_that_cannot_be_told_apart_share_a_group():
    def near(name, most):
        counts = [most - 2, most, most + 2, most, most - 1, most + 1]
        return site(name, [photo(at, people=n) for at, n in enumerate(counts)])

    ranked = rank_sites(
        [score_site(near(*each), people_policy()) for each in (("a", 8), ("b", 7), ("c", 2))], top=1
    )
    assert [(each.record.id, each.group) for each in ranked] == [("a", 1), ("b", 1), ("c", 2)]
    assert ranked[0].top_share + ranked[1].top_share == pytest.approx(1, abs=0.05)
    assert ranked[2].top_share == 0
    assert "more photo" in ranked[0].advice
    assert "from B" in ranked[0].advice


def test_advice_names_the_hours_that_lack_photos():
    photos = [photo(at, people=at % 5, hour=9 + 7 * (at % 2)) for at in range(6)]
    others = [photo(at, people=(at + 1) % 5, hour=9) for at in range(6)]
    on = ((8 * 60, 18 * 60),)
    ranked = rank_sites(
        [
            score_site(site("a", photos, hours=on), people_policy()),
            score_site(site("b", others, hours=on), people_policy()),
        ]
    )
    assert "at noon" in next(each for each in ranked if each.record.id == "a").advice


def test_photos_that_show_the_same_count_once():
    twice = [photo(1), photo(2, bits=photo(1).difference_hash), photo(3)]
    found = without_repeats(twice)
    assert [each.left_out for each in found] == [None, "shows the same as 1.jpg", None]
    fixed = [photo(at, bits=photo(1).difference_hash, hour=at) for at in range(8, 12)]
    assert not any(each.left_out for each in without_repeats(fixed))


def test_counts_are_told_by_hour():
    found = hours_of([photo(0, people=2, hour=8), photo(1, people=4, hour=8), photo(2, hour=20)])
    assert [(each.hour, each.photos, each.people.mean) for each in found] == [(8, 2, 3), (20, 1, 0)]


def text_of(word, place):
    region = {"top": 1, "left": 1, "bottom": 9, "right": 40}
    return SiteText(
        text=word.upper(), score=0.9, region=region, places=(place,), place_words=(word,)
    )


def test_alcohol_near_a_school_is_ruled_out_with_the_word_as_proof_and_a_person_may_override():
    policy = read_site_policy().model_copy(update={"category": 1002})
    school = photo(0, people=9, texts=(text_of("grundschule", "school"),))
    near = score_site(site("near", [school, *(photo(at) for at in range(1, 5))]), policy)
    far = score_site(site("far", [photo(at) for at in range(5)]), policy)
    ranked = rank_sites([near, far])
    assert [(each.record.id, each.rank) for each in ranked] == [("far", 1), ("near", None)]
    assert ranked[1].unranked == "excluded: alcohol near schools"
    found = ranked[1].exclusions[0]
    assert (found.photo, found.proof) == ("0.jpg", "'GRUNDSCHULE' reads 'grundschule', a school")
    said = SiteDecision(
        site="near", verdict="accept", reviewer="ana", reason="it moved away", at="2026-12-01"
    )
    again = rank_sites([near, far], [said])
    assert {each.record.id for each in again if each.rank} == {"near", "far"}
    assert not score_site(site("near", [school]), read_site_policy()).exclusions


def test_a_venue_rules_out_with_all_below_it_and_its_fit_is_a_measure():
    fit = VenueFit(categories=(1058,), venues=(2,), fit=1.0, source="test", checked=DAY)
    policy = people_policy(category=1058, fits=(fit,), fit_weight=1.0)
    mall = score_site(site("mall", [photo(at) for at in range(4)], venue=20501), policy)
    assert mall.score == pytest.approx(50)
    drink = read_site_policy().model_copy(update={"category": 1002})
    assert score_site(site("s", [photo(0)], venue=60201), drink).exclusions[0].proof == (
        "venue 60201"
    )


def test_both_figures_stay_and_agreement_is_told():
    scores = [
        score_site(site(name, [photo(at, people=n) for at in range(4)]), people_policy())
        for name, n in (("a", 8), ("b", 6), ("c", 2))
    ]

    def said(name, verdict, score=None):
        return SiteDecision(
            site=name, verdict=verdict, reviewer="ana", reason="r", score=score, at="2026-12-01"
        )

    ranked = rank_sites(
        scores, [said("a", "override", 10.0), said("b", "accept"), said("c", "exclude")]
    )
    assert [(each.record.id, each.rank) for each in ranked] == [("b", 1), ("a", 2), ("c", None)]
    assert ranked[1].score == pytest.approx(80)
    assert ranked[1].human == 10
    found = agreement_of(ranked)
    assert (found.accepted, found.excluded, found.overridden) == (1, 1, 1)
    assert found.ordered == 1
    assert found.mean_change == pytest.approx(-70)
