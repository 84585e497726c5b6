"""What is tracked, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.models.labelling import Segmenter
from maskworks.video.tracking.counting import HOLD, CountLine, CountZone
from maskworks.video.tracking.found import BACKGROUND
from maskworks.video.tracking.tracker import TrackOptions
from maskworks.video.tracking.tracks import Anchor

MaskKind = Literal["cutout", "box"]

_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class TrackRequest:
    """What is tracked and how.

    `model` is a model of objects as `maskworks segment` opens it, or "background" for a fixed
    camera; `classes` those of its classes that matter, all by default; `masks` "cutout" cuts
    each object out, "box" takes its box (of a model that answers masks these are taken);
    `every` looks at every n-th frame; `hold` is how many looks in a row a side of a line must
    be held for; `anchor` the point that stands for an object.
    """

    model: str | Segmenter
    classes: tuple[str, ...] = ()
    lines: tuple[CountLine, ...] = ()
    zones: tuple[CountZone, ...] = ()
    masks: MaskKind = "cutout"
    every: int = 1
    hold: int = HOLD
    anchor: Anchor = "middle"
    options: TrackOptions = field(default_factory=TrackOptions)
    threads: int = 0
    limits: Limits = _LIMITS

    def __post_init__(self) -> None:
        if self.every < 1 or self.hold < 1:
            raise UsageError(f"every and hold are at least 1, got {self.every} and {self.hold}")
        if self.model == BACKGROUND and self.every > 1:
            raise UsageError("a background model must see every frame; leave `every` at 1")
        if self.masks not in ("cutout", "box"):
            raise UsageError(f"masks is cutout or box, got {self.masks!r}")
        names = [*(each.name for each in self.lines), *(each.name for each in self.zones)]
        twice = sorted({each for each in names if names.count(each) > 1})
        if twice:
            raise UsageError(f"{twice[0]!r} names two lines or zones; give each its own name")
