"""Change a picture's size without halos: colours weighted by alpha, sharpened only inside."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Image, Pixels

Float3D = NDArray[np.float32]
Float2D = NDArray[np.float32]

_ROWS = 64
_AREA_FROM = 2.0  # times smaller: an average over areas; below, a soft blur and cubic
_BLUR = 0.55  # sigma for a reduction by f is _BLUR * sqrt(f^2 - 1) pixels of the larger picture
_SHARPEN_SIGMA_PX = 0.7
_SHARPEN_FROM = 1.0  # levels of 255; less is noise
_LUMA = (0.299, 0.587, 0.114)
_SOLID = 0.9  # alpha below which nothing is sharpened


def weigh(pixels: Pixels, alpha: Float2D) -> Float3D:
    """Return colours multiplied by alpha, and alpha as fourth channel.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    alpha : float32 (H, W) in [0, 1]

    Returns
    -------
    float32 (H, W, 4); colours 0 to 255 times alpha

    Examples
    --------
    >>> weigh(np.full((1, 1, 3), 200, np.uint8), np.full((1, 1), 0.5, np.float32)).tolist()
    [[[100.0, 100.0, 100.0, 0.5]]]
    """
    weighed = np.empty((*alpha.shape, 4), np.float32)
    for top in range(0, len(alpha), _ROWS):  # a band of rows stays in the cache
        rows = slice(top, top + _ROWS)
        for channel in range(3):  # three strided passes: twice as fast as one with a broadcast
            np.multiply(pixels[rows, :, channel], alpha[rows], out=weighed[rows, :, channel])
        weighed[rows, :, 3] = alpha[rows]
    return weighed


def resize(picture: Float3D, size: tuple[int, int]) -> Float3D:
    """Resize a weighed picture; alpha stays in [0, 1] and no colour exceeds its alpha.

    To less than a half: area average. Otherwise downwards: a Gaussian that takes away what the
    smaller picture cannot show, then cubic. Upwards: cubic. The cubic's overshoot scales colour
    and alpha alike, so dividing both by an alpha above 1 leaves no bright rim.

    Parameters
    ----------
    picture : float32 (H, W, 4), as `weigh` returns it
    size : (height, width), pixels

    Returns
    -------
    float32 (height, width, 4); the picture itself if the size is its own

    Examples
    --------
    >>> resize(weigh(np.full((4, 4, 3), 80, np.uint8), np.ones((4, 4), np.float32)), (2, 2)).max()
    np.float32(80.0)
    """
    import cv2

    height, width = picture.shape[:2]
    if (height, width) == size:
        return picture
    target = (size[1], size[0])
    factor = math.sqrt(height * width / (size[0] * size[1]))
    way = cv2.INTER_AREA if factor >= _AREA_FROM else cv2.INTER_CUBIC
    if 1 < factor < _AREA_FROM:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR * math.sqrt(factor**2 - 1)))
    return _bounded(np.asarray(cv2.resize(picture, target, interpolation=way), np.float32))


def _bounded(picture: Float3D) -> Float3D:
    """Bring alpha back into [0, 1] and the colours with it, in place."""
    for top in range(0, len(picture), _ROWS):
        band = picture[top : top + _ROWS]
        alpha = np.maximum(band[..., 3], 0)
        over = np.maximum(alpha, 1)
        most = 255 * np.minimum(alpha, 1)
        for channel in range(3):
            value = band[..., channel]
            np.clip(value / over, 0, most, out=value)
        np.minimum(alpha, 1, out=band[..., 3])
    return picture


def sharpen(picture: Float3D, amount: float) -> Float3D:
    """Add back the fine contrast that downsizing takes, in brightness only.

    An unsharp mask whose blur is weighted by alpha: what lies behind the edge has no part in
    it, so no rim appears. It fades out where alpha falls from 1 to 0.9, and leaves contrasts
    below one level alone.

    Parameters
    ----------
    picture : float32 (H, W, 4), as `weigh` returns it
    amount : float, >= 0

    Returns
    -------
    float32 (H, W, 4)
    """
    if amount == 0:
        return picture
    import cv2

    sharp = picture.copy()
    luma = cv2.transform(picture, np.array([[*_LUMA, 0]], np.float32))
    alpha = np.ascontiguousarray(picture[..., 3])
    wide, weight = (cv2.GaussianBlur(p, (0, 0), _SHARPEN_SIGMA_PX) for p in (luma, alpha))
    for top in range(0, len(sharp), _ROWS):
        rows = slice(top, top + _ROWS)
        solid = np.clip((alpha[rows] - _SOLID) / (1 - _SOLID), 0, 1)
        detail = luma[rows] - wide[rows] / np.maximum(weight[rows], 1e-3) * alpha[rows]
        detail -= np.clip(detail, -_SHARPEN_FROM, _SHARPEN_FROM)
        detail *= amount * solid
        most = 255 * alpha[rows]
        for channel in range(3):
            value = sharp[rows, :, channel]
            np.clip(value + detail, 0, most, out=value)
    return sharp


def cover(
    picture: Image, size: tuple[int, int], *, focus: tuple[float, float] = (0.5, 0.5)
) -> Image:
    """Scale a picture until it covers `size` and cut off what stands over.

    Parameters
    ----------
    picture : Image
    size : (height, width), pixels
    focus : (row, column) in [0, 1]
        The point of the picture that stays nearest to the middle of the frame.

    Returns
    -------
    Image of shape `size`

    Examples
    --------
    >>> wide = Image(np.repeat(np.array([[[0] * 3, [9] * 3, [50] * 3]], np.uint8), 1, 0))
    >>> [cover(wide, (1, 1), focus=(0.5, c)).pixels[0, 0, 0].item() for c in (0.0, 0.5, 1.0)]
    [0, 9, 50]
    """
    import cv2

    rows, columns = picture.size
    height, width = size
    scale = max(height / rows, width / columns)
    tall, broad = min(rows, round(height / scale)), min(columns, round(width / scale))
    tall, broad = max(1, tall), max(1, broad)
    top = round(min(max(focus[0] * rows - tall / 2, 0), rows - tall))
    left = round(min(max(focus[1] * columns - broad / 2, 0), columns - broad))
    part = picture.pixels[top : top + tall, left : left + broad]
    if part.shape[:2] == size:
        return Image(np.ascontiguousarray(part))
    if 1 < 1 / scale < _AREA_FROM:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), _BLUR * math.sqrt(scale**-2 - 1)))
    way = cv2.INTER_AREA if 1 / scale >= _AREA_FROM else cv2.INTER_CUBIC
    sized = cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=way)
    return Image(np.asarray(sized, np.uint8))
