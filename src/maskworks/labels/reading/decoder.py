"""The other side of `maskworks.labels.reading.apart`: a process that has one file open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from maskworks.core.apart import Head, Part
from maskworks.core.decoder import serve
from maskworks.core.errors import MaskworksError, UnreadableError
from maskworks.core.picture import Limits
from maskworks.core.values import Box
from maskworks.labels.reading import windows
from maskworks.labels.reading.scans import Scan, Window, open_scan
from maskworks.labels.reading.window import Windows

_CACHE_MB = "200"  # of GDAL; by default a share of the machine's memory, which we may not take


def main() -> None:
    """Answer what comes on standard input until it ends."""
    os.environ.setdefault("GDAL_CACHEMAX", _CACHE_MB)
    serve(_Reader().answer)


class _Reader:
    """Does what it is asked with the file that is open."""

    def __init__(self) -> None:
        self._windows: Windows | None = None
        self._scan: Scan | None = None

    def answer(self, asked: Head, content: list[Part]) -> tuple[Head, list[Part]]:
        try:
            found: tuple[Head, list[Part]] = getattr(self, f"do_{asked['do']}")(asked, *content)
        except MaskworksError as error:
            return {"error": type(error).__name__, "args": error.args}, []
        except MemoryError:
            reason = "needs more memory than its reader may take"
            return _unreadable(asked, reason, "cut it into parts")
        except Exception as error:  # noqa: BLE001 - decoders of hostile bytes raise anything
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            return _unreadable(asked, f"cannot be read ({reason})", "copy or export it again")
        return found

    def do_windows(self, asked: Head) -> tuple[Head, list[Part]]:
        windows.WINDOWED_PIXELS = asked["windowed"]
        opened = windows.open_windows(
            Path(asked["path"]), bands=asked["bands"], label=asked["name"]
        )
        self._windows = opened
        if opened is None:
            return {"size": None}, []
        return {"size": opened.size, "geo": _plain(opened.geo)}, []

    def do_part(self, asked: Head) -> tuple[Head, list[Part]]:
        assert self._windows is not None  # noqa: S101 - it was opened before
        return {}, [np.ascontiguousarray(self._windows.read(Box(*asked["box"])))]

    def do_scan(self, asked: Head) -> tuple[Head, list[Part]]:
        window = None if asked["window"] is None else Window(*asked["window"])
        limits = Limits(asked["max_pixels"], seconds=None)  # ours ends with this process
        self._scan = open_scan(Path(asked["path"]), window, limits=limits, label=asked["name"])
        return {"slices": self._scan.slices, "size": self._scan.size}, []

    def do_slice(self, asked: Head) -> tuple[Head, list[Part]]:
        assert self._scan is not None  # noqa: S101 - it was opened before
        return {}, [np.ascontiguousarray(self._scan.read(asked["at"]))]

    def do_volume(self, asked: Head, ids: Part) -> tuple[Head, list[Part]]:
        assert self._scan is not None  # noqa: S101 - it was opened before
        whole = ids.view(asked["dtype"]).reshape(asked["shape"])
        made = self._scan.volume(whole, asked["taxonomy"])
        return {}, [np.frombuffer(made, np.uint8)]

    def do_close(self, _: Head) -> tuple[Head, list[Part]]:
        if self._windows is not None:
            self._windows.close()
        self._windows = self._scan = None
        return {}, []


def _unreadable(asked: Head, reason: str, remedy: str) -> tuple[Head, list[Part]]:
    error = UnreadableError(asked["name"], reason, remedy)
    return {"error": type(error).__name__, "args": error.args}, []


def _plain(geo: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a georeference as JSON."""
    if geo is None:
        return None
    crs = None if geo["crs"] is None else geo["crs"].to_wkt()
    return {"crs": crs, "transform": list(geo["transform"])[:6]}
