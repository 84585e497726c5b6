"""What a bad day does to a database of SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from maskworks.studio.store.schema import VERSION_TABLE


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _beginning(path: Path) -> None:
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 7):
        data[at] ^= 0xFF
    path.write_bytes(bytes(data))


def _revision(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = 'abc'")
    connection.close()


HARMS = {"truncated": _truncated, "beginning": _beginning, "flipped": _flipped, "rev": _revision}
"""What is done to the file, by name: cut off, its first bytes lost, bits flipped, tampered with."""
