"""What is the same for every picture of a run that labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from maskworks.core.reading import Limits
from maskworks.labels.reading.scans import Window
from maskworks.labels.writing.overlay import OverlayOptions
from maskworks.models.labelling import Segmenter, Task
from maskworks.models.tiled_labelling import Tiles


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelJob:
    """All that is the same for every picture of a run; `folder` is None for a single file."""

    segmenter: Segmenter
    task: Task
    limits: Limits
    targets: tuple[str, ...]
    folder: Path | None
    overlay: OverlayOptions = field(default_factory=OverlayOptions)
    bands: tuple[int, ...] | None = None
    tiles: Tiles = field(default_factory=Tiles)
    window: Window | None = None
    settings: str = ""
    debug: bool = False
