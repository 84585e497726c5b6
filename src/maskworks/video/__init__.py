"""Clips: read, matted a frame, steadied, corrected, tracked and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.video.reading import Clip, ClipFacts, Frame, open_clip

__all__ = ["Clip", "ClipFacts", "Frame", "open_clip"]

__getattr__, __dir__ = lazy_names(
    __name__, {"reading": ["Clip", "ClipFacts", "Frame", "open_clip"]}
)
