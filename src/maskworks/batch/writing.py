"""Write outputs atomically, and sweep away what a killed run left half written."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from maskworks.batch.urls import UrlPath
from maskworks.batch.work import ExistsError
from maskworks.core.errors import OutputError
from maskworks.core.writing import write_atomic

_FRESH_S = 2.0


def write_file(path: Path, data: bytes, *, may_replace: bool) -> None:
    """Write a file atomically and make its folder.

    Raises
    ------
    ExistsError
        If it exists and may not be replaced.
    OutputError
        If it cannot be written.
    """
    prepare_output(path, may_replace=may_replace)
    write_atomic(path, data)


def prepare_output(path: Path, *, may_replace: bool) -> None:
    """Make the folder of an output.

    Raises
    ------
    ExistsError
        If it exists and may not be replaced.
    OutputError
        If its folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"its folder cannot be made ({error.strerror or error})"
        raise OutputError(path, reason, "choose another output folder") from error
    if not may_replace and os.path.lexists(path):
        raise ExistsError(path)


def sweep(folders: Sequence[Path], *, fresh_s: float = _FRESH_S) -> int:
    """Remove what a killed run left half written; return how many files that were.

    Only temporary files of `write_atomic` whose process is gone are removed, and none that is
    younger than `fresh_s`: another machine may be writing it.
    """
    removed = 0
    for folder in folders:
        if isinstance(folder, UrlPath):  # a store has no half files
            continue
        for path in folder.glob(".maskworks-*.tmp"):
            with contextlib.suppress(OSError, ValueError):
                process = int(path.name.split("-")[1])
                if not _is_alive(process) and time.time() - path.stat().st_mtime > fresh_s:
                    path.unlink()
                    removed += 1
    return removed


def _is_alive(process: int) -> bool:
    if os.name != "posix":  # there, asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
