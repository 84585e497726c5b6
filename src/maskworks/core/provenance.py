r"""How a picture came about: the IPTC term, and the XMP packet that says it in a file.

Terms are those of IPTC's NewsCodes, http://cv.iptc.org/newscodes/digitalsourcetype/, and stand
in XMP as ``Iptc4xmpExt:DigitalSourceType`` (IPTC Photo Metadata Standard).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"

SourceType = Literal[
    "digitalCapture",
    "computationalCapture",
    "negativeFilm",
    "positiveFilm",
    "print",
    "humanEdits",
    "compositeCapture",
    "algorithmicallyEnhanced",
    "dataDrivenMedia",
    "digitalCreation",
    "algorithmicMedia",
    "screenCapture",
    "virtualRecording",
    "composite",
    "compositeSynthetic",
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
]
"""Terms that are understood; a file that states another one states nothing."""

GENERATED: frozenset[str] = frozenset(
    {"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"}
)
"""Terms of pictures with pixels that a generative model made; they are never talked down."""

CAPTURED: frozenset[str] = frozenset(
    {"digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "compositeCapture"}
)
"""Terms of pictures taken of real life."""

_KNOWN: dict[str, SourceType] = {term: term for term in get_args(SourceType)}
_STATED = re.compile(
    rb"DigitalSourceType[^>]{0,80}?[=>\s\"']+https?://cv\.iptc\.org/newscodes/"
    rb"digitalsourcetype/(\w+)"
)


def stated_type(xmp: bytes | str | None) -> SourceType | None:
    """Return the term that an XMP packet states, None if it states none that is known.

    Examples
    --------
    >>> stated_type(xmp_packet("composite"))
    'composite'
    >>> stated_type(b"<x/>")
    """
    if not xmp:
        return None
    data = xmp.encode() if isinstance(xmp, str) else xmp
    found = _STATED.search(data)
    return None if found is None else _KNOWN.get(found[1].decode())


def xmp_packet(term: SourceType) -> bytes:
    """Return the packet that states a term and nothing else; equal terms give equal bytes."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{SCHEME}{term}"/>'
        '</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
    ).encode()


def type_of_cutout(parts: Sequence[SourceType | None]) -> SourceType:
    """Return the term of a cut-out from what its parts state of themselves.

    Parameters
    ----------
    parts : the photo's term, and that of a picture put behind the subject if there is one
        None where a file states none.

    Returns
    -------
    SourceType
        One part: "algorithmicallyEnhanced", a photo altered by an algorithm that generates
        nothing, or what it states itself if a generative model had a part in it. Two parts:
        "compositeWithTrainedAlgorithmicMedia" if that holds for one of them, "compositeCapture"
        if both state that they were captured, else "composite", which leaves it open.

    Examples
    --------
    >>> type_of_cutout([None]), type_of_cutout(["digitalCapture"])
    ('algorithmicallyEnhanced', 'algorithmicallyEnhanced')
    >>> type_of_cutout(["trainedAlgorithmicMedia"])
    'trainedAlgorithmicMedia'
    >>> type_of_cutout([None, "digitalCapture"])
    'composite'
    """
    generated = [part for part in parts if part in GENERATED]
    if len(parts) == 1:
        return generated[0] if generated and generated[0] else "algorithmicallyEnhanced"
    if generated:
        return "compositeWithTrainedAlgorithmicMedia"
    return "compositeCapture" if all(part in CAPTURED for part in parts) else "composite"
