"""How much of a subject is see-through: glass, a veil, smoke."""

from __future__ import annotations

import math

import numpy as np

from maskworks.core.values import Matte
from maskworks.refine.reduced import block_means, block_side

TRACE = 0.05
"""Alpha above it is subject."""

PARTIAL = 0.1
"""Alpha above it and below one minus it is partly transparent."""

EDGE = 0.02
"""Width of the edge band, a share of the diagonal."""


def soft_interior(matte: Matte, *, edge: float = EDGE) -> float:
    """Return the share of the subject that is partly transparent and does not lie at its edge.

    Judged on a copy of about a thousand pixels. The border of the picture is no edge.

    Parameters
    ----------
    matte : Matte of shape (H, W)
    edge : float, >= 0
        Width of the edge band, a share of the diagonal.

    Returns
    -------
    float in [0, 1]
        Of the pixels with alpha > 0.05, the share with 0.1 < alpha < 0.9 that lies farther than
        the band from every pixel with alpha <= 0.05. Hair and blurred edges give about 0, glass
        and veils clearly more; 0 if there is no subject.

    Examples
    --------
    >>> pane = np.zeros((200, 200), np.float32)
    >>> pane[40:160, 40:160] = 0.4
    >>> round(soft_interior(Matte(pane)), 2)
    0.81
    >>> soft_interior(Matte((pane > 0).astype(np.float32)))
    0.0
    """
    import cv2

    alpha = block_means(matte.alpha, block_side(matte.size))
    subject = (alpha > TRACE).astype(np.uint8)
    area = int(np.count_nonzero(subject))
    if area == 0:
        return 0.0
    # A pixel beside the edge is one pixel away from what is outside.
    depth = cv2.distanceTransform(subject, cv2.DIST_L2, 5) - 1
    deep = depth >= edge * math.hypot(*alpha.shape)
    soft = (alpha > PARTIAL) & (alpha < 1 - PARTIAL)
    return int(np.count_nonzero(soft & deep)) / area
