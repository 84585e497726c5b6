from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.core.errors import EvaluationError, UnreadableError, UsageError
from maskworks.core.panoptic import Panoptic, Segment
from maskworks.core.taxonomy import load_taxonomy
from maskworks.evaluate.panoptic import evaluate_panoptic

STREET = load_taxonomy("cityscapes-19")
ROAD, SKY, CAR = 0, 10, 13


def picture(rows, **segments):
    """A panoptic picture drawn in letters; each letter names a class, and may be a crowd."""
    letters = sorted({letter for row in rows for letter in row} - {"."})
    ids = np.array([[letters.index(c) * 300 + 7 if c != "." else 0 for c in row] for row in rows])
    known = (
        Segment(at * 300 + 7, abs(segments[letter]), crowd=segments[letter] < 0)
        for at, letter in enumerate(letters)
    )
    return Panoptic(ids.astype(np.int32), tuple(known), STREET)


def write(folder, name, pictures):
    masks = folder / name
    masks.mkdir(exist_ok=True)
    annotations = []
    for image, each in pictures.items():
        Image.fromarray(each.to_png_pixels()).save(masks / f"{image}.png")
        annotations.append(
            {"image_id": image, "file_name": f"{image}.png", "segments_info": each.segments_info}
        )
    categories = [
        {"id": each.id, "name": each.name, "isthing": int(each.thing)} for each in STREET.categories
    ]
    content = {"annotations": annotations, "categories": categories}
    (folder / f"{name}.json").write_text(json.dumps(content))


TRUTH = {
    1: picture(["sssss", "aabbb", "rrrr."], s=SKY, a=CAR, b=CAR, r=ROAD),
    2: picture(["sssss", "ccccc", "rrrrr"], s=SKY, c=-CAR, r=ROAD),
}
OURS = {
    1: picture(["sssss", "aaabb", "rrrrr"], s=SKY, a=CAR, b=CAR, r=ROAD),
    2: picture(["ttsss", "uuuss", "ttttt"], s=SKY, u=CAR, t=ROAD),
}


@pytest.fixture
def files(tmp_path):
    write(tmp_path, "gt", TRUTH)
    write(tmp_path, "pred", OURS)
    return tmp_path


def evaluate(files, **options):
    return evaluate_panoptic(files / "gt.json", files / "pred.json", **options).record()


def test_quality_of_a_set_by_hand(files):
    record = evaluate(files)
    rows = {row["name"]: row for row in record["per_class"]}
    # sky: 5/5, then 3 of 5 + 2; road: 4/4 with void left out, then 5 of 5 + 2; cars: 2 of 3 twice
    assert rows["sky"]["PQ"] == pytest.approx((1 + 3 / 7) / 2 if 3 / 7 > 0.5 else 1 / 2)
    assert rows["road"]["PQ"] == pytest.approx((1 + 5 / 7) / 2)
    assert rows["car"]["PQ"] == pytest.approx(2 / 3)
    assert (rows["car"]["matched"], rows["car"]["spurious"]) == (2, 0)
    assert rows["truck"]["PQ"] is None
    assert record["PQ"] == pytest.approx((1 / 2 + 6 / 7 + 2 / 3) / 3)
    assert record["things"]["PQ"] == pytest.approx(2 / 3)
    assert record["stuff"]["classes"] == 2
    assert record["counts"]["pictures"] == 2
    assert json.loads(json.dumps(record)) == record


def test_folders_may_be_named(files):
    plain = evaluate(files)
    for name, folder in (("gt", "one"), ("pred", "two")):
        (files / name).rename(files / folder)
    with pytest.raises(UsageError, match="--truth-masks: there is no folder"):
        evaluate(files)
    named = evaluate(files, truth_masks=files / "one", prediction_masks=files / "two")
    assert named["PQ"] == plain["PQ"]


def test_missing_predictions_are_named_or_count_as_void(files):
    (files / "pred" / "1.png").unlink()
    content = json.loads((files / "pred.json").read_text())
    content["annotations"] = content["annotations"][:1]
    (files / "pred.json").write_text(json.dumps(content))
    with pytest.raises(EvaluationError) as raised:
        evaluate(files)
    first, second = raised.value.problems
    assert "pred/1.png: there is no such file" in first
    assert "pred.json: has no annotation for image_id 2" in second
    record = evaluate(files, allow_missing=True)
    assert (record["PQ"], record["missing"]) == (0, ["1", "2"])


def spoil_json(files, change):
    content = json.loads((files / "pred.json").read_text())
    change(content["annotations"])
    (files / "pred.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda rows: rows[0]["segments_info"].pop(), r"pred/1\.png .*holds segment", id="pixel"
        ),
        pytest.param(
            lambda rows: rows[0]["segments_info"][0].update(category_id=99),
            r"1\.png: segment \d+ has category 99",
            id="category",
        ),
        pytest.param(
            lambda rows: rows[0]["segments_info"].append({"id": 5, "category_id": 0}),
            r"pred/1\.png .*segment 5 of the prediction is listed",
            id="absent",
        ),
        pytest.param(lambda rows: rows[0]["segments_info"][0].pop("id"), "lacks `id`", id="no-id"),
        pytest.param(lambda rows: rows[0].update(image_id=8), "has image_id 8, which", id="image"),
    ],
)
def test_records_that_do_not_fit_are_named(files, change, message):
    spoil_json(files, change)
    with pytest.raises(EvaluationError, match=message):
        evaluate(files)


def test_another_size_and_a_lost_truth_are_named(files):
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(files / "pred" / "1.png")
    with pytest.raises(EvaluationError, match=r"pred/1\.png: the prediction is 2x2"):
        evaluate(files)
    (files / "gt" / "2.png").unlink()
    with pytest.raises(EvaluationError, match=r"gt/2\.png: there is no such file"):
        evaluate(files)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        pytest.param({"annotations": []}, UnreadableError, "no list `categories`", id="classes"),
        pytest.param({"categories": [], "annotations": []}, UsageError, "is empty", id="empty"),
        pytest.param(
            {"categories": [{"id": 1, "isthing": 1}], "annotations": []},
            UsageError,
            "nothing to measure",
            id="nothing",
        ),
    ],
)
def test_a_truth_of_another_form_is_refused(files, content, error, message):
    (files / "gt.json").write_text(json.dumps(content))
    (files / "pred.json").write_text(json.dumps({"annotations": []}))
    with pytest.raises(error, match=message):
        evaluate(files)
