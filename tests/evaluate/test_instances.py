from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools import mask as coco
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from maskworks.core.errors import EvaluationError, UnreadableError, UsageError
from maskworks.core.rle import encode_mask
from maskworks.core.rle_coco import from_coco, to_coco
from maskworks.evaluate.instances import FIGURES, evaluate_instances

# pycocotools builds its iscrowd arrays with numpy in a way that newer versions warn of.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def disc(size, row, column, radius):
    rows, columns = np.ogrid[: size[0], : size[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


@pytest.fixture(params=[1, 2, 3])
def files(request, tmp_path):
    """A truth with crowds and polygons, and predictions near it with equal scores among them."""
    rng = np.random.default_rng(request.param)
    images, truth, found = [], [], []
    for image in range(4):
        size = (int(rng.integers(80, 220)), int(rng.integers(80, 220)))
        images.append({"id": image * 3 + 1, "height": size[0], "width": size[1]})
        for _ in range(int(rng.integers(1, 5))):
            row, column, radius = rng.integers(10, 70), rng.integers(10, 70), rng.integers(4, 70)
            category, crowd = int(rng.integers(1, 4)), int(rng.random() < 0.2)
            inside = disc(size, row, column, radius)
            mask = to_coco(encode_mask(inside))
            if not crowd and rng.random() < 0.3:
                mask = [[10, 10, 60.5, 12, 55, 70, 12, 64]]
            truth.append(
                {
                    "id": len(truth) + 1,
                    "image_id": image * 3 + 1,
                    "category_id": category,
                    "segmentation": mask,
                    "area": float(inside.sum()),
                    "iscrowd": crowd,
                }
            )
            for _ in range(int(rng.integers(0, 3))):
                shift = rng.integers(-4, 5, 3)
                guess = disc(size, row + shift[0], column + shift[1], radius + shift[2])
                found.append(
                    {
                        "image_id": image * 3 + 1,
                        "category_id": category if rng.random() < 0.9 else 4,
                        "segmentation": to_coco(encode_mask(guess)),
                        "score": round(float(rng.random()), 1),
                    }
                )
    categories = [{"id": at, "name": f"kind {at}"} for at in (1, 2, 3, 4)]
    content = {"images": images, "annotations": truth, "categories": categories}
    (tmp_path / "gt.json").write_text(json.dumps(content))
    (tmp_path / "dt.json").write_text(json.dumps(found))
    return tmp_path


def band(rle):
    """Boundary as its authors draw it: erosion by 3x3 squares, zeros beyond the border."""
    inside = coco.decode(rle).astype(bool)
    left = np.pad(inside, 1)
    for _ in range(max(1, round(0.02 * np.hypot(*inside.shape)))):
        shifted = [np.roll(left, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        left = np.all(shifted, axis=0)
    return coco.encode(np.asfortranarray((inside & ~left[1:-1, 1:-1]).astype(np.uint8)))


class BoundaryEval(COCOeval):
    """pycocotools with the smaller of mask IoU and boundary IoU."""

    def computeIoU(self, imgId, catId):  # noqa: N802, N803 - the library's names
        ious = super().computeIoU(imgId, catId)
        if not len(ious):
            return ious
        truth = self._gts[imgId, catId]
        found = sorted(self._dts[imgId, catId], key=lambda each: -each["score"])[:100]
        crowd = [int(each["iscrowd"]) for each in truth]
        bands = [[band(each["segmentation"]) for each in rows] for rows in (found, truth)]
        least = np.minimum(ious, coco.iou(*bands, crowd))
        return np.where(np.array(crowd, bool), ious, least)


def by_pycocotools(files, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(files / "gt.json"))
        evaluation = kind(truth, truth.loadRes(str(files / "dt.json")), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats.tolist()


def test_the_twelve_figures_are_those_of_pycocotools(files):
    record = evaluate_instances(files / "gt.json", files / "dt.json").record()
    ours = [record[name] for name in FIGURES]
    assert ours == pytest.approx(by_pycocotools(files, COCOeval), abs=1e-9)
    assert "boundary_AP" not in record


def test_boundary_ap_is_that_of_its_definition(files):
    record = evaluate_instances(files / "gt.json", files / "dt.json", boundary=True).record()
    ours = [record[f"boundary_{name}"] for name in FIGURES]
    assert ours == pytest.approx(by_pycocotools(files, BoundaryEval), abs=1e-9)
    assert record["boundary_AP"] <= record["AP"]
    assert record["counts"]["pictures"] == 4


def test_predictions_may_be_lists_of_counts_in_a_full_file(files):
    before = evaluate_instances(files / "gt.json", files / "dt.json").record()
    rows = json.loads((files / "dt.json").read_text())
    for row in rows:
        row["segmentation"] = to_coco(from_coco(row["segmentation"]), compressed=False)
    (files / "dt.json").write_text(json.dumps({"annotations": rows}))
    after = evaluate_instances(files / "gt.json", files / "dt.json").record()
    assert [after[name] for name in FIGURES] == [before[name] for name in FIGURES]


def test_no_prediction_at_all_is_an_ap_of_zero(files):
    (files / "dt.json").write_text("[]")
    record = evaluate_instances(files / "gt.json", files / "dt.json", boundary=True).record()
    assert (record["AP"], record["AR100"], record["boundary_AP"]) == (0, 0, 0)
    assert record["counts"]["pictures_without_prediction"] == 4


def test_no_true_object_at_all_has_no_ap(files):
    content = json.loads((files / "gt.json").read_text()) | {"annotations": []}
    (files / "gt.json").write_text(json.dumps(content))
    assert evaluate_instances(files / "gt.json", files / "dt.json").record()["AP"] == -1


def test_a_truth_without_areas_counts_them(files):
    content = json.loads((files / "gt.json").read_text())
    before = evaluate_instances(files / "gt.json", files / "dt.json").record()
    for row in content["annotations"]:
        del row["area"]
    (files / "gt.json").write_text(json.dumps(content))
    after = evaluate_instances(files / "gt.json", files / "dt.json").record()
    assert after["AP"] == before["AP"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"image_id": 99}, "dt.json: entry 0 is of image_id 99", id="picture"),
        pytest.param({"category_id": 99}, "dt.json: entry 0 has category_id 99", id="class"),
        pytest.param(
            {"segmentation": {"size": [2, 2], "counts": [4]}}, "the mask is 2x2", id="size"
        ),
        pytest.param({"segmentation": [[1, 2]]}, "neither an RLE nor", id="polygon"),
        pytest.param({"segmentation": {"size": [2, 2], "counts": [3]}}, "add up to 3", id="runs"),
        pytest.param({"score": "high"}, "the score 'high'", id="score"),
    ],
)
def test_a_prediction_that_does_not_fit_is_named(files, change, message):
    rows = json.loads((files / "dt.json").read_text())
    rows[0] |= change
    (files / "dt.json").write_text(json.dumps(rows))
    with pytest.raises(EvaluationError, match=message):
        evaluate_instances(files / "gt.json", files / "dt.json")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        pytest.param("{", UnreadableError, "is not JSON", id="json"),
        pytest.param('{"a": 1}', UnreadableError, "no list `annotations`", id="form"),
        pytest.param('[{"image_id": 1}]', UnreadableError, "lacks `category_id`", id="field"),
        pytest.param(None, UsageError, "no such file", id="none"),
    ],
)
def test_a_file_of_another_form_is_named(files, text, error, message):
    path = files / "other.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error, match=message):
        evaluate_instances(files / "gt.json", path)
