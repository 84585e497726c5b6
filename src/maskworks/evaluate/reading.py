"""Mattes and trimaps from files, as they were stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.deep import raw_mode
from maskworks.core.errors import ImageError
from maskworks.core.formats import open_format, sniff
from maskworks.core.icc import ProfileError, to_srgb
from maskworks.core.reading import Limits, read_picture
from maskworks.core.stored_values import dim_values, inside_of
from maskworks.core.trimaps import grey_of, trimap_of
from maskworks.core.values import Matte, Trimap
from maskworks.evaluate.label_pictures import LIMITS, read_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

__all__ = ["LIMITS", "may_hold_matte", "read_matte", "read_trimap"]

_HEAD_BYTES = 64
_WHITES = {"L;2": 3, "L;4": 15}
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"})
_PALETTE_MODES = frozenset({"P", "PA"})  # of greys, as likely as not


@dataclass(frozen=True)
class _Header:
    """What a file says before it is decoded."""

    mode: str
    raw: str
    alpha: bool
    profile: bytes | None


def read_matte(path: Path, limits: Limits = LIMITS, *, binary: bool | None = None) -> Matte:
    """Read a matte: the alpha channel of a picture, else the values of a grey one.

    An alpha channel that is opaque everywhere says nothing if the picture is grey, then the grey
    counts; a picture in colours with such a channel is a subject that fills the frame. Samples
    of 16 bits are rounded to 8.

    Parameters
    ----------
    binary : bool, optional
        True for a mask, of 0 and 1 or of 0 and more, whose inside is alpha 1; a palette's first
        place is outside then. False for alpha as it is stored. By default alpha, unless the
        values cannot be meant so.

    Returns
    -------
    Matte of shape (H, W), upright

    Raises
    ------
    UnreadableError, TooLargeError
        As `read_picture`.
    ImageError
        If it is in colours and has no alpha channel, or is grey with a colour profile that
        would change its values; or if nothing says that a file without a bright value is a mask.
    """
    picture = read_picture(path, limits)
    header = _header(path)
    if binary and header.mode == "P" and not header.alpha:
        return Matte(read_ids(path, limits, binary=True).astype(np.float32))
    if picture.matte is not None:
        levels = np.rint(picture.matte.alpha * np.float32(255)).astype(np.uint8)
        return _matte_or_mask(path, picture.matte, levels, 255, binary=binary)
    grey = grey_of(picture)
    if grey is not None:
        _check_profile(path, header)
        matte = Matte(grey.astype(np.float32) / np.float32(255))
        return _matte_or_mask(path, matte, *_stored(path, header, grey, limits), binary=binary)
    if header.alpha:
        return Matte(np.ones(picture.image.size, np.float32))
    raise ImageError(
        f"{path}: is in colours and has no alpha channel, so it holds no matte; save the matte in "
        "grey, or the cut-out as RGBA"
    )


def _stored(
    path: Path, header: _Header, grey: NDArray[np.uint8], limits: Limits
) -> tuple[NDArray[np.integer], int]:
    """Return the values that a grey file stores and what its white is."""
    white = 65535 if header.mode.startswith("I;16") else _WHITES.get(header.raw)
    return (grey, 255) if white is None else (read_ids(path, limits), white)


def _matte_or_mask(
    path: Path, matte: Matte, levels: NDArray[np.integer], white: int, *, binary: bool | None
) -> Matte:
    """Return the matte, or the mask that its file is said to be."""
    if binary:
        top = 255 if white > 255 and int(levels.max()) <= 255 else white
        return Matte(inside_of(levels, top).astype(np.float32))
    doubt = None if binary is False else dim_values(levels, white)
    if doubt is not None:
        raise ImageError(
            f"{path}: holds {doubt}, so it is as good as empty as a matte; read such masks with "
            "--binary (above 0 is inside), or take alpha as it is stored with --no-binary"
        )
    return matte


def read_trimap(path: Path, limits: Limits = LIMITS) -> Trimap:
    """Read a trimap, see `maskworks.core.trimaps.trimap_of`.

    Returns
    -------
    Trimap of shape (H, W), upright

    Raises
    ------
    UnreadableError, TooLargeError
        As `read_picture`.
    ImageError
        If it is none, has a colour profile that would change its values, or no unknown pixel.
    """
    picture = read_picture(path, limits)
    trimap = trimap_of(picture, str(path))
    if picture.matte is None:
        _check_profile(path, _header(path))
    if not trimap.unknown.any():
        raise ImageError(
            f"{path}: has no unknown pixel, so there is nothing to measure; draw the unknown "
            "part in grey (128), or leave --trimaps out"
        )
    return trimap


def may_hold_matte(path: Path) -> bool:
    """Say by its header whether a picture is grey or has an alpha channel; False if unreadable."""
    try:
        header = _header(path)
    except Exception:  # noqa: BLE001 - a decoder of hostile bytes raises anything
        return False
    return header.alpha or header.mode in _GREY_MODES | _PALETTE_MODES


def _header(path: Path) -> _Header:
    with path.open("rb") as stream:
        kind = sniff(stream.read(_HEAD_BYTES))
        if kind is None:
            raise ImageError(f"{path}: is not a picture; save it as PNG")
        stream.seek(0)
        opened: ImageFile = open_format(kind, stream)
        return _Header(
            mode=opened.mode,
            raw=raw_mode(opened),
            alpha=opened.has_transparency_data,
            profile=opened.info.get("icc_profile") or None,
        )


def _check_profile(path: Path, header: _Header) -> None:
    """Raise if the profile by which a grey picture was converted to sRGB changed its values."""
    from PIL import Image as PillowImage

    if header.profile is None:
        return
    ramp = PillowImage.fromarray(np.arange(256, dtype=np.uint8)[np.newaxis])
    try:
        shown = to_srgb(ramp if header.mode in _GREY_MODES else ramp.convert("RGB"), header.profile)
    except ProfileError:  # then `read_picture` took the values as they are
        return
    drift = np.abs(np.asarray(shown)[0, :, 1].astype(int) - np.arange(256)).max()
    if drift > 0:
        raise ImageError(
            f"{path}: its colour profile changes grey values by up to {drift} of 255, and alpha is "
            "no colour; save it without a profile"
        )
