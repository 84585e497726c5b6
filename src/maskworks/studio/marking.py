"""Say in a file how it was made: the IPTC term in XMP, and content credentials."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from maskworks.core.provenance import type_of_cutout
from maskworks.core.reading import Details
from maskworks.core.writing import Encoding
from maskworks.studio.backgrounds import Backdrop, Background
from maskworks.studio.credentials import Provenance, Signer, sign, signer_from_environment


def marked(
    encoding: Encoding, provenance: Provenance, details: Details, background: Background | None
) -> Encoding:
    """Return the encoding with the term of a cut-out on its background, if it shall have one.

    Parameters
    ----------
    encoding : Encoding
    provenance : Provenance
    details : Details
        Of the photo: what it states of itself is not forgotten.
    background : Background or None
        A `Backdrop` is a second part; a colour, or the photo's own blur, is none.
    """
    if provenance == "none":
        return encoding
    behind = (background.source_type,) if isinstance(background, Backdrop) else ()
    return replace(encoding, source_type=type_of_cutout((details.source_type, *behind)))


def signed(data: bytes, encoding: Encoding, provenance: Provenance) -> bytes:
    """Return a file with content credentials where these are asked for, else as it is.

    Raises
    ------
    UsageError
        If there is no key to sign with.
    OutputError
        If the key does not fit.
    """
    if provenance != "c2pa" or encoding.source_type is None:
        return data
    return sign(data, encoding.format, encoding.source_type, current_signer())


@lru_cache(maxsize=1)
def current_signer() -> Signer:
    """Return who signs, read once.

    Raises
    ------
    UsageError
        If there is no key to sign with.
    """
    return signer_from_environment()
