"""The shadow under a subject, from nothing but its matte."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.values import Box, Matte

Float2D = NDArray[np.float32]

_SOLID = 0.5
_COARSE_SIGMA_PX = 4.0  # a wider blur is made on a smaller picture, where it costs little
_FADE = 5.0
_INVISIBLE = 0.5 / 255
_CORNER_SHARE = 0.05  # of the shorter side; the gate measures as much


@dataclass(frozen=True)
class Blot:
    """One of the blurred copies of the footprint that add up to a shadow.

    `across` and `along` are sigmas, horizontal and vertical, as shares of the subject's size;
    `strength` is its largest opacity.
    """

    across: float
    along: float
    strength: float


@dataclass(frozen=True)
class ShadowOptions:
    """The geometry of a shadow; lengths are shares of the size, sqrt(height * width) of the box.

    Parameters
    ----------
    depth : share of the box height
        What ends lower than this above the ground line can stand on the ground, farther back:
        of a chair the rear legs, of a shoe the heel. The higher, the fainter.
    near, rise : a column stands only if none within `near` of it ends lower by `rise` or more
        A leg stands, the flank of a ball does not.
    thickness : of the footprint
    contact : Blot
        The dark line where the subject meets the ground.
    soft : tuple of Blot
        What "soft" adds: ever wider and fainter, as from a large lamp above.
    """

    depth: float = 0.22
    near: float = 0.03
    rise: float = 0.02
    thickness: float = 0.012
    contact: Blot = Blot(0.012, 0.006, 0.55)
    soft: tuple[Blot, ...] = (Blot(0.045, 0.018, 0.30), Blot(0.11, 0.045, 0.20))


def cast_shadow(
    matte: Matte,
    box: Box,
    kind: Literal["soft", "contact"],
    *,
    options: ShadowOptions = ShadowOptions(),
    clear_px: int = 0,
) -> Matte:
    """Return how dark the ground is under a subject that stands on it.

    The ground line is the lower side of the box. The footprint follows the lowest solid pixel
    of each column that stands (see `ShadowOptions`), full on the ground line and fading out
    up to `depth` above it; blurred copies of it, flat as seen from the front, add up to the
    shadow. The light comes from above, so there is no direction to get wrong. Most of the
    shadow lies behind the subject.

    Parameters
    ----------
    matte : Matte of shape (H, W)
        Of the subject in its place in the picture.
    box : Box of the subject
    kind : "contact" is the dark line alone, "soft" has the wide shadow too
    clear_px : int
        So near to the picture's border the shadow is exactly 0, and it fades in over five
        times that distance; in the corners (5 % of the shorter side) it is 0 too. So a rule that
        demands a white border is kept.

    Returns
    -------
    Matte of shape (H, W)
        Opacity of black; below half a level of 255 it is exactly 0.

    Raises
    ------
    ImageError
        If the box reaches beyond the matte.

    Examples
    --------
    >>> alpha = np.zeros((60, 60), np.float32)
    >>> alpha[10:40, 20:40] = 1
    >>> shade = cast_shadow(Matte(alpha), Box(10, 20, 40, 40), "contact").alpha
    >>> bool(shade[40, 30] > 0.2), float(shade[5, 30])
    (True, 0.0)
    """
    height, width = matte.size
    if box.bottom > height or box.right > width:
        raise ImageError(f"the box {box} reaches beyond the matte {matte.size}; give its own box")
    size = math.sqrt(math.prod(box.size))
    blots = (options.contact, *(options.soft if kind == "soft" else ()))
    reach = [math.ceil(4 * size * max(getattr(b, a) for b in blots)) for a in ("along", "across")]
    depth = max(1, round(options.depth * box.size[0]))
    part = Box(
        max(0, box.bottom - depth - reach[0]),
        max(0, box.left - reach[1]),
        min(height, box.bottom + reach[0] + 1),
        min(width, box.right + reach[1]),
    )
    solid = matte.alpha[part.top : part.bottom, part.left : part.right] >= _SOLID
    lowest, weight = _standing(solid, box.bottom - part.top, depth, size, options)
    foot = _band(solid.shape, lowest, weight, max(1.0, options.thickness * size))
    light = np.ones(foot.shape, np.float32)
    for blot in blots:
        light *= 1 - blot.strength * _blurred(foot, blot.across * size, blot.along * size)
    dark = 1 - light
    if clear_px:
        dark *= _border_window(matte.size, part, clear_px)
    dark[dark < _INVISIBLE] = 0
    shade = np.zeros((height, width), np.float32)
    shade[part.top : part.bottom, part.left : part.right] = dark
    return Matte(shade)


def _standing(
    solid: NDArray[np.bool_], ground: int, depth: int, size: float, options: ShadowOptions
) -> tuple[NDArray[np.int64], Float2D]:
    """Return the lowest solid row of each column, and in [0, 1] how much it stands there."""
    from scipy.ndimage import maximum_filter1d

    height = len(solid)
    lowest = np.where(solid.any(axis=0), height - 1 - np.argmax(solid[::-1], axis=0), -1)
    above = np.clip((ground - 1 - lowest) / depth, 0, 1)
    near = 2 * max(1, round(options.near * size)) + 1
    rise = max(1.0, options.rise * size)
    hangs = np.clip((maximum_filter1d(lowest, near) - lowest) / rise, 0, 1)
    weight = np.where(lowest >= 0, (1 - above) * (1 - hangs) ** 2, 0)
    return lowest, weight.astype(np.float32)


def _band(
    shape: tuple[int, ...], lowest: NDArray[np.int64], weight: Float2D, thickness: float
) -> Float2D:
    """Return a band along the lower contour, as strong as each column stands."""
    band = np.zeros(shape, np.float32)
    columns = np.flatnonzero(weight > 0)
    rows = np.arange(shape[0], dtype=np.float32)[:, np.newaxis]
    away = np.abs(rows - (lowest[columns] + 0.5))
    band[:, columns] = np.clip(thickness / 2 + 0.5 - away, 0, 1) * weight[columns]
    return band


def _blurred(foot: Float2D, across: float, along: float) -> Float2D:
    """Return the footprint blurred, with its maximum brought back to the weight's maximum."""
    import cv2

    height, width = foot.shape
    shrink_x, shrink_y = (max(1.0, sigma / _COARSE_SIGMA_PX) for sigma in (across, along))
    small = (max(1, round(width / shrink_x)), max(1, round(height / shrink_y)))
    coarse = cv2.resize(foot, small, interpolation=cv2.INTER_AREA)
    sigmas = max(0.3, across * small[0] / width), max(0.3, along * small[1] / height)
    soft = cv2.GaussianBlur(
        coarse, (0, 0), sigmaX=sigmas[0], sigmaY=sigmas[1], borderType=cv2.BORDER_CONSTANT
    )
    peak = float(soft.max())
    if peak <= 0:
        return np.zeros_like(foot)
    wide = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(wide / peak, 0, 1), np.float32)


def _border_window(size: tuple[int, int], part: Box, clear_px: int) -> Float2D:
    """Return, for a part of a picture, 0 up to `clear_px` from its border, then a rise to 1."""
    corner = max(clear_px, math.ceil(_CORNER_SHARE * min(size)))
    spans = ((part.top, part.bottom), (part.left, part.right))
    near, far = [], []
    for length, (start, stop) in zip(size, spans, strict=True):
        index = np.arange(start, stop, dtype=np.float32)
        away = np.minimum(index, length - 1 - index) + 1
        near.append(_rise((away - clear_px) / (_FADE * clear_px)))
        far.append(_rise((away - corner) / corner))
    border = np.minimum(near[0][:, np.newaxis], near[1])
    return np.asarray(border * np.maximum(far[0][:, np.newaxis], far[1]), np.float32)


def _rise(share: NDArray[np.floating[Any]]) -> Float2D:
    """Return a smooth step from 0 (below 0) to 1 (above 1)."""
    within = np.asarray(np.clip(share, 0, 1), np.float32)
    return within * within * (3 - 2 * within)
