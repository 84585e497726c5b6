"""Foreground colours by blur fusion.

Forte, Approximate Fast Foreground Colour Estimation, ICIP 2021: the colour of
each pixel's foreground is a local average weighted by alpha, corrected once by
what the compositing equation leaves over.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

Float3D = npt.NDArray[np.float32]
Float2D = npt.NDArray[np.float32]


def _fuse(
    image: Float3D, foreground: Float3D, background: Float3D, alpha: Float2D, radius_px: int
) -> tuple[Float3D, Float3D]:
    size = (2 * radius_px + 1, 2 * radius_px + 1)
    weight = uniform_filter(alpha, size)[..., None] + 1e-5
    rest = uniform_filter(1 - alpha, size)[..., None] + 1e-5
    a = alpha[..., None]
    fore = uniform_filter(foreground * a, (*size, 1)) / weight
    back = uniform_filter(background * (1 - a), (*size, 1)) / rest
    left_over = image - a * fore - (1 - a) * back
    return np.clip(fore + a * left_over, 0, 255).astype(np.float32), back.astype(np.float32)


def estimate_foreground(
    pixels: npt.NDArray[np.uint8], alpha: Float2D, *, radii_px: tuple[int, int] = (45, 6)
) -> npt.NDArray[np.uint8]:
    """Estimate what the subject's colours were before they mixed with the background.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    alpha : float32 (H, W) in [0, 1]
    radii_px : pixels of the first, coarse and the second, fine average

    Returns
    -------
    uint8 (H, W, 3); where alpha is 1 the picture's own values, far outside the
    subject an extrapolation of its colours

    References
    ----------
    Forte, Approximate Fast Foreground Colour Estimation, ICIP 2021.

    Examples
    --------
    >>> grey = np.full((8, 8, 3), 90, np.uint8)
    >>> bool((estimate_foreground(grey, np.ones((8, 8), np.float32)) == 90).all())
    True
    """
    image = pixels.astype(np.float32)
    fore, back = _fuse(image, image, image, alpha, radii_px[0])
    fore, _ = _fuse(image, fore, back, alpha, radii_px[1])
    return np.where(alpha[..., None] >= 1, pixels, np.rint(fore).astype(np.uint8))
