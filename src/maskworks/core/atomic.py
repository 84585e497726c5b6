"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from typing import TYPE_CHECKING

from maskworks.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FULL = ("the disk is full", "your disk quota is used up")
"""Reasons for which no other file can be written either."""

_TEMPORARY = ".maskworks-"


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that its name never shows a part of it, even after kill -9.

    The bytes go to a file named ``.maskworks-*.tmp`` in the same folder, are forced to the
    disk, and take the final name in one step; an existing file of that name is replaced.

    Parameters
    ----------
    path : Path
        Its folder must exist.

    Raises
    ------
    OutputError
        If the folder is missing or not writable, the disk is full, the name is too long, or
        `path` is a folder. The temporary file is gone and `path` is as it was.
    """
    write_parts_atomic(path, (data,))


def write_parts_atomic(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file from its parts, in order, as `write_atomic` does; each may be made as it goes.

    Raises
    ------
    OutputError
        As `write_atomic`. What making a part raises passes, and nothing is left behind.
    """
    temporary = path.parent / f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(6)}.tmp"
    try:
        try:
            _write_to_disk(temporary, parts)
            os.replace(temporary, path)  # noqa: PTH105 - the verb that is atomic on every system
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        reason, remedy = _explain(error, path)
        raise OutputError(path, reason, remedy) from error


def write_text_atomic(path: Path, text: str) -> None:
    """Write a text as UTF-8, as `write_atomic` does; line ends stay as they are."""
    write_atomic(path, text.encode())


def _write_to_disk(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("xb", buffering=0) as stream:
        for part in parts:
            rest = memoryview(part)
            while rest:
                rest = rest[stream.write(rest) :]
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Force the new name to the disk, where the system can (Windows cannot)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _explain(error: OSError | ValueError, path: Path) -> tuple[str, str]:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        return "its folder does not exist", f"create {path.parent}"
    if number in (errno.EACCES, errno.EPERM):
        return "may not be written (permission denied)", "choose a folder that you may write to"
    explained = {
        errno.ENOTDIR: ("its parent is a file, not a folder", "choose another folder"),
        errno.EISDIR: ("is a folder", "choose another name"),
        errno.EROFS: ("is on a read-only disk", "choose another disk"),
        errno.ENOSPC: (FULL[0], "make room or choose another disk, then resume"),
        errno.EDQUOT: (FULL[1], "make room or choose another disk"),
        errno.EFBIG: ("is larger than this system allows a file to be", "raise `ulimit -f`"),
        errno.ENAMETOOLONG: ("the name is too long", "shorten it"),
        errno.EMFILE: ("too many files are open", "raise `ulimit -n` or use fewer threads"),
    }
    return explained.get(number or 0, (f"cannot be written ({error})", "check the path and disk"))
