"""JSON files of truth and predictions, read so that a mistake names the file and the place."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskworks.core.errors import UnreadableError, UsageError

AS_COCO = "write it as COCO does"
LEAVE_OUT = f"{AS_COCO}, or leave such entries out with --skip-damaged"


@dataclass(frozen=True)
class Kind:
    """What a field has to hold: in words, and whether a value is that."""

    words: str
    fits: Callable[[Any], bool]


ID = Kind(
    "a whole number or a text",
    lambda value: isinstance(value, int | str) and not isinstance(value, bool),
)
CLASS = Kind(
    "a whole number",
    lambda value: isinstance(value, int) and not isinstance(value, bool),
)
SIDE = Kind("a whole number above 0", lambda value: CLASS.fits(value) and 0 < value < 1 << 31)
NUMBER = Kind(
    "a number",
    lambda value: CLASS.fits(value) or (isinstance(value, float) and math.isfinite(value)),
)
SWITCH = Kind("0 or 1", lambda value: isinstance(value, int) and value in {0, 1})
TEXT = Kind("a text", lambda value: isinstance(value, str))
MASK = Kind("an RLE or a list of polygons", lambda value: isinstance(value, list | dict))
ROWS = Kind("a list", lambda value: isinstance(value, list))

Fields = Mapping[str, Kind]


def read_json(path: Path, option: str) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read a JSON file.

    Parameters
    ----------
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


@dataclass(frozen=True)
class EntryRules:
    """What each entry of a list has to hold, and what it may.

    An optional field that is null is as good as none.
    """

    needs: Fields
    may: Fields = field(default_factory=dict)

    def mistake(self, row: object) -> str | None:
        """Say what is wrong with an entry, None if nothing is."""
        if not isinstance(row, dict):
            return f"is {_shown(row)}, an object is needed"
        for name, kind in self.needs.items():
            if name not in row:
                return f"lacks `{name}`"
            if not kind.fits(row[name]):
                return f"has the {name} {_shown(row[name])}, {kind.words} is needed"
        for name, kind in self.may.items():
            if row.get(name) is not None and not kind.fits(row[name]):
                return f"has the {name} {_shown(row[name])}, {kind.words} is needed"
        return None


def records(
    path: Path,
    content: object,
    key: str,
    rule: EntryRules,
    *,
    skippable: bool = False,
    left_out: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Return the list `key` of a JSON object, each entry of the form it needs.

    Raises
    ------
    UnreadableError
        If the list is missing; or an entry has another form, unless it may be left out.
    """
    found = content.get(key) if isinstance(content, Mapping) else None
    if not isinstance(found, list):
        raise UnreadableError(str(path), f"has no list `{key}`", AS_COCO)
    return checked(path, found, key, rule, skippable=skippable, left_out=left_out)


def checked(
    path: Path,
    rows: Sequence[Any],
    key: str,
    rule: EntryRules,
    *,
    skippable: bool = False,
    left_out: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows that have the form they need.

    Parameters
    ----------
    rows : whatever the file holds
    key : str
        What the list is called; nothing for a file that is a list.
    skippable : bool
        The command can be told to leave such rows out.
    left_out : list, optional
        Then a sentence on each row that is left out is added. Without it, such a row is an error.

    Raises
    ------
    UnreadableError
        With the first row that has another form.
    """
    kept = []
    for at, row in enumerate(rows):
        mistake = rule.mistake(row)
        if mistake is None:
            kept.append({k: v for k, v in row.items() if v is not None or k not in rule.may})
        elif left_out is None:
            remedy = LEAVE_OUT if skippable else AS_COCO
            raise UnreadableError(str(path), f"`{key}[{at}]` {mistake}", remedy)
        else:
            left_out.append(f"{path}: `{key}[{at}]` {mistake}")
    return kept


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."
