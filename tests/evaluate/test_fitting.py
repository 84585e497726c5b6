from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.optimize import isotonic_regression

from maskworks.apps.cli import main
from maskworks.core.errors import ModelError, UsageError
from maskworks.evaluate.confidences import ConfidencePair, Confidences
from maskworks.evaluate.fitting import fit_confidence
from maskworks.models import load_catalogue, load_model
from maskworks.models.confidence_fit import FILE, ConfidenceFit, keep_fit, read_fits
from maskworks.quality.fits import fitted_temperature, isotonic_curve

TODAY = date(2026, 11, 21)
SHARES = st.lists(
    st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9]), st.floats(0, 1)), min_size=1
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWORKS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def too_sure(count=200):
    """Confidences whose log-odds are twice what they should be."""
    random = np.random.default_rng(3)
    reached = random.uniform(0.3, 0.99, count)
    odds = 2 * np.log(reached / (1 - reached))
    said = 1 / (1 + np.exp(-odds))
    return said, np.clip(reached + random.normal(0, 0.02, count), 0, 1)


def judged(said, reached, model="cutout"):
    rows = zip(said.tolist(), reached.tolist(), strict=True)
    return Confidences(
        tuple(ConfidencePair(str(at), s, r, raw=s, model=model) for at, (s, r) in enumerate(rows))
    )


@given(SHARES)
def test_the_curve_is_the_isotonic_regression_at_its_blocks(pairs):
    said, reached = zip(*pairs, strict=True)
    x, y = isotonic_curve(said, reached)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    levels = sorted(set(said))
    groups = [[r for s, r in pairs if s == level] for level in levels]
    means, counts = [np.mean(each) for each in groups], [len(each) for each in groups]
    theirs = isotonic_regression(means, weights=counts).x
    for level in np.unique(theirs.round(9)):
        assert np.abs(y - level).min() < 1e-6


def test_a_temperature_is_found_again():
    said, reached = too_sure()
    assert fitted_temperature(said, reached) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("method", ["isotonic", "temperature"])
def test_a_fit_mends_the_error_on_pictures_it_did_not_see(method):
    spec = load_catalogue().row("cutout")
    fit = fit_confidence(judged(*too_sure()), method, spec, today=TODAY)
    assert fit.error_before > 0.09
    assert fit.error_after < 0.02
    assert (fit.sha256, fit.pictures) == (spec.sha256, 200)
    bent = [fit.apply(level) for level in np.linspace(0, 1, 50)]
    assert bent == sorted(bent)
    assert all(0 <= each <= 1 for each in bent)


@pytest.mark.parametrize(
    ("found", "name", "message"),
    [
        pytest.param(judged(*too_sure(40)), "cutout", "takes 50 or more", id="few"),
        pytest.param(judged(*too_sure()), "u2netp", "gives no confidence", id="model"),
        pytest.param(judged(*too_sure(), "mine"), "cutout", "has rows of mine", id="other"),
    ],
)
def test_what_cannot_be_fitted_is_refused(found, name, message):
    with pytest.raises(UsageError, match=message):
        fit_confidence(found, "isotonic", load_catalogue().row(name), today=TODAY)


def test_a_fit_is_kept_read_and_taken_away(home):
    spec = load_catalogue().row("cutout")
    fit = fit_confidence(judged(*too_sure()), "isotonic", spec, today=TODAY)
    assert keep_fit("cutout", fit) == home / FILE
    assert read_fits() == {"cutout": fit}
    assert load_catalogue().row("cutout").calibration == fit
    keep_fit("cutout", None)
    assert load_catalogue().row("cutout").calibration is None


def test_a_fit_of_other_weights_is_refused(home):
    spec = load_catalogue().row("cutout")
    fit = fit_confidence(judged(*too_sure()), "isotonic", spec, today=TODAY)
    keep_fit("cutout", fit.model_copy(update={"sha256": "0" * 64}))
    with pytest.raises(ModelError, match="that of other weights"):
        load_model("cutout")
    assert load_model("cutout", calibrated=False).spec.calibration is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[cutout", "cannot be read", id="toml"),
        pytest.param('[cutout]\nmethod = "isotonic"\n', "sha256", id="keys"),
    ],
)
def test_a_damaged_file_of_fits_is_named(home, text, message):
    home.mkdir()
    (home / FILE).write_text(text)
    with pytest.raises(ModelError, match=message):
        read_fits()


def test_knots_that_fall_are_refused():
    with pytest.raises(ValueError, match="rise"):
        ConfidenceFit(
            method="isotonic", raw=(0.1, 0.2), reached=(0.5, 0.4), sha256="0",
            fitted_on=TODAY, pictures=50, error_before=0, error_after=0,
        )  # fmt: skip


def test_cutout_uses_what_was_stored_and_its_manifest_says_so(tmp_path, capsys):
    rows, columns = np.mgrid[:90, :120]
    disc = np.hypot(rows - 45, columns - 60) < 30
    photo = tmp_path / "in/disc.png"
    photo.parent.mkdir()
    Image.fromarray((np.stack([disc * 200] * 3, 2) + 20).astype(np.uint8)).save(photo)
    cut = ["cutout", str(photo.parent), "--refine", "off", "--quiet", "--threads", "1"]
    assert main([*cut, "-o", str(tmp_path / "raw")]) == 0
    before = json.loads((tmp_path / "raw/manifest.jsonl").read_text())
    assert "raw_confidence" not in before
    said, reached = too_sure()
    table = tmp_path / "scores.jsonl"
    pairs = enumerate(zip(said, reached, strict=True))
    row = [{"name": str(at), "confidence": s, "iou": r} for at, (s, r) in pairs]
    table.write_text("".join(json.dumps(each) + "\n" for each in row))
    fit = ["evaluate", "calibration", "--manifest", str(table)]
    assert main([*fit, "--store"]) == 2
    assert main([*fit, "--fit", "isotonic"]) == 2
    assert "--model NAME" in capsys.readouterr().err
    assert main([*fit, "--fit", "isotonic", "--model", "cutout", "--store"]) == 0
    assert "isotonic fit: ECE 0." in capsys.readouterr().out
    assert main([*cut, "-o", str(tmp_path / "bent")]) == 0
    after = json.loads((tmp_path / "bent/manifest.jsonl").read_text())
    assert after["raw_confidence"] == before["confidence"]
    assert after["calibration"].startswith("isotonic of ")
    bend = load_catalogue().row("cutout").calibration.apply
    assert after["confidence"] == pytest.approx(bend(before["confidence"]), abs=2e-4)
    # an earlier run's rows do not hold under another calibration
    assert main([*cut, "-o", str(tmp_path / "raw"), "--resume"]) == 0
    assert "calibration" in json.loads((tmp_path / "raw/manifest.jsonl").read_text())
    assert main(["models", "uncalibrate", "cutout"]) == 0
    assert main(["models", "uncalibrate", "cutout"]) == 2
