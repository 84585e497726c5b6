"""A decoded picture, what its file said besides, and what is refused before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field

from maskworks.core.provenance import SourceType
from maskworks.core.values import Image, Matte


@dataclass(frozen=True)
class Limits:
    """What is refused before it is decoded: more than `max_pixels` pixels (H times W).

    `seconds` is what reading one picture may take, and for whoever works on many, everything
    that is done with it; None is without limit.
    """

    max_pixels: int = 100_000_000
    seconds: float | None = 300.0


@dataclass(frozen=True)
class Details:
    r"""What a file said besides its pixels, for a writer that may keep it.

    `format` is Pillow's name (JPEG, PNG, WEBP, TIFF, BMP, GIF, HEIF, AVIF, JPEG2000, PSD); `dpi` is
    (horizontal, vertical); `exif` starts with ``Exif\0\0`` and has orientation 1; `icc_name`
    is what the profile it came with calls itself (its pixels are sRGB by now); `notes` are
    sentences about what was damaged and how it was taken; `source_type` is the IPTC term by
    which its XMP says how it came about; `colours_sure` is False where it states its colours in
    a way that is not known here.
    """

    format: str
    dpi: tuple[float, float] | None = None
    exif: bytes | None = field(default=None, repr=False)
    icc_name: str | None = None
    notes: tuple[str, ...] = ()
    source_type: SourceType | None = None
    colours_sure: bool = True


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded file: upright sRGB `image`, its own alpha as `matte`, its `details`.

    `matte` is None if the file has no alpha or is opaque everywhere; otherwise it has the
    size of `image`.
    """

    image: Image
    matte: Matte | None
    details: Details
