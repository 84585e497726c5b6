"""Pictures that are read part by part: TIFF of any size, and rasters with a georeference.

Plain and deflated TIFF are read through tifffile, which the core has; everything else, and
whatever has a georeference, through rasterio (extra `[geo]`).
"""

from __future__ import annotations

import lzma
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.deadline import go_on
from maskworks.core.errors import UnreadableError, UsageError
from maskworks.core.extras import how_to_install
from maskworks.core.values import Box
from maskworks.labels.reading.window import Windows, choose_bands, to_bytes

if TYPE_CHECKING:
    from maskworks.core.values import Pixels

WINDOWED_PIXELS = 50_000_000
"""A TIFF with more pixels is read and written part by part, whatever `--max-pixels` says."""

TIFF = frozenset({".tif", ".tiff", ".btf"})

CACHE_BYTES = 200_000_000
"""Decoded parts that are kept, so that a row of tiles is decoded once."""

LARGEST_PART = 400_000_000
"""A single compressed strip or tile with more bytes than this cannot be read in parts."""

_GEO_TAGS = (33550, 33922, 34264, 34735)


def open_windows(
    path: Path, *, bands: Sequence[int] | None = None, label: str | None = None
) -> Windows | None:
    """Open a picture to be read part by part, None if it had better be read at once.

    That is so for a small one without a georeference, when no bands were asked for.

    Parameters
    ----------
    bands : three numbers from 1, or one, optional
        Which bands are red, green and blue; by default the first three, or the only one.
    label : str, optional
        What error messages call it.

    Raises
    ------
    UnreadableError
        If it is a TIFF that cannot be read in parts, with the way out.
    UsageError
        If a band is asked for that is not there.
    """
    if path.suffix.lower() not in TIFF:
        if bands is not None:
            raise UsageError(f"{label or path}: --bands chooses bands of a TIFF, this is none")
        return None
    import tifffile

    name = label or str(path)
    try:
        opened = tifffile.TiffFile(path)
    except (OSError, ValueError, tifffile.TiffFileError):
        return None  # `read_picture` says what is wrong with it
    page: Any = opened.pages[0]
    large = page.imagelength * page.imagewidth > WINDOWED_PIXELS
    geo = any(tag in page.tags for tag in _GEO_TAGS)
    many = page.samplesperpixel not in (1, 3, 4)
    if not large and not geo and bands is None and not many:
        opened.close()
        return None
    if find_spec("rasterio") is not None and (geo or not _readable(page)):
        opened.close()
        from maskworks.labels.reading.geo import open_raster

        return open_raster(path, bands=bands, label=name)
    if not _readable(page):
        opened.close()
        raise UnreadableError(
            name,
            f"is a large TIFF compressed with {page.compression.name}",
            f"{how_to_install('geo')}, which reads it in parts, or save it deflated",
        )
    try:
        return _of_page(opened, page, bands, name)
    except UsageError:
        opened.close()
        raise


def _readable(page: Any) -> bool:  # noqa: ANN401 - an untyped library
    """Whether tifffile alone decodes a page, in parts that fit into memory."""
    plain = page.compression.name in ("NONE", "ADOBE_DEFLATE", "DEFLATE", "PACKBITS", "LZMA")
    if page.dtype is None or page.dtype.name not in ("uint8", "uint16"):
        return False
    if page.photometric.name not in ("MINISBLACK", "MINISWHITE", "RGB"):
        return False
    if page.is_memmappable:
        return True
    part = int(np.prod(page.chunks)) * page.dtype.itemsize
    return plain and part <= LARGEST_PART


def _of_page(
    opened: Any,  # noqa: ANN401 - tifffile.TiffFile
    page: Any,  # noqa: ANN401 - tifffile.TiffPage
    bands: Sequence[int] | None,
    name: str,
) -> Windows:
    height, width = int(page.imagelength), int(page.imagewidth)
    chosen = choose_bands(bands, int(page.samplesperpixel), name)
    invert = page.photometric.name == "MINISWHITE"
    raw = _mapped(opened, page) if page.is_memmappable else _Segments(page, name)

    def read(box: Box) -> Pixels:
        part = to_bytes(raw(box), name)[..., chosen]
        return np.ascontiguousarray(255 - part if invert else part)

    return Windows(size=(height, width), read=read, close=opened.close)


def _mapped(opened: Any, page: Any) -> Callable[[Box], NDArray[Any]]:  # noqa: ANN401
    """Read from a file that lies uncompressed on the disk, as if it were an array.

    It is mapped anew for each part, so that the pages of the parts before are given back.
    """
    height, width, samples = page.imagelength, page.imagewidth, page.samplesperpixel
    apart = page.planarconfig.name == "SEPARATE" and samples > 1
    shape = (samples, height, width) if apart else (height, width, samples)

    def read(box: Box) -> NDArray[Any]:
        values: NDArray[Any] = np.memmap(
            opened.filehandle.path,
            page.dtype.newbyteorder(opened.byteorder),
            "r",
            offset=page.dataoffsets[0],
            shape=shape,
        )
        if apart:
            values = values.transpose(1, 2, 0)
        return np.array(values[box.top : box.bottom, box.left : box.right])

    return read


def _inflates_beyond(data: bytes, compression: str, most: int) -> bool:
    """Say whether a compressed part gives more bytes than it is said to, without making them.

    tifffile inflates a part to its end and cuts off what is too much: a few megabytes of zeros
    fill the memory of any machine.

    Examples
    --------
    >>> bomb = zlib.compress(bytes(100_000))
    >>> _inflates_beyond(bomb, "DEFLATE", 99_999), _inflates_beyond(bomb, "DEFLATE", 100_000)
    (True, False)
    """
    inflater: Any = {
        "ADOBE_DEFLATE": zlib.decompressobj,
        "DEFLATE": zlib.decompressobj,
        "LZMA": lzma.LZMADecompressor,
    }.get(compression)
    if inflater is None:
        return compression == "PACKBITS" and len(data) > 2 * most + 4096
    try:
        return len(inflater().decompress(data, most + 1)) > most
    except (zlib.error, lzma.LZMAError):
        return False  # tifffile says what is wrong


class _Segments:
    """Reads strips or tiles one by one and keeps the last ones decoded."""

    def __init__(self, page: Any, name: str) -> None:  # noqa: ANN401 - tifffile.TiffPage
        self.page, self.name = page, name
        self.kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self.bytes = 0
        self.samples = int(page.samplesperpixel)
        self.apart = page.planarconfig.name == "SEPARATE" and self.samples > 1
        if page.is_tiled:
            self.side = (int(page.tilelength), int(page.tilewidth))
        else:
            self.side = (min(int(page.rowsperstrip), int(page.imagelength)), int(page.imagewidth))
        self.across = -(-int(page.imagewidth) // self.side[1])
        self.down = -(-int(page.imagelength) // self.side[0])

    def __call__(self, box: Box) -> NDArray[Any]:
        out = np.zeros((*box.size, self.samples), self.page.dtype)
        height, width = self.side
        for row in range(box.top // height, -(-box.bottom // height)):
            for column in range(box.left // width, -(-box.right // width)):
                go_on(self.name)
                self._copy(out, box, row, column)
        return out

    def _copy(self, out: NDArray[Any], box: Box, row: int, column: int) -> None:
        top, left = row * self.side[0], column * self.side[1]
        for plane in range(self.samples if self.apart else 1):
            part = self._segment((plane * self.down + row) * self.across + column)
            rows = slice(max(box.top, top), min(box.bottom, top + part.shape[0]))
            columns = slice(max(box.left, left), min(box.right, left + part.shape[1]))
            inside = part[rows.start - top : rows.stop - top, columns.start - left :][
                :, : columns.stop - columns.start
            ]
            target = out[
                rows.start - box.top : rows.stop - box.top,
                columns.start - box.left : columns.stop - box.left,
            ]
            if self.apart:
                target[..., plane] = inside[..., 0]
            else:
                target[...] = inside

    def _segment(self, index: int) -> NDArray[Any]:
        if index in self.kept:
            self.kept.move_to_end(index)
            return self.kept[index]
        handle = self.page.parent.filehandle
        handle.seek(self.page.dataoffsets[index])
        data = handle.read(self.page.databytecounts[index])
        shape = (*self.side, 1 if self.apart else self.samples)
        most = int(np.prod(shape)) * self.page.dtype.itemsize
        if _inflates_beyond(data, self.page.compression.name, most):
            raise UnreadableError(
                self.name,
                f"its part {index + 1} holds more than the {most:,} bytes of such a part",
                "export it again",
            )
        decoded = self.page.decode(data, index)[0]
        part = np.zeros(shape, self.page.dtype) if decoded is None else np.asarray(decoded)[0]
        self.kept[index] = part
        self.bytes += part.nbytes
        while self.bytes > CACHE_BYTES and len(self.kept) > 1:
            self.bytes -= self.kept.popitem(last=False)[1].nbytes
        return part
