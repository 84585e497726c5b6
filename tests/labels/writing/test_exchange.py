from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries that read what we wrote


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A picture with a disc that has a hole and a square, and everything written of it."""
    folder = tmp_path_factory.mktemp("exchange")
    rows, columns = np.mgrid[:120, :200]
    away = np.hypot(rows - 60, columns - 55)
    ring = (away < 40) & (away > 14)
    square = np.maximum(abs(rows - 60), abs(columns - 145)) < 30
    pixels = np.full((120, 200, 3), 245, np.uint8)
    pixels[ring | square] = (40, 60, 160)
    (folder / "in").mkdir()
    Image.fromarray(pixels).save(folder / "in/a.png")
    what = "coco,coco-polygons,yolo,voc,labelme,geojson,cutouts,overlay,shares"
    arguments = ["--model", "otsu", "--task", "instance", "--write", what, "--quiet"]
    assert main(["segment", str(folder / "in"), "-o", str(folder / "out"), *arguments]) == 0
    return folder / "in", folder / "out", ring, square


def iou(found, truth):
    return (found & truth).sum() / (found | truth).sum()


@pytest.mark.parametrize("file", ["instances.json", "instances-polygons.json"])
def test_supervision_reads_our_coco(written, file):
    supervision = pytest.importorskip("supervision")
    pictures, out, ring, square = written
    data = supervision.DetectionDataset.from_coco(str(pictures), str(out / file), force_masks=True)
    _, _, found = next(iter(data))
    assert len(found) == 2
    shares = [max(iou(np.asarray(mask), each) for mask in found.mask) for each in (ring, square)]
    assert min(shares) > 0.9


@pytest.mark.parametrize("file", ["instances.json", "instances-polygons.json"])
def test_our_coco_has_what_fiftyone_reads(written, file):
    """The keys of its COCODetectionDataset, and a mask as its importer makes it of them.

    FiftyOne itself is not installed here (it brings a database): it matches `file_name` below
    its data_path, takes `bbox` as left, top, width, height, decodes runs or polygons with
    pycocotools and cuts the mask to the box; a category's id is its place in the list.
    """
    from pycocotools import mask as coco

    pictures, out, ring, square = written
    record = json.loads((out / file).read_text())
    assert {"categories", "images", "annotations"} <= set(record)
    for category in record["categories"]:
        assert {"id", "name", "supercategory"} <= set(category)
        assert isinstance(category["id"], int)
    (image,) = record["images"]
    assert {"id", "file_name", "height", "width"} <= set(image)
    assert (pictures / image["file_name"]).is_file()
    assert len({row["id"] for row in record["annotations"]}) == 2
    found = []
    for row in record["annotations"]:
        assert {"id", "image_id", "category_id", "bbox", "segmentation", "iscrowd"} <= set(row)
        assert row["image_id"] == image["id"]
        assert row["iscrowd"] == 0
        runs = row["segmentation"]
        if isinstance(runs, list):
            runs = coco.merge(coco.frPyObjects(runs, image["height"], image["width"]))
        left, top, width, height = row["bbox"]
        whole = np.zeros((image["height"], image["width"]), bool)
        box = np.s_[top : top + height, left : left + width]
        whole[box] = coco.decode(runs).astype(bool)[box]
        assert whole.sum() == row["area"]
        found.append(whole)
    assert min(max(iou(mask, each) for mask in found) for each in (ring, square)) > 0.99


def test_supervision_reads_our_yolo(written, tmp_path):
    supervision = pytest.importorskip("supervision")
    pictures, out, _, square = written
    data = supervision.DetectionDataset.from_yolo(
        str(pictures), str(out / "yolo/labels"), str(out / "yolo/data.yaml"), force_masks=True
    )
    _, _, found = next(iter(data))
    assert data.classes == ["background", "object"]
    assert found.class_id.tolist() == [1, 1]
    assert max(iou(np.asarray(mask), square) for mask in found.mask) > 0.9


def test_supervision_reads_our_voc(written):
    supervision = pytest.importorskip("supervision")
    pictures, out, _, square = written
    data = supervision.DetectionDataset.from_pascal_voc(str(pictures), str(out / "voc/Annotations"))
    _, _, found = next(iter(data))
    rows, columns = np.nonzero(square)
    box = [columns.min() + 1, rows.min() + 1, columns.max() + 1, rows.max() + 1]
    assert min(abs(each - box).max() for each in found.xyxy) <= 1


def test_pycocotools_sees_the_same_masks(written):
    from pycocotools.coco import COCO

    _, out, ring, square = written
    coco = COCO(str(out / "instances.json"))
    masks = [coco.annToMask(each).astype(bool) for each in coco.loadAnns(coco.getAnnIds())]
    assert min(max(iou(mask, each) for mask in masks) for each in (ring, square)) > 0.99
    assert all(
        mask.sum() == each["area"]
        for mask, each in zip(masks, coco.loadAnns(coco.getAnnIds()), strict=True)
    )


def test_voc_object_picture_numbers_the_objects(written):
    _, out, _, _ = written
    ids = np.asarray(Image.open(out / "voc/SegmentationObject/a.png"))
    assert np.unique(ids).tolist() == [0, 1, 2]
    tree = ET.parse(out / "voc/Annotations/a.xml")
    assert [each.text for each in tree.iter("name")] == ["object", "object"]


def test_labelme_has_a_polygon_for_each_object(written):
    _, out, _, _ = written
    record = json.loads((out / "labelme/a.json").read_text())
    assert [each["label"] for each in record["shapes"]] == ["object", "object"]
    assert (record["imageHeight"], record["imageWidth"]) == (120, 200)


def test_geojson_keeps_the_hole(written):
    _, out, _, _ = written
    record = json.loads((out / "geojson/a.geojson").read_text())
    rings = [len(each["geometry"]["coordinates"]) for each in record["features"]]
    assert sorted(rings) == [1, 2]
    for each in record["features"]:
        for points in each["geometry"]["coordinates"]:
            assert points[0] == points[-1]


def test_cutouts_hold_one_object_each(written):
    _, out, ring, square = written
    sizes = set()
    for path in sorted((out / "cutouts/a").iterdir()):
        with Image.open(path) as picture:
            assert picture.mode == "RGBA"
            sizes.add((np.asarray(picture)[..., 3] > 0).sum())
    assert {abs(size - truth.sum()) < 40 for size in sizes for truth in (ring, square)} == {
        True, False}  # fmt: skip
    assert len(sizes) == 2
