"""Photoshop documents in: what is visible, with its transparency, as sRGB."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from maskworks.core.errors import TooLargeError, UnreadableError
from maskworks.core.values import Image, Matte
from maskworks.studio.handoff.psd import ORIGINAL

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from psd_tools import PSDImage
    from psd_tools.api.layers import Layer
    from psd_tools.psd import PSD

    from maskworks.core.reading import Limits

SIGNATURE = b"8BPS"

_HEADER = struct.Struct(">4sH6xH2L2H")
_COLOURS = {1: 1, 3: 3, 4: 4, 9: 3}  # channels of grey, RGB, CMYK and Lab
_PLAIN, _PACKBITS = 0, 1
_SAVE_AGAIN = "save it again with `Maximise compatibility`, or as PNG or TIFF with alpha"


@dataclass(frozen=True, eq=False)
class Document:
    """What a document shows: `matte` is None if every pixel is opaque; `notes` are sentences."""

    image: Image
    matte: Matte | None
    notes: tuple[str, ...] = ()


def read_document(stream: IO[bytes], limits: Limits, label: str) -> Document:
    """Read what a PSD or PSB shows.

    Photoshop's own merged picture is taken where the file has a real one with transparency;
    otherwise psd-tools puts the visible layers together. A visible layer named "Original" (the
    one that was handed over for comparison) is left out, and said so. A document without
    transparency but with one more channel is cut out by that channel.

    Parameters
    ----------
    stream : binary stream at its beginning
    limits : Limits
        Checked against the header, before anything is decoded.
    label : str
        What messages call the file.

    Raises
    ------
    UnreadableError
        If it is no such document, cut off, damaged, or of a kind that is not supported.
    TooLargeError
        If it has more pixels than `limits` allows.
    """
    _check_header(stream, limits, label)
    try:
        return _shown(stream)
    except MemoryError as error:
        reason = "needs more memory than there is"
        raise UnreadableError(label, reason, "make it smaller") from error
    except Exception as error:  # a parser of hostile bytes raises anything
        words = " ".join(str(error).split()) or type(error).__name__
        reason = f"the document is damaged or of an unsupported kind ({words})"
        raise UnreadableError(label, reason, _SAVE_AGAIN) from error


def _check_header(stream: IO[bytes], limits: Limits, label: str) -> None:
    head = stream.read(_HEADER.size)
    stream.seek(0)
    if len(head) < _HEADER.size or not head.startswith(SIGNATURE):
        raise UnreadableError(label, "is not a Photoshop document", _SAVE_AGAIN)
    _, _, _, height, width, _, _ = _HEADER.unpack(head)
    if height * width > limits.max_pixels:
        raise TooLargeError(label, height * width, limits.max_pixels)


def _shown(stream: IO[bytes]) -> Document:
    from psd_tools import PSDImage
    from psd_tools.compression import PSDDecompressionWarning
    from psd_tools.psd import PSD

    with warnings.catch_warnings():
        warnings.simplefilter("error", PSDDecompressionWarning)  # it would go on with black
        record = PSD.read(stream)
        _check_complete(record)
        return _composed(PSDImage(record), _COLOURS.get(record.header.color_mode))


def _check_complete(record: PSD) -> None:
    """Refuse a merged picture that is cut off, which psd-tools fills with black."""
    header, merged = record.header, record.image_data
    rows = header.height * header.channels
    needed = 0
    if merged.compression == _PLAIN:
        needed = rows * ((header.width * header.depth + 7) // 8)
    elif merged.compression == _PACKBITS:
        count = np.dtype(">u2" if header.version == 1 else ">u4")
        counts = np.frombuffer(merged.data, count, rows)
        needed = counts.nbytes + int(counts.sum(dtype=np.int64))
    if len(merged.data) < needed:
        raise ValueError(f"it ends {needed - len(merged.data):,} bytes early")


def _composed(document: PSDImage, colours: int | None) -> Document:
    if any(_is_original(layer) for layer in document.descendants()):
        note = f"its layer {ORIGINAL!r} was visible and was left out"
        merged = document.composite(ignore_preview=True, layer_filter=_is_wanted)
        return _converted(merged, (note,))
    merged = document.composite(ignore_preview=not document.has_preview())
    if "A" not in merged.getbands() and colours is not None and document.channels > colours:
        extra = document.topil(channel=colours)
        if extra is not None:
            note = "it has no transparency and was cut out by its first extra channel"
            merged.putalpha(extra)
            return _converted(merged, (note,))
    if "A" not in merged.getbands() and len(document):
        merged = document.composite(ignore_preview=True)
    return _converted(merged, ())


def _is_original(layer: Layer) -> bool:
    return layer.name == ORIGINAL and layer.is_visible()


def _is_wanted(layer: Layer) -> bool:
    return layer.is_visible() and layer.name != ORIGINAL


def _converted(merged: PillowImage.Image, notes: tuple[str, ...]) -> Document:
    matte = None
    if "A" in merged.getbands():
        alpha = np.asarray(merged.getchannel("A"))
        matte = None if alpha.min() == 255 else Matte(alpha.astype(np.float32) / np.float32(255))
    return Document(Image(np.array(merged.convert("RGB"))), matte, notes)
