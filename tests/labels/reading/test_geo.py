from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main

rasterio = pytest.importorskip("rasterio")


@pytest.fixture
def field(tmp_path):
    """A four-band 16-bit raster near Utrecht, one bright field of 40 x 60 pixels on dark soil."""
    from rasterio.transform import Affine

    values = np.full((4, 120, 160), 900, np.uint16)
    values[:, 30:70, 50:110] = np.array([1500, 6000, 2000, 9000], np.uint16)[:, None, None]
    path = tmp_path / "in/field.tif"
    path.parent.mkdir()
    with rasterio.open(
        path, "w", driver="GTiff", height=120, width=160, count=4, dtype="uint16",
        crs="EPSG:32631", transform=Affine(10, 0, 640_000, 0, -10, 5_770_000),
    ) as target:  # fmt: skip
        target.write(values)
    return path


def test_georeference_is_kept_and_polygons_are_in_its_system(field, tmp_path):
    out = tmp_path / "out"
    arguments = ["--model", "otsu", "--task", "instance", "--bands", "4,2,1"]
    code = main(
        ["segment", str(field), "-o", str(out), *arguments, "--write", "geojson,overlay,shares"]
    )
    assert code == 0
    with rasterio.open(out / "field.tif") as written, rasterio.open(field) as source:
        assert written.crs == source.crs
        assert written.transform == source.transform
        assert (written.read(1) == np.asarray(Image.open(out / "field.png"))).all()
        assert written.read(1).sum() == 40 * 60
    record = json.loads((out / "geojson/field.geojson").read_text())
    (feature,) = record["features"]
    points = np.array(feature["geometry"]["coordinates"][0])
    assert points.min(axis=0).tolist() == [640_500, 5_769_300]
    assert points.max(axis=0).tolist() == [641_100, 5_769_700]
    assert record["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32631"


def test_band_that_is_not_there_fails_that_picture(field, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["segment", str(field), "-o", out, "--model", "otsu", "--bands", "5,1,1"]) == 1
    assert "bands 1 to 4" in capsys.readouterr().out
