"""Change a picture's size without halos: colours weighted by alpha, sharpened only inside.

A weighed picture is uint8 (H, W, 4): colours times alpha, and alpha, all 0 to 255. Laid over a
background, what comes out is off by a level and a half at most, and takes a third of the time
that floats would.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Bool2D, Float2D, Image, Pixels

Weighed = NDArray[np.uint8]
Float1D = NDArray[np.float32]
Grey = NDArray[np.uint8]

_AREA_FROM = 2.0  # times smaller: halved first, an average of four; then a soft blur and cubic
_BLUR = 0.55  # sigma for a reduction by f is _BLUR * sqrt(f^2 - 1) pixels of the larger picture
_FINE = 128  # steps of a level while the cubic overshoots
_SHARPEN_SIGMA_PX = 0.7
_SHARPEN_FROM = 1.0  # levels of 255; less is noise
_SOLID = 0.9  # alpha below which nothing is sharpened


def weigh(pixels: Pixels, alpha: Float2D) -> Weighed:
    """Return colours multiplied by alpha, and alpha as fourth channel.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    alpha : float32 (H, W) in [0, 1]

    Returns
    -------
    uint8 (H, W, 4); colours 0 to 255 times alpha, alpha 0 to 255

    Examples
    --------
    >>> weigh(np.full((1, 1, 3), 200, np.uint8), np.full((1, 1), 0.4, np.float32)).tolist()
    [[[80, 80, 80, 102]]]
    """
    import cv2

    straight = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2RGBA)
    cv2.insertChannel(cv2.convertScaleAbs(alpha, alpha=255), straight, 3)
    return np.asarray(cv2.cvtColor(straight, cv2.COLOR_RGBA2mRGBA), np.uint8)


def alpha_of(picture: Weighed) -> Float2D:
    """Return the alpha of a weighed picture, float32 (H, W) in [0, 1]."""
    return np.asarray(picture[..., 3] / np.float32(255), np.float32)


def resize(picture: Weighed, size: tuple[int, int]) -> Weighed:
    """Resize a weighed picture; no colour exceeds its alpha.

    Downwards: halved by averages of four as long as that is possible, then a Gaussian that
    takes away what the smaller picture cannot show, then cubic. Upwards: cubic. The cubic's
    overshoot scales colour and alpha alike, so dividing both by an alpha above 255 leaves no
    bright rim.

    Parameters
    ----------
    picture : uint8 (H, W, 4), as `weigh` returns it
    size : (height, width), pixels

    Returns
    -------
    uint8 (height, width, 4); the picture itself if the size is its own

    Examples
    --------
    >>> resize(weigh(np.full((4, 4, 3), 80, np.uint8), np.ones((4, 4), np.float32)), (2, 2)).max()
    np.uint8(255)
    """
    smaller = smoothed(picture, size)
    return smaller if smaller.shape[:2] == size else _cubic(smaller, size)


def smoothed(picture: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Take away what `size` cannot show: the picture halved as often as it can be, and blurred.

    Parameters
    ----------
    picture : array (H, W) or (H, W, channels)
    size : (height, width), pixels
    """
    import cv2

    def factor() -> float:
        return math.sqrt(math.prod(picture.shape[:2]) / math.prod(size))

    while factor() >= _AREA_FROM and min(picture.shape[:2]) > 1:
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA))
    if factor() > 1 and picture.shape[:2] != size:
        sigma = _BLUR * math.sqrt(factor() ** 2 - 1)
        side = 2 * math.ceil(3 * sigma) + 1
        picture = np.asarray(cv2.GaussianBlur(picture, (side, side), sigma))
    return picture


def _cubic(picture: Weighed, size: tuple[int, int]) -> Weighed:
    import cv2

    fine = np.multiply(picture, np.uint16(_FINE), dtype=np.uint16)
    sized = cv2.resize(fine, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    whole = 255 * _FINE
    over = _where(np.asarray(cv2.extractChannel(sized, 3)) > whole)
    above = sized[over].astype(np.float32)
    sized[over] = np.rint(above * (whole / above[:, 3:]))
    return below_alpha(cv2.convertScaleAbs(sized, alpha=1 / _FINE))


def _where(mask: Bool2D) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the rows and columns of a mask, as `numpy.nonzero` does, but sooner."""
    import cv2

    found: Any = cv2.findNonZero(mask.view(np.uint8))
    points = np.reshape([] if found is None else found, (-1, 2)).astype(np.intp)
    return points[:, 1], points[:, 0]


def below_alpha(picture: NDArray[Any]) -> Weighed:
    """Return a weighed picture with no colour above its alpha.

    Examples
    --------
    >>> below_alpha(np.array([[[9, 3, 5, 4]]], np.uint8)).tolist()
    [[[4, 3, 4, 4]]]
    """
    import cv2

    alpha = cv2.extractChannel(picture, 3)
    return np.asarray(cv2.min(picture, cv2.merge([alpha] * 4)), np.uint8)


def sharpen(picture: Weighed, amount: float) -> Weighed:
    """Add back the fine contrast that downsizing takes, in brightness only.

    An unsharp mask whose blur is weighted by alpha: what lies behind the edge has no part in
    it, so no rim appears. It fades out where alpha falls from 1 to 0.9, and leaves contrasts
    below one level alone.

    Parameters
    ----------
    picture : uint8 (H, W, 4), as `weigh` returns it
    amount : float, >= 0

    Returns
    -------
    uint8 (H, W, 4)
    """
    if amount == 0:
        return picture
    import cv2

    luma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGBA2GRAY), np.uint8)
    alpha = np.asarray(cv2.extractChannel(picture, 3), np.uint8)
    wide, weight = (_blurred(plane) for plane in (luma, alpha))
    levels = np.arange(256, dtype=np.float32)
    change = np.clip(np.rint(amount * (levels - _SHARPEN_FROM)), 0, 255).astype(np.uint8)
    up = np.asarray(cv2.LUT(cv2.subtract(luma, wide), change), np.uint8)
    down = np.asarray(cv2.LUT(cv2.subtract(wide, luma), change), np.uint8)
    solid = alpha >= 255 * _SOLID
    edge = _where(solid & (weight < 255))
    detail = amount * _detail_at_edge(luma[edge], wide[edge], weight[edge], alpha[edge])
    up[edge] = np.rint(np.clip(detail, 0, 255))
    down[edge] = np.rint(np.clip(-detail, 0, 255))
    up *= solid
    down *= solid
    zero = np.zeros_like(up)
    brighter = cv2.add(picture, cv2.merge([up, up, up, zero]))
    sharp = cv2.subtract(brighter, cv2.merge([down, down, down, zero]))
    return below_alpha(sharp)


def _blurred(plane: Grey) -> Grey:
    import cv2

    return np.asarray(cv2.GaussianBlur(plane, (0, 0), _SHARPEN_SIGMA_PX), np.uint8)


def _detail_at_edge(luma: Grey, wide: Grey, weight: Grey, alpha: Grey) -> Float1D:
    """Return the contrast to be added where not all around is solid."""
    share = alpha.astype(np.float32) / np.maximum(weight, 1)
    detail = luma - wide * share
    detail -= np.clip(detail, -_SHARPEN_FROM, _SHARPEN_FROM)
    solid = np.clip((alpha / np.float32(255) - _SOLID) / (1 - _SOLID), 0, 1)
    return np.asarray(detail * solid, np.float32)


def cover(
    picture: Image, size: tuple[int, int], *, focus: tuple[float, float] = (0.5, 0.5)
) -> Image:
    """Scale a picture until it covers `size` and cut off what stands over.

    Parameters
    ----------
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
    part = smoothed(np.ascontiguousarray(part), size)
    if part.shape[:2] != size:
        part = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC))
    return Image(np.asarray(part, np.uint8))
