"""One picture: its subject, cut out and rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.cutouts.backgrounds import Backdrop, Blurred, Plain, parse_background
    from maskworks.cutouts.cutout import Cutout, RenderOptions, render
    from maskworks.cutouts.cutting import cut_out

__all__ = [
    "Backdrop",
    "Blurred",
    "Cutout",
    "Plain",
    "RenderOptions",
    "cut_out",
    "parse_background",
    "render",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "backgrounds": ["Backdrop", "Blurred", "Plain", "parse_background"],
        "cutout": ["Cutout", "RenderOptions", "render"],
        "cutting": ["cut_out"],
    },
)
