"""A picture that is read part by part, and which of its bands are its colours."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.deadline import deadline, go_on
from maskworks.core.errors import ImageError, TooSlowError, UsageError
from maskworks.core.values import Box

if TYPE_CHECKING:
    from maskworks.core.values import Pixels


@dataclass(frozen=True, eq=False)
class Windows:
    """A picture of `size` (H, W) of which `read` gives any part, uint8 (h, w, 3).

    `geo` is what a georeferenced raster says of itself, as rasterio calls it: crs, transform.
    """

    size: tuple[int, int]
    read: Callable[[Box], Pixels]
    close: Callable[[], None]
    geo: dict[str, Any] | None = None

    def step(self, most: int) -> int:
        """Return which pixels `overview` takes: every n-th."""
        return max(1, int(np.ceil((self.size[0] * self.size[1] / most) ** 0.5)))

    def overview(self, most: int) -> Pixels:
        """Return the whole picture, thinned to at most so many pixels.

        Every n-th pixel of every n-th row is taken; no more than a band is read at once.
        """
        height, width = self.size
        step = self.step(most)
        rows: list[Pixels] = []
        band = max(step, 512 // step * step)
        for top in range(0, height, band):
            part = self.read(Box(top, 0, min(top + band, height), width))
            rows.append(part[::step, ::step].copy())
        return np.concatenate(rows)


def in_time(windows: Windows, seconds: float | None, name: str) -> Windows:
    """Return the same picture, of which each part may take so many seconds.

    A part's time begins as it is read and ends as the next one is, so what is done with it
    counts. Looked at between the pieces that a part is read from, and as the next is read.

    Parameters
    ----------
    seconds : float, > 0, optional
        None is without limit.
    name : str
        What error messages call it.
    """
    ends: float | None = None

    def read(box: Box) -> Pixels:
        nonlocal ends
        if seconds and ends is not None and time.monotonic() > ends:
            raise TooSlowError(f"{name}: a part of it", seconds)
        began = time.monotonic()
        with deadline(seconds):
            part = windows.read(box)
            go_on(f"{name}: a part of it")
        ends = began + seconds if seconds else None
        return part

    return replace(windows, read=read)


def choose_bands(bands: Sequence[int] | None, count: int, name: str) -> list[int]:
    """Return three places of bands, from 0.

    Raises
    ------
    UsageError
        If a band is not there.

    Examples
    --------
    >>> choose_bands(None, 1, "a.tif"), choose_bands([4, 3, 2], 6, "a.tif")
    ([0, 0, 0], [3, 2, 1])
    """
    if bands is None:
        return [0, 0, 0] if count < 3 else [0, 1, 2]
    if len(bands) not in (1, 3) or not all(1 <= band <= count for band in bands):
        raise UsageError(
            f"{name}: --bands names one or three of its bands 1 to {count}, got "
            f"{','.join(map(str, bands))}"
        )
    chosen = [band - 1 for band in bands]
    return chosen if len(chosen) == 3 else chosen * 3


def to_bytes(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Return 8 or 16-bit samples as 8 bits.

    Raises
    ------
    ImageError
        If they are of another type.
    """
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return ((values.astype(np.uint32) * 255 + 32_767) // 65_535).astype(np.uint8)
    raise ImageError(f"{name}: its samples are {values.dtype}; save it with 8 or 16 bits")
