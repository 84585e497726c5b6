from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from maskworks.core.errors import EvaluationError, UsageError
from maskworks.core.values import Mask
from maskworks.evaluate.saliency import evaluate_saliency
from maskworks.evaluate.video import evaluate_video
from maskworks.quality import boundary_f_score, iou
from maskworks.quality.saliency import saliency_score


def disc(column, *, soft=False):
    rows, columns = np.mgrid[:40, :60]
    away = np.hypot(rows - 20, columns - column)
    return np.clip((11 - away) / (4 if soft else 1e-3) + 0.5, 0, 1)


def save(path, levels, *, palette=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.rint(levels).astype(np.uint8))
    if palette:
        picture.putpalette([at % 251 for at in range(768)])
    picture.save(path)


def sequence(folder, name, frames, **options):
    for at, frame in enumerate(frames):
        save(folder / name / f"{at:05}.png", frame, **options)


def evaluate(folder, **options):
    return evaluate_video(folder / "truth", folder / "ours", **options)


@pytest.fixture
def mattes(tmp_path):
    """A soft disc that walks, predicted ever later; and one that stays."""
    sequence(tmp_path / "truth", "walk", [255 * disc(20 + 2 * at, soft=True) for at in range(6)])
    sequence(tmp_path / "ours", "walk", [255 * disc(20 + at, soft=True) for at in range(6)])
    for side in ("truth", "ours"):
        sequence(tmp_path / side, "stay", [255 * disc(30)] * 4)
    return tmp_path


def test_j_and_f_are_means_over_frames_then_objects(mattes):
    record = evaluate(mattes).record()
    masks = [
        (Mask(disc(20 + at, soft=True) >= 0.5), Mask(disc(20 + 2 * at, soft=True) >= 0.5))
        for at in range(6)
    ]
    j, f = ([measure(*pair) for pair in masks] for measure in (iou, boundary_f_score))
    walk, stay = (record["per_sequence"][name] for name in ("walk", "stay"))
    assert (walk["J"], walk["F"]) == pytest.approx((np.mean(j), np.mean(f)))
    assert (stay["J"], stay["F"], stay["J_decay"], stay["dtSSD"]) == (1, 1, 0, 0)
    assert record["J"] == pytest.approx((walk["J"] + 1) / 2)
    assert record["J&F"] == pytest.approx((record["J"] + record["F"]) / 2)
    assert walk["J_decay"] > 0
    assert walk["dtSSD"] > 0
    assert record["counts"]["frames"] == 10


def test_first_and_last_frames_can_be_left_out(mattes):
    every, inner = (evaluate(mattes, skip_ends=skip) for skip in (False, True))
    whole = every.sequences[1].objects[0].j
    assert inner.sequences[1].objects[0].j.tolist() == whole[1:-1].tolist()
    assert inner.record()["frames_that_count"] == "all but the first and last"
    for at in (2, 3):
        for side in ("truth", "ours"):
            (mattes / side / "stay" / f"{at:05}.png").unlink()
    with pytest.raises(EvaluationError, match="stay: has 2 frames"):
        evaluate(mattes, skip_ends=True)


@pytest.mark.parametrize("palette", [True, False], ids=["palette", "grey"])
def test_numbers_are_objects_and_255_is_left_out(tmp_path, palette):
    truth = np.zeros((20, 30))
    truth[2:8, 2:12], truth[10:18, 15:25] = 1, 2
    ours = truth.copy()
    ours[2:5, 2:12] = 0
    if palette:
        truth[10:14, 15:25] = 255
    sequence(tmp_path / "truth", "two", [truth] * 3, palette=palette)
    sequence(tmp_path / "ours", "two", [ours] * 3, palette=palette)
    (found,) = evaluate(tmp_path).sequences
    assert found.holds == "numbers"
    assert [each.number for each in found.objects] == [1, 2]
    assert [each.j.tolist() for each in found.objects] == [[0.5] * 3, [1.0] * 3]


def test_an_object_of_its_own_invention_is_named(tmp_path):
    truth = np.zeros((9, 9))
    truth[:4] = 1
    sequence(tmp_path / "truth", "s", [truth], palette=True)
    sequence(tmp_path / "ours", "s", [truth * 3], palette=True)
    with pytest.raises(EvaluationError, match=r"00000\.png: shows object 3"):
        evaluate(tmp_path)


def test_a_mask_in_black_and_white_is_no_picture_of_numbers(tmp_path):
    truth = np.zeros((9, 9))
    truth[:4] = 1
    sequence(tmp_path / "truth", "s", [truth])
    sequence(tmp_path / "ours", "s", [truth * 255])
    with pytest.raises(EvaluationError, match=r"00000\.png: holds 255, which stands for no object"):
        evaluate(tmp_path)


def test_an_empty_truth_is_a_matte(tmp_path):
    for side in ("truth", "ours"):
        sequence(tmp_path / side, "none", [np.zeros((5, 5))] * 2)
    report = evaluate(tmp_path)
    assert report.sequences[0].holds == "matte"
    assert report.figures()["J"] == 1
    with pytest.raises(EvaluationError, match="shows no object"):
        evaluate(tmp_path, holds="numbers")


def test_frames_in_one_folder_are_one_sequence(tmp_path):
    for side in ("truth", "ours"):
        for at in range(2):
            save(tmp_path / side / f"{at}.png", 255 * disc(30))
    assert list(evaluate(tmp_path).record()["per_sequence"]) == ["truth"]


def test_missing_frames_are_named_or_count_as_empty(mattes):
    (mattes / "ours" / "stay" / "00001.png").unlink()
    with pytest.raises(EvaluationError, match="stay/00001: its prediction is missing"):
        evaluate(mattes)
    record = evaluate(mattes, allow_missing=True).record()
    assert record["missing"] == ["stay/00001"]
    assert record["per_sequence"]["stay"]["J"] == 0.75
    save(mattes / "ours" / "stay" / "00001.png", np.zeros((3, 3)))
    with pytest.raises(EvaluationError, match=r"00001\.png: the prediction is 3x3"):
        evaluate(mattes)


def test_folders_must_exist(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        evaluate(tmp_path)


def test_saliency_of_a_set_is_that_of_its_mean_curve(tmp_path):
    scores = []
    for at in range(3):
        truth, ours = 255 * disc(20 + at), 255 * disc(22, soft=True)
        save(tmp_path / "truth" / f"{at}.png", truth)
        save(tmp_path / "ours" / f"{at}.png", ours)
        scores.append(
            saliency_score(np.rint(ours).astype(np.uint8), np.rint(truth).astype(np.uint8))
        )
    record = evaluate_saliency(tmp_path / "truth", tmp_path / "ours").record()
    assert record["maxF"] == pytest.approx(np.mean([s.f_curve for s in scores], axis=0).max())
    assert record["meanE"] == pytest.approx(np.mean([s.e_curve for s in scores]))
    assert record["S"] == pytest.approx(np.mean([s.s for s in scores]))
    (tmp_path / "ours" / "1.png").unlink()
    with pytest.raises(EvaluationError, match="1: its prediction is missing"):
        evaluate_saliency(tmp_path / "truth", tmp_path / "ours")
    record = evaluate_saliency(tmp_path / "truth", tmp_path / "ours", allow_missing=True).record()
    assert record["missing"] == ["1"]
    save(tmp_path / "ours" / "1.png", np.zeros((3, 3)))
    with pytest.raises(EvaluationError, match=r"1\.png: the prediction is 3x3"):
        evaluate_saliency(tmp_path / "truth", tmp_path / "ours")
