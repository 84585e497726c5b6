"""bench/third_party.py scores label maps rightly, and says what it lacks."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from third_party import TRIALS, main, missing, scored


def test_what_is_missing_is_named_and_the_rest_goes_on(tmp_path, capsys):
    assert main(["--shared", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert all(trial.file in said for trial in TRIALS)
    assert "name the folder that has weights/ and data/ by --shared" in said


def test_nothing_is_missing_where_both_are(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / TRIALS[0].file).write_bytes(b"")
    assert "subjects" in missing(TRIALS[0], tmp_path)
    (tmp_path / "data" / TRIALS[0].pictures).mkdir(parents=True)
    assert missing(TRIALS[0], tmp_path) is None


def test_pixels_of_unknown_truth_do_not_count(tmp_path):
    road = TRIALS[2]
    truth = np.array([[3, 3, 3, 11], [0, 0, 3, 11]], np.uint8)
    found = np.array([[1, 3, 0, 1], [1, 0, 1, 1]], np.uint8)
    Image.fromarray(truth).save(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    Image.fromarray(found).save(tmp_path / "out/a.png")
    count, iou, mean = scored(road, [tmp_path / "a.webp"], tmp_path / "out")
    assert (count, iou, mean) == pytest.approx((1, 3 / 5, 3 / 5))
