"""Resume: which rows of an earlier run still hold, and what is to be done again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from maskworks.batch.urls import UrlPath, list_keys
from maskworks.batch.work import ExistsError, Fingerprint, ManifestRow, Work
from maskworks.models import ModelSpec

Existing = Literal["refuse", "overwrite", "resume"]
"""What happens to an output that is there already."""


def settings_digest(spec: ModelSpec, choices: Mapping[str, str | float | bool]) -> str:
    """Return 16 hexadecimal digits that change with the model or any of the choices."""
    written = json.dumps([spec.model_dump(mode="json"), dict(choices)], sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def settle(
    works: Sequence[Work], earlier: Mapping[str, ManifestRow], existing: Existing, settings: str
) -> tuple[list[Work], list[ManifestRow]]:
    """Split a plan into what is to be done and the rows that still hold.

    Parameters
    ----------
    works : the plan
    earlier : rows of an earlier manifest, by source
    existing : Existing
        "refuse" sets an error on work whose output exists. "overwrite" does all again.
        "resume" keeps a row if it is no failure, was made from the same input (size and time
        of change) with the same `settings`, and its output is still there; the rest is done
        again and may replace what is there.
    settings : digest of this run
    """
    todo: list[Work] = []
    kept: list[ManifestRow] = []
    is_there = _presence(works) if existing != "overwrite" else os.path.lexists
    for work in works:
        row = earlier.get(str(work.source))
        if (
            existing == "resume"
            and row is not None
            and (row.output is None or is_there(work.output))
            and _holds(row, work, settings)
        ):
            kept.append(row)
        elif work.error is None and existing == "refuse" and is_there(work.output):
            todo.append(replace(work, error=ExistsError(work.output)))
        else:
            ours = row is not None and row.output == str(work.output)
            todo.append(replace(work, may_replace=existing != "refuse", replaces_own=ours))
    return todo, kept


def _presence(works: Sequence[Work]) -> Callable[[Path], bool]:
    """Return what says whether an output is there; of a store, all are listed at once."""
    outputs = [work.output for work in works if isinstance(work.output, UrlPath)]
    if not outputs:
        return os.path.lexists
    below = UrlPath(os.path.commonpath([path.parent for path in outputs]))
    there = {str(key) for key in list_keys(below)}
    return lambda path: str(path) in there


def _holds(row: ManifestRow, work: Work, settings: str) -> bool:
    if row.status == "failed" or row.fingerprint is None or work.error is not None:
        return False
    made = row.output in (None, str(work.output)) and (
        row.output is None or isinstance(work.output, UrlPath) or work.output.exists()
    )
    try:
        return made and row.fingerprint == fingerprint(work.source, settings)
    except OSError:
        return False


def fingerprint(path: Path, settings: str) -> Fingerprint:
    """Return the fingerprint of a file and settings, for resuming."""
    status = path.stat()
    return Fingerprint(bytes=status.st_size, modified_ns=status.st_mtime_ns, settings=settings)
