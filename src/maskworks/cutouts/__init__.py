"""One picture: its subject, cut out and rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.cutouts.backgrounds import Backdrop, Blurred, Plain, parse_background
    from maskworks.cutouts.cutout import Cutout, RenderOptions, render
    from maskworks.cutouts.cutting import cut_out
    from maskworks.cutouts.scoring.evidence import Evidence, measure
    from maskworks.cutouts.scoring.reason import Reason
    from maskworks.cutouts.scoring.score_model import ScoreModel, load_score_model

__all__ = [
    "Backdrop",
    "Blurred",
    "Cutout",
    "Evidence",
    "Plain",
    "Reason",
    "RenderOptions",
    "ScoreModel",
    "cut_out",
    "load_score_model",
    "measure",
    "parse_background",
    "render",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "backgrounds": ["Backdrop", "Blurred", "Plain", "parse_background"],
        "cutout": ["Cutout", "RenderOptions", "render"],
        "cutting": ["cut_out"],
        "scoring.evidence": ["Evidence", "measure"],
        "scoring.reason": ["Reason"],
        "scoring.score_model": ["ScoreModel", "load_score_model"],
    },
)
