"""How much may lie in the data folder, and whether the disk has room for more."""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from maskworks.apps.http.errors import ApiError

_LOOK_AGAIN_S = 30.0
_LEFT_FREE_BYTES = 256 << 20


class DataQuota:
    """The bytes of a folder, counted now and then, and those that are promised to uploads.

    Parameters
    ----------
    most : bytes that may lie in it
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._used, self._counted_at = 0, float("-inf")
        self._promised = 0

    def promise(self, size: int) -> ExitStack:
        """Keep room for so many bytes until the block that it is the manager of ends.

        Raises
        ------
        ApiError
            507 if the folder would hold too much, or the disk has no room for it.
        """
        with self._lock:
            if time.monotonic() - self._counted_at > _LOOK_AGAIN_S:
                self._used, self._counted_at = _bytes_in(self._folder), time.monotonic()
            free = shutil.disk_usage(self._folder).free - _LEFT_FREE_BYTES
            if self._used + self._promised + size > self._most or self._promised + size > free:
                raise ApiError(
                    507,
                    "data_full",
                    f"there is no room here for {size:,} more bytes; its operator can delete "
                    "campaigns or allow more",
                )
            self._promised += size
        stack = ExitStack()
        stack.callback(self._arrived, size)
        return stack

    def _arrived(self, size: int) -> None:
        with self._lock:
            self._promised -= size
            self._used += size  # until it is counted again


def _bytes_in(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118 - many
            except OSError:
                continue  # deleted meanwhile
    return total
