"""Where the Hugging Face libraries keep what they fetched: looked into before anything is."""

from __future__ import annotations

import os
from pathlib import Path


def cached_snapshot(owner_and_name: str) -> Path | None:
    """Return the folder of a model that lies in the cache of huggingface_hub, None if none does.

    The cache is HF_HUB_CACHE, else HF_HOME/hub, else the user's cache folder. Of several
    snapshots it is that of the branch main, else the newest.

    Parameters
    ----------
    owner_and_name : "OWNER/NAME"
    """
    home = cache_folder() / f"models--{owner_and_name.replace('/', '--')}"
    snapshots = home / "snapshots"
    if not snapshots.is_dir():
        return None
    main = home / "refs" / "main"
    if main.is_file():
        named = snapshots / main.read_text(encoding="utf-8").strip()
        if named.is_dir() and any(named.iterdir()):
            return named
    held = [each for each in snapshots.iterdir() if each.is_dir() and any(each.iterdir())]
    return max(held, key=lambda each: each.stat().st_mtime, default=None)


def cache_folder() -> Path:
    """Return the cache of huggingface_hub; it may not be there."""
    if chosen := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or f"{base}/huggingface"
    return Path(home).expanduser() / "hub"
