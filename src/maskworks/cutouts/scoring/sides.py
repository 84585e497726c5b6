"""The sides of a picture, in the order in which they are told."""

from __future__ import annotations

from typing import Literal

Side = Literal["top", "right", "bottom", "left"]
SIDES: tuple[Side, ...] = ("top", "right", "bottom", "left")
