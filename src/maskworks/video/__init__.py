"""Clips: read, matted a frame, steadied, corrected, tracked and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.video.reading import Clip as Clip
    from maskworks.video.reading import ClipFacts as ClipFacts
    from maskworks.video.reading import Frame as Frame
    from maskworks.video.reading import open_clip as open_clip

__getattr__, __dir__, __all__ = lazy_names(__name__)
