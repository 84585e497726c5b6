"""Rasters with a georeference: read in parts, and written back where they lie. Extra `[geo]`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import ModelError, UnreadableError, UsageError
from maskworks.core.extras import how_to_install
from maskworks.labels.reading.window import Windows, choose_bands, to_bytes

if TYPE_CHECKING:
    from maskworks.core.values import Box, Pixels

_STRETCH = (2.0, 98.0)
"""Percentiles of other samples than 8 bits that become black and white."""

_SAMPLE = 1_000_000


def open_raster(path: Path, *, bands: Sequence[int] | None, label: str) -> Windows:
    """Open a raster with rasterio.

    Samples of 8 bits are taken as they are; others are stretched so that 2 % of a thinned
    picture are black and 2 % white, since sensors use only a part of their range.

    Raises
    ------
    UnreadableError
        If rasterio cannot open it.
    UsageError
        If a band is asked for that is not there.
    """
    need_rasterio()
    import rasterio
    from rasterio.windows import Window

    try:
        opened = rasterio.open(path, driver="GTiff")  # no other format, which may name files
    except rasterio.errors.RasterioError as error:
        raise UnreadableError(label, f"rasterio cannot open it ({error})", "check it") from error
    try:
        chosen = [band + 1 for band in choose_bands(bands, opened.count, label)]
    except UsageError:
        opened.close()
        raise
    low, high = _range(opened, chosen)

    def read(box: Box) -> Pixels:
        window = Window(box.left, box.top, box.size[1], box.size[0])
        values = np.moveaxis(opened.read(chosen, window=window), 0, -1)
        if values.dtype == np.uint8:
            return to_bytes(values, label)
        scaled = (values.astype(np.float32) - low) / np.maximum(high - low, 1e-6)
        levels: Pixels = np.rint(255 * np.clip(np.nan_to_num(scaled), 0, 1)).astype(np.uint8)
        return levels

    geo = {"crs": opened.crs, "transform": opened.transform}
    return Windows(size=(opened.height, opened.width), read=read, close=opened.close, geo=geo)


def need_rasterio() -> None:
    """Raise with the way out unless rasterio is here."""
    if find_spec("rasterio") is None:
        raise ModelError(
            f"a georeference needs rasterio, which is not installed; {how_to_install('geo')}"
        )


def _range(opened: Any, chosen: list[int]) -> tuple[Any, Any]:  # noqa: ANN401 - untyped library
    """Return what is black and white in each band, from a thinned picture."""
    if opened.dtypes[0] == "uint8":
        return np.float32(0), np.float32(255)
    factor = max(1.0, (opened.height * opened.width / _SAMPLE) ** 0.5)
    shape = (len(chosen), max(1, int(opened.height / factor)), max(1, int(opened.width / factor)))
    thinned = opened.read(chosen, out_shape=shape, masked=True).astype(np.float32)
    low, high = np.nanpercentile(thinned.filled(np.nan), _STRETCH, axis=(1, 2))
    return low.astype(np.float32), high.astype(np.float32)
