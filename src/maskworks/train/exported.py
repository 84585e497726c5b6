"""What an export wrote, and its proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Exported:
    """A finished file: where, how large, and how far from Torch it answers."""

    path: Path
    bytes: int
    sha256: str
    difference: float
