"""Colour profiles: everything becomes sRGB, and sRGB is what is written."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from PIL.ImageCms import ImageCmsProfile, ImageCmsTransform

_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
_MAX_DRIFT = 1  # a profile that moves no colour by more than this is sRGB by another name


class ProfileError(ImageError):
    """A profile that is damaged or does not fit the picture; never leaves `core`."""


def to_srgb(picture: PillowImage.Image, profile: bytes | None) -> PillowImage.Image:
    """Convert a picture without alpha to sRGB.

    Parameters
    ----------
    picture : Pillow image in mode L, RGB, CMYK or LAB
    profile : bytes or None
        Its ICC profile. None means sRGB; CMYK without one is converted by
        ``(255 - ink) * (255 - black) / 255``.

    Returns
    -------
    Pillow image in mode RGB, same size

    Raises
    ------
    ProfileError
        If the profile is damaged or made for another colour space.
    """
    if picture.mode == "LAB":
        return _from_lab().apply(picture)
    if profile is None:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    space = _colour_space(profile)
    if picture.mode == "L" and space == _SPACES["RGB"]:
        picture = picture.convert("RGB")  # common: a grey picture with an RGB profile
    if space != _SPACES[picture.mode]:
        message = f"the profile is for {space.strip()}, the picture is {picture.mode}"
        raise ProfileError(message)
    if picture.mode == "L":
        return _from_grey(picture, profile)
    transform = _transform(profile, picture.mode)
    return picture if transform is None else transform.apply(picture)


def profile_name(profile: bytes) -> str | None:
    """Return what a profile calls itself, None if it cannot be read."""
    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(_open(profile)).strip() or None
    except (ProfileError, ImageCms.PyCMSError):
        return None


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """Return the sRGB profile that is written into every colour output.

    Returns
    -------
    bytes
        Little CMS's own, free to use, with its date fixed so that equal pictures give equal
        files.
    """
    from PIL import ImageCms

    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    date = b"".join(part.to_bytes(2, "big") for part in (2000, 1, 1, 0, 0, 0))
    return made[:24] + date + made[36:]


def _open(profile: bytes) -> ImageCmsProfile:
    from PIL import ImageCms

    try:
        return ImageCms.ImageCmsProfile(BytesIO(profile))
    except (OSError, TypeError, ValueError) as error:
        message = f"the profile cannot be read ({error})"
        raise ProfileError(message) from error


def _colour_space(profile: bytes) -> str:
    return _open(profile).profile.xcolor_space


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCmsTransform | None:
    """Return the way from a profile to sRGB, None if it changes nothing."""
    from PIL import ImageCms

    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":
        flags |= ImageCms.Flags.NOOPTIMIZE
    try:
        transform = ImageCms.buildTransform(
            _open(profile),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.PERCEPTUAL,
            flags=flags,
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        message = f"the profile cannot be used ({error})"
        raise ProfileError(message) from error
    if mode == "RGB" and _changes_nothing(transform):
        return None
    return transform


def _changes_nothing(transform: ImageCmsTransform) -> bool:
    """Try 512 colours; the answer does not depend on what the profile calls itself."""
    from PIL import Image as PillowImage

    steps = [round(255 * step / 7) for step in range(8)]
    colours = bytes(v for r in steps for g in steps for b in steps for v in (r, g, b))
    before = PillowImage.frombytes("RGB", (64, 8), colours)
    after = transform.apply(before).tobytes()
    return max(abs(a - b) for a, b in zip(colours, after, strict=True)) <= _MAX_DRIFT


def _from_grey(picture: PillowImage.Image, profile: bytes) -> PillowImage.Image:
    """Convert the 256 greys once and exactly; Little CMS would interpolate between 33 of them."""
    from PIL import Image as PillowImage

    ramp = PillowImage.frombytes("L", (256, 1), bytes(range(256)))
    transform = _transform(profile, "L")
    colours = np.asarray(ramp.convert("RGB") if transform is None else transform.apply(ramp))
    return PillowImage.fromarray(colours[0][np.asarray(picture)])


@lru_cache(maxsize=1)
def _from_lab() -> ImageCmsTransform:
    from PIL import ImageCms

    return ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
