"""One picture: its subject, cut out and rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.cutouts.backgrounds import Backdrop as Backdrop
    from maskworks.cutouts.backgrounds import Blurred as Blurred
    from maskworks.cutouts.backgrounds import Plain as Plain
    from maskworks.cutouts.backgrounds import parse_background as parse_background
    from maskworks.cutouts.cutout import Cutout as Cutout
    from maskworks.cutouts.cutout import RenderOptions as RenderOptions
    from maskworks.cutouts.cutout import render as render
    from maskworks.cutouts.cutting import cut_out as cut_out
    from maskworks.cutouts.scoring.evidence import Evidence as Evidence
    from maskworks.cutouts.scoring.evidence import measure as measure
    from maskworks.cutouts.scoring.reason import Reason as Reason
    from maskworks.cutouts.scoring.score_model import ScoreModel as ScoreModel
    from maskworks.cutouts.scoring.score_model import load_score_model as load_score_model


__getattr__, __dir__, __all__ = lazy_names(__name__)
