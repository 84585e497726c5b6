"""Which format a file has, by its first bytes, and Pillow's reader for it.

The readers are called directly, not through `PIL.Image.open`: only the formats named here
can be reached (no EPS, no PDF), nothing has to be registered, and Pillow's process-wide
`MAX_IMAGE_PIXELS` stays as the host program set it; `Limits` is checked instead.
"""

from __future__ import annotations

from importlib import import_module
from typing import IO, TYPE_CHECKING, cast

from maskworks.core.png_chunks import tidy
from maskworks.core.structure import check_structure

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.ImageFile import ImageFile

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".tif", ".tiff"}
    | {".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".avif", ".psd"}
    | {".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"}
)
"""Readable suffixes, lower case, with the dot."""

SCANS = (".nii.gz", ".nii", ".dicom", ".dcm")
"""Endings of scans: volumes and medical pictures, which labels are made of and nothing else."""

READABLE = "JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF, JPEG 2000 or PSD"

NOT_BY_HAND = frozenset(
    {"@eadir", "#recycle", "#snapshot", "$recycle.bin", "system volume information"}
    | {"__macosx", "lost+found", "@recycle", "@recently-snapshot", "@tmp"}
)
"""Names of folders, lower case, that NAS boxes and systems fill and nobody else."""

NOTES = "maskworks_notes"
COLOURS = "maskworks_colours"
SCANS_READ = "maskworks_scans"
"""Keys of an opened picture's `info`: what was left out of it, chunks that say its colours, and
how often a decoder goes over its pixels."""

_READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "PSD": ("PIL.PsdImagePlugin", "PsdImageFile"),
}

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"8BPS", "PSD"),
)

_UNREAD = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"%PDF", "PDF"),
    (b"%!PS", "EPS"),
    (b"<svg", "SVG"),
    (b"gimp xcf", "GIMP"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"\0\0\1\0", "ICO"),
    (b"FUJIFILMCCD-RAW", "camera raw (RAF)"),
    (b"IIRO", "camera raw (ORF)"),
    (b"IIU\0", "camera raw (RW2)"),
    (b"PK\x03\x04", "ZIP"),
    (b"version https://git-lfs", "a pointer of Git LFS"),
    *((start, "a web page") for start in (b"<!DOCTYPE html", b"<!doctype html", b"<html")),
)

_RAW_SUFFIXES = frozenset(
    {".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".dng", ".raf", ".orf"}
    | {".rw2", ".pef", ".raw", ".3fr", ".erf", ".kdc", ".mrw", ".x3f", ".iiq"}
)

_REMEDIES = {
    "a pointer of Git LFS": "fetch the picture itself (`git lfs pull`)",
    "a web page": "its address gave a page and no picture; download it again",
    "JPEG XL": "save it as JPEG, PNG or TIFF (`djxl a.jxl a.png`)",
    "SVG": "draw it as PNG at the size you need (`rsvg-convert -w 2000 a.svg -o a.png`)",
}

_ZERO_TAIL = 64  # bytes; no entropy coder writes so many zeros

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)


def sniff(head: bytes) -> str | None:
    r"""Return Pillow's name of the format that starts with these bytes, None if unknown.

    Parameters
    ----------
    head : bytes
        The first 64 bytes or more; a shorter file is fine.

    Examples
    --------
    >>> sniff(b"\xff\xd8\xff\xe0")
    'JPEG'
    >>> sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf")
    'AVIF'
    >>> sniff(b"Dear Sir") is None
    True
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        end = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[at : at + 4] for at in (8, *range(16, end - 3, 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIF"
    return None


def unread_kind(head: bytes, name: str = "") -> tuple[str, str] | None:
    r"""Return what a file is that is not read here, and what to do; None if that is unknown.

    Parameters
    ----------
    head : bytes
        Its first 64 bytes or more.
    name : str
        Of the file; its suffix tells camera raw files that look like others.

    Examples
    --------
    >>> unread_kind(b"\xff\x0a\xfa")[0], unread_kind(b"\0\0\0\x18ftypcrx ", "a.CR3")[0]
    ('JPEG XL', 'camera raw (CR3)')
    """
    suffix = "." + name.lower().rpartition(".")[2]
    if head[4:8] == b"ftyp" and head[8:11] == b"crx":
        kind = "camera raw (CR3)"
    elif suffix in _RAW_SUFFIXES or head[8:10] == b"CR":
        kind = f"camera raw ({suffix[1:].upper()})"
    elif head.lstrip()[:5] == b"<?xml" and (suffix == ".svg" or b"<svg" in head):
        kind = "SVG"
    elif head[4:8] == b"ftyp":
        kind = "a film or another ISO media file"
    else:
        kind = next((each for magic, each in _UNREAD if head.lstrip().startswith(magic)), "")
    if not kind:
        return None
    if kind.startswith("camera raw"):
        return kind, "develop it and save it as TIFF or JPEG"
    return kind, _REMEDIES.get(kind, f"save it as {READABLE}")


def scan_ending(name: str) -> str | None:
    """Return the ending by which a file is a scan, as it is written there; None for others.

    Examples
    --------
    >>> scan_ending("head.NII.gz"), scan_ending("head.gz")
    ('.NII.gz', None)
    """
    found = next((ending for ending in SCANS if name.lower().endswith(ending)), None)
    return None if found is None else name[-len(found) :]


def ends_in_zeros(stream: IO[bytes], kind: str) -> bool:
    """Say whether a compressed file ends in zeros that cannot be its own.

    Decoders of these formats make grey or torn rows of zeros and call that success. Padding
    after the end of the picture is allowed where the format says where that is.

    Parameters
    ----------
    stream : seekable binary stream
    kind : str
        JPEG, WEBP, HEIF or AVIF.
    """
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _ZERO_TAIL))
    if any(stream.read()):
        return False
    stream.seek(0)
    content = stream.read()
    if kind == "WEBP":  # the RIFF header says how long the picture is
        content = content[: 8 + int.from_bytes(content[4:8], "little")]
    written = content.rstrip(b"\0")
    if kind == "JPEG":
        return not written.endswith(b"\xff\xd9")
    return len(content) - len(written) >= _ZERO_TAIL


def open_format(name: str, stream: IO[bytes]) -> ImageFile:
    """Parse the header of a picture, once it is sure that this costs little.

    Nothing is decoded yet.

    Parameters
    ----------
    name : str
        As `sniff` returns it.
    stream : seekable binary stream, read from its current position

    Raises
    ------
    StructureError
        If the file is made of more than a picture is.
    Exception
        Whatever Pillow raises on a bad header; `read_picture` translates it.
    """
    scans = check_structure(stream, name)
    tidied = tidy(stream) if name == "PNG" else None
    module, attribute = _READERS[name]
    reader = cast("Callable[[IO[bytes]], ImageFile]", getattr(import_module(module), attribute))
    opened = reader(stream if tidied is None else tidied.stream)
    opened.info[SCANS_READ] = scans
    if tidied is not None:
        opened.info[NOTES], opened.info[COLOURS] = tidied.notes, tidied.colours
    return opened
