"""The digest by which an event of the trail holds the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from maskworks.studio.store.columns import plain

CONTENT = ("at", "item_id", "what", "who", "why", "before", "after", "details")
"""What a digest covers beside the digest before it, by the names of the columns."""


def digest_of(event: Mapping[str, Any], previous: str) -> str:
    """Return the SHA-256 of an event together with the digest of the one before it.

    Whoever holds a later digest can tell that nothing before it was changed, left out or put in.

    Parameters
    ----------
    event : the columns in `CONTENT`
    previous : hexadecimal, "" for a campaign's first event

    Returns
    -------
    str, 64 hexadecimal digits: of the JSON list ``[previous, at, item, what, who, why, before,
    after, details]`` without spaces, its keys sorted, times in UTC to the microsecond, every
    character beyond ASCII escaped, every number as Python writes a float.
    """
    content = [previous, *(_canonical(event[name]) for name in CONTENT)]
    written = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _canonical(value: object) -> object:
    """Return a value as both databases give it back."""
    match value:
        case datetime():
            return value.isoformat(timespec="microseconds")
        case str():
            return plain(value)
        case bool() | None:
            return value
        case int() | float():
            return float(value) + 0.0  # PostgreSQL keeps no -0
        case Mapping():
            return {str(key): _canonical(each) for key, each in value.items()}
        case _:
            return [_canonical(each) for each in cast("Sequence[object]", value)]
