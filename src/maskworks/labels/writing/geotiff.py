"""Labels with a georeference: a GeoTIFF where the picture lies, GeoJSON in its system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.labels.reading.geo import need_rasterio

if TYPE_CHECKING:
    from maskworks.core.label_map import LabelMap
    from maskworks.labels.writing.palettes import Palette


def write_label_raster(path: Path, labels: LabelMap, palette: Palette, geo: dict[str, Any]) -> None:
    """Write a label map as a deflated GeoTIFF where the picture lies, with its palette."""
    need_rasterio()
    import rasterio

    height, width = labels.size
    profile = {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": 1,
        "dtype": labels.ids.dtype.name,
        "crs": geo["crs"],
        "transform": geo["transform"],
        "compress": "deflate",
        "tiled": min(height, width) >= 512,
        "nodata": labels.taxonomy.ignore,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(labels.ids, 1)
        target.update_tags(1, classes=", ".join(labels.taxonomy.names))
        if labels.ids.dtype == np.uint8:
            target.write_colormap(1, {at: (*map(int, row), 255) for at, row in enumerate(palette)})


def to_crs(record: dict[str, Any], geo: dict[str, Any]) -> dict[str, Any]:
    """Move a GeoJSON record from pixels into the picture's reference system.

    The standard of 2016 has longitude and latitude only; other systems are named in ``crs``, as
    its first version did and every desktop tool reads.
    """
    transform = geo["transform"]

    def moved(value: Any) -> Any:  # noqa: ANN401 - numbers, points, rings, polygons
        if isinstance(value[0], int | float):
            x, y = value[0], value[1]
            east = transform.a * x + transform.b * y + transform.c
            return [east, transform.d * x + transform.e * y + transform.f]
        return [moved(each) for each in value]

    for feature in record["features"]:
        geometry = feature["geometry"]
        geometry["coordinates"] = moved(geometry["coordinates"])
    if geo["crs"] is not None:
        authority = geo["crs"].to_authority()
        name = f"urn:ogc:def:crs:{authority[0]}::{authority[1]}" if authority else str(geo["crs"])
        record["crs"] = {"type": "name", "properties": {"name": name}}
    return record
