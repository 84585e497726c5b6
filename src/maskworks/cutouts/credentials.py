"""Content credentials (C2PA): a signed statement in a file of how it was made.

The key is the user's: MASKWORKS_C2PA_CERTIFICATE and MASKWORKS_C2PA_KEY name PEM files, the
chain of certificates and the private key, MASKWORKS_C2PA_ALGORITHM its kind (es256). Nothing is
asked of a time-stamp authority, so no connection is opened. The photo is not made a part of the
statement, since its thumbnail would show the background that was cut off.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args

from maskworks.core.errors import OutputError, UsageError
from maskworks.core.extras import how_to_install
from maskworks.core.provenance import SCHEME, SourceType, type_of_cutout
from maskworks.core.reading import Details
from maskworks.core.writing import Encoding, Format
from maskworks.cutouts.backgrounds import Backdrop, Background

Provenance = Literal["none", "xmp", "c2pa"]
"""What a file says of how it was made: nothing, a term in XMP, or that and signed credentials."""

Algorithm = Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"]

CERTIFICATE = "MASKWORKS_C2PA_CERTIFICATE"
KEY = "MASKWORKS_C2PA_KEY"
ALGORITHM = "MASKWORKS_C2PA_ALGORITHM"

RESERVE = 16_384
"""Bytes that credentials take at most, with a chain of a few certificates."""

_KINDS: dict[Format, str] = {
    "png": "image/png",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "jpg": "image/jpeg",
}
_NO_THUMBNAIL = {"builder": {"thumbnail": {"enabled": False}}}


@dataclass(frozen=True)
class Signer:
    """Who signs: chain and key as PEM text, and the key's kind."""

    certificate: str
    key: str
    algorithm: Algorithm


def signer_from_environment() -> Signer:
    """Return who signs, by the environment.

    Raises
    ------
    UsageError
        If the extra is not installed, a variable is missing, or a file cannot be read.
    """
    try:
        import c2pa  # noqa: F401 - whether it is there
    except ImportError as error:
        raise UsageError(
            f"--provenance c2pa needs the extra c2pa; {how_to_install('c2pa')}"
        ) from error
    algorithm = os.environ.get(ALGORITHM, "es256").lower()
    known: dict[str, Algorithm] = {name: name for name in get_args(Algorithm)}
    if algorithm not in known:
        raise UsageError(f"{ALGORITHM} is {algorithm!r}; it is one of {', '.join(known)}")
    return Signer(_text(CERTIFICATE), _text(KEY), known[algorithm])


def _text(variable: str) -> str:
    name = os.environ.get(variable)
    if not name:
        raise UsageError(f"--provenance c2pa signs files; name a PEM file with {variable}")
    try:
        return Path(name).expanduser().read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{variable}={name}: cannot be read ({error}); give a PEM file") from error


def sign(data: bytes, form: Format, term: SourceType, signer: Signer) -> bytes:
    """Return a file with content credentials.

    Parameters
    ----------
    data : a finished file
    form : its format
    term : how it came about

    Returns
    -------
    bytes
        Its pixels are those of `data`. Signatures and identifiers differ from call to call.

    Raises
    ------
    OutputError
        If the key does not fit the certificate, or the certificate may not sign.
    """
    from c2pa import Builder, C2paError, C2paSignerInfo, Context, Settings
    from c2pa import Signer as Pen

    statement = json.dumps(
        {
            "claim_generator_info": [{"name": "Maskworks", "version": version("maskworks")}],
            "format": _KINDS[form],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": _actions(term)}}],
        }
    )
    chain, key = signer.certificate.encode(), signer.key.encode()
    info = C2paSignerInfo(signer.algorithm, chain, key, None)
    written = BytesIO()
    try:
        with (
            Pen.from_info(info) as pen,
            Context(Settings.from_dict(_NO_THUMBNAIL)) as context,
            Builder(statement, context) as builder,
        ):
            builder.sign(pen, _KINDS[form], BytesIO(data), written)
    except C2paError as error:
        raise OutputError(
            "content credentials",
            f"cannot be signed ({error})",
            f"check {CERTIFICATE}, {KEY} and {ALGORITHM}",
        ) from error
    return written.getvalue()


def _actions(term: SourceType) -> list[dict[str, object]]:
    agent = {"name": "Maskworks", "version": version("maskworks")}
    made = {"action": "c2pa.created", "digitalSourceType": f"{SCHEME}{term}"}
    cut = {"action": "c2pa.edited", "description": "The subject was cut out of its background"}
    return [made | {"softwareAgent": agent}, cut | {"softwareAgent": agent}]


def marked(
    encoding: Encoding, provenance: Provenance, details: Details, background: Background | None
) -> Encoding:
    """Return the encoding with the term of a cut-out on its background, if it shall have one.

    Parameters
    ----------
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
