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
from maskworks.evaluate.instances import FIGURES, evaluate_objects

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
    record = evaluate_objects(files / "gt.json", files / "dt.json").record()
    ours = [record[name] for name in FIGURES]
    assert ours == pytest.approx(by_pycocotools(files, COCOeval), abs=1e-9)
    assert "boundary_AP" not in record


def test_boundary_ap_is_that_of_its_definition(files):
    record = evaluate_objects(files / "gt.json", files / "dt.json", boundary=True).record()
    ours = [record[f"boundary_{name}"] for name in FIGURES]
    assert ours == pytest.approx(by_pycocotools(files, BoundaryEval), abs=1e-9)
    assert record["boundary_AP"] <= record["AP"]
    assert record["counts"]["pictures"] == 4


def test_predictions_may_be_lists_of_counts_in_a_full_file(files):
    before = evaluate_objects(files / "gt.json", files / "dt.json").record()
    rows = json.loads((files / "dt.json").read_text())
    for row in rows:
        row["segmentation"] = to_coco(from_coco(row["segmentation"]), compressed=False)
    (files / "dt.json").write_text(json.dumps({"annotations": rows}))
    after = evaluate_objects(files / "gt.json", files / "dt.json").record()
    assert [after[name] for name in FIGURES] == [before[name] for name in FIGURES]


def test_no_prediction_at_all_is_an_ap_of_zero(files):
    (files / "dt.json").write_text("[]")
    record = evaluate_objects(files / "gt.json", files / "dt.json", boundary=True).record()
    assert (record["AP"], record["AR100"], record["boundary_AP"]) == (0, 0, 0)
    assert record["counts"]["pictures_without_prediction"] == 4


def test_no_true_object_at_all_has_no_ap(files):
    content = json.loads((files / "gt.json").read_text()) | {"annotations": []}
    (files / "gt.json").write_text(json.dumps(content))
    assert evaluate_objects(files / "gt.json", files / "dt.json").record()["AP"] == -1


def test_a_truth_without_areas_counts_them(files):
    content = json.loads((files / "gt.json").read_text())
    before = evaluate_objects(files / "gt.json", files / "dt.json").record()
    for row in content["annotations"]:
        del row["area"]
    (files / "gt.json").write_text(json.dumps(content))
    after = evaluate_objects(files / "gt.json", files / "dt.json").record()
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
    ],
)
def test_a_prediction_that_does_not_fit_is_named(files, change, message):
    rows = json.loads((files / "dt.json").read_text())
    rows[0] |= change
    (files / "dt.json").write_text(json.dumps(rows))
    with pytest.raises(EvaluationError, match=message):
        evaluate_objects(files / "gt.json", files / "dt.json")


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        pytest.param(
            "dt.json",
            lambda rows: rows[0].update(score="high"),
            r'dt.json: `\[0\]` has the score "high", a number is needed; .*--skip-damaged',
            id="score",
        ),
        pytest.param(
            "dt.json",
            lambda rows: rows[0].update(image_id=[1]),
            r"`\[0\]` has the image_id \[1\], a whole number or a text is needed",
            id="list-for-an-id",
        ),
        pytest.param(
            "gt.json",
            lambda truth: truth["images"][1].update(height="60"),
            r'gt.json: `images\[1\]` has the height "60", a whole number above 0',
            id="size-as-text",
        ),
        pytest.param(
            "gt.json",
            lambda truth: truth["images"][0].update(width=None),
            r"`images\[0\]` has the width null",
            id="size-null",
        ),
        pytest.param(
            "gt.json",
            lambda truth: truth["annotations"].insert(0, None),
            r"`annotations\[0\]` is null, an object is needed",
            id="no-object",
        ),
        pytest.param(
            "gt.json",
            lambda truth: truth["annotations"][0].update(iscrowd="yes"),
            r'`annotations\[0\]` has the iscrowd "yes", 0 or 1 is needed',
            id="iscrowd",
        ),
        pytest.param(
            "gt.json",
            lambda truth: truth["categories"][0].update(id=1.5),
            r"`categories\[0\]` has the id 1.5, a whole number is needed",
            id="class-id",
        ),
    ],
)
def test_json_of_another_form_is_named_by_entry_and_field(files, name, change, message):
    edit(files / name, change)
    with pytest.raises(UnreadableError, match=message):
        evaluate_objects(files / "gt.json", files / "dt.json")


SQUARE = [[10, 10, 30, 10, 30, 30, 10, 30]]


@pytest.fixture
def two(tmp_path):
    """Two pictures with an object each, and predictions that are the truth itself."""
    names = ("val/a.jpg", "val/b.jpg")
    images = [
        {"id": at, "file_name": n, "height": 60, "width": 80} for at, n in enumerate(names, 1)
    ]
    objects = [
        {"id": at, "image_id": at, "category_id": at, "segmentation": SQUARE, "area": 400}
        for at in (1, 2)
    ]
    classes = [{"id": 1, "name": "cup"}, {"id": 2, "name": "plate"}]
    truth = {"images": images, "annotations": objects, "categories": classes}
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    (tmp_path / "dt.json").write_text(
        json.dumps(truth | {"annotations": [each | {"score": 0.9} for each in objects]})
    )
    return tmp_path


def ap(folder, **options):
    return evaluate_objects(folder / "gt.json", folder / "dt.json", **options)


@pytest.mark.parametrize("ids", [(0, 1), (1, 1), ("a", "a"), (None, None), (7, 0)])
def test_ids_of_annotations_cost_no_match(two, ids):
    def change(truth):
        for row, number in zip(truth["annotations"], ids, strict=True):
            row["id"] = number

    edit(two / "gt.json", change)
    report = ap(two)
    assert report.figures["AP"] == 1.0
    shared = ids[0] == ids[1] and ids[0] is not None
    assert any("share an id" in note for note in report.notes) == shared


def test_an_annotation_that_stands_there_twice_counts_once(two):
    edit(two / "gt.json", lambda truth: truth["annotations"].append(truth["annotations"][0]))
    report = ap(two)
    assert (report.figures["AP"], report.counts["objects"]) == (1.0, 2)
    assert report.notes == ("gt.json: 1 annotations stand there twice and count once",)


@pytest.mark.parametrize(
    "names",
    [("val\\a.jpg", "./val//b.jpg"), ("elsewhere/a.png", "elsewhere/b.png"), ("A.JPG", "B.JPG")],
)
def test_pictures_are_met_by_name_whatever_their_numbers(two, names):
    def change(found):
        for row, name in zip(found["images"], names, strict=True):
            row.update(file_name=name, id=3 - row["id"])
        for row in found["annotations"]:
            row["image_id"] = 3 - row["image_id"]

    edit(two / "dt.json", change)
    assert ap(two).figures["AP"] == 1.0


def test_names_are_met_in_either_form_of_unicode(two):
    edit(two / "gt.json", lambda truth: truth["images"][0].update(file_name="caf\u00e9.jpg"))
    edit(two / "dt.json", lambda found: found["images"][0].update(file_name="cafe\u0301.jpg", id=9))
    edit(two / "dt.json", lambda found: found["annotations"][0].update(image_id=9))
    assert ap(two).figures["AP"] == 1.0


def test_a_picture_of_another_name_is_never_taken_by_its_number(two):
    edit(two / "dt.json", lambda found: found["images"][0].update(file_name="val/aa.jpg"))
    with pytest.raises(EvaluationError, match=r"'val/aa.jpg' is none .* nearest is 'val/a.jpg'"):
        ap(two)


def test_a_last_part_that_two_folders_have_is_not_taken(two):
    edit(two / "gt.json", lambda truth: truth["images"][1].update(file_name="test/a.jpg"))
    edit(two / "dt.json", lambda found: found["images"][0].update(file_name="a.jpg"))
    with pytest.raises(EvaluationError, match="is in 2 folders of the truth"):
        ap(two)


def test_pictures_without_names_are_met_by_number_and_that_is_told(two):
    edit(two / "dt.json", lambda found: [row.pop("file_name") for row in found["images"]])
    report = ap(two)
    assert report.figures["AP"] == 1.0
    assert "belong to those of the truth by id" in report.notes[0]


def test_classes_are_met_by_name_whatever_their_numbers(two):
    def change(found):
        found["categories"] = [{"id": 1, "name": "plate"}, {"id": 2, "name": "cup"}]
        for row in found["annotations"]:
            row["category_id"] = 3 - row["category_id"]

    edit(two / "dt.json", change)
    assert ap(two).figures["AP"] == 1.0


def test_a_picture_of_two_sizes_is_an_error(two):
    edit(two / "gt.json", lambda truth: truth["images"].append(truth["images"][0] | {"height": 9}))
    with pytest.raises(EvaluationError, match=r"has id 1 twice, as 80x60 and as 80x9"):
        ap(two)


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("dt.json", [{"id": 1, "name": "cup"}, {"id": 1, "name": "plate"}], "id 1 twice"),
        ("gt.json", [{"id": 1, "name": "cup"}, {"id": 1, "name": "plate"}], "id 1 twice"),
        ("dt.json", [{"id": 1, "name": "cups"}, {"id": 2, "name": "plate"}], "nearest is 'cup'"),
    ],
)
def test_a_number_of_two_names_and_a_strange_name_are_errors(two, name, rows, message):
    edit(two / name, lambda content: content.update(categories=rows))
    with pytest.raises(EvaluationError, match=message):
        ap(two)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([[5, 5, 9, 5]], "one has 2 points, three or more are needed"),
        ([*SQUARE, [12, 12, 13, 12]], "one has 2 points"),
        ([], "its segmentation is empty"),
        ({"size": [60, 80], "counts": [3]}, "the counts add up to 3"),
        ({"size": [60, 80], "counts": [-10, 4810]}, "a count is -10, none can be below 0"),
        ([[500, 500, 520, 500, 520, 520]], "lies beside the picture of 80x60"),
        ([[0.1, 0.1, 0.4, 0.1, 0.4, 0.4]], "between 0 and 1, as shares of a picture do"),
        ([[10, 10, 1e300, 10, 30, 30]], r"outline is 2e\+300 pixels long, more than 10,000,000"),
        ([[10, 10, 10**400, 10, 30, 30]], "outline is"),
        ([[10, 10, 70, 50] * 300_000], r"outline is 3\.6e\+07 pixels long"),
    ],
)
def test_masks_that_are_none_are_named_or_left_out(two, mask, message):
    edit(
        two / "gt.json",
        lambda truth: truth["annotations"].append(
            {"id": 3, "image_id": 1, "category_id": 1, "segmentation": mask}
        ),
    )
    with pytest.raises(EvaluationError, match=message) as caught:
        ap(two)
    assert "--skip-damaged" in str(caught.value)
    edit(two / "gt.json", lambda truth: truth["annotations"][2].update(image_id=2))
    kept = isinstance(mask, list) and len(mask) > 1
    report = ap(two, skip_damaged=True)
    assert report.counts["objects"] == 2 + kept
    assert report.figures["AP50"] == pytest.approx(0.7525 if kept else 1, abs=1e-4)
    assert "1 damaged entries were left out" in report.notes[0]


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
        evaluate_objects(files / "gt.json", path)
