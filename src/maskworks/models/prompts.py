"""What a person points at: where an object is, for SAM."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskworks.core.bounded import text_of
from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Box

Place = tuple[float, float]
"""(row, column) in pixels of the picture; (0.5, 0.5) is the middle of the first."""

FORM = (
    '[{"inside": [[ROW, COLUMN], ...], "outside": [...], "box": [TOP, LEFT, BOTTOM, RIGHT]}, ...]'
)


@dataclass(frozen=True)
class Prompt:
    """Where an object is: points (row, column) inside, points outside, or a box around it.

    Raises
    ------
    UsageError
        If it says nothing.
    """

    inside: tuple[Place, ...] = ()
    outside: tuple[Place, ...] = ()
    box: Box | None = None

    def __post_init__(self) -> None:
        if not self.inside and self.box is None:
            raise UsageError("a prompt needs a point inside the object or a box around it")

    def check(self, size: tuple[int, int]) -> None:
        """Raise UsageError if it points beside a picture of `size` (H, W)."""
        box = self.box
        corners = [(box.top, box.left), (box.bottom, box.right)] if box else []
        for row, column in (*self.inside, *self.outside, *corners):
            if not (0 <= row <= size[0] and 0 <= column <= size[1]):
                raise UsageError(
                    f"the prompt points at row {row:g}, column {column:g}, the picture has "
                    f"{size[0]} rows and {size[1]} columns; correct it"
                )


def prompt_of(
    points: Sequence[str], points_xy: Sequence[str], box: Box | None
) -> tuple[Prompt, ...]:
    """Return the one prompt of points and a box; or none.

    Parameters
    ----------
    points : "ROW,COLUMN" or "ROW,COLUMN,out"
    points_xy : "X,Y" or "X,Y,out": the column first
    box : Box, optional

    Raises
    ------
    UsageError
        If a point is of another form, or all are outside.

    Examples
    --------
    >>> prompt_of(["30,40"], ["9,5,out"], None)
    (Prompt(inside=((30.0, 40.0),), outside=((5.0, 9.0),), box=None),)
    """
    given = [_point(text, "--point", "ROW,COLUMN") for text in points]
    for text in points_xy:
        x, y, out = _point(text, "--point-xy", "X,Y")
        given.append((y, x, out))
    if not given and box is None:
        return ()
    inside, outside = (
        tuple((row, column) for row, column, out in given if out is beside)
        for beside in (False, True)
    )
    return (Prompt(inside, outside, box),)


def _point(text: str, option: str, order: str) -> tuple[float, float, bool]:
    """Return the two numbers of a point, and whether it is outside."""
    parts = text.split(",")
    try:
        first, second = float(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        parts = []
    if len(parts) not in (2, 3) or parts[2:] not in ([], ["in"], ["out"]):
        raise UsageError(f"{option} is {order} or {order},out, pixels, got {text!r}")
    return first, second, parts[2:] == ["out"]


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Read a JSON file with a list of prompts, one an object.

    Raises
    ------
    UsageError
        If it cannot be read, or is of another form.
    """
    try:
        rows = json.loads(text_of(path))
    except (OSError, ValueError) as error:
        raise UsageError(f"--prompts {path}: cannot be read ({error}); it is {FORM}") from error
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"--prompts {path}: holds no list of prompts; it is {FORM}")
    return tuple(_prompt(row, f"--prompts {path}, number {at}") for at, row in enumerate(rows, 1))


def _prompt(row: Any, where: str) -> Prompt:  # noqa: ANN401 - whatever the JSON holds
    if not isinstance(row, dict) or set(row) - {"inside", "outside", "box"}:
        raise UsageError(f"{where}: is not of the form {FORM}")
    try:
        inside, outside = (_places(row.get(key) or ()) for key in ("inside", "outside"))
        top, left, bottom, right = row.get("box") or (0, 0, 1, 1)
        box = Box(int(top), int(left), int(bottom), int(right)) if row.get("box") else None
        return Prompt(inside, outside, box)
    except (TypeError, ValueError, ImageError, UsageError) as error:
        raise UsageError(f"{where}: {error}; it is {FORM}") from error


def _places(rows: Any) -> tuple[Place, ...]:  # noqa: ANN401 - whatever the JSON holds
    return tuple((float(row), float(column)) for row, column in rows)
