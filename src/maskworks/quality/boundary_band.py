"""The inner band of a mask as the authors of Boundary IoU measure it: by squares, whole pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from maskworks.core.values import Bool2D

RATIO = 0.02
"""Width of the band, as a share of the picture's diagonal."""


def band_width(size: tuple[int, int], ratio: float = RATIO) -> int:
    """Return the width of the band in a picture of (H, W): whole pixels, at least 1.

    A half is rounded to the even number, as Python does.

    Examples
    --------
    >>> band_width((480, 640)), band_width((10, 10))
    (16, 1)
    """
    return max(1, round(ratio * math.hypot(*size)))


def square_band(inside: Bool2D, width: int) -> Bool2D:
    """Return the pixels of a mask that a square reaches from outside; so is what is beyond it.

    Parameters
    ----------
    inside : bool (H, W)
    width : int, >= 1
        The square has sides of ``2 * width + 1``. Beyond the picture is outside.

    Returns
    -------
    bool (H, W)

    References
    ----------
    Cheng et al., Boundary IoU: Improving Object-Centric Image Segmentation Evaluation, CVPR
    2021, and its code, whose figures papers print. `quality.boundary_iou` measures by discs.

    Examples
    --------
    >>> square_band(np.ones((3, 5), bool), 1).astype(int).tolist()
    [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]]
    """
    import cv2

    side = 2 * width + 1
    eroded = cv2.erode(
        inside.view(np.uint8),
        np.ones((side, side), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    found: Bool2D = inside & (eroded == 0)
    return found
