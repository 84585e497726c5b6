"""Turn a composed picture into a file that fits the rules, or as near as quality allows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from maskworks.core.reading import Details
from maskworks.core.writing import Encoding, encode
from maskworks.cutouts.backgrounds import Background
from maskworks.cutouts.credentials import RESERVE, marked, signed
from maskworks.studio.output.compose import Composed
from maskworks.studio.output.placing import Note
from maskworks.studio.output.rules import OutputRules

_LOSSY = ("jpg", "webp")


@dataclass(frozen=True)
class EncodedFile:
    """The bytes of a file and how they came about; `quality` is None for lossless formats."""

    data: bytes
    quality: int | None
    notes: tuple[Note, ...] = ()


def encode_deliverable(
    composed: Composed,
    rules: OutputRules,
    details: Details,
    background: Background | None = None,
) -> EncodedFile:
    """Encode a picture; lower the quality of JPEG and WebP until it fits `max_bytes`.

    The highest quality from `quality` down to `min_quality` that fits is taken, by bisection:
    a file grows with its quality. If none fits, the one of `min_quality` is returned with a
    note "too-large", and the gate refuses it.

    Parameters
    ----------
    details : Details
        Of the photo; its DPI is written.
    background : Background, optional
        What lies behind, for `rules.provenance`; signed credentials count in the bytes.

    Raises
    ------
    ImageError
        If the format cannot hold a picture of this size.
    """
    encoding = marked(Encoding(rules.written), rules.provenance, details, background)
    found = _fitted(composed, rules, details, encoding)
    return replace(found, data=signed(found.data, encoding, rules.provenance))


def _fitted(
    composed: Composed, rules: OutputRules, details: Details, encoding: Encoding
) -> EncodedFile:
    def encoded(quality: int) -> bytes:
        chosen = replace(encoding, quality=quality)
        return encode(composed.image, composed.matte, chosen, replace(details, exif=None))

    lossy = rules.written in _LOSSY
    best = encoded(rules.quality)
    most = rules.max_bytes
    if most is not None and rules.provenance == "c2pa":
        most = max(1, most - RESERVE)
    if most is None or len(best) <= most or not lossy:
        return EncodedFile(best, rules.quality if lossy else None)
    low, high = rules.min_quality, rules.quality  # high is too large
    data, quality = encoded(low), low
    if len(data) > most:
        text = f"{len(data):,} bytes at quality {low}, the limit is {most:,}"
        return EncodedFile(data, low, (Note("too-large", text, len(data), most, review=True),))
    while high - low > 1:
        middle = (low + high) // 2
        tried = encoded(middle)
        if len(tried) <= most:
            low, data, quality = middle, tried, middle
        else:
            high = middle
    text = f"quality {quality} instead of {rules.quality}, to fit {most:,} bytes"
    return EncodedFile(data, quality, (Note("quality-lowered", text, quality, rules.quality),))
