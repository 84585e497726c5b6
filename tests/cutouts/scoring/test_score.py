from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from maskworks.core.errors import UsageError
from maskworks.cutouts.scoring.evidence import Evidence
from maskworks.cutouts.scoring.score import score
from maskworks.cutouts.scoring.score_model import (
    DEFAULT_FILE,
    EVIDENCE,
    Confidence,
    Isotonic,
    Limit,
    Logistic,
    ScoreModel,
    load_score_model,
    logit,
    to_toml,
    write_score_model,
)
from maskworks.studio.calibration.logistic import Coefficients, fit_logistic
from maskworks.studio.route import Rules, route

PLAIN = Evidence(
    confidence=0.97,
    presence=1.0,
    area=0.3,
    soft_edge=0.01,
    transparent=0.0,
    low_contrast=0.0,
    border=(0.0, 0.0, 0.0, 0.0),
    second=0.0,
    blur=0.2,
    fill=0.5,
)

MODEL = ScoreModel(
    version=1,
    fitted_on=date(2026, 11, 21),
    good_iou=0.85,
    confidence=Confidence(intercept=0.0, slope=1.0, clip=(0.01, 0.99)),
    evidence={
        name: Limit(below=(0.5, 0.1), weight=-1)
        if name in ("no-subject", "small-subject")
        else Limit(above=(0.2, 0.6), weight=-1)
        for name in EVIDENCE
        if name != "fill-out-of-range"
    }
    | {"fill-out-of-range": Limit(above=(0.9, 1.0), below=(0.1, 0.0), weight=-1)},
)
BIG = replace(PLAIN, area=0.6)

WORSE = {
    "no-subject": {"presence": 0.3},
    "soft-edge": {"soft_edge": 0.4},
    "transparent": {"transparent": 0.4},
    "low-contrast": {"low_contrast": 0.4},
    "touches-border": {"border": (0.0, 0.1, 0.4, 0.0)},
    "several-subjects": {"second": 0.4},
    "small-subject": {"area": 0.3},
    "blurred": {"blur": 0.4},
    "fill-out-of-range": {"fill": 0.95},
}

shares = st.floats(0, 1)
evidences = st.builds(
    Evidence,
    confidence=shares,
    presence=shares,
    area=shares,
    soft_edge=st.floats(0, 5),
    transparent=shares,
    low_contrast=shares,
    border=st.tuples(shares, shares, shares, shares),
    second=shares,
    blur=shares,
    fill=shares,
)


def test_score_without_reasons_is_the_confidence_recalibrated():
    found = score(BIG, MODEL)
    assert found.reasons == ()
    assert found.score == pytest.approx(0.97)


@pytest.mark.parametrize("name", EVIDENCE)
def test_score_is_lowered_by_the_reason_and_by_nothing_else(name):
    found = score(replace(BIG, **WORSE[name]), MODEL)
    assert [reason.name for reason in found.reasons] == [name]
    assert logit(found.score) == pytest.approx(logit(0.97) - 0.5)  # half way to the extreme


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no-subject", "the model gives 30 % for a subject to be there, less than 50 %"),
        ("soft-edge", "unsure over 40.0% of the subject's size"),
        ("transparent", "40 % of the subject is see-through (limit 20 %)"),
        ("low-contrast", "along 40 % of the outline subject and background have one colour"),
        ("touches-border", "touches the border: 40 % of the bottom side (limit 20 %)"),
        ("several-subjects", "a second piece, 40 % the size of the first"),
        ("small-subject", "covers 30.0% of the picture, less than 50.0%"),
        ("blurred", "out of focus: blur 0.40"),
        ("fill-out-of-range", "box fills 95.0% of the picture, more than 90.0%"),
    ],
)
def test_reason_says_what_was_found_and_the_limit(name, text):
    (reason,) = score(replace(BIG, **WORSE[name]), MODEL).reasons
    assert text in reason.text
    assert reason.limit == MODEL.evidence[name].broken(reason.value)


def test_fill_below_its_range_is_told_with_the_lower_limit():
    (reason,) = score(replace(BIG, fill=0.05), MODEL).reasons
    assert (reason.limit, "less than 10.0%" in reason.text) == (0.1, True)


def test_score_is_none_if_the_model_gives_no_confidence():
    found = score(replace(BIG, confidence=None, second=0.4), MODEL)
    assert found.score is None
    assert [reason.name for reason in found.reasons] == ["several-subjects"]
    assert route(found.score, found.reasons, Rules()).route == "review"


def test_score_of_an_empty_matte_is_nothing():
    found = score(replace(BIG, area=0.0001), MODEL)
    assert found.score == 0
    assert [reason.name for reason in found.reasons] == ["no-subject"]


def test_evidence_that_is_not_known_is_no_reason():
    found = score(replace(BIG, presence=None, blur=None), MODEL)
    assert (found.score, found.reasons) == (pytest.approx(0.97), ())


@settings(max_examples=150, deadline=None)
@given(evidences, shares)
def test_higher_confidence_never_lowers_the_score(evidence, other):
    low, high = sorted((evidence.confidence, other))
    one, two = (score(replace(evidence, confidence=value)).score for value in (low, high))
    assert 0 <= one <= two <= 1


@settings(max_examples=150, deadline=None)
@given(evidences, st.sampled_from(EVIDENCE))
def test_reason_never_raises_the_score(evidence, name):
    better = {"no-subject": {"presence": 1.0}, "small-subject": {"area": 1.0}}
    good = vars(PLAIN)
    within = better.get(name) or {key: good[key] for key in WORSE[name]}
    without = score(replace(evidence, **within))
    assert score(evidence).score <= without.score + 1e-12


def test_our_model_is_dated_and_says_how_it_was_fitted():
    model = load_score_model()
    assert model.fit["model"] == "cutout"
    assert model.fit["n"] >= 150
    assert model.fit["script"] == "bench/fit_score.py"
    assert model.confidence.slope > 0
    fitted, as_it_is = (
        model.metrics[name] for name in ("score, cross-validated", "confidence as it is")
    )
    assert fitted["log_loss"] < as_it_is["log_loss"]
    assert fitted["calibration_error"] < as_it_is["calibration_error"]


def test_our_model_delivers_what_the_network_is_sure_of():
    sure = score(replace(PLAIN, confidence=0.98))
    assert sure.reasons == ()
    assert sure.score >= Rules().deliver_at
    assert score(replace(PLAIN, confidence=0.6)).score < Rules().deliver_at


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((), id="plain"),
        pytest.param((Logistic(intercept=-0.5, slope=0.7),), id="logistic"),
        pytest.param(
            (
                Logistic(intercept=0.25, slope=1.5),
                Isotonic(scores=(0.1, 0.5, 0.9), chances=(0.2, 0.4, 0.8)),
            ),
            id="both",
        ),
    ],
)
def test_model_is_read_back_as_it_was_written(tmp_path, steps):
    model = load_score_model().model_copy(update={"recalibration": steps})
    write_score_model(model, tmp_path / "score.toml", heading='two\nlines "quoted"')
    assert load_score_model(tmp_path / "score.toml") == model


def test_our_file_is_what_we_would_write():
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    assert to_toml(load_score_model(), heading=text.splitlines()[0][2:]) == text


def test_recalibration_steps_follow_one_another():
    steps = (Isotonic(scores=(0.0, 1.0), chances=(0.2, 0.6)), Logistic(intercept=0.0, slope=2.0))
    model = MODEL.model_copy(update={"recalibration": steps})
    first = 0.2 + 0.4 * 0.97
    assert logit(score(BIG, model).score) == pytest.approx(2 * logit(first))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("version = 1", "version = ", "cannot be read", id="not toml"),
        pytest.param("slope = ", "slope = -", "confidence.slope", id="falls"),
        pytest.param("weight = -", "weight = ", "weight", id="raises"),
        pytest.param("[evidence.blurred]", "[evidence.blurry]", "blurry", id="unknown"),
        pytest.param("version = 1", "verison = 1", "version", id="missing"),
    ],
)
def test_model_file_that_is_wrong_is_refused_with_its_place(tmp_path, old, new, message):
    text = to_toml(load_score_model())
    assert old in text
    path = tmp_path / "score.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError, match=message) as caught:
        load_score_model(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({}, "give `above`", id="none"),
        pytest.param({"above": (0.5, 0.2)}, "extreme of `above`", id="above"),
        pytest.param({"below": (0.2, 0.5)}, "extreme of `below`", id="below"),
    ],
)
def test_limit_needs_an_extreme_beyond_it(fields, message):
    with pytest.raises(ValueError, match=message):
        Limit(**fields)


def test_fit_finds_the_coefficients_that_made_the_data():
    rng = np.random.default_rng(5)
    rows = np.column_stack([np.ones(40_000), rng.normal(size=(40_000, 2))])
    true = np.array([0.4, 1.5, -0.8])
    good = (rng.random(40_000) < 1 / (1 + np.exp(-rows @ true))).astype(float)
    free = Coefficients([-np.inf] * 3, [np.inf] * 3, [0.0] * 3, [0.0] * 3)
    assert fit_logistic(rows, good, free) == pytest.approx(true, abs=0.06)
    signed = Coefficients([-np.inf, -np.inf, 0.0], [np.inf] * 3, [0.0] * 3, [0.0] * 3)
    assert fit_logistic(rows, good, signed)[2] == 0


def test_weight_of_two_is_the_row_twice():
    rows = np.column_stack([np.ones(5), [0.0, 1.0, 2.0, 3.0, 4.0]])
    good = np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    terms = Coefficients([-np.inf] * 2, [np.inf] * 2, [0.1] * 2, [0.0] * 2)
    weights = np.array([2.0, 1.0, 1.0, 1.0, 1.0])
    twice = np.concatenate([rows[:1], rows]), np.concatenate([good[:1], good])
    weighted = fit_logistic(rows, good, terms, weights=weights)
    assert weighted == pytest.approx(fit_logistic(*twice, terms), abs=1e-4)


def test_fit_refuses_nan():
    terms = Coefficients([0.0], [1.0], [0.0], [0.0])
    with pytest.raises(UsageError, match="must be finite"):
        fit_logistic(np.array([[np.nan]]), np.array([1.0]), terms)


@pytest.fixture
def kinds(tmp_path):
    """Two roots of small pictures: discs with a truth in both, rooms without one in the second."""
    rows, columns = np.mgrid[0:60, 0:80]
    for root, kind, count in (("one", "discs", 3), ("two", "discs", 2), ("two", "rooms", 2)):
        folder = tmp_path / root / kind
        folder.mkdir(parents=True)
        for number in range(count):
            inside = np.hypot(rows - 30, columns - 40) < 12 + 4 * number
            photo = np.where(inside[..., None], (230, 60, 40), (60, 90, 60)).astype(np.uint8)
            PilImage.fromarray(photo).save(folder / f"{root}{number}.webp")
            if kind == "discs":
                truth = (inside * 255).astype(np.uint8)
                PilImage.fromarray(truth).save(folder / f"{root}{number}.png")
    return tmp_path


def test_fit_takes_any_kinds_from_several_folders(kinds):
    import fit_score

    roots = [kinds / "one", kinds / "two"]
    found = fit_score.chosen_pictures(roots, 300, 0)
    assert [(one.kind, one.path.stem, one.truth is None) for one in found] == [
        *(("discs", stem, False) for stem in ("one0", "one1", "one2", "two0", "two1")),
        *(("rooms", stem, True) for stem in ("two0", "two1")),
    ]
    few = fit_score.chosen_pictures(roots, 2, 0)
    assert [(one.kind, one.path.stem) for one in few] == [
        ("discs", "one0"),
        ("discs", "one2"),
        ("rooms", "two0"),
        ("rooms", "two1"),
    ]


def test_fit_scores_what_the_default_settings_make_of_a_picture(kinds):
    import fit_score

    found = [fit_score.examine(one) for one in fit_score.chosen_pictures([kinds / "two"], 300, 0)]
    (disc,) = [one for one in found if one and one.group == "discs-two1"]
    assert disc.iou > 0.9
    assert disc.good
    assert 0 <= disc.confidence <= 1
    assert set(disc.values) <= set(EVIDENCE)
    assert all(one.iou == 0 and not one.good for one in found if one and one.kind == "rooms")


@pytest.mark.parametrize(
    ("spoil", "folders", "message"),
    [
        pytest.param(None, ("one", "none"), "none: holds no KIND/STEM.webp", id="nothing there"),
        pytest.param("one/discs/one1.png", ("one",), "one1.png: does not exist", id="truth"),
        pytest.param(None, ("one",), "3 pictures; 1000 or more", id="few"),
        pytest.param(None, ("subjects/train",), "flatters", id="training pictures"),
    ],
)
def test_fit_says_what_it_needs(kinds, capsys, spoil, folders, message):
    import fit_score

    if spoil:
        (kinds / spoil).unlink()
    assert fit_score.main([str(kinds / name) for name in folders]) == 1
    assert message in capsys.readouterr().err


def test_fit_keeps_the_frames_of_a_film_together():
    import fit_score

    assert fit_score._group("davis", "dance-twirl_00075") == "dance-twirl"
    assert fit_score._group("ccp", "0032") == fit_score._group("ccp_alpha", "0032")
    assert fit_score._group("pets", "0032") != fit_score._group("people", "0032")
    assert fit_score._group("cars", "096") == fit_score._group("cars", "101")
    assert fit_score._group("cars", "095") != fit_score._group("cars", "096")
