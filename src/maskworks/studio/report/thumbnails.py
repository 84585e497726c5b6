"""Small pictures for the page, and which of them it shows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from maskworks.batch.workers import usable_cores
from maskworks.core.errors import MaskworksError
from maskworks.core.formats import sniff
from maskworks.core.reading import Limits, read_picture
from maskworks.core.values import Image, Matte
from maskworks.studio.report.rows import ReportItem
from maskworks.studio.route import ROUTES, Route

SIDE_PX = 224
QUALITY = 68
_EFFORT = 2  # of WebP, 0 to 6: half the time of 4, and some per cent larger

_SMALL_BYTES = 40_000
_SECONDS = 10.0  # of reading what a small copy is made of; without one otherwise
_LEAST_PX = SIDE_PX * 5 // 4  # a JPEG is decoded no larger than the small copy needs
_DOUBTFUL_FIRST = sorted(ROUTES, key=lambda route: route == "deliver")

PER_ROUTE: dict[Route, int] = {"deliver": 96, "review": 240, "manual": 96, "failed": 48}
"""How many pictures of each route the page shows; the lowest scores first."""

MOST_BYTES = 12_000_000
"""How many bytes all small pictures of a page may have."""


def thumbnail(image: Image, matte: Matte | None = None) -> bytes:
    """Return a small copy as WebP, with alpha if there is a matte.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W), optional

    Returns
    -------
    bytes of a WebP file; its long side is `SIDE_PX` pixels, or the picture's if that is less
    """
    import numpy as np
    from PIL import Image as PillowImage

    small = PillowImage.fromarray(image.pixels)
    box, best = (SIDE_PX, SIDE_PX), PillowImage.Resampling.LANCZOS
    small.thumbnail(box, best, reducing_gap=2.0)
    if matte is not None:
        alpha = PillowImage.fromarray(np.rint(matte.alpha * 255).astype(np.uint8))
        small.putalpha(alpha.resize(small.size, best, reducing_gap=2.0))
    written = BytesIO()
    small.save(written, format="WEBP", quality=QUALITY, method=_EFFORT)
    return written.getvalue()


def embed(picture: bytes | Path | None) -> str:
    """Return a small picture as base64; empty if there is none or it cannot be read.

    A file that is a small WebP already is taken as it is; of any other a small copy is made,
    which takes as long as decoding it, of a JPEG less.
    """
    if isinstance(picture, Path):
        picture = _from_file(picture)
    return base64.b64encode(picture).decode() if picture else ""


def _from_file(path: Path) -> bytes | None:
    """Return a file's small copy; None if it cannot be read: the row says why."""
    try:
        data = path.read_bytes()
        if len(data) <= _SMALL_BYTES and sniff(data) == "WEBP":
            return data
        limits = Limits(seconds=_SECONDS)
        read = read_picture(data, limits, name=path.name, least_side=_LEAST_PX)
    except (MaskworksError, OSError):
        return None
    return thumbnail(read.image, read.matte)


def choose(items: Sequence[ReportItem]) -> dict[int, tuple[str, str]]:
    """Return the small pictures that the page shows: (before, after) by the row's position.

    Of each route at most `PER_ROUTE`, the lowest scores first (those without a score before
    them), until all together have `MOST_BYTES`. What cannot be read is empty.
    """
    at = [n for route in _DOUBTFUL_FIRST for n in _lowest(items, route)]
    chosen: dict[int, tuple[str, str]] = {}
    spent = 0
    with ThreadPoolExecutor(usable_cores()) as pool:
        pairs = [pool.submit(_pair, items[n]) for n in at]
        for n, made in zip(at, pairs, strict=True):
            pair = made.result()
            spent += (len(pair[0]) + len(pair[1])) * 3 // 4
            if spent > MOST_BYTES:
                pool.shutdown(cancel_futures=True)
                break
            chosen[n] = pair
    return chosen


def _lowest(items: Sequence[ReportItem], route: Route) -> list[int]:
    """Return the positions of a route's rows that are shown, the lowest scores first."""
    at = [n for n, item in enumerate(items) if item.route == route]
    at.sort(key=lambda n: -1.0 if (score := items[n].score) is None else score)
    return at[: PER_ROUTE[route]]


def _pair(item: ReportItem) -> tuple[str, str]:
    return embed(item.before), embed(item.after)
