"""What a network says of a subject's inside, which no matting may take away.

Matting decides by colours where the edge runs. Deep inside there is no edge: fur that has the
wall's colour is fur all the same. Where the network is confident there, its doubt counts as
opaque and matting may only raise it; what it gives as see-through (glass, a veil) is no doubt
and is left to matting.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import BACKGROUND, Float2D, Matte, Trimap
from maskworks.refine.reduced import block_means, block_side, enlarged
from maskworks.refine.transparency import EDGE, TRACE

CONFIDENT = 0.7
"""Alpha from which a network means the subject, and not something see-through."""

DOUBT = 0.2
"""Alpha from one minus it is opaque."""


def least_inside(alpha: Float2D, levels: NDArray[np.uint8]) -> Float2D:
    """Return the least alpha that matting may leave, float32 (h, w).

    Parameters
    ----------
    alpha : float32 (h, w)
        A network's, on a small copy.
    levels : uint8 (h, w)
        Of its trimap.

    Returns
    -------
    float32 (h, w) in [0, 1]
        0 where the network is not confident, and within the edge band
        (`maskworks.refine.transparency.EDGE`) of what is clear, be it by alpha or by a level
        that says background (an opening). Elsewhere its alpha, stretched so that one minus
        `DOUBT` is opaque.

    Examples
    --------
    >>> vase = np.zeros((200, 200), np.float32)
    >>> vase[20:180, 20:180] = 0.4  # glass
    >>> vase[60:100, 60:140] = 0.8  # as unsure as a network is of a cat's forehead
    >>> vase[100:140, 60:140] = 0.7
    >>> least = least_inside(vase, np.full(vase.shape, 128, np.uint8))
    >>> [round(float(least[row, 100]), 2) for row in (10, 40, 80, 120)]
    [0.0, 0.0, 1.0, 0.83]
    """
    import cv2

    clear = (alpha <= TRACE) | (levels == BACKGROUND)
    # A pixel beside what is clear is one pixel away from it; where nothing is, all is deep.
    depth = cv2.distanceTransform((~clear).view(np.uint8), cv2.DIST_L2, 5) - 1
    inside = (alpha >= CONFIDENT) & (depth >= EDGE * math.hypot(*alpha.shape))
    stretched = (alpha - np.float32(0.5)) * np.float32(1 / (1 - 2 * DOUBT)) + np.float32(0.5)
    return np.asarray(np.where(inside, np.minimum(stretched, 1), 0), np.float32)


def keep_inside(refined: Matte, matte: Matte, trimap: Trimap) -> Matte:
    """Return a refined matte that is nowhere below `least_inside`.

    Parameters
    ----------
    refined : Matte of shape (H, W)
    matte : Matte of shape (H, W)
        The network's.
    trimap : Trimap of shape (H, W)
        Made from it; its background stays 0.
    """
    side = block_side(matte.size)
    small = least_inside(block_means(matte.alpha, side), block_means(trimap.levels, side))
    least = enlarged(small, side, matte.size, smooth=True)
    least[trimap.background] = 0
    return Matte(np.maximum(refined.alpha, least))
