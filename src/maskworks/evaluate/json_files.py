"""JSON files of truth and predictions, read so that a mistake names the file and the place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskworks.core.errors import UnreadableError, UsageError


def read_json(path: Path, option: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read a JSON file.

    Parameters
    ----------
    path : Path
    option : str
        The option that named it, for the message.

    Raises
    ------
    UsageError
        If there is no such file.
    UnreadableError
        If it is not JSON, or may not be read.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise UsageError(f"{option} {path}: {what}; name a JSON file")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UnreadableError(str(path), f"is not JSON ({error})", "write it again") from error
    except OSError as error:
        raise UnreadableError(
            str(path), f"cannot be read ({error.strerror})", "check it"
        ) from error


def records(path: Path, content: object, key: str, needs: Sequence[str]) -> list[dict[str, Any]]:
    """Return the list `key` of a JSON object, each entry with the fields it needs.

    Raises
    ------
    UnreadableError
        If the list is missing, or an entry is no object or lacks a field.
    """
    found = content.get(key) if isinstance(content, Mapping) else None
    if not isinstance(found, list):
        raise UnreadableError(str(path), f"has no list `{key}`", "write it as COCO does")
    return checked(path, found, key, needs)


def checked(
    path: Path, rows: Sequence[Any], key: str, needs: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the rows if each is an object that has the fields it needs.

    Raises
    ------
    UnreadableError
        With the first that is not.
    """
    for at, row in enumerate(rows):
        lacking = [n for n in needs if n not in row] if isinstance(row, dict) else list(needs)
        if lacking:
            raise UnreadableError(
                str(path), f"`{key}[{at}]` lacks `{lacking[0]}`", "write it as COCO does"
            )
    return list(rows)
