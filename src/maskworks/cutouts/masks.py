"""Refine a mask that was made elsewhere: a matte, and the subject's own colours."""

from __future__ import annotations

import numpy as np

from maskworks.batch.work import Status
from maskworks.core.errors import ImageError
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.core.sources import Source, to_picture
from maskworks.core.values import Mask, Matte
from maskworks.cutouts.cutout import Cutout
from maskworks.cutouts.cutting import refine_edge
from maskworks.refine.refinement import DEFAULTS, RefineOptions


@public
def refine_mask(
    image: Source,
    mask: Source | Mask | Matte,
    *,
    refinement: RefineOptions = DEFAULTS,
    max_pixels: int = Limits().max_pixels,
) -> Cutout:
    """Turn a mask made elsewhere into a matte with the subject's own colours.

    Parameters
    ----------
    image : path, bytes, uint8 array, or Pillow image; of shape (H, W)
        An array has red first (RGB), then alpha; give ``array[..., ::-1]`` of what OpenCV read.
    mask : Mask, Matte, a grey picture, or an array (H, W)
        Of bool, of 0 and 1, of 0 to 255, or of float in [0, 1].

    Returns
    -------
    Cutout
        Its `confidence` is None: no model was asked. A mask without a pixel is "no-subject".

    Raises
    ------
    ImageError
        If one of them cannot be read, or their sizes differ.

    Examples
    --------
    >>> grey = np.full((40, 40, 3), 90, np.uint8)
    >>> inside = np.zeros((40, 40), bool)
    >>> inside[10:30, 10:30] = True
    >>> fine = refine_mask(grey, inside)
    >>> fine.status, fine.matte.size, bool(fine.matte.alpha[20, 20] > 0.9)
    ('ok', (40, 40), True)
    """
    limits = Limits(max_pixels)
    picture = to_picture(image, limits)
    matte = _as_matte(mask, limits)
    if matte.size != picture.image.size:
        raise ImageError(
            f"the mask is {matte.size[0]} by {matte.size[1]}, the picture "
            f"{picture.image.size[0]} by {picture.image.size[1]}; give both at one size"
        )
    status: Status = "ok" if matte.alpha.max(initial=0) >= 0.5 else "no-subject"
    begun = Cutout(
        image=picture.image,
        matte=matte,
        confidence=None,
        status=status,
        details=picture.details,
        foreground=picture.image,
        seen_px=max(matte.size),
    )
    return refine_edge(begun, picture, refinement)


def _as_matte(mask: Source | Mask | Matte, limits: Limits) -> Matte:
    if isinstance(mask, Matte):
        return mask
    if isinstance(mask, Mask):
        return Matte(mask.inside.astype(np.float32))
    if isinstance(mask, np.ndarray) and (mask.ndim == 2 or 1 in mask.shape[:1] + mask.shape[2:]):
        return Matte.of(mask)
    picture = to_picture(mask, limits)
    if picture.matte is not None:
        return picture.matte
    return Matte.of(picture.image.pixels.max(axis=2))
