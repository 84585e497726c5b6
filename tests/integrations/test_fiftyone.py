"""The FiftyOne sample on what the commands really write.

FiftyOne brings a database server and is not among what the tests install: the part that reads
manifests and masks is tested here, the samples where the package is, the dataset nowhere.
"""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli.main import main
from maskworks.apps.demo.photos import bundled

fiftyone_is_here = importlib.util.find_spec("fiftyone") is not None


@pytest.fixture(scope="module")
def sample(root):
    path = root / "integrations/fiftyone/maskworks_dataset.py"
    spec = importlib.util.spec_from_file_location("maskworks_dataset", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Outputs of `maskworks cutout`, once with alpha and once mattes alone, and of `segment`."""
    folder = tmp_path_factory.mktemp("run")
    photos = folder / "photos"
    photos.mkdir()
    (photos / "boots.jpg").write_bytes(bundled("boots.jpg"))
    (photos / "broken.jpg").write_bytes(b"no picture")
    Image.fromarray(np.full((60, 80, 3), 120, np.uint8)).save(photos / "wall.png")
    main(["cutout", str(photos), "-o", str(folder / "cut"), "--quiet"])
    main(["cutout", str(photos), "-o", str(folder / "mattes"), "--mask-only", "--quiet"])
    street = ["segment", str(photos / "boots.jpg"), "-o", str(folder / "labels"), "--quiet"]
    main([*street, "--model", "kmeans"])
    return folder


def test_rows_are_read_with_what_was_made_of_each(sample, made):
    rows = {row["source"].rpartition("/")[2]: row for row in sample.rows_of(_manifest(made, "cut"))}
    assert set(rows) == {"boots.jpg", "broken.jpg", "wall.png"}
    assert rows["broken.jpg"]["status"] == "failed"
    assert rows["wall.png"]["output"] is None
    assert 0 <= rows["boots.jpg"]["confidence"] <= 1


def test_mask_of_a_cutout_is_that_of_its_matte(sample, made):
    cut, matte = (
        next(row["output"] for row in sample.rows_of(_manifest(made, name)) if row["output"])
        for name in ("cut", "mattes")
    )
    mask = sample.mask_of(sample.Path(cut))
    with Image.open(made / "photos/boots.jpg") as photo:
        assert mask.shape == (photo.height, photo.width)
    assert set(np.unique(mask)) == {0, 1}
    assert (mask == sample.mask_of(sample.Path(matte))).mean() > 0.999


def test_classes_are_those_of_a_run_that_labelled(sample, made):
    assert sample.classes_of(_manifest(made, "labels")) == {
        0: "cluster 1", 1: "cluster 2", 2: "cluster 3",
    }  # fmt: skip
    assert sample.classes_of(_manifest(made, "cut")) is None


def test_label_map_is_read_as_ids_and_not_as_colours(sample, made):
    (row,) = sample.rows_of(_manifest(made, "labels"))
    ids = sample.ids_of(sample.Path(row["output"]))
    assert set(np.unique(ids)) == {0, 1, 2}
    with pytest.raises(ValueError, match="is no label map"):
        sample.ids_of(made / "photos/boots.jpg")


def test_last_row_of_an_input_counts_and_a_wrong_line_is_told(sample, tmp_path):
    path = tmp_path / "manifest.jsonl"
    lines = [{"source": "a", "status": status, "output": None} for status in ("failed", "ok")]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert [row["status"] for row in sample.rows_of(path)] == ["ok"]
    path.write_text('{"source": "a", "status": "ok"}\n{"picture": 1}\n')
    with pytest.raises(ValueError, match="line 2: is no row of a manifest"):
        list(sample.rows_of(path))


def test_cutout_on_a_background_has_no_mask_and_says_so(sample, tmp_path):
    path = tmp_path / "white.jpg"
    Image.new("RGB", (8, 8), "white").save(path)
    with pytest.raises(ValueError, match=r"has no alpha .* --mask-only"):
        sample.mask_of(path)


@pytest.mark.skipif(fiftyone_is_here, reason="FiftyOne is here")
def test_without_fiftyone_it_says_what_to_install(sample, made, capsys):
    assert sample.main([str(_manifest(made, "cut"))]) == 1
    assert "pip install fiftyone" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not fiftyone_is_here, reason="pip install fiftyone")
@pytest.mark.filterwarnings("ignore")  # its own
def test_every_input_is_a_sample(sample, made):
    by_name = {each.filename: each for each in sample.samples_of(_manifest(made, "cut"))}
    assert set(by_name) == {"boots.jpg", "broken.jpg", "wall.png"}
    assert by_name["broken.jpg"].status.label == "failed"
    assert by_name["broken.jpg"].mask is None
    assert by_name["boots.jpg"].mask.mask.max() == 1
    (labelled,) = sample.samples_of(_manifest(made, "labels"))
    assert set(np.unique(labelled.mask.get_mask())) == {0, 1, 2}


def _manifest(made, name):
    return made / name / "manifest.jsonl"
