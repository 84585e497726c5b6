"""Let a subject take on a little of the light of the picture behind it; off by default."""

from __future__ import annotations

import numpy as np

from maskworks.core.values import Image
from maskworks.cutouts.resizing import Weighed, below_alpha

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_TINT = 0.5  # of the background's cast, at amount 1
_LEVEL = 0.25  # of the difference in brightness, at amount 1
_MOST = 0.15


def match_light(picture: Weighed, behind: Image, amount: float) -> Weighed:
    """Multiply a subject's channels towards the cast and brightness of what is behind it.

    The cast is the background's mean colour against its own grey. No channel changes by more
    than 15 %, so a product keeps its colour within what a lamp could do.

    Parameters
    ----------
    picture : uint8 (h, w, 4), as `weigh` returns it
    amount : float in [0, 1]; 0 changes nothing

    Returns
    -------
    uint8 (h, w, 4)

    Examples
    --------
    >>> grey = np.full((1, 1, 4), 100, np.uint8)
    >>> grey[..., 3] = 255
    >>> warm = Image(np.full((2, 2, 3), (140, 100, 60), np.uint8))
    >>> match_light(grey, warm, 1.0)[0, 0].tolist()
    [115, 98, 85, 255]
    """
    import cv2

    *colours, mass = cv2.mean(picture)
    if mass == 0 or amount == 0:
        return picture
    subject = float(np.array(colours) / mass @ _LUMA) * 255
    cast = behind.pixels.reshape(-1, 3).mean(axis=0, dtype=np.float64) + 1
    grey = float(cast @ _LUMA)
    tint = (cast / grey) ** (_TINT * amount)
    level = (grey / (subject + 1)) ** (_LEVEL * amount)
    gain = np.clip(tint * level, 1 - _MOST, 1 + _MOST)
    return below_alpha(cv2.multiply(picture, np.array([*gain, 1.0])))
