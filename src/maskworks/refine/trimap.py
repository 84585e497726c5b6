"""Where a network's matte is sure, and the unknown band between.

The band holds every value the network itself gives as partial, one of the network's own
pixels on both sides of its edge, and more where fine texture (hair, fur, foliage) reaches
across the edge. Everything is measured in shares of the picture's diagonal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.public import public
from maskworks.core.values import (
    BACKGROUND,
    FOREGROUND,
    NEARLY_BLACK,
    NEARLY_WHITE,
    UNKNOWN,
    Bool2D,
    Float2D,
    Image,
    Matte,
    Pixels,
    Trimap,
)
from maskworks.refine.openings import COARSE_PX, find_openings
from maskworks.refine.reduced import block_means, block_side, disk, enlarged
from maskworks.refine.texture import ramp, texture

HALF = 0.5
"""Where the edge of a matte is."""

FAINT = 0.8
"""Share of `sure` taken away where texture is finest: faint alpha may be strands of hair."""


@dataclass(frozen=True, kw_only=True)
class TrimapOptions:
    """How wide the unknown band is.

    Parameters
    ----------
    network_px : int, >= 1
        Long side of the picture the network saw. Its edge is uncertain by one pixel of that.
    sure : float in (0, 0.5)
        Alpha up to it is background and from one minus it foreground, away from the edge.
    narrow, wide : float, >= 0
        How far the band reaches beyond the partial values on both sides, a share of the
        diagonal: `narrow` where the picture is smooth, up to `wide` where it is finely textured.
    smooth, textured : float, >= 0
        Fine texture in grey levels (0..255) at which the band starts to widen and at which it
        is widest.
    openings : bool
        Open gaps that the network closed and through which the picture shows the background,
        see `find_openings`: their middle is background, their edge unknown.

    Raises
    ------
    UsageError
        If a number is out of its range.
    """

    network_px: int = 320
    sure: float = 0.1
    narrow: float = 0.001
    wide: float = 0.004
    smooth: float = 3.0
    textured: float = 9.0
    openings: bool = True

    def __post_init__(self) -> None:
        if self.network_px < 1:
            raise UsageError(f"network_px must be at least 1, got {self.network_px}")
        if not 0 < self.sure < HALF:
            raise UsageError(f"sure must lie in (0, 0.5), got {self.sure:g}; 0.1 is usual")
        for low, high in (("narrow", "wide"), ("smooth", "textured")):
            a, b = getattr(self, low), getattr(self, high)
            if not 0 <= a <= b < math.inf:
                raise UsageError(f"{low} and {high} need 0 <= {low} <= {high}, got {a:g} and {b:g}")


DEFAULTS = TrimapOptions()


@public
def make_trimap(
    matte: Any,  # noqa: ANN401 - a mask as a caller has it
    image: Image,
    options: TrimapOptions = DEFAULTS,
) -> Trimap:
    """Mark what a network's matte leaves open.

    Judged on a copy of about a thousand pixels, then enlarged.

    Parameters
    ----------
    matte : Matte of shape (H, W), Mask, or an array (H, W) of bool, 0 to 255 or [0, 1]
        As the network gave it, enlarged to the picture.
    image : Image of shape (H, W)

    Returns
    -------
    Trimap of shape (H, W)
        A matte that is nowhere above `sure` is all background, one that is nowhere below one
        minus `sure` all foreground. Partial values are unknown wherever they lie: the inside of
        glass or a veil too, since a trimap has no level for "partial". Where a thin part (a
        strap, a gap between arm and body) would be unknown throughout, its middle line stays
        sure if the network is. A subject that is nowhere sure keeps its highest alpha as
        foreground if that is at least 0.5, its lowest as background if that is below 0.5; a
        subject that is nowhere near opaque (smoke) has no sure foreground.

    Raises
    ------
    ImageError
        If the shapes differ.

    Examples
    --------
    >>> alpha = np.repeat(np.array([[0, 0, 0, 0.2, 0.9, 1, 1, 1]], np.float32), 3, 0)
    >>> flat = Image(np.zeros((3, 8, 3), np.uint8))
    >>> make_trimap(Matte(alpha), flat).levels[0].tolist()
    [0, 0, 0, 128, 128, 255, 255, 255]
    """
    matte = matte if isinstance(matte, Matte) else Matte.of(matte)
    if matte.size != image.size:
        raise ImageError(
            f"matte and picture must have one shape, got {matte.size} and {image.size}; "
            "resize the matte first"
        )
    side = block_side(image.size)
    alpha, pixels = block_means(matte.alpha, side), block_means(image.pixels, side)
    fine = texture(pixels, math.hypot(*alpha.shape))
    levels = small_levels(alpha, pixels, fine, options)
    return Trimap(enlarged_levels(levels, side, image.size))


def small_levels(
    alpha: Float2D,
    pixels: Pixels,
    fine: Float2D,
    options: TrimapOptions,
    openings_px: int = COARSE_PX,
) -> NDArray[np.uint8]:
    """Mark a small copy, uint8 (h, w), with openings.

    Parameters
    ----------
    alpha : float32 (h, w)
    pixels : uint8 (h, w, 3)
    fine : float32 (h, w)
        See `maskworks.refine.texture`.
    openings_px : int
        Openings are looked for on half of a copy whose long side is above that.
    """
    if float(alpha.max()) <= options.sure:
        return np.full(alpha.shape, BACKGROUND, np.uint8)
    if float(alpha.min()) >= 1 - options.sure:
        return np.full(alpha.shape, FOREGROUND, np.uint8)
    levels = _levels(alpha, fine, options)
    if options.openings:
        gaps = find_openings(alpha, pixels, openings_px)
        if gaps.any():
            _open(levels, gaps, max(alpha.shape) / options.network_px)
    return levels


def _levels(alpha: Float2D, fine: Float2D, options: TrimapOptions) -> NDArray[np.uint8]:
    """Mark the small copy, without openings."""
    import cv2

    diagonal = math.hypot(*alpha.shape)
    inside = (alpha >= HALF).astype(np.uint8)
    fineness = ramp(fine, options.smooth, options.textured)
    least = options.sure * (1 - np.float32(FAINT) * fineness)
    partial = (alpha > least) & (alpha < 1 - least)
    floor_px = max(HALF, max(alpha.shape) / options.network_px)
    depth = _to_edge(inside)
    near = partial | (depth <= floor_px)
    away = cv2.distanceTransform((~near).astype(np.uint8), cv2.DIST_L2, 3)
    reach = options.narrow + (options.wide - options.narrow) * fineness
    unknown = near | (away <= reach * np.float32(diagonal))
    unknown &= ~_middle(depth, alpha, options.sure)
    levels = np.where(inside > 0, np.uint8(FOREGROUND), np.uint8(BACKGROUND))
    levels[unknown] = UNKNOWN
    _keep_something(levels, alpha)
    return levels


def _to_edge(inside: NDArray[np.uint8]) -> Float2D:
    """Return each pixel's distance to the edge of the mask, on whichever side; infinite if none."""
    import cv2

    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    # A pixel beside the edge is half a pixel away from it.
    return np.asarray(np.where(inside > 0, within, beyond) - np.float32(HALF), np.float32)


def _middle(depth: Float2D, alpha: Float2D, sure: float) -> Bool2D:
    """Return the middle lines of thin parts, of the subject and of gaps, that are sure."""
    import cv2

    ridge = depth >= cv2.dilate(depth, disk(1)) - np.float32(1e-3)
    middle: Bool2D = ridge & ((alpha <= sure) | (alpha >= 1 - sure))
    return middle


def _keep_something(levels: NDArray[np.uint8], alpha: Float2D) -> None:
    """Make the highest alpha foreground and the lowest background where there is none."""
    high, low = float(alpha.max()), float(alpha.min())
    if high >= HALF and not (levels == FOREGROUND).any():
        levels[alpha == high] = FOREGROUND
    if low < HALF and not (levels == BACKGROUND).any():
        levels[alpha == low] = BACKGROUND


def _open(levels: NDArray[np.uint8], gaps: Bool2D, floor_px: float) -> None:
    """Make gaps unknown and their middle background: without it a solver would close them."""
    import cv2

    depth = cv2.distanceTransform(gaps.view(np.uint8), cv2.DIST_L2, 5)
    ridge = depth >= cv2.dilate(depth, disk(1)) - np.float32(1e-3)
    around = cv2.dilate(gaps.view(np.uint8), disk(floor_px)) > 0
    levels[around & (levels == FOREGROUND)] = UNKNOWN
    levels[gaps & (ridge | (depth > floor_px))] = BACKGROUND


def enlarged_levels(
    levels: NDArray[np.uint8], side: int, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Enlarge the levels; what lies between two of them is unknown."""
    import cv2

    if side == 1:
        return levels
    smooth = enlarged(levels, side, size, smooth=True)
    table = np.full(256, UNKNOWN, np.uint8)
    table[: NEARLY_BLACK + 1] = BACKGROUND
    table[NEARLY_WHITE:] = FOREGROUND
    return np.asarray(cv2.LUT(smooth, table, dst=smooth), np.uint8)
