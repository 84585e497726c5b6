"""Pictures in: any common file becomes upright sRGB pixels, its own alpha, and its details."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from maskworks.core.apart import read_apart
from maskworks.core.deadline import deadline, time_left
from maskworks.core.deep import DepthError, is_deep, raw_mode, read_deep
from maskworks.core.errors import MaskworksError, TooLargeError, UnreadableError
from maskworks.core.exif import keepable, orientation_of, upright
from maskworks.core.formats import (
    NOTES,
    READABLE,
    SCANS_READ,
    SUFFIXES,
    ends_in_zeros,
    open_format,
    sniff,
    unread_kind,
)
from maskworks.core.icc import profile_name
from maskworks.core.picture import Details, Limits, Picture
from maskworks.core.provenance import stated_type
from maskworks.core.public import public
from maskworks.core.quiet import quiet_decoders
from maskworks.core.stated_colours import frames_left, gain_map, in_srgb, stated_dpi
from maskworks.core.structure import StructureError
from maskworks.core.values import Image, Matte

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image as PillowImage
    from PIL.ImageFile import ImageFile

__all__ = ["SUFFIXES", "Details", "Limits", "Picture", "read_picture"]

_USUAL = Limits()
_HEAD_BYTES = 64
_COPY_AGAIN = "copy or export it again from where it came"
_EXPORT_AGAIN = "open it in a program for pictures and export it again"
_SAMPLES = "save it with 8 or 16 bits a channel"
_CONVERT = f"save it as {READABLE}"
_CUT_OFF = ("truncated", "end of file", "premature", "not enough data", "eof")
_COMPRESSED = ("JPEG", "WEBP", "HEIF", "AVIF")  # whose decoders make grey rows of zeros
_BY_THEIR_PIXELS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "PSD")  # say what decoding them costs
_QUICK_PIXELS = 16_000_000  # are decoded in well under a second
_QUICK_SCANS = 10  # of a progressive JPEG, as programs write them
_KEY_SCALE = {"L;2": 85, "L;4": 17}
_NEW_SUBFILE_TYPE, _WIDTH, _HEIGHT, _SUB_IFDS, _DNG_VERSION = 254, 256, 257, 330, 50706


@public
def read_picture(
    source: Path | bytes,
    limits: Limits = _USUAL,
    *,
    name: str | None = None,
    least_side: int | None = None,
) -> Picture:
    r"""Decode a picture: JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF, JPEG 2000 or PSD.

    The first frame or page is taken, orientation is baked in, colours are converted to sRGB
    through the file's ICC profile, 16-bit samples are scaled to 8. Of a PSD its composite is
    taken. A damaged ICC profile, EXIF block or harmless part of a PNG does not make the picture
    unreadable: it is ignored and noted in the details.

    Parameters
    ----------
    source : Path or bytes
        A file, or the content of one.
    limits : Limits
        Checked against the header, before anything is decoded.
    name : str, optional
        What error messages call the picture; by default the path, or "picture" for bytes.
    least_side : int, optional
        A JPEG may be decoded at a half, a quarter or an eighth of its size, several times as
        fast, as long as no side has fewer pixels than this. For small copies.

    Returns
    -------
    Picture
        Its arrays are read-only or the caller's alone.

    Raises
    ------
    UnreadableError
        If there is no such file, it may not be read, is empty, cut off, damaged or no picture.
    TooLargeError
        If it has more pixels than `limits` allows.
    TooSlowError
        If the time of this picture runs out, that of `limits` or of a `deadline` around this. A
        decoder that may take long runs in a process of its own (`maskworks.core.apart`) and is
        ended; with `seconds=None` and no deadline nothing is.

    Examples
    --------
    >>> gif = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
    >>> read_picture(gif).image.size
    (1, 1)
    >>> read_picture(b"Dear Sir", name="letter.jpg")
    Traceback (most recent call last):
        ...
    maskworks.core.errors.UnreadableError: letter.jpg: is not a picture; save it as JPEG, ...
    """
    with deadline(limits.seconds):
        if isinstance(source, bytes):
            return _read(BytesIO(source), source, limits, name or "picture", least_side)
        label = name or str(source)
        with _opened(source, label) as stream:
            return _read(stream, source, limits, label, least_side)


def _is_link(path: Path) -> bool:
    """Say whether a path leads elsewhere: what lies there is not quoted to whoever made it."""
    return os.path.realpath(path) != os.path.abspath(path)  # noqa: PTH100 - links stay


def _read(
    stream: IO[bytes], source: Path | bytes, limits: Limits, label: str, least_side: int | None
) -> Picture:
    from PIL.Image import DecompressionBombError

    head = stream.read(_HEAD_BYTES)
    if not head:
        raise UnreadableError(label, "the file is empty (0 bytes)", _COPY_AGAIN)
    kind = _kind_of(head, label, link=isinstance(source, bytes) or _is_link(source))
    stream.seek(0)
    try:
        with quiet_decoders():
            opened = open_format(kind, stream)
        _check_size(opened, limits, label)
        if time_left() is not None and _may_take_long(opened, kind):
            return read_apart(source, limits, name=label, least_side=least_side)
        with quiet_decoders():
            return _decode(opened, stream, kind, limits, label, least_side)
    except DepthError as error:
        raise UnreadableError(label, str(error), _SAMPLES) from error
    except StructureError as error:
        raise UnreadableError(label, str(error), _EXPORT_AGAIN) from error
    except MaskworksError:
        raise
    except DecompressionBombError as error:  # Pillow's reader of WebP insists on its own limit
        reason = "has more pixels than `PIL.Image.MAX_IMAGE_PIXELS` lets Pillow read as WebP"
        raise UnreadableError(label, reason, "save it as PNG or TIFF") from error
    except MemoryError as error:
        reason = "needs more memory than there is"
        raise UnreadableError(label, reason, "lower `--max-pixels` or use fewer threads") from error
    except Exception as error:  # decoders of hostile bytes raise anything, SyntaxError too
        remedy = _SAMPLES if "unknown pixel mode" in str(error) else _COPY_AGAIN
        raise UnreadableError(label, _what_is_wrong(kind, error), remedy) from error


def _kind_of(head: bytes, label: str, *, link: bool) -> str:
    kind = sniff(head)
    unread = unread_kind(head, label) if kind in (None, "TIFF") else None
    if unread is not None:
        raise UnreadableError(label, f"is {_article(unread[0])}, which is not read", unread[1])
    if kind is None:
        quoted = "" if link else f" (it starts with {head[:12]!r})"
        raise UnreadableError(label, f"is not a picture{quoted}", _CONVERT)
    return kind


def _may_take_long(opened: ImageFile, kind: str) -> bool:
    """Say whether decoding takes more than a second, or may do so for all that is known."""
    scans = max(1.0, opened.info.get(SCANS_READ, 1) / _QUICK_SCANS)
    quick = opened.width * opened.height * scans <= _QUICK_PIXELS
    return not quick or kind not in _BY_THEIR_PIXELS


def _decode(
    opened: ImageFile,
    stream: IO[bytes],
    kind: str,
    limits: Limits,
    label: str,
    least_side: int | None,
) -> Picture:
    if least_side is not None and kind == "JPEG":
        opened.draft(None, (least_side, least_side))
    profile = opened.info.get("icc_profile") or None
    notes: list[str] = list(opened.info.pop(NOTES, ()))
    loaded = _load(opened, stream, label)
    _check_size(loaded, limits, label)  # a GIF frame may be larger than its screen
    if kind in _COMPRESSED and ends_in_zeros(stream, kind):
        reason = "ends in zero bytes, as an unfinished download does"
        raise UnreadableError(label, reason, _COPY_AGAIN)
    exif = None
    try:
        loaded = upright(loaded, orientation_of(opened))
        exif = keepable(opened)
    except Exception as error:  # noqa: BLE001 - a damaged EXIF block must not cost the picture
        notes.append(f"its EXIF block is damaged and was ignored: {error}")
    opaque, alpha = _split(loaded)
    colours, told, sure = in_srgb(opaque, profile, opened, stream)
    notes += told
    notes += frames_left(opened, kind) + gain_map(opened)
    if opaque.mode == "CMYK" and profile is None:
        notes.append("its colours are CMYK without a profile and were converted by a plain formula")
    details = Details(
        format=kind,
        dpi=stated_dpi(opened),
        exif=exif,
        icc_name=profile_name(profile) if profile else None,
        notes=tuple(notes),
        source_type=stated_type(opened.info.get("xmp")),
        colours_sure=sure,
    )
    return Picture(Image(colours), _matte(alpha), details)


def _load(opened: ImageFile, stream: IO[bytes], label: str) -> PillowImage.Image:
    """Decode to 8 bits a sample."""
    from PIL import Image as PillowImage
    from PIL import ImageChops

    if opened.format == "TIFF":
        _prepare_tiff(opened, label)
    if is_deep(opened):
        pixels, mode = read_deep(opened, stream)
        size = (pixels.shape[1], pixels.shape[0])
        return PillowImage.frombuffer(mode, size, pixels, "raw", mode, 0, 1)
    key = opened.info.get("transparency")
    if isinstance(key, int):  # PNG counts the key in the file's own 2 or 4 bits, Pillow scales
        opened.info["transparency"] = key * _KEY_SCALE.get(raw_mode(opened), 1)
    opened.load()
    if opened.format == "JPEG" and opened.mode == "CMYK" and "adobe" not in opened.info:
        return ImageChops.invert(opened)  # Pillow takes every CMYK JPEG as Adobe's, inverted
    return opened


def _prepare_tiff(opened: ImageFile, label: str) -> None:
    from PIL import Image as PillowImage

    tags = opened.tag_v2  # type: ignore[attr-defined]
    thumbnail_first = bool(tags.get(_NEW_SUBFILE_TYPE, 0) & 1) and _SUB_IFDS in tags
    if thumbnail_first or _DNG_VERSION in tags:
        reason = "is a camera raw file, whose first picture is only a preview"
        raise UnreadableError(label, reason, "develop it and save it as TIFF or JPEG")
    # Memory made here spares Pillow's own, process-wide size check; ours has been made.
    opened.im = PillowImage.new(opened.mode, (tags[_WIDTH], tags[_HEIGHT])).im


def _split(picture: PillowImage.Image) -> tuple[PillowImage.Image, PillowImage.Image | None]:
    """Return the colours in mode L, RGB, CMYK or LAB, and the alpha in mode L or None."""
    if picture.has_transparency_data:
        grey = picture.mode in ("1", "L", "LA", "La")
        mixed = picture.convert("LA" if grey else "RGBA")
        return mixed.convert("L" if grey else "RGB"), mixed.getchannel("A")
    if picture.mode in ("L", "RGB", "CMYK", "LAB"):
        return picture, None
    return picture.convert("L" if picture.mode == "1" else "RGB"), None


def _matte(alpha: PillowImage.Image | None) -> Matte | None:
    if alpha is None or alpha.getextrema() == (255, 255):
        return None
    scaled = np.asarray(alpha).astype(np.float32)
    scaled /= 255
    return Matte(scaled)


def _check_size(picture: PillowImage.Image, limits: Limits, label: str) -> None:
    pixels = picture.width * picture.height
    if pixels <= 0:
        reason = f"has no pixels ({picture.width}x{picture.height})"
        raise UnreadableError(label, reason, _COPY_AGAIN)
    if pixels > limits.max_pixels:
        raise TooLargeError(label, pixels, limits.max_pixels)


def _article(kind: str) -> str:
    return kind if kind.startswith("a ") else f"{'an' if kind[0] in 'EIOS' else 'a'} {kind} file"


def _what_is_wrong(kind: str, error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    if "unknown pixel mode" in words:
        return f"is a {kind} file of samples that are not read (floats in colours, or odd bits)"
    if isinstance(error, EOFError) or any(sign in words.lower() for sign in _CUT_OFF):
        return f"the {kind} file is cut off ({words})"
    return f"the {kind} file is damaged or of an unsupported kind ({words})"


@contextmanager
def _opened(path: Path, label: str) -> Iterator[IO[bytes]]:
    try:
        kind = os.stat(path).st_mode  # noqa: PTH116 - before opening: a pipe would block there
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(kind):
            raise UnreadableError(label, "is not a regular file", "pipe its content to `-`")
        stream = Path(path).open("rb")  # noqa: SIM115 - closed by the `with` below
    except (OSError, ValueError) as error:
        raise _cannot_open(label, error) from error
    with stream:
        yield stream


def _cannot_open(label: str, error: OSError | ValueError) -> UnreadableError:
    number = error.errno if isinstance(error, OSError) else None
    reason, remedy = {
        errno.ENOENT: ("there is no such file", "check the path"),
        errno.EISDIR: ("is a folder", "name the pictures in it"),
        errno.ENOTDIR: ("there is no such file", "check the path"),
        errno.EACCES: ("may not be read (permission denied)", "allow this user to read it"),
        errno.EPERM: ("may not be read (permission denied)", "allow this user to read it"),
        errno.EMFILE: ("too many files are open", "raise `ulimit -n` or use fewer threads"),
    }.get(number or 0, (f"cannot be opened ({error})", "check the path and the disk"))
    return UnreadableError(label, reason, remedy)
