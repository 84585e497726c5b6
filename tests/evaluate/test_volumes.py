"""Label volumes in folders, by the command and from Python."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maskworks.apps.cli.main import main
from maskworks.core.errors import ImageError, UsageError
from maskworks.evaluate.volumes import evaluate_volumes
from maskworks.quality.volumes import dice, surface_distances

nib = pytest.importorskip("nibabel")

SPACING = (0.8, 0.8, 2.5)


def save(path, ids, spacing=SPACING, kind=np.uint8):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.asarray(ids, kind), np.diag([*spacing, 1])), path)


def organs(shift=0):
    """Two classes of 16 x 16 x 8 voxels: a cube and a rod."""
    ids = np.zeros((16, 16, 8), np.uint8)
    ids[3 + shift : 9 + shift, 3:9, 2:6] = 1
    ids[12:14, :, 3:5] = 2
    return ids


@pytest.fixture
def folders(tmp_path):
    save(tmp_path / "truth/a.nii.gz", organs())
    save(tmp_path / "truth/b/b.nii.gz", organs())
    save(tmp_path / "ours/a.nii.gz", organs(1))
    save(tmp_path / "ours/b/b.nii", np.where(organs() == 2, 0, organs()))
    return tmp_path


def test_every_class_of_every_scan_is_measured_in_millimetres(folders):
    report = evaluate_volumes(folders / "truth", folders / "ours", tolerance_mm=0.5)
    record = report.record()
    rows = {(row["scan"], row["id"]): row for row in record["scans"]}
    first = rows["a", 1]
    expected = surface_distances(organs(1) == 1, organs() == 1, SPACING)
    assert first["dice"] == pytest.approx(dice(organs(1) == 1, organs() == 1))
    assert first["hd95_mm"] == pytest.approx(expected.hausdorff(95))
    assert first["surface_dice"] == pytest.approx(expected.surface_dice(0.5))
    assert first["truth_ml"] == pytest.approx(6 * 6 * 4 * 0.8 * 0.8 * 2.5 / 1000)
    assert rows["b/b", 2]["dice"] == 0
    assert rows["b/b", 2]["hd95_mm"] is None  # infinite: only the truth has it
    assert record["per_class"]["2"]["only_one_has_it"] == 1
    assert record["per_class"]["2"]["dice"] == 0.5
    mean = np.mean([record["per_class"][each]["dice"] for each in "12"])
    assert record["dice"] == pytest.approx(mean)


def test_command_prints_the_table_and_writes_the_figures(folders, capsys):
    given = ["--truth", str(folders / "truth"), "--predictions", str(folders / "ours")]
    out = folders / "report.json"
    assert main(["evaluate", "volumes", *given, "--json", str(out)]) == 0
    said = capsys.readouterr().out
    assert "class 1" in said
    assert "1 out where only the truth" in said
    assert json.loads(out.read_text())["tolerance_mm"] == 1.0


def test_two_files_are_a_pair(folders):
    report = evaluate_volumes(folders / "truth/a.nii.gz", folders / "truth/a.nii.gz")
    assert report.figures() == {"dice": 1, "surface_dice": 1, "hd95_mm": 0}


def test_missing_prediction_is_an_error_or_counts_as_empty(folders):
    (folders / "ours/a.nii.gz").unlink()
    with pytest.raises(UsageError, match=r"lacks a \(1 of 2 missing\).*--allow-missing"):
        evaluate_volumes(folders / "truth", folders / "ours")
    record = evaluate_volumes(folders / "truth", folders / "ours", allow_missing=True).record()
    assert record["counts"]["missing_counted_as_empty"] == 1
    assert record["per_class"]["1"]["dice"] == 0.5


@pytest.mark.parametrize(
    ("ids", "spacing", "message"),
    [
        pytest.param(np.zeros((16, 16, 7)), SPACING, "resample it to the truth's grid", id="shape"),
        pytest.param(np.zeros((16, 16, 8)), (1, 1, 1), "resample it to the", id="elsewhere"),
        pytest.param(np.full((16, 16, 8), 0.5), SPACING, "such as 0.5; ids are whole", id="soft"),
        pytest.param(np.full((16, 16, 8), -1), SPACING, "such as -1; ids are whole", id="negative"),
        pytest.param(np.zeros((16, 16)), SPACING, "ids are a volume of three axes", id="flat"),
    ],
)
def test_volumes_that_do_not_fit_are_refused(folders, ids, spacing, message):
    save(folders / "ours/a.nii.gz", ids, spacing, np.float32)
    with pytest.raises(ImageError, match=message):
        evaluate_volumes(folders / "truth", folders / "ours")


def test_file_that_is_no_volume_is_told_in_words(folders, capsys):
    (folders / "ours/a.nii.gz").write_bytes(b"nothing")
    given = ["--truth", str(folders / "truth"), "--predictions", str(folders / "ours")]
    assert main(["evaluate", "volumes", *given]) == 1
    said = capsys.readouterr().err
    assert "a.nii.gz: cannot be read as NIfTI" in said
    assert "Traceback" not in said


def test_folders_are_walked_as_those_of_pictures(folders):
    truth, ours = folders / "truth", folders / "ours"
    save(truth / "@eaDir" / "thumb.nii.gz", organs())
    assert {each.scan for each in evaluate_volumes(truth, ours).scores} == {"a", "b/b"}
    with pytest.raises(UsageError, match="--truth and --predictions are the same folder"):
        evaluate_volumes(truth, truth)
