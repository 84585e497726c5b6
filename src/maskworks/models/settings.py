"""What the environment says about models: the only place that reads it for this package.

=======================  ==================================================================
MASKWORKS_HOME           folder of downloaded and imported models (default: the user's cache)
MASKWORKS_MIRROR         base URL or local folder to fetch weights from
MASKWORKS_OFFLINE        1: never open a connection
MASKWORKS_COMMERCIAL_ONLY  1: refuse weights whose licence forbids commercial use
U2NET_HOME               rembg's folder; its files are used after a check
=======================  ==================================================================
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from maskworks.core.errors import UsageError

YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"", "0", "false", "no", "off"})


def flag(name: str) -> bool:
    """Return whether the environment switches `name` on.

    Raises
    ------
    UsageError
        If the value is neither a yes nor a no: a misspelt gate must not stay open.
    """
    value = os.environ.get(name, "").strip().lower()
    if value in YES:
        return True
    if value in NO:
        return False
    message = f"{name} is {value!r}, which is neither yes nor no; set it to 1 or 0"
    raise UsageError(message)


def home() -> Path:
    """Return the folder of models and settings: MASKWORKS_HOME or the user's cache folder."""
    if chosen := os.environ.get("MASKWORKS_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "maskworks"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "maskworks"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "maskworks"


def rembg_folders() -> tuple[Path, ...]:
    """Return where rembg keeps its models: U2NET_HOME, or else its default places."""
    if chosen := os.environ.get("U2NET_HOME"):
        return (Path(chosen).expanduser(),)
    default = Path("~/.u2net").expanduser()
    if data := os.environ.get("XDG_DATA_HOME"):
        return (Path(data).expanduser() / ".u2net", default)
    return (default,)


def mirror() -> str | None:
    """Return MASKWORKS_MIRROR, None if it is empty."""
    return os.environ.get("MASKWORKS_MIRROR") or None


def offline() -> bool:
    """Return whether MASKWORKS_OFFLINE forbids connections."""
    return flag("MASKWORKS_OFFLINE")


def commercial_only() -> bool:
    """Return whether MASKWORKS_COMMERCIAL_ONLY refuses non-commercial weights."""
    return flag("MASKWORKS_COMMERCIAL_ONLY")
