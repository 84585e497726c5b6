"""Edges: trimap, matting in the band, foreground colours, holes; one method a file."""

from __future__ import annotations

# Not lazily: a function and its file share a name here, and a file that is imported later would
# take the function's place. Nothing imports this package before it is needed.
from maskworks.refine.closed_form import Solution, SolverOptions, closed_form
from maskworks.refine.despill import despill
from maskworks.refine.fitting import GuidedOptions
from maskworks.refine.foreground import estimate_foreground
from maskworks.refine.guided import guided
from maskworks.refine.refinement import Refined, RefineOptions, refine
from maskworks.refine.regions import RegionOptions, clean_regions
from maskworks.refine.transparency import soft_interior
from maskworks.refine.trimap import TrimapOptions, make_trimap

__all__ = [
    "GuidedOptions",
    "RefineOptions",
    "Refined",
    "RegionOptions",
    "Solution",
    "SolverOptions",
    "TrimapOptions",
    "clean_regions",
    "closed_form",
    "despill",
    "estimate_foreground",
    "guided",
    "make_trimap",
    "refine",
    "soft_interior",
]
