"""Pictures out: PNG, WebP, TIFF with alpha, JPEG on a colour; sRGB profile and DPI written."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from maskworks.core.atomic import write_atomic, write_text_atomic
from maskworks.core.errors import ImageError, UsageError
from maskworks.core.exif import PREFIX, tiff_tags
from maskworks.core.icc import srgb_profile
from maskworks.core.png import encode_png
from maskworks.core.provenance import SourceType, xmp_packet

if TYPE_CHECKING:
    from PIL import Image as PillowImage

    from maskworks.core.reading import Details
    from maskworks.core.values import Image, Matte, Pixels

__all__ = ["Encoding", "Format", "encode", "encode_matte", "write_atomic", "write_text_atomic"]

Format = Literal["png", "webp", "tiff", "jpg"]
Grey = NDArray[np.uint8]

_LOSSLESS = 100
_ROWS = 64
_HORIZONTAL_DIFFERENCE = 2  # TIFF 6.0, predictor
_PREDICTOR = 317
_XMP = 700
_LARGEST_SIDE = {"webp": 16383, "jpg": 65500}


@dataclass(frozen=True)
class Encoding:
    """How a picture is written.

    Parameters
    ----------
    format : "png", "webp", "tiff" or "jpg"
    background : (red, green, blue), optional
        The colour put behind the subject; the output then has no alpha. None keeps the alpha.
    quality : int, 1 to 100
        Of JPEG and WebP; WebP at 100 is lossless. PNG and TIFF always are.
    keep_metadata : bool
        Write the EXIF of the source (place, camera, owner) too; a TIFF is then not compressed.
        Off, none of it is written.
    source_type : SourceType, optional
        Is written as XMP, see `maskworks.core.provenance`; None writes no XMP.

    Raises
    ------
    UsageError
        If a value lies outside its range.
    """

    format: Format
    background: tuple[int, int, int] | None = None
    quality: int = 90
    keep_metadata: bool = False
    source_type: SourceType | None = None

    def __post_init__(self) -> None:
        if self.format not in get_args(Format):
            message = f"format must be one of {', '.join(get_args(Format))}, got {self.format!r}"
            raise UsageError(message)
        if not 1 <= self.quality <= _LOSSLESS:
            message = f"quality must lie in 1..100, got {self.quality}"
            raise UsageError(message)
        if self.background is not None and sum(0 <= v <= 255 for v in self.background) != 3:
            message = f"background must be three values in 0..255, got {self.background}"
            raise UsageError(message)


def encode(image: Image, matte: Matte | None, encoding: Encoding, details: Details) -> bytes:
    """Encode a picture with its matte as alpha, or on the background of `encoding`.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W), or None
        None is opaque. Alpha is written as ``round(255 * alpha)``; where that is 0 the
        colours are written as 0, so that nothing of the cut-off background leaves the house
        (lossy WebP fills these places with the colours of the edge instead).
    details : Details
        The DPI is written, and the EXIF if `encoding` keeps metadata.

    Returns
    -------
    bytes
        With an sRGB profile. Equal arguments give equal bytes.

    Raises
    ------
    ImageError
        If the sizes differ, or the format cannot hold a picture of this size.
    UsageError
        If a matte is to be written as JPEG without a background.
    """
    if matte is None:
        alpha = None
    else:
        if matte.size != image.size:
            message = f"the matte is {matte.size}, the image {image.size}; they must agree"
            raise ImageError(message)
        alpha = _to_bytes(matte)
    pixels = image.pixels
    if alpha is not None and encoding.background is not None:
        pixels, alpha = compose(pixels, alpha, encoding.background), None
    if alpha is not None and encoding.format == "jpg":
        message = "JPEG has no alpha; give a background colour, or write png, webp or tiff"
        raise UsageError(message)
    return _encoded(pixels, alpha, encoding, details)


def encode_matte(matte: Matte, encoding: Encoding, details: Details) -> bytes:
    """Encode a matte as an 8-bit grey picture, ``round(255 * alpha)``.

    Parameters
    ----------
    matte : Matte of shape (H, W)
    encoding : Encoding
        Its background is not used. WebP is lossless here; it has no grey, so its three
        channels are equal.
    details : Details
        As for `encode`.

    Returns
    -------
    bytes
        Without a colour profile: a matte is no colour.

    Raises
    ------
    ImageError
        If the format cannot hold a picture of this size.
    """
    return _encoded(_to_bytes(matte), None, encoding, details)


def compose(pixels: Pixels, alpha: Grey, colour: tuple[int, int, int]) -> Pixels:
    """Put pixels over one colour: ``round((alpha * pixel + (255 - alpha) * colour) / 255)``.

    Parameters
    ----------
    pixels : uint8 array (H, W, 3)
    alpha : uint8 array (H, W)
    colour : (red, green, blue), each 0 to 255

    Returns
    -------
    uint8 array (H, W, 3)

    Examples
    --------
    >>> compose(np.full((1, 2, 3), 200, np.uint8), np.array([[0, 255]], np.uint8), (1, 2, 3))
    array([[[  1,   2,   3],
            [200, 200, 200]]], dtype=uint8)
    """
    composed = np.empty_like(pixels)
    behind = np.array(colour, np.uint32)
    for top in range(0, len(pixels), _ROWS):  # the wide temporaries stay small
        opacity = alpha[top : top + _ROWS, :, np.newaxis].astype(np.uint32)
        mixed = opacity * pixels[top : top + _ROWS] + (255 - opacity) * behind
        composed[top : top + _ROWS] = (mixed + 127) // 255
    return composed


def _to_bytes(matte: Matte) -> Grey:
    levels = np.empty(matte.size, np.uint8)
    scaled = np.empty((_ROWS, matte.size[1]), np.float32)  # stays in the cache
    for top in range(0, len(levels), _ROWS):
        rows = matte.alpha[top : top + _ROWS]
        strip = np.multiply(rows, 255, dtype=np.float32, out=scaled[: len(rows)])
        levels[top : top + _ROWS] = np.rint(strip, out=strip)
    return levels


def _encoded(
    pixels: Pixels | Grey, alpha: Grey | None, encoding: Encoding, details: Details
) -> bytes:
    height, width = pixels.shape[:2]
    largest = _LARGEST_SIDE.get(encoding.format)
    if largest is not None and max(height, width) > largest:
        message = (
            f"{encoding.format} holds at most {largest} pixels a side, the picture has "
            f"{width}x{height}; write png or tiff"
        )
        raise ImageError(message)
    grey = pixels.ndim == 2
    icc = None if grey else srgb_profile()
    exif = details.exif if encoding.keep_metadata else None
    xmp = None if encoding.source_type is None else xmp_packet(encoding.source_type)
    if encoding.format == "png":
        tiff_block = None if exif is None else exif.removeprefix(PREFIX)
        return encode_png(pixels, alpha, dpi=details.dpi, icc=icc, exif=tiff_block, xmp=xmp)
    options = _options(encoding, exif, lossless=grey)
    _add_xmp(options, xmp)
    options |= {"icc_profile": icc} if icc else {}
    options |= {"dpi": details.dpi} if details.dpi else {}
    written = BytesIO()
    _pillow(pixels, alpha).save(written, **options)
    return written.getvalue()


def _options(encoding: Encoding, exif: bytes | None, *, lossless: bool) -> dict[str, Any]:
    """Return what Pillow's `save` needs for a format other than PNG."""
    if encoding.format == "tiff":
        if exif:  # libtiff cannot compress beside an EXIF block
            return {"format": "TIFF", "exif": tiff_tags(exif)}
        tags = {_PREDICTOR: _HORIZONTAL_DIFFERENCE}
        return {"format": "TIFF", "compression": "tiff_adobe_deflate", "tiffinfo": tags}
    kept = {"exif": exif} if exif else {}
    if encoding.format == "jpg":  # full colour resolution: cut edges on a plain colour bleed else
        return {"format": "JPEG", "quality": encoding.quality, "subsampling": "4:4:4", **kept}
    if lossless or encoding.quality == _LOSSLESS:
        exact = {"lossless": True, "exact": True, "quality": 20, "method": 2}
        return {"format": "WEBP", **exact, **kept}
    return {"format": "WEBP", "quality": encoding.quality, "method": 4, **kept}


def _add_xmp(options: dict[str, Any], xmp: bytes | None) -> None:
    """Add an XMP packet to what Pillow's `save` needs, a tag of its own in TIFF."""
    if xmp is None:
        return
    if options["format"] != "TIFF":
        options["xmp"] = xmp
    elif "exif" in options:
        options["exif"][_XMP] = xmp
    else:
        options["tiffinfo"][_XMP] = xmp


def _pillow(pixels: Pixels | Grey, alpha: Grey | None) -> PillowImage.Image:
    from PIL import Image as PillowImage

    if alpha is None:
        return PillowImage.fromarray(pixels)
    return PillowImage.fromarray(
        np.dstack([pixels * (alpha != 0).view(np.uint8)[..., np.newaxis], alpha])
    )
