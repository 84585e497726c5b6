"""Rasters and scans opened in a process of their own, which is ended when its time is over.

Their decoders are written in C and cannot be stopped from outside. A process opens one file,
gives its parts or slices, and is kept for the next file (`maskworks.core.apart`). Where there is
no deadline, everything is done in this process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.apart import Head, Helper, Part, give_back, raise_answered, take_helper
from maskworks.core.deadline import time_left
from maskworks.core.errors import MaskworksError, UnreadableError
from maskworks.labels.reading import windows
from maskworks.labels.reading.scans import Scan, Window, need_reader, open_scan
from maskworks.labels.reading.window import Windows
from maskworks.labels.reading.windows import TIFF, open_windows

if TYPE_CHECKING:
    from maskworks.core.reading import Limits
    from maskworks.core.values import Box, Pixels

_MODULE = "maskworks.labels.reading.decoder"
_BYTES_A_BYTE = 4  # of a file: it is mapped or read, and inflates


def windows_apart(
    path: Path, *, bands: Sequence[int] | None, label: str, limits: Limits
) -> Windows | None:
    """Do what `open_windows` does, in a process that ends with the time of each part.

    Raises
    ------
    TooSlowError
        If the deadline around this, or around the reading of a part, is over.
    ImageError, ModelError, UsageError
        As `open_windows`; if the process breaks or needs more memory than it may.
    """
    if time_left() is None or path.suffix.lower() not in TIFF or not path.is_file():
        return open_windows(path, bands=bands, label=label)
    remote = _Remote(path, label, limits)
    order = {"bands": bands, "windowed": windows.WINDOWED_PIXELS}
    answer, _ = remote.ask("windows", order)
    if answer["size"] is None:
        remote.close()
        return None
    height, width = answer["size"]

    def read(box: Box) -> Pixels:
        corners = [box.top, box.left, box.bottom, box.right]
        _, parts = remote.ask("part", {"box": corners}, most_bytes=3 * box.size[0] * box.size[1])
        return parts[0].reshape(*box.size, 3)

    return Windows(
        size=(height, width), read=read, close=remote.close, geo=_georeference(answer["geo"])
    )


def scan_apart(path: Path, window: Window | None, *, limits: Limits, label: str) -> Scan:
    """Do what `open_scan` does, in a process that ends with the time of opening, or of a slice.

    Raises
    ------
    TooSlowError
        If the deadline around this, or around the reading of a slice, is over.
    ImageError, ModelError
        As `open_scan`; if the process breaks or needs more memory than it may.
    """
    if time_left() is None or not path.is_file():
        return open_scan(path, window, limits=limits, label=label)
    need_reader(path, label=label)
    remote = _Remote(path, label, limits)
    shown = None if window is None else [window.centre, window.width, window.shape]
    answer, _ = remote.ask("scan", {"window": shown})
    height, width = answer["size"]

    def read(at: int) -> Pixels:
        _, parts = remote.ask("slice", {"at": at}, most_bytes=3 * height * width)
        return parts[0].reshape(height, width, 3)

    def volume(ids: NDArray[np.integer[Any]], taxonomy: str) -> bytes:
        whole = np.ascontiguousarray(ids)
        said = {"dtype": whole.dtype.name, "shape": whole.shape, "taxonomy": taxonomy}
        _, parts = remote.ask("volume", said, whole.reshape(-1).view(np.uint8))
        return parts[0].tobytes()

    return Scan(
        slices=answer["slices"], size=(height, width), read=read, volume=volume, close=remote.close
    )


class _Remote:
    """A file that a process has open; it is given back at the end, or ended."""

    def __init__(self, path: Path, label: str, limits: Limits) -> None:
        self._label = label
        self._always = {
            "name": label,
            "path": os.fspath(path.absolute()),
            "max_pixels": limits.max_pixels,
            "pixels": max(limits.max_pixels, windows.WINDOWED_PIXELS),
            "bytes": _BYTES_A_BYTE * path.stat().st_size,
        }
        self._helper: Helper | None = take_helper(_MODULE)

    def ask(
        self, what: str, order: Head, *parts: Part, most_bytes: int | None = None
    ) -> tuple[Head, list[Part]]:
        helper, self._helper = self._helper, None
        if helper is None:
            raise UnreadableError(self._label, "its reader was ended", "read it again")
        answer, found = helper.ask(
            {**self._always, **order, "do": what}, *parts, most_bytes=most_bytes
        )
        self._helper = helper
        if "error" in answer:
            self.close()
        raise_answered(answer)
        return answer, found

    def close(self) -> None:
        helper, self._helper = self._helper, None
        if helper is not None:
            with contextlib.suppress(MaskworksError):  # it has ended then
                helper.ask({**self._always, "do": "close"}, most_bytes=0)
                give_back(helper)


def _georeference(said: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what a raster says of itself, as rasterio calls it."""
    if said is None:
        return None
    from rasterio import Affine
    from rasterio.crs import CRS

    crs = None if said["crs"] is None else CRS.from_wkt(said["crs"])
    return {"crs": crs, "transform": Affine(*said["transform"])}
