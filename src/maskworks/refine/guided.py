"""The guided filter in the band: alpha alone, with a trimap that is there."""

from __future__ import annotations

from maskworks.core.errors import ImageError
from maskworks.core.values import Image, Matte, Trimap
from maskworks.refine.fitting import GuidedOptions, copied, fitted_side
from maskworks.refine.quick import certain, draw, paint

DEFAULTS = GuidedOptions()


def guided(image: Image, matte: Matte, trimap: Trimap, options: GuidedOptions = DEFAULTS) -> Matte:
    """Refine a matte in the unknown band, fast.

    Parameters
    ----------
    image : Image of shape (H, W)
        The guide.
    matte : Matte of shape (H, W)
        A first one, whose edge is roughly right.
    trimap : Trimap of shape (H, W)

    Returns
    -------
    Matte of shape (H, W)
        Sure pixels are exactly 0 and 1; without an unknown pixel that is all there is. Where the
        guide says nothing (one colour) it is a local average of the first matte.

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    See `maskworks.refine.fitting`.

    Examples
    --------
    A network's blurred edge between black and white becomes the picture's:

    >>> import numpy as np
    >>> row = np.array([[[0] * 3] * 8 + [[255] * 3] * 8], np.uint8).repeat(4, axis=0)
    >>> ramp = np.linspace(0, 1, 16, dtype=np.float32)[None].repeat(4, axis=0)
    >>> levels = np.array([[0] * 4 + [128] * 8 + [255] * 4], np.uint8).repeat(4, axis=0)
    >>> wide = GuidedOptions(radius=0.3)
    >>> sharp = guided(Image(row), Matte(ramp), Trimap(levels), wide).alpha[0]
    >>> [round(float(a), 1) for a in sharp[6:10]]
    [0.0, 0.0, 1.0, 1.0]
    """
    if not image.size == matte.size == trimap.size:
        raise ImageError(
            "picture, matte and trimap must have one shape, got "
            f"{image.size}, {matte.size} and {trimap.size}; resize them first"
        )
    alpha = certain(trimap)
    copy = copied(image, matte, trimap, fitted_side(image.size, options))
    if copy.unsure.any():
        paint(draw(copy, options, colours=False), image, trimap, alpha)
    return Matte(alpha)
