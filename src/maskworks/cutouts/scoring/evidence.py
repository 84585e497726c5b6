"""Evidence for scoring a cut-out: cheap features without a unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.lab import to_lab_bytes
from maskworks.core.values import Bool2D, Box, Image, Mask, Matte, Pixels
from maskworks.cutouts.scoring.sides import SIDES, Side
from maskworks.refine.reduced import block_means

WORKING_PX = 512
"""The long side at which everything is measured."""

INSIDE = 0.5
"""Alpha from which a pixel is the subject's."""

ALIKE_BELOW = 10.0
"""Colours closer than this in CIE Lab (Delta E 1976) are alike to the eye at a glance."""

_APART_PX = 3  # a pixel counts if the window around it is on its side: else it may be mixed
_LAB_STEP = (100 / 255, 1, 1)  # of Lab in bytes, in its own units
_NEAR_PX = 8  # "just inside" and "just outside" end here
_BLUR_TAPS = 11  # of the second blur, as in the paper
_BLUR_LEAST_PX = 200  # fewer pixels inside say nothing about blur
_SOBEL_GAIN = 8  # of the filter, for one grey level a pixel
_FLAT = 0.5  # grey levels: a subject with a smaller mean step has nothing to be sharp

Array = TypeVar("Array", NDArray[np.float32], Pixels)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Measurements of one cut-out, each free of the picture's size.

    Parameters
    ----------
    confidence, presence : float in [0, 1] or None
        What the model says of itself; None where it says nothing.
    area : float in [0, 1]
        Share of the picture that is subject.
    soft_edge : float, >= 0
        Mean width of the unknown band by the square root of the subject's area.
    transparent : float in [0, 1]
        Share of the subject that is neither edge nor opaque.
    low_contrast : float in [0, 1]
        Share of the contour where subject and background are alike.
    border : float in [0, 1] for each of top, right, bottom, left
        Share of that side of the picture that the subject covers.
    second : float in [0, 1]
        Area of the second largest piece by that of the largest.
    blur : float in [0, 1] or None
        Crete's measure inside the subject, 0 sharp; None where the subject is too small or too
        plain to tell.
    fill : float in [0, 1]
        Share of the picture that the subject's box covers.

    Raises
    ------
    UsageError
        If a number is not finite or not in its range.
    """

    confidence: float | None
    presence: float | None
    area: float
    soft_edge: float
    transparent: float
    low_contrast: float
    border: tuple[float, float, float, float]
    second: float
    blur: float | None
    fill: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            most = float("inf") if name == "soft_edge" else 1.0
            for number in value if isinstance(value, tuple) else (value,):
                if number is not None and not (0 <= number <= most and number < float("inf")):
                    raise UsageError(f"{name} is {number}; it must lie in [0, {most:g}]")

    @property
    def sides(self) -> Mapping[Side, float]:
        """`border` by the names of the sides."""
        return dict(zip(SIDES, self.border, strict=True))


def measure(  # noqa: PLR0913 - what the steps before found, each by its name
    image: Image,
    foreground: Image,
    matte: Matte,
    *,
    confidence: float | None,
    presence: float | None,
    soft_interior: float,
    band_share: float,
) -> Evidence:
    """Measure the evidence of one cut-out, at 512 px.

    Parameters
    ----------
    image : Image of shape (H, W)
        The picture; its colours just outside the subject are the background's.
    foreground : Image of shape (H, W)
        The estimated colours of the subject; `image` again if there is no estimate.
    matte : Matte of shape (H, W)
    confidence, presence : what the model said, None where it says nothing
    soft_interior, band_share : as in `maskworks.refine.Refined`

    Returns
    -------
    Evidence
        Without a pixel of alpha 0.5 every share of the subject is 0 and `blur` None.

    Raises
    ------
    ImageError
        If the sizes differ.
    UsageError
        If a given number is not in [0, 1].

    Examples
    --------
    >>> pixels = np.full((60, 80, 3), 255, np.uint8)
    >>> alpha = np.zeros((60, 80), np.float32)
    >>> alpha[20:, 30:50] = 1
    >>> pixels[20:, 30:50] = (200, 30, 30)
    >>> photo = Image(pixels)
    >>> found = measure(photo, photo, Matte(alpha), confidence=0.9, presence=1.0,
    ...                 soft_interior=0.0, band_share=0.0)
    >>> found.low_contrast, found.border, round(found.fill, 3)
    (0.0, (0.0, 0.0, 0.25, 0.0), 0.167)
    """
    if not image.size == foreground.size == matte.size:
        raise ImageError(
            f"picture, foreground and matte must have one size, got {image.size}, "
            f"{foreground.size} and {matte.size}; resize one first"
        )
    alpha = _shrink(matte.alpha)
    inside: Bool2D = alpha >= INSIDE
    box = Mask(inside).box()
    area = float(inside.mean())
    edges = (inside[0], inside[:, -1], inside[-1], inside[:, 0])
    top, right, bottom, left = (float(edge.mean()) for edge in edges)
    return Evidence(
        confidence=confidence,
        presence=presence,
        area=area,
        soft_edge=_band_width(inside, band_share),
        transparent=soft_interior,
        low_contrast=0.0 if box is None else _low_contrast(image, foreground, inside, box),
        border=(top, right, bottom, left),
        second=_second_piece(inside),
        blur=None if box is None else _blur(image, matte, box, inside.shape),
        fill=0.0 if box is None else box.size[0] * box.size[1] / inside.size,
    )


def _shrink(values: Array, within: Box | None = None) -> Array:
    """Average down to WORKING_PX on the long side; a smaller array stays as it is.

    First by a power of two, which is quick and leaves less than a pixel of the result out. The
    rest, less than a half, is between neighbours, but for grey, whose sharpness is measured.
    With a box of the result only what lies in it is right.
    """
    import cv2

    height, width = values.shape[:2]
    long = max(height, width)
    if long <= WORKING_PX:
        return values
    side = 1 << (min(long // WORKING_PX, height, width).bit_length() - 1)
    size = (max(1, round(height * WORKING_PX / long)), max(1, round(width * WORKING_PX / long)))
    part = None if within is None else _around(within, 1, size)
    values = _block_means(values, side, part, size)
    grey = values.ndim == 2 and values.dtype == np.uint8
    way = cv2.INTER_AREA if grey else cv2.INTER_LINEAR  # several times as quick
    return cast("Array", cv2.resize(values, (size[1], size[0]), interpolation=way))


def _around(box: Box, margin: int, size: tuple[int, int]) -> Box:
    """Return a box with a margin around it, as far as the array of that size goes."""
    return Box(
        max(0, box.top - margin),
        max(0, box.left - margin),
        min(size[0], box.bottom + margin),
        min(size[1], box.right + margin),
    )


def _block_means(values: Array, side: int, part: Box | None, size: tuple[int, int]) -> Array:
    """Return the means of whole blocks; outside of `part`, of an array of `size`, they are 0."""
    high, wide = values.shape[0] // side, values.shape[1] // side
    if part is None or side == 1:
        return block_means(values[: high * side, : wide * side], side)
    down, across = high / size[0], wide / size[1]
    top, left = int(part.top * down), int(part.left * across)
    bottom, right = min(high, int(part.bottom * down) + 1), min(wide, int(part.right * across) + 1)
    means = np.zeros((high, wide, *values.shape[2:]), values.dtype)
    crop = values[top * side : bottom * side, left * side : right * side]
    means[top:bottom, left:right] = block_means(crop, side)
    return cast("Array", means)


def _contour(inside: Bool2D) -> Bool2D:
    """Return the pixels inside that have one outside beside them; the frame is no outside."""
    framed = np.pad(inside, 1, mode="edge")
    enclosed = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
    contour: Bool2D = inside & ~enclosed
    return contour


def _band_width(inside: Bool2D, band_share: float) -> float:
    """Return the band's area by the contour's length and the subject's size."""
    length = int(np.count_nonzero(_contour(inside)))
    if length == 0:
        return 0.0
    return band_share * inside.size / length / float(np.sqrt(np.count_nonzero(inside)))


def _low_contrast(image: Image, foreground: Image, inside: Bool2D, box: Box) -> float:
    """Return the share of the contour where the colours on both sides are alike.

    On each side the mean is taken over the pixels within _NEAR_PX (of 512) that are not at the
    contour itself; where a side has none, as in a hair's breadth, the place does not count.
    """
    contour = _contour(inside)
    near = max(3, round(_NEAR_PX * max(inside.shape) / WORKING_PX))
    box = _around(box, near + 1, inside.shape)  # nothing further off counts
    behind = _shrink(image.pixels, box)
    before = behind if foreground is image else _shrink(foreground.pixels, box)
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    behind, before = behind[rows, columns], before[rows, columns]
    inside, contour = inside[rows, columns], contour[rows, columns]
    ours, some = _local_mean(before, inside, near, contour)
    theirs, others = _local_mean(behind, ~inside, near, contour)
    both = some & others
    if not both.any():
        return 0.0
    distance = np.linalg.norm(ours[both] - theirs[both], axis=-1)
    return float((distance < ALIKE_BELOW).mean())


def _local_mean(
    pixels: Pixels, side: Bool2D, near: int, at: Bool2D
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the mean Lab colour of one side around each pixel of `at`, and where there is one."""
    import cv2

    apart = cv2.erode(side.view(np.uint8), np.ones((_APART_PX, _APART_PX), np.uint8))
    window = np.ones((2 * near + 1, 2 * near + 1), np.uint8)
    reached = cv2.dilate(at.view(np.uint8), window)  # nothing else is counted
    counted = cv2.bitwise_and(apart, reached)
    lab = np.zeros_like(pixels)
    lab[counted > 0] = to_lab_bytes(pixels[counted > 0])
    summed = cv2.integral(cv2.merge([*cv2.split(lab), counted]))
    row, column = np.nonzero(at)
    top, left = np.maximum(row - near, 0), np.maximum(column - near, 0)
    bottom = np.minimum(row + near + 1, side.shape[0])
    right = np.minimum(column + near + 1, side.shape[1])
    sums = summed[bottom, right] - summed[top, right] - summed[bottom, left] + summed[top, left]
    number = sums[:, 3:]
    means = sums[:, :3] / np.maximum(number, 1) * _LAB_STEP
    return means.astype(np.float32), number[:, 0] > 0


def _second_piece(inside: Bool2D) -> float:
    import cv2

    _, _, statistics, _ = cv2.connectedComponentsWithStats(inside.view(np.uint8), connectivity=8)
    areas = np.sort(statistics[1:, cv2.CC_STAT_AREA])[::-1]
    return float(areas[1] / areas[0]) if areas.size > 1 else 0.0


def _blur(image: Image, matte: Matte, box: Box, working: tuple[int, int]) -> float | None:
    """Measure blur inside the subject, at WORKING_PX for its own box.

    Blurring what is sharp changes its neighbours' differences much, blurring what is blurred
    already does not; the ratio does not depend on contrast.

    References
    ----------
    Crete et al., The Blur Effect: Perception and Estimation with a New No-Reference Perceptual
    Blur Metric, SPIE 6492, 2007.
    """
    import cv2

    down, across = image.size[0] / working[0], image.size[1] / working[1]
    rows = slice(int(box.top * down), max(1, round(box.bottom * down)))
    columns = slice(int(box.left * across), max(1, round(box.right * across)))
    plain = np.asarray(cv2.cvtColor(image.pixels[rows, columns], cv2.COLOR_RGB2GRAY), np.uint8)
    grey = _shrink(plain).astype(np.float32)
    solid = np.pad(_shrink(matte.alpha[rows, columns]) >= INSIDE, 1)  # beyond the box is outside
    kernel = np.ones((_BLUR_TAPS, _BLUR_TAPS), np.uint8)
    deep = cv2.erode(solid.view(np.uint8), kernel)[1:-1, 1:-1].astype(bool)
    if np.count_nonzero(deep) < _BLUR_LEAST_PX:
        return None
    found = [_blur_along(grey, deep, axis) for axis in (0, 1)]
    return max((value for value in found if value is not None), default=None)


def _blur_along(grey: NDArray[np.float32], deep: Bool2D, axis: int) -> float | None:
    import cv2

    window = (1, _BLUR_TAPS) if axis == 0 else (_BLUR_TAPS, 1)
    order = (0, 1) if axis == 0 else (1, 0)
    sharp = np.abs(cv2.Sobel(grey, cv2.CV_32F, *order))[deep]
    blurred = np.abs(cv2.Sobel(cv2.blur(grey, window), cv2.CV_32F, *order))[deep]
    whole = float(sharp.sum(dtype=np.float64))
    if whole / sharp.size < _FLAT * _SOBEL_GAIN:
        return None
    lost = float(np.maximum(sharp - blurred, 0).sum(dtype=np.float64))
    return min(1.0, max(0.0, (whole - lost) / whole))
