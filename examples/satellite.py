"""Fields of a raster as polygons (extra `[geo]`): `python examples/satellite.py [OUT]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

import maskworks as mw


def picture(folder: Path) -> Path:
    """Draw a raster of four 16-bit bands with two bright fields."""
    values = np.full((4, 120, 160), 900, np.uint16)
    values[3, 20:60, 20:70] = values[3, 70:110, 90:150] = 9000
    path = folder / "scene.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=120,
        width=160,
        count=4,
        dtype="uint16",
        crs="EPSG:32631",
        transform=Affine(10, 0, 640_000, 0, -10, 5_770_000),
    ) as target:
        target.write(values)
    return path


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "example-out")
    out.mkdir(parents=True, exist_ok=True)
    request = mw.LabelRequest(
        inputs=(str(picture(out)),),
        output=str(out / "labels"),
        model="otsu",
        task="instance",
        bands=(4, 2, 1),
        write="geojson,shares",
        existing="overwrite",
    )
    for row in mw.open_labelling(request).rows():
        print(f"{row.status}: {row.output}")
    fields = json.loads((out / "labels/geojson/scene.geojson").read_text())["features"]
    print(f"{len(fields)} fields")
