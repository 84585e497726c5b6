from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from maskworks.apps.cli.main import main
from maskworks.core.errors import UsageError
from maskworks.cutouts.scoring.reason import Reason
from maskworks.cutouts.scoring.score_model import (
    DEFAULT_FILE,
    Isotonic,
    Logistic,
    digest_of,
    load_score_model,
)
from maskworks.quality import calibration_error
from maskworks.studio.calibration.calibrate import FEWEST, THRESHOLDS, apply_calibration, calibrate
from maskworks.studio.calibration.judged import JudgedItem, judged_items, read_judged
from maskworks.studio.store import (
    Judgement,
    NewItem,
    Outcome,
    Output,
    add,
    claim,
    database_beside,
    decide,
    finish,
    hold,
    list_items,
    open_campaign,
    open_store,
    release,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def chance(score, intercept=-1.0, slope=0.6):
    """How often a picture of this score is accepted: less often than the score says."""
    odds = intercept + slope * np.log(score / (1 - score))
    return 1 / (1 + np.exp(-odds))


def decisions(count, seed=0, truth=chance) -> list[JudgedItem]:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.05, 0.995, count)
    accepted = rng.random(count) < truth(scores)
    return [
        JudgedItem(source=f"{n:05}.jpg", score=float(s), good=bool(g))
        for n, (s, g) in enumerate(zip(scores, accepted, strict=True))
    ]


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a calibration reads of a row of the store."""

    id: int
    source: str
    score: float | None = 0.9
    spot_check: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Said:
    """The same of a review or an event, `after` so many minutes."""

    item_id: int
    decision: str = "accept"
    what: str = "decided"
    after: int = 0

    @property
    def at(self):
        return NOON + timedelta(minutes=self.after)


@pytest.mark.parametrize(
    ("count", "method"),
    [pytest.param(400, Logistic, id="few"), pytest.param(4000, Isotonic, id="many")],
)
def test_calibration_brings_scores_to_what_people_accept(count, method):
    found = calibrate(decisions(count))
    assert isinstance(found.recalibration, method)
    assert found.before.error > 0.15
    assert found.after.error < found.before.error / 2
    assert found.after.log_loss < found.before.log_loss
    scores = np.array([0.2, 0.5, 0.8, 0.95])
    assert found.recalibration.apply(scores) == pytest.approx(chance(scores), abs=0.12)


def test_calibration_leaves_calibrated_scores_alone():
    found = calibrate(decisions(900, truth=lambda score: score))
    assert found.recalibration.intercept == pytest.approx(0, abs=0.3)
    assert found.recalibration.slope == pytest.approx(1, abs=0.2)


def test_calibration_measures_as_quality_does():
    judged = decisions(300)
    found = calibrate(judged)
    scores, good = [one.score for one in judged], [one.good for one in judged]
    assert found.before.error == pytest.approx(calibration_error(scores, good))
    assert sum(bar.count for bar in found.before.bins) == found.n == 300


def test_flag_rate_is_counted_and_rises_with_the_threshold():
    judged = decisions(400)
    found = calibrate(judged)
    bent = found.recalibration.apply(np.array([one.score for one in judged]))
    good = np.array([one.good for one in judged])
    flagged = [row.flagged for row in found.thresholds]
    assert flagged == sorted(flagged)
    assert [row.deliver_at for row in found.thresholds] == list(THRESHOLDS)
    first = found.thresholds[0]
    assert first.flagged == pytest.approx((bent < 0.5).mean())
    assert first.wrong == pytest.approx(1 - good[bent >= 0.5].mean())
    assert np.isnan(calibrate(judged, thresholds=(1.0,)).thresholds[0].wrong)


def test_spot_check_counts_for_all_it_stands_for():
    once = decisions(300)
    heavy = [JudgedItem(source=o.source, score=o.score, good=o.good, weight=3.0) for o in once]
    same, thrice = calibrate(once), calibrate(heavy)
    assert thrice.recalibration.slope == pytest.approx(same.recalibration.slope)
    mixed = [
        JudgedItem(
            source=o.source, score=o.score, good=o.good, weight=9.0 if o.score > 0.9 else 1.0
        )
        for o in once
    ]
    assert calibrate(mixed).thresholds[0].flagged < same.thresholds[0].flagged


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        pytest.param([], "are 0 decisions with a score.*needs 100.*review 100 more", id="none"),
        pytest.param(decisions(99), r"99 decisions.*review \d+ more", id="few"),
        pytest.param(
            [JudgedItem(source=str(n), score=0.9, good=True) for n in range(500)],
            "500 accepted, 0 not.*at least 10 of either kind: review 10 more",
            id="one kind",
        ),
        pytest.param(
            decisions(300, truth=lambda score: 1 - score), "not accepted more often", id="inverse"
        ),
        pytest.param(
            decisions(1500, truth=lambda score: 1 - score),
            "not accepted more often",
            id="inverse, many",
        ),
    ],
)
def test_calibration_refuses_decisions_that_do_not_tell(judged, message):
    with pytest.raises(UsageError, match=message):
        calibrate(judged)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"score": 1.2}, "score is 1.2", id="score"),
        pytest.param({"score": 0.5, "weight": 0.0}, "weight is 0", id="weight"),
    ],
)
def test_judged_refuses_numbers_out_of_range(fields, message):
    with pytest.raises(UsageError, match=message):
        JudgedItem(source="a.jpg", good=True, **fields)


def test_new_model_keeps_the_old_one_and_adds_a_step():
    model, found = load_score_model(), calibrate(decisions(200))
    new = apply_calibration(model, found, today=date(2027, 1, 2), origin="spring.toml")
    assert (new.version, new.fitted_on) == (model.version + 1, date(2027, 1, 2))
    assert new.recalibration == (*model.recalibration, found.recalibration)
    assert new.evidence == model.evidence
    assert new.fit["decisions"] == 200
    assert new.fit["n"] == model.fit["n"]


def test_decisions_are_read_with_their_scores(tmp_path):
    table = tmp_path / "decisions.csv"
    table.write_text(
        "source,outcome,score,when\n"
        "a.jpg,accept,0.9,2026-11-21T10:00\n"
        "a.jpg,fix,0.9,2026-11-21T11:00\n"
        "b.jpg,accept,,2026-11-21T10:00\n"
        "c.jpg,reject,0.25,2026-11-21T10:00\n",
        encoding="utf-8",
    )
    rows = [
        {"source": "a.jpg", "outcome": "fix", "score": 0.9},
        {"source": "b.jpg", "outcome": "accept", "score": None},
        {"source": "c.jpg", "outcome": "reject", "score": 0.25},
    ]
    listed, lines = tmp_path / "decisions.json", tmp_path / "decisions.jsonl"
    listed.write_text(json.dumps(rows), encoding="utf-8")
    lines.write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    wanted = {JudgedItem(source="a.jpg", score=0.9, good=False)}
    wanted |= {JudgedItem(source="c.jpg", score=0.25, good=False)}
    for path in (table, listed, lines):
        assert set(read_judged(path)) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("source,outcome\na,accept\n", "no column 'score'", id="no column"),
        pytest.param("source,outcome,score\na,accept,high\n", "row 1: .*numbers", id="no number"),
        pytest.param("source,outcome,score\na,accept,7\n", "score is 7", id="out of range"),
    ],
)
def test_decisions_without_a_usable_score_are_refused(tmp_path, text, message):
    path = tmp_path / "decisions.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_judged(path)


def test_last_decision_before_the_retoucher_counts():
    items = [Item(id=n, source=f"{n}.jpg") for n in range(4)]
    reviews = [
        Said(item_id=0),
        Said(item_id=0, decision="reject", after=1),
        Said(item_id=1, decision="fix"),
        Said(item_id=1, after=9),  # of what the retoucher made
        Said(item_id=2, after=9),
    ]
    events = [
        Said(item_id=1, what="ingested", after=5),
        Said(item_id=2, what="ingested", after=5),
        Said(item_id=2, what="ingested", after=20),
    ]
    found = {one.source: one.good for one in judged_items(items, reviews, events)}
    assert found == {"0.jpg": False, "1.jpg": False}


def test_decided_spot_check_weighs_one_by_its_share():
    chosen = Reason("spot-check", 0.01, 0.05, "looked at all the same")
    items = [
        Item(id=1, source="a.jpg", spot_check=True, reasons=(chosen,)),
        Item(id=2, source="b.jpg"),
        Item(id=3, source="c.jpg", score=None),
    ]
    reviews = [Said(item_id=number) for number in (1, 2, 3)]
    weights = {one.source: one.weight for one in judged_items(items, reviews, [])}
    assert weights == {"a.jpg": pytest.approx(20), "b.jpg": 1}


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "decisions.csv"
    rows = [f"{one.source},{'accept' if one.good else 'fix'},{one.score}" for one in decisions(250)]
    path.write_text("\n".join(["source,outcome,score", *rows]), encoding="utf-8")
    return path


def test_command_writes_a_score_file_that_can_be_used(export, tmp_path, capsys):
    out = tmp_path / "score.toml"
    assert main(["calibrate", str(export), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "250 decisions" in printed
    assert "deliver_at" in printed
    assert load_score_model(out).version == load_score_model().version + 1
    assert main(["calibrate", str(export), "--out", str(out)]) == 1
    assert "exists already" in capsys.readouterr().err


def test_command_prints_json_and_writes_nothing_unasked(export, tmp_path, capsys):
    assert main(["calibrate", str(export), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["n"] == 250
    assert record["recalibration"]["method"] == "logistic"
    assert record["after"]["error"] < record["before"]["error"]
    assert [path.name for path in tmp_path.iterdir()] == ["decisions.csv"]


def test_command_takes_scores_of_the_campaign_s_own_score_file_only(campaign_folder, capsys):
    fill_store(campaign_folder, decisions(120), scorer="another file")
    assert main(["calibrate", str(campaign_folder.file)]) == 2
    said = capsys.readouterr().err
    assert "note: 120 decided pictures have a score of another score file" in said
    assert "there are 0 decisions with a score" in said


def test_command_reads_the_decisions_of_a_campaign(campaign_folder, capsys):
    judged = decisions(120)
    fill_store(campaign_folder, judged, scorer=digest_of(DEFAULT_FILE))
    assert main(["calibrate", str(campaign_folder.file), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["n"], record["good"]) == (120, sum(one.good for one in judged))


def fill_store(campaign_folder, judged, *, scorer):
    """Write a campaign's database as a run and a reviewer leave it."""
    with open_store(database_beside(campaign_folder.file)) as store:
        campaign = open_campaign(store, "spring-skincare", currency="USD", settings="x")
        with hold(store, campaign) as worker:
            release(store, worker)
            pictures = [
                NewItem(source=one.source, content="ab" * 32, settings="x") for one in judged
            ]
            add(store, worker, pictures)
            scores = {one.source: one.score for one in judged}
            good = {one.source: one.good for one in judged}
            while items := claim(store, worker, 200):
                for item in items:
                    score = scores[item.source]
                    finish(store, item, Outcome(route="review", score=score, scorer=scorer))
        for item in list_items(store, campaign):
            said = Judgement(decision="fix", who="ana", why="edge")
            if good[item.source]:
                output = Output(path=item.source, sha256="ab" * 32, width=1, height=1, bytes=9)
                said = Judgement(decision="accept", who="ana", why="")
                decide(store, item.id, said, made=(output,))
            else:
                decide(store, item.id, said)


def test_command_says_how_many_decisions_are_missing(tmp_path, capsys):
    path = tmp_path / "few.csv"
    path.write_text("source,outcome,score\na.jpg,accept,0.9\n", encoding="utf-8")
    assert main(["calibrate", str(path)]) == 2
    assert f"needs {FEWEST}" in capsys.readouterr().err
