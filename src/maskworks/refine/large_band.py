"""Closed-form matting of a band that is too large for it: solved smaller, enlarged by the guide.

Memory and time of the solver follow its unknowns, about 300 bytes and a microsecond each. A
portrait of 12 megapixels can leave three million open. Their matte is solved on a copy whose
pixels are the means of blocks, and brought back to the picture's own pixels by the guided
filter, which follows edges that the copy no longer shows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskworks.core.values import (
    BACKGROUND,
    FOREGROUND,
    UNKNOWN,
    Image,
    Matte,
    Trimap,
)
from maskworks.refine.closed_form import Solution, SolverOptions, closed_form
from maskworks.refine.fitting import GuidedOptions
from maskworks.refine.guided import guided
from maskworks.refine.reduced import block_means, enlarged

MOST_UNKNOWNS = 900_000
"""A band with more unknown pixels is solved on a smaller copy."""


def side_for(unknowns: int, most: int = MOST_UNKNOWNS) -> int:
    """Return the side of the blocks, a power of two, that leaves at most `most` unknowns.

    Examples
    --------
    >>> [side_for(n) for n in (10, 900_000, 900_001, 4_000_000)]
    [1, 1, 2, 4]
    """
    side = 1
    while unknowns > most * side * side:
        side *= 2
    return side


def solve_smaller(
    image: Image, trimap: Trimap, options: SolverOptions, side: int, way: GuidedOptions
) -> Solution:
    """Solve the band on blocks of `side` pixels and enlarge the answer along the picture's edges.

    Parameters
    ----------
    image : Image of shape (H, W)
    trimap : Trimap of shape (H, W)
    options : SolverOptions
        Its prior has the picture's size.
    side : int, a power of two
    way : GuidedOptions
        How the guided filter looks around.

    Returns
    -------
    Solution
        Its matte has the picture's size; the rest is about the smaller problem.
    """
    prior = options.prior
    if prior is not None:
        prior = Matte(np.clip(block_means(prior.alpha, side), 0, 1))
    small = closed_form(
        Image(block_means(image.pixels, side)),
        _reduced(trimap, side),
        replace(options, prior=prior),
    )
    rough = Matte(np.clip(enlarged(small.matte.alpha, side, image.size, smooth=True), 0, 1))
    seen_px = -(-max(image.size) // side)
    return replace(small, matte=guided(image, rough, trimap, replace(way, network_px=seen_px)))


def _reduced(trimap: Trimap, side: int) -> Trimap:
    """Reduce a trimap: a block is sure if all its pixels are, of one kind."""
    means = block_means(trimap.levels, side)
    levels = np.full(means.shape, UNKNOWN, np.uint8)
    levels[means == BACKGROUND] = BACKGROUND
    levels[means == FOREGROUND] = FOREGROUND
    return Trimap(levels)
