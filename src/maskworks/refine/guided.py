"""The fast way: a guided filter in the band.

He, Sun, Tang, Guided Image Filtering, TPAMI 2013; He, Sun, Fast Guided Filter, 2015: within a
small window alpha is a linear function of the colours. The function is fitted at a reduced
size, where the first matte is sure it counts more, and applied to the band at full size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import FOREGROUND, Float2D, Image, Matte, Trimap

Field = NDArray[np.float32]

_ROW = 1024
_FIT = 1e-3


@dataclass(frozen=True, kw_only=True)
class GuidedOptions:
    """How the guided filter looks around.

    Parameters
    ----------
    radius : float, > 0
        Of the window, as a share of the picture's diagonal.
    epsilon : float, > 0
        Variance of a colour, in [0, 1] squared, below which it explains nothing.
    steepness : float, >= 1
        A network's edge is softer than the picture's by the enlarging; its matte is made so
        much steeper around one half before it is fitted.
    floor : float in (0, 1]
        How much a pixel counts where the first matte is at one half; it counts 1 more where
        that is 0 or 1.
    working_px : int, >= 16
        Long side of the reduced size.

    Raises
    ------
    UsageError
        If a number is out of its range, or NaN.
    """

    radius: float = 0.005
    epsilon: float = 1e-4
    steepness: float = 2.0
    floor: float = 0.02
    working_px: int = 1024

    def __post_init__(self) -> None:
        fine = (
            self.radius > 0
            and self.epsilon > 0
            and self.steepness >= 1
            and 0 < self.floor <= 1
            and self.working_px >= 16
        )
        if not fine:
            raise UsageError(
                "a guided filter needs radius > 0, epsilon > 0, steepness >= 1, floor in (0, 1] "
                f"and working_px >= 16, got {self}"
            )


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
    options : GuidedOptions

    Returns
    -------
    Matte of shape (H, W)
        Sure pixels are exactly 0 and 1; without an unknown pixel that is all there is.

    Raises
    ------
    ImageError
        If the sizes differ.

    References
    ----------
    He, Sun, Tang, Guided Image Filtering, TPAMI 2013. He, Sun, Fast Guided Filter, 2015.

    Examples
    --------
    >>> image = Image(np.repeat(np.array([[[0] * 3, [128] * 3, [255] * 3]], np.uint8), 3, 0))
    >>> trimap = Trimap(np.repeat(np.array([[0, 128, 255]], np.uint8), 3, 0))
    >>> first = Matte(np.repeat(np.array([[0, 0.9, 1]], np.float32), 3, 0))
    >>> guided(image, first, trimap).alpha[1, [0, 2]].tolist()
    [0.0, 1.0]
    """
    if not image.size == matte.size == trimap.size:
        raise ImageError(
            "picture, matte and trimap must have one size, got "
            f"{image.size}, {matte.size} and {trimap.size}; resize them first"
        )
    alpha = (trimap.levels == FOREGROUND).astype(np.float32)
    rows, columns = np.nonzero(trimap.unknown)
    if rows.size == 0:
        return Matte(alpha)
    first = np.where(trimap.unknown, matte.alpha, alpha)
    fitted = _fit(image, first, options)
    at = _sample(fitted, rows, columns, image.size)
    colours = image.pixels[rows, columns].astype(np.float32) / np.float32(255)
    found = (colours * at[:, :3]).sum(axis=1) + at[:, 3]
    alpha[rows, columns] = np.clip(found, 0, 1)
    return Matte(alpha)


def _fit(image: Image, first: Float2D, options: GuidedOptions) -> Field:
    """Return the averaged linear functions at the reduced size, (h, w, 4): three slopes, offset."""
    import cv2

    height, width = image.size
    factor = min(1.0, options.working_px / max(height, width))
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    guide = cv2.resize(image.pixels, small, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(first, small, interpolation=cv2.INTER_AREA)
    colours = [guide[..., c].astype(np.float32) / np.float32(255) for c in range(3)]
    wanted = np.clip((alpha - 0.5) * np.float32(options.steepness) + 0.5, 0, 1)
    weight = np.abs(2 * alpha - 1) + np.float32(options.floor)
    radius = max(1, round(options.radius * math.hypot(*small)))
    window = (2 * radius + 1, 2 * radius + 1)

    def blur(field: Any) -> Field:  # noqa: ANN401 - cv2 has its own array type
        blurred: Field = cv2.blur(field, window, borderType=cv2.BORDER_REFLECT)
        return blurred

    total = blur(weight)

    def mean(field: Field) -> Field:
        averaged: Field = blur(weight * field) / total
        return averaged

    slopes, offset, left = _regress(colours, wanted, mean, options.epsilon)
    trust = 1 / (left + np.float32(_FIT))  # windows that fit well have more of a say
    spread = blur(trust)
    fitted = np.stack([blur(trust * part) / spread for part in (*slopes, offset)], axis=-1)
    return np.ascontiguousarray(fitted, np.float32)


def _regress(
    colours: list[Field],
    wanted: Field,
    mean: Callable[[Field], Field],
    epsilon: float,
) -> tuple[list[Field], Field, Field]:
    """Solve each window's 3x3 system; return slopes, offset and what stays unexplained."""
    centre = [mean(c) for c in colours]
    middle = mean(wanted)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    rr, rg, rb, gg, gb, bb = (
        mean(colours[a] * colours[b]) - centre[a] * centre[b] + np.float32(epsilon * (a == b))
        for a, b in pairs
    )
    vr, vg, vb = (mean(c * wanted) - m * middle for c, m in zip(colours, centre, strict=True))
    # The inverse of a symmetric 3x3 matrix by its cofactors.
    i_rr, i_rg, i_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = 1 / np.maximum(rr * i_rr + rg * i_rg + rb * i_rb, np.float32(1e-20))
    slopes = [
        (i_rr * vr + i_rg * vg + i_rb * vb) * scale,
        (i_rg * vr + i_gg * vg + i_gb * vb) * scale,
        (i_rb * vr + i_gb * vg + i_bb * vb) * scale,
    ]
    offset = middle - sum(s * m for s, m in zip(slopes, centre, strict=True))
    spread = mean(wanted * wanted) - middle * middle
    explained = sum(s * v for s, v in zip(slopes, (vr, vg, vb), strict=True))
    return slopes, offset, np.maximum(spread - explained, 0)


def _sample(
    fitted: Field, rows: NDArray[np.intp], columns: NDArray[np.intp], size: tuple[int, int]
) -> Field:
    """Return the functions at full-size pixels, bilinear, (N, 4)."""
    import cv2

    count = rows.size
    padded = -(-count // _ROW) * _ROW
    down, right = fitted.shape[0] / size[0], fitted.shape[1] / size[1]
    y, x = np.zeros(padded, np.float32), np.zeros(padded, np.float32)
    y[:count] = (rows + 0.5) * down - 0.5
    x[:count] = (columns + 0.5) * right - 0.5
    sampled = cv2.remap(
        fitted,
        x.reshape(-1, _ROW),
        y.reshape(-1, _ROW),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(sampled, np.float32).reshape(-1, 4)[:count]
