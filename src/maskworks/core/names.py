"""Files whose names a list spells otherwise than the disk does."""

from __future__ import annotations

import difflib
import os
import unicodedata
from functools import lru_cache
from pathlib import Path


def met(folder: Path, name: str) -> Path | None:
    r"""Return the file below a folder that a list means by a name, None if there is none.

    The name as it stands; else the one that differs by the form of its Unicode, the case of its
    suffix or the direction of its slashes alone, if there is one only.

    Parameters
    ----------
    name : str
        A path below it, or an absolute one.
    """
    if os.path.lexists(folder / name):
        return folder / name
    here = folder
    for part in Path(name.replace("\\", "/")).parts:
        there = here / part
        if not os.path.lexists(there):
            alike = [each for each in _names(str(here), _changed(here)) if _key(each) == _key(part)]
            if len(alike) != 1:
                return None
            there = here / alike[0]
        here = there
    return here


def nearest(folder: Path, name: str) -> str:
    """Return words on the name in a folder that is most like one, nothing if none is."""
    place = (folder / name.replace("\\", "/")).parent
    near = difflib.get_close_matches(Path(name).name, _names(str(place), _changed(place)), 1, 0.5)
    return f"; the nearest is {near[0]}" if near else ""


def _key(name: str) -> str:
    stem, dot, suffix = unicodedata.normalize("NFC", name).rpartition(".")
    return f"{stem}{dot}{suffix.lower()}"


def _changed(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=256)
def _names(folder: str, _changed: int) -> tuple[str, ...]:
    try:
        return tuple(os.listdir(folder))  # noqa: PTH208 - names alone
    except OSError:
        return ()
