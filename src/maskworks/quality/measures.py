"""Compare a predicted mask with the truth.

`where` limits a measure to pixels whose truth is known; without it every pixel counts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import ImageError, UsageError

if TYPE_CHECKING:
    from maskworks.core.values import Bool2D, Mask

BAND = 0.02
"""Width of the boundary band, as a share of the picture's diagonal (Cheng et al. 2021)."""


def iou(predicted: Mask, truth: Mask, *, where: Mask | None = None) -> float:
    """Divide the pixels both masks hold by those either holds.

    Parameters
    ----------
    predicted, truth : Mask of shape (H, W)
    where : Mask of shape (H, W), optional
        The pixels that count.

    Returns
    -------
    float in [0, 1]
        1 if both masks are empty: they agree.

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    Jaccard, The Distribution of the Flora in the Alpine Zone, New Phytologist, 1912.

    Examples
    --------
    >>> from maskworks.core.values import Mask
    >>> iou(Mask(np.array([[True, True, False]])), Mask(np.array([[False, True, True]])))
    0.3333333333333333
    """
    known = known_pixels(predicted.size, truth.size, where)
    return _iou(predicted.inside & known, truth.inside & known)


def boundary_iou(
    predicted: Mask, truth: Mask, *, where: Mask | None = None, band: float = BAND
) -> float:
    """Compute the IoU of the two masks' inner boundary bands.

    A mask's band holds its pixels that lie within `band` of the picture's diagonal (at least
    one pixel) of the nearest pixel outside; beyond the border of the picture is outside.

    Parameters
    ----------
    predicted, truth : Mask of shape (H, W)
    where : Mask of shape (H, W), optional
        The pixels that count; the bands are made before it is applied.
    band : float, > 0
        Share of the diagonal.

    Returns
    -------
    float in [0, 1]
        1 if both bands are empty.

    Raises
    ------
    ImageError
        If the shapes differ.
    UsageError
        If `band` is not greater than 0.

    References
    ----------
    Cheng et al., Boundary IoU: Improving Object-Centric Image Segmentation Evaluation,
    CVPR 2021.

    Examples
    --------
    >>> from maskworks.core.values import Mask
    >>> full = Mask(np.ones((3, 3), bool))
    >>> shifted = Mask(np.arange(9).reshape(3, 3) >= 3)
    >>> boundary_iou(shifted, full)
    0.5555555555555556
    """
    if not band > 0:
        message = f"band is a share of the diagonal and greater than 0, got {band:g}; use 0.02"
        raise UsageError(message)
    known = known_pixels(predicted.size, truth.size, where)
    width = max(1.0, band * float(np.hypot(*truth.size)))
    return _iou(_band(predicted.inside, width) & known, _band(truth.inside, width) & known)


def known_pixels(size: tuple[int, int], other: tuple[int, int], where: Mask | None) -> Bool2D:
    """Return which pixels count, bool (H, W): those of `where`, or all.

    Raises
    ------
    ImageError
        If the sizes differ.
    """
    if size != other or (where is not None and where.size != size):
        third = "" if where is None else f" and {where.size}"
        message = f"the shapes must be equal, got {size}, {other}{third}; resize one first"
        raise ImageError(message)
    return np.ones(size, np.bool_) if where is None else where.inside


def _iou(ours: Bool2D, theirs: Bool2D) -> float:
    union = np.count_nonzero(ours | theirs)
    return 1.0 if union == 0 else int(np.count_nonzero(ours & theirs)) / int(union)


def _band(inside: Bool2D, width: float) -> Bool2D:
    import cv2

    padded = np.pad(inside, 1).view(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    # Squared distances are whole numbers: half a step above the limit no rounding matters.
    band: Bool2D = inside & (distance <= math.sqrt(math.floor(width * width) + 0.5))
    return band
