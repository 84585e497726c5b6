"""Compare the outlines of two masks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.quality.measures import known_pixels

if TYPE_CHECKING:
    from maskworks.core.values import Bool2D, Mask

TOLERANCE = 0.008
"""How far apart outlines may lie, as a share of the picture's diagonal (DAVIS)."""


def boundary_f_score(
    predicted: Mask, truth: Mask, *, where: Mask | None = None, tolerance: float = TOLERANCE
) -> float:
    """Match the two masks' outlines and return the F-score of precision and recall.

    A pixel is on the outline if its right, lower or lower right neighbour is on the other side;
    the border of the picture is no outline. Precision is the share of the predicted outline that
    lies within `tolerance` of the diagonal, rounded up to whole pixels, of the true one (by
    Euclidean distance: a disk is what the other outline is dilated with); recall the reverse.

    Parameters
    ----------
    predicted, truth : Mask of shape (H, W)
    where : Mask of shape (H, W), optional
        The outline pixels that count; outlines are drawn and dilated before it is applied.
    tolerance : float, > 0
        Share of the diagonal.

    Returns
    -------
    float in [0, 1]
        1 if neither mask has an outline, 0 if only one has. So an empty mask and a full one
        score 1: read it together with the IoU.

    Raises
    ------
    ImageError
        If the shapes differ.
    UsageError
        If `tolerance` is not greater than 0.

    References
    ----------
    Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object
    Segmentation, CVPR 2016 (the measure F of the DAVIS benchmark and its code); the outline is
    that of Martin et al., Learning to Detect Natural Image Boundaries, PAMI 2004.

    Examples
    --------
    >>> from maskworks.core.values import Mask
    >>> truth = Mask(np.tile(np.arange(60) >= 30, (60, 1)))
    >>> near, far = (Mask(np.tile(np.arange(60) >= at, (60, 1))) for at in (31, 32))
    >>> boundary_f_score(near, truth), boundary_f_score(far, truth)
    (1.0, 0.0)
    """
    if not tolerance > 0:
        message = f"tolerance is a share of the diagonal and above 0, got {tolerance:g}; use 0.008"
        raise UsageError(message)
    known = known_pixels(predicted.size, truth.size, where)
    radius = math.ceil(tolerance * math.hypot(*truth.size))
    ours, theirs = _outline(predicted.inside), _outline(truth.inside)
    precision = _share_near(ours & known, theirs, radius)
    recall = _share_near(theirs & known, ours, radius)
    if precision is None and recall is None:
        return 1.0
    if not precision or not recall:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _outline(inside: Bool2D) -> Bool2D:
    """Return the pixels that differ from their right, lower or lower right neighbour."""
    padded = np.pad(inside, ((0, 1), (0, 1)), mode="edge")
    outline: Bool2D = inside ^ padded[:-1, 1:]
    outline |= inside ^ padded[1:, :-1]
    outline[:-1, :-1] |= inside[:-1, :-1] ^ inside[1:, 1:]
    return outline


def _share_near(outline: Bool2D, other: Bool2D, radius: int) -> float | None:
    """Return the share of an outline within `radius` pixels of the other, None of an empty one."""
    import cv2

    count = int(np.count_nonzero(outline))
    if count == 0:
        return None
    if not other.any():
        return 0.0
    away = cv2.distanceTransform((~other).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Distances are roots of whole numbers: the next one above `radius` is at least 1 / (2 radius
    # + 1) away, so this margin only makes up for rounding.
    near = away[outline] <= radius + 1 / (4 * radius + 2)
    return int(np.count_nonzero(near)) / count
