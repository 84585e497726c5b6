"""Against TrackEval 1.3.0: its figures for these files lie beside them, and where it is installed
(its wheel brings another OpenCV, so it is no dependency of the tests) it is asked anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import maskworks as mw
from maskworks.apps.cli.main import main
from maskworks.core.errors import EvaluationError, UsageError
from maskworks.evaluate.tracks import read_mot
from maskworks.models.families.box_answers import box_ious

HERE = Path(__file__).with_name("tracks")
THEIRS = json.loads((HERE / "trackeval-1.3.0.json").read_text())
NAMES = ("street", "yard", "hall")


@pytest.fixture
def folders(tmp_path):
    truth, predictions = tmp_path / "truth", tmp_path / "predictions"
    predictions.mkdir()
    for name in NAMES:
        place = truth / name / "gt" / "gt.txt"
        place.parent.mkdir(parents=True)
        place.write_text((HERE / f"{name}.truth.txt").read_text())
        (predictions / f"{name}.mot.txt").write_text((HERE / f"{name}.guess.txt").read_text())
    return truth, predictions


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_scores_as_trackeval_says(name):
    found = mw.evaluate_tracks(HERE / f"{name}.truth.txt", HERE / f"{name}.guess.txt")
    assert found.figures() == pytest.approx(THEIRS[name], abs=1e-9)


def test_sequences_together_score_as_trackeval_says(folders):
    assert mw.evaluate_tracks(*folders).figures() == pytest.approx(THEIRS["together"], abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_trackeval_itself_says_so(name):
    metrics = pytest.importorskip("trackeval.metrics")
    truth = read_mot(HERE / f"{name}.truth.txt", truth=True)
    guess = read_mot(HERE / f"{name}.guess.txt", truth=False)
    frames = sorted(truth | guess)
    none = (np.zeros(0, np.int64), np.zeros((0, 4)))
    pairs = [(truth.get(at, none), guess.get(at, none)) for at in frames]
    ids = [np.unique(np.concatenate([pair[side][0] for pair in pairs])) for side in (0, 1)]
    data = {
        "gt_ids": [np.searchsorted(ids[0], true[0]) for true, _ in pairs],
        "tracker_ids": [np.searchsorted(ids[1], found[0]) for _, found in pairs],
        "similarity_scores": [box_ious(true[1], found[1]) for true, found in pairs],
        "num_timesteps": len(pairs),
        "num_gt_ids": len(ids[0]),
        "num_tracker_ids": len(ids[1]),
        "num_gt_dets": sum(len(true[0]) for true, _ in pairs),
        "num_tracker_dets": sum(len(found[0]) for _, found in pairs),
    }
    assert metrics.HOTA().eval_sequence(data)["HOTA"].mean() == pytest.approx(THEIRS[name]["HOTA"])
    clear = metrics.CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    assert clear["MOTA"] == pytest.approx(THEIRS[name]["MOTA"])
    identity = metrics.Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    assert identity["IDF1"] == pytest.approx(THEIRS[name]["IDF1"])


def test_the_command_prints_and_writes_the_same(folders, tmp_path, capsys):
    truth, predictions = map(str, folders)
    target = tmp_path / "scores.json"
    given = ["--truth", truth, "--predictions", predictions, "--json", str(target)]
    assert main(["evaluate", "tracks", *given]) == 0
    assert f"{THEIRS['together']['HOTA']:.3f}" in capsys.readouterr().out
    record = json.loads(target.read_text())
    assert record["HOTA"] == pytest.approx(THEIRS["together"]["HOTA"], abs=1e-9)
    assert record["counts"]["sequences"] == 3


def test_a_missing_prediction_is_an_error_or_counts_as_empty(folders):
    truth, predictions = folders
    (predictions / "hall.mot.txt").unlink()
    with pytest.raises(EvaluationError, match="hall: has no prediction"):
        mw.evaluate_tracks(truth, predictions)
    found = mw.evaluate_tracks(truth, predictions, allow_missing=True)
    assert found.record()["per_sequence"]["hall"]["HOTA"] == 0
    assert found.missing == ("hall",)


def test_rows_of_the_truth_that_do_not_count_are_left_out(tmp_path):
    truth, guess = tmp_path / "truth.txt", tmp_path / "guess.txt"
    truth.write_text("1,1,0,0,10,10,1,1,1\n1,2,50,0,10,10,0,1,1\n")
    guess.write_text("1,1,0,0,10,10,0,-1,-1,-1\n")
    assert mw.evaluate_tracks(truth, guess).figures()["MOTA"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,1,0,0\n", r"line 1: a row is frame, id, left, top"),
        ("1,1,0,0,5,5\n1,one,0,0,5,5\n", "line 2: a row is frame"),
        ("1,1,0,0,5,5\n1,1,9,9,5,5\n", "line 2: the id 1 is twice in frame 1"),
        ("1,1,0,0,-5,5\n", "line 1: a box has a size of 0 or more"),
        ("1,1,nan,0,5,5\n", "line 1: a box has"),
    ],
    ids=["short", "word", "twice", "negative", "nan"],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, message):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(EvaluationError, match=message):
        mw.evaluate_tracks(path, path)


def test_paths_that_do_not_fit_are_refused(folders):
    truth, predictions = folders
    with pytest.raises(UsageError, match="no such file or folder"):
        mw.evaluate_tracks(truth / "none", predictions)
    with pytest.raises(UsageError, match="two files or two folders"):
        mw.evaluate_tracks(truth, predictions / "hall.mot.txt")
