"""Show a picture with alpha as a notebook does: as PNG on a checkerboard."""

from __future__ import annotations

import numpy as np

from maskworks.core.png import encode_png
from maskworks.core.values import Image, Matte

SQUARE_PX = 12
LONGEST_PX = 1024
"""A longer picture is shown thinned, so that a notebook stays small."""

_LIGHT, _DARK = 255, 214


def on_checkerboard(image: Image, matte: Matte) -> bytes:
    """Return a PNG of a picture whose clear parts show a checkerboard.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W)

    Returns
    -------
    bytes, a PNG of at most 1024 pixels a side

    Examples
    --------
    >>> clear = Matte(np.zeros((30, 40), np.float32))
    >>> on_checkerboard(Image(np.zeros((30, 40, 3), np.uint8)), clear)[1:4]
    b'PNG'
    """
    step = -(-max(image.size) // LONGEST_PX)
    pixels, alpha = image.pixels[::step, ::step], matte.alpha[::step, ::step, np.newaxis]
    rows, columns = np.indices(alpha.shape[:2]) // SQUARE_PX
    board = np.where((rows + columns) % 2, _DARK, _LIGHT)[..., np.newaxis]
    return encode_png(np.rint(alpha * pixels + (1 - alpha) * board).astype(np.uint8))
