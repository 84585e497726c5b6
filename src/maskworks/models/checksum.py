"""Checksums of files, and the one comparison every file passes before it is used."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from maskworks.core.errors import ChecksumError

if TYPE_CHECKING:
    from pathlib import Path

    from maskworks.models.spec import ModelSpec, Sharpening


def digest(path: Path, kind: str) -> str:
    """Return the hexadecimal checksum of a file; `kind` is "sha256" or "md5"."""
    with path.open("rb") as stream:
        # md5 is what rembg publishes of some files; it finds damage, it is not a signature
        return hashlib.file_digest(
            stream, lambda: hashlib.new(kind, usedforsecurity=False)
        ).hexdigest()


def check_file(path: Path, spec: ModelSpec | Sharpening) -> None:
    """Raise unless the file has every checksum that `spec` names.

    Raises
    ------
    ChecksumError
    """
    for kind, expected in spec.checksums:
        actual = digest(path, kind)
        if actual != expected:
            raise ChecksumError(path, expected, actual)
