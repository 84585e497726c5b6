"""What a file states of its colours and frames, and what is made of it."""

from __future__ import annotations

import math
from typing import IO, TYPE_CHECKING

import numpy as np

from maskworks.core.colour_codes import CodeError, Colours, of_codes, of_png, to_srgb_pixels
from maskworks.core.formats import COLOURS
from maskworks.core.icc import ProfileError, to_srgb

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from PIL.ImageFile import ImageFile

    from maskworks.core.values import Pixels

_AVIF_HEAD = 1 << 16  # bytes in which its boxes lie
_MOVING = ("GIF", "WEBP", "PNG", "AVIF", "HEIF")


def in_srgb(
    opaque: PillowImage.Image, profile: bytes | None, opened: ImageFile, stream: IO[bytes]
) -> tuple[Pixels, list[str], bool]:
    """Convert to sRGB by the stated colours; return pixels, notes and whether they are sure."""
    chunks = opened.info.pop(COLOURS, {})
    stated: Colours | None = None
    try:
        if profile is None or b"cICP" in chunks:  # which stands above a profile
            stated = of_png(chunks) if opened.format == "PNG" else _nclx(opened, stream)
    except CodeError as error:
        return np.asarray(to_srgb(opaque, None)), [f"{error}; taken as sRGB"], False
    if stated is not None and not stated.plain and opaque.mode in ("L", "RGB"):
        try:
            pixels = to_srgb_pixels(np.asarray(opaque.convert("RGB")), stated)
        except CodeError as error:
            return np.asarray(to_srgb(opaque, None)), [f"{error}; taken as sRGB"], False
        return pixels, [f"its colours were converted from {stated.name}"], True
    try:
        return np.asarray(to_srgb(opaque, profile)), [], True
    except ProfileError as error:
        told = f"its colours were taken as sRGB: {error}"
        return np.asarray(to_srgb(opaque, None)), [told], True


def _nclx(opened: ImageFile, stream: IO[bytes]) -> Colours | None:
    """Return the colours that the codes of a HEIF or AVIF mean, None if it has none."""
    found = opened.info.get("nclx_profile")
    if isinstance(found, dict):
        return of_codes(found["color_primaries"], found["transfer_characteristics"])
    if opened.format != "AVIF":
        return None
    stream.seek(0)
    _, mark, codes = stream.read(_AVIF_HEAD).partition(b"colrnclx")
    if not mark or len(codes) < 4:
        return None
    return of_codes(int.from_bytes(codes[:2], "big"), int.from_bytes(codes[2:4], "big"))


def gain_map(opened: ImageFile) -> list[str]:
    """Say that a picture has an HDR gain map, of which no use is made."""
    xmp = opened.info.get("xmp")
    hdr = isinstance(xmp, bytes) and (b"hdrgm:" in xmp or b"HDRGainMap" in xmp)
    if hdr or any("hdrgainmap" in str(key) for key in opened.info.get("aux") or ()):
        return ["has an HDR gain map, its base picture was taken"]
    return []


def frames_left(opened: ImageFile, kind: str) -> list[str]:
    """Say of which frames or pages the first was taken."""
    if kind == "TIFF":  # counting pages would read them all
        more = bool(opened.tag_v2.next)  # type: ignore[attr-defined]
        return ["has more than one page, the first was taken"] if more else []
    try:
        moves = kind in _MOVING and bool(getattr(opened, "is_animated", False))
    except Exception:  # noqa: BLE001 - a second frame that cannot be read is not taken either
        return []
    return ["has more than one frame, the first was taken"] if moves else []


def stated_dpi(picture: ImageFile) -> tuple[float, float] | None:
    """Return dots per inch across and down, None if the file does not say."""
    try:
        horizontal, vertical = (float(value) for value in picture.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    known = all(math.isfinite(value) and value > 1 for value in (horizontal, vertical))
    return (horizontal, vertical) if known else None
