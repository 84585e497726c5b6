from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.core.errors import EvaluationError, ImageError, UsageError
from maskworks.core.reading import Limits
from maskworks.core.taxonomy import load_taxonomy
from maskworks.evaluate.label_pictures import read_channels, read_ids
from maskworks.evaluate.semantic import evaluate_semantic, numbered_taxonomy


def save(path, ids, *, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.asarray(ids))
    if mode == "P":
        picture.putpalette([at % 256 for at in range(768)])
    picture.save(path)


@pytest.fixture
def folders(tmp_path, rng):
    """Three pictures of classes 0 to 2, and 9 where there is no label."""
    for name in ("a", "b", "c/d"):
        truth = rng.integers(0, 4, (12, 17)).astype(np.uint8)
        truth[truth == 3] = 9
        ours = np.where(rng.random(truth.shape) < 0.7, truth, 1).astype(np.uint8)
        ours[ours == 9] = 0
        save(tmp_path / "truth" / f"{name}.png", truth)
        save(tmp_path / "ours" / f"{name}.png", ours, mode="P")
    return tmp_path


def evaluate(folders, **options):
    options.setdefault("taxonomy", numbered_taxonomy(3, 9))
    return evaluate_semantic(folders / "truth", folders / "ours", **options)


def test_one_matrix_over_the_set_as_the_usual_script_counts(folders):
    matrix = np.zeros((3, 3), int)
    for name in ("a", "b", "c/d"):
        truth, ours = (
            np.asarray(Image.open(folders / side / f"{name}.png")).astype(int)
            for side in ("truth", "ours")
        )
        keep = truth != 9
        matrix += np.bincount(truth[keep] * 3 + ours[keep], minlength=9).reshape(3, 3)
    iou = np.diag(matrix) / (matrix.sum(0) + matrix.sum(1) - np.diag(matrix))
    record = evaluate(folders).record()
    assert record["mIoU"] == pytest.approx(iou.mean(), abs=1e-12)
    assert list(record["IoU"].values()) == pytest.approx(iou.tolist(), abs=1e-12)
    assert record["pixel_accuracy"] == pytest.approx(np.diag(matrix).sum() / matrix.sum())
    assert record["confusion_matrix"]["pixels"][0][:3] == matrix[0].tolist()
    assert record["ignore_label"] == 9
    assert record["counts"]["pictures"] == 3
    assert json.loads(json.dumps(record)) == record


def test_an_absent_class_has_no_figure_and_costs_no_mean(folders):
    three, five = (
        evaluate(folders, taxonomy=numbered_taxonomy(classes, 9)).record() for classes in (3, 5)
    )
    assert five["mIoU"] == three["mIoU"]
    assert five["IoU"]["class 4"] is None
    assert five["counts"]["classes_in_truth"] == 3


def test_a_predicted_ignore_id_is_no_class(folders):
    path = folders / "ours" / "a.png"
    ours = np.asarray(Image.open(path))
    save(path, np.where(ours == 1, 9, ours).astype(np.uint8))
    record = evaluate(folders).record()
    assert record["counts"]["pixels_without_prediction"] > 0


def test_an_ignored_class_may_lie_among_the_others(folders):
    taxonomy = numbered_taxonomy(10, 9)
    assert taxonomy.ids == tuple(range(9))
    assert evaluate(folders, taxonomy=taxonomy).record()["mIoU"] == pytest.approx(
        evaluate(folders).record()["mIoU"]
    )
    with pytest.raises(UsageError, match="leaves no class"):
        numbered_taxonomy(1, 0)


def test_ids_of_a_taxonomy_need_not_start_at_zero(tmp_path):
    save(tmp_path / "truth" / "a.png", np.array([[0, 1, 150, 150]], np.uint8))
    save(tmp_path / "ours" / "a.png", np.array([[7, 1, 150, 1]], np.uint8))
    record = evaluate(tmp_path, taxonomy=load_taxonomy("ade20k-150")).record()
    assert record["mIoU"] == 0.5
    assert record["IoU"]["flag"] == 0.5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda f: (f / "ours" / "b.png").unlink(), "b: its prediction", id="missing"),
        pytest.param(
            lambda f: save(f / "ours" / "b.png", np.zeros((3, 5), np.uint8)),
            r"ours/b\.png: the prediction is 5x3",
            id="size",
        ),
        pytest.param(
            lambda f: save(f / "ours" / "b.png", np.full((12, 17), 3, np.uint8)),
            r"ours/b\.png: holds id 3 at 204 pixels",
            id="predicted-id",
        ),
        pytest.param(
            lambda f: save(f / "truth" / "b.png", np.full((12, 17), 77, np.uint8)),
            r"truth/b\.png: holds id 77",
            id="true-id",
        ),
        pytest.param(
            lambda f: (f / "ours" / "b.png").write_bytes(b"no"), "b.png: is not a", id="file"
        ),
        pytest.param(
            lambda f: save(f / "ours" / "b.png", np.zeros((12, 17, 3), np.uint8)),
            "is in colours",
            id="colours",
        ),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_measured(folders, spoil, message):
    spoil(folders)
    with pytest.raises(EvaluationError, match=message):
        evaluate(folders)


def test_every_file_that_does_not_fit_is_named(folders):
    for name in ("a", "c/d"):
        save(folders / "ours" / f"{name}.png", np.zeros((1, 1), np.uint8))
    with pytest.raises(EvaluationError) as raised:
        evaluate(folders)
    assert len(raised.value.problems) == 2


def test_missing_predictions_can_count_as_empty(folders):
    (folders / "ours" / "b.png").unlink()
    save(folders / "ours" / "more.png", np.zeros((1, 1), np.uint8))
    record = evaluate(folders, allow_missing=True).record()
    assert record["missing"] == ["b"]
    assert record["left_aside"] == ["more"]
    assert record["counts"]["missing_counted_as_empty"] == 1
    truth = np.asarray(Image.open(folders / "truth" / "b.png"))
    assert record["counts"]["pixels_without_prediction"] == (truth != 9).sum()


@pytest.mark.parametrize(
    ("bits", "stored"),
    [
        pytest.param(2, np.array([[0, 85, 170, 255]], np.uint8), id="2-bits"),
        pytest.param(4, np.array([[0, 17, 34, 51]], np.uint8), id="4-bits"),
    ],
)
def test_ids_of_few_bits_are_read_as_written(tmp_path, bits, stored):
    import struct
    import zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    packed = bytes([0, 0b00011011]) if bits == 2 else bytes([0, 0x01, 0x23])
    path = tmp_path / "few.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">2I5B", 4, 1, bits, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(packed))
        + chunk(b"IEND", b"")
    )
    assert np.asarray(Image.open(path)).tolist() == stored.tolist()
    assert read_ids(path).tolist() == [[0, 1, 2, 3]]


def test_ids_of_16_bits_and_1_bit_are_read(tmp_path):
    save(tmp_path / "wide.png", np.array([[0, 60_000]], np.uint16))
    save(tmp_path / "thin.png", np.array([[False, True]]))
    assert read_ids(tmp_path / "wide.png").tolist() == [[0, 60_000]]
    assert read_ids(tmp_path / "thin.png").tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("write", "read", "message"),
    [
        pytest.param("a.jpg", read_ids, "JPEG changes ids", id="lossy"),
        pytest.param("none.png", read_ids, "cannot be read: No such file", id="none"),
        pytest.param("a.png", read_channels, "has mode L", id="grey"),
        pytest.param("a.png", lambda p: read_ids(p, Limits(1)), "the limit is 1", id="limit"),
    ],
)
def test_what_holds_no_ids_is_refused(tmp_path, write, read, message):
    if write != "none.png":
        save(tmp_path / write, np.zeros((2, 2), np.uint8))
    with pytest.raises(ImageError, match=message):
        read(tmp_path / write)


def test_a_damaged_picture_is_named(tmp_path):
    path = tmp_path / "cut.png"
    save(path, np.random.default_rng(0).integers(0, 9, (40, 40)).astype(np.uint8))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ImageError, match=r"cut\.png"):
        read_ids(path)
