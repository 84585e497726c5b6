"""Let a subject take on a little of the light of the picture behind it; off by default."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Image

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_TINT = 0.5  # of the background's cast, at amount 1
_LEVEL = 0.25  # of the difference in brightness, at amount 1
_MOST = 0.15


def match_light(picture: NDArray[np.float32], behind: Image, amount: float) -> NDArray[np.float32]:
    """Multiply a subject's channels towards the cast and brightness of what is behind it.

    The cast is the background's mean colour against its own grey. No channel changes by more
    than 15 %, so a product keeps its colour within what a lamp could do.

    Parameters
    ----------
    picture : float32 (h, w, 4), colours (0 to 255) times alpha, and alpha
    behind : Image
    amount : float in [0, 1]; 0 changes nothing

    Returns
    -------
    float32 (h, w, 4)

    Examples
    --------
    >>> grey = np.full((1, 1, 4), 100, np.float32)
    >>> grey[..., 3] = 1
    >>> warm = Image(np.full((2, 2, 3), (140, 100, 60), np.uint8))
    >>> match_light(grey, warm, 1.0)[0, 0].round().tolist()
    [115.0, 98.0, 85.0, 1.0]
    """
    alpha = picture[..., 3]
    mass = float(alpha.sum())
    if mass == 0 or amount == 0:
        return picture
    subject = float((picture[..., :3].sum(axis=(0, 1)) / mass) @ _LUMA)
    cast = behind.pixels.reshape(-1, 3).mean(axis=0, dtype=np.float64) + 1
    grey = float(cast @ _LUMA)
    tint = (cast / grey) ** (_TINT * amount)
    level = (grey / (subject + 1)) ** (_LEVEL * amount)
    gain = np.clip(tint * level, 1 - _MOST, 1 + _MOST).astype(np.float32)
    lit = np.minimum(picture[..., :3] * gain, 255 * alpha[..., np.newaxis])
    return np.dstack([lit, alpha])
