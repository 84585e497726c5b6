"""Files that people write, read to a bound: a device such as /dev/zero has no end."""

from __future__ import annotations

import errno
import os
from pathlib import Path

MOST_BYTES = 256 << 20
"""Of a file that is read whole, unless another bound is given."""


def read_bounded(path: Path, most: int | None = None) -> bytes:
    """Return what a file holds.

    Parameters
    ----------
    most : int, optional
        Bytes; by default `MOST_BYTES`.

    Raises
    ------
    OSError
        If it cannot be read, or has more bytes (EFBIG).

    Examples
    --------
    >>> read_bounded(Path("/dev/null"))
    b''
    """
    most = MOST_BYTES if most is None else most
    with path.open("rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), os.fspath(path))
    return data


def text_of(path: Path) -> str:
    """Return the text of a file in UTF-8.

    Raises
    ------
    OSError
        As `read_bounded`.
    UnicodeDecodeError
        If it is none.
    """
    return read_bounded(path).decode("utf-8")
