"""Pictures that come with an alpha of their own: cut out already, or only laid on clear ground."""

from __future__ import annotations

import numpy as np

from maskworks.core.values import Mask, Matte
from maskworks.models.families.saliency import SMALLEST_SUBJECT
from maskworks.refine.parts import slices
from maskworks.refine.reduced import block_means, block_side

HALF = 0.5

FRAME = 0.95
"""Share of the smallest rectangle around it, however turned, that a photo on clear ground fills."""

SAME = 0.97
"""IoU from which a network that looks at it means the very thing that is opaque."""


def is_cut_out(own: Matte, seen: Matte) -> bool:
    """Return whether a picture's own alpha is a cut-out that is to be kept.

    Parameters
    ----------
    own : Matte of shape (H, W)
        The picture's alpha.
    seen : Matte of shape (H, W)
        What a network takes for the subject.

    Returns
    -------
    bool
        True if `own` has clear (0) and opaque (at least 0.5) parts, and what is opaque is no
        frame: a photo on clear ground, with round corners or turned, fills a rectangle, and
        its subject is still to be found. A product that fills one too (a book) is known by the
        network's seeing just that.

    Examples
    --------
    >>> disc = np.zeros((90, 90), np.float32)
    >>> rows, columns = np.mgrid[0:90, 0:90]
    >>> disc[np.hypot(rows - 45, columns - 45) < 30] = 1
    >>> photo = np.zeros((90, 90), np.float32)
    >>> photo[9:, 9:] = 1
    >>> nothing = Matte(np.zeros((90, 90), np.float32))
    >>> [is_cut_out(Matte(alpha), nothing) for alpha in (disc, photo, disc * 0 + 1)]
    [True, False, False]
    """
    side = block_side(own.size)
    alpha = block_means(own.alpha, side)
    opaque = alpha >= HALF
    for part in (opaque, alpha == 0):
        if np.count_nonzero(part) < SMALLEST_SUBJECT * part.size:
            return False
    if _share_of_rectangle(Mask(opaque)) < FRAME:
        return True
    found = block_means(seen.alpha, side) >= HALF
    both, either = np.count_nonzero(opaque & found), np.count_nonzero(opaque | found)
    return bool(both >= SAME * either)


def _share_of_rectangle(mask: Mask) -> float:
    """Return the share that a mask fills of the smallest rectangle around it, at any angle."""
    import cv2

    box = mask.box()
    if box is None:
        return 0.0
    rows, columns = np.nonzero(mask.inside[slices(box)])
    corners = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.float32))
    _, (wide, high), _ = cv2.minAreaRect(corners)
    return rows.size / ((wide + 1) * (high + 1))
