"""Errors of a matte, and of foreground colours, as the matting literature counts them.

Four of them are those of Rhemann et al., A Perceptually Motivated Online Benchmark for Image
Matting, CVPR 2009, with the parameters of alphamatting.com. What the paper leaves open follows
the evaluation code in circulation, which Xu et al. published with Deep Image Matting, CVPR 2017.
Papers print SAD, gradient and connectivity errors divided by 1000; nothing is divided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import correlate1d

from maskworks.core.errors import ImageError
from maskworks.quality.measures import known_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.values import Bool2D, Float2D, Image, Mask, Matte

SIGMA = 1.4
"""Standard deviation of the gradient's Gaussian, pixels."""

SMALLEST_WEIGHT = 0.01
"""The gradient's filter ends where the Gaussian falls below this."""

STEPS = 10
"""Thresholds of the connectivity error: 0.1, 0.2 and so on to 1."""

THETA = 0.15
"""What an alpha lies above its connected level by less than this is let pass."""


@dataclass(frozen=True)
class ColourError:
    """How far colours are from the truth, where 1 is the way from black to white.

    `absolute` is the mean of |difference|, `squared` that of its square.
    """

    absolute: float
    squared: float


def sum_absolute_difference(predicted: Matte, truth: Matte, *, where: Mask | None = None) -> float:
    """Sum |predicted - truth| over the pixels that count.

    Parameters
    ----------
    predicted, truth : Matte of shape (H, W)
    where : Mask of shape (H, W), optional
        Usually the unknown part of a trimap; without it every pixel counts.

    Returns
    -------
    float, >= 0, in pixels of full coverage (papers print it divided by 1000)
        0 if no pixel counts.

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009.

    Examples
    --------
    >>> from maskworks.core.values import Mask, Matte
    >>> half, full = (Matte(np.full((2, 2), a, np.float32)) for a in (0.5, 1.0))
    >>> sum_absolute_difference(half, full, where=Mask(np.eye(2, dtype=bool)))
    1.0
    """
    known = known_pixels(predicted.size, truth.size, where)
    return _sum(np.abs(predicted.alpha - truth.alpha), known)


def mean_squared_error(predicted: Matte, truth: Matte, *, where: Mask | None = None) -> float:
    """Average (predicted - truth) squared over the pixels that count.

    Parameters
    ----------
    predicted, truth : Matte of shape (H, W)
    where : Mask of shape (H, W), optional

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    ImageError
        If the shapes differ, or no pixel counts.

    References
    ----------
    Rhemann et al., CVPR 2009; divided by the number of pixels as Xu et al., CVPR 2017, do.

    Examples
    --------
    >>> from maskworks.core.values import Matte
    >>> half, full = (Matte(np.full((2, 2), a, np.float32)) for a in (0.5, 1.0))
    >>> mean_squared_error(half, full)
    0.25
    """
    known = known_pixels(predicted.size, truth.size, where)
    count = int(np.count_nonzero(known))
    if count == 0:
        raise ImageError("no pixel of `where` is inside; give at least one known pixel")
    return _sum(np.square(predicted.alpha - truth.alpha), known) / count


def gradient_error(
    predicted: Matte, truth: Matte, *, where: Mask | None = None, stretch: bool = False
) -> float:
    """Sum the squared difference of the mattes' gradient magnitudes.

    The gradient is the matte convolved with the first derivatives of a Gaussian of sigma 1.4:
    two filters of 9 x 9 (the Gaussian ends below 0.01), each divided by the root of its summed
    squares; beyond the border the outermost pixel is repeated.

    Parameters
    ----------
    predicted, truth : Matte of shape (H, W)
    where : Mask of shape (H, W), optional
        The pixels that are summed; the gradients see the whole mattes.
    stretch : bool
        First stretch each matte from its own lowest and highest value to [0, 1], as the code of
        Xu et al. does. It changes nothing where both mattes reach 0 and 1; elsewhere it makes a
        faint matte equal to a strong one, which is why it is not the default.

    Returns
    -------
    float, >= 0 (papers print it divided by 1000)
        0 if no pixel counts.

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    Rhemann et al., CVPR 2009 (q = 2, sigma = 1.4). The filters are those of Xiong's
    gaussgradient for Matlab, which the code of Xu et al., CVPR 2017, calls.

    Examples
    --------
    >>> from maskworks.core.values import Matte
    >>> edge = Matte(np.repeat([[0, 0, 0, 1, 1, 1]], 3, axis=0).astype(np.float32))
    >>> shifted = Matte(np.repeat([[0, 0, 0, 0, 1, 1]], 3, axis=0).astype(np.float32))
    >>> gradient_error(edge, edge), gradient_error(edge, shifted) > 1
    (0.0, True)
    """
    known = known_pixels(predicted.size, truth.size, where)
    ours, theirs = predicted.alpha, truth.alpha
    if stretch:
        ours, theirs = _stretched(ours), _stretched(theirs)
    difference = _gradient_magnitude(ours)
    difference -= _gradient_magnitude(theirs)
    return _sum(np.square(difference), known)


def connectivity_error(predicted: Matte, truth: Matte, *, where: Mask | None = None) -> float:
    """Sum how differently the mattes' pixels hang together with the subject.

    For each threshold 0.1, 0.2 ... 1 the source region is the largest 4-connected region of
    the pixels in which both mattes reach it (a tie is inside; of equally large regions the one
    with the first pixel in row order counts). The level of a pixel is the last threshold before
    it first drops out of that region, 0 if it was never in it. What an alpha lies above the
    level by, if it is at least 0.15, counts against its connectedness; the two mattes'
    connectedness is compared.

    Parameters
    ----------
    predicted, truth : Matte of shape (H, W)
    where : Mask of shape (H, W), optional
        The pixels that are summed; the regions are those of the whole mattes.

    Returns
    -------
    float, >= 0 (papers print it divided by 1000)
        0 if no pixel counts.

    Raises
    ------
    ImageError
        If the shapes differ.

    Notes
    -----
    The paper also weighs each pixel with lambda, its mean distance to the source region; the
    code of Xu et al., whose figures are those that papers print, takes lambda as 1. So it is
    here.

    References
    ----------
    Rhemann et al., CVPR 2009 (p = 1, theta = 0.15, steps of 0.1); Xu et al., CVPR 2017.

    Examples
    --------
    >>> from maskworks.core.values import Matte
    >>> whole = Matte(np.array([[1, 1, 1, 0, 0]], np.float32))
    >>> speck = Matte(np.array([[1, 1, 1, 0, 1]], np.float32))
    >>> connectivity_error(speck, whole)
    1.0
    """
    known = known_pixels(predicted.size, truth.size, where)
    level = _connected_level(np.minimum(predicted.alpha, truth.alpha))
    difference = _above(predicted.alpha, level)
    difference -= _above(truth.alpha, level)
    return _sum(np.abs(difference), known)


def foreground_colour_error(
    predicted: Image, truth: Image, *, matte: Matte, where: Mask | None = None
) -> ColourError:
    """Compare foreground colours where the subject is partly transparent, weighted by alpha.

    An error e in a foreground colour shows as alpha * e in every composite, so each pixel weighs
    its alpha: the mean is sum(alpha * e) / sum(alpha) over the pixels with 0 < alpha < 1 and
    over the three channels, colours counted from 0 to 1. Elsewhere there is nothing to estimate:
    at alpha 1 the colour is the photo's, at alpha 0 it is not seen.

    Parameters
    ----------
    predicted, truth : Image of shape (H, W, 3)
    matte : Matte of shape (H, W)
        The true alpha.
    where : Mask of shape (H, W), optional
        Further limits the pixels that count.

    Raises
    ------
    ImageError
        If the shapes differ, or no pixel that counts has an alpha between 0 and 1.

    References
    ----------
    The weight is the one colours have in the compositing equation: Porter and Duff,
    Compositing Digital Images, SIGGRAPH 1984. Foreground estimation as a task of its own: Germer
    et al., Fast Multi-Level Foreground Estimation, ICPR 2020. There is no standard measure.

    Examples
    --------
    >>> from maskworks.core.values import Image, Matte
    >>> matte = Matte(np.array([[1, 0.75, 0.25, 0]], np.float32))
    >>> black, greys = np.zeros((1, 4, 3), np.uint8), np.zeros((1, 4, 3), np.uint8)
    >>> greys[0, 2] = 255
    >>> foreground_colour_error(Image(greys), Image(black), matte=matte)
    ColourError(absolute=0.25, squared=0.25)
    """
    known = known_pixels(predicted.size, truth.size, where) & known_pixels(
        matte.size, truth.size, None
    )
    chosen = known & (matte.alpha > 0) & (matte.alpha < 1)
    alpha = matte.alpha[chosen].astype(np.float64)[:, np.newaxis]
    if alpha.size == 0:
        raise ImageError("no pixel that counts has an alpha between 0 and 1; give a soft matte")
    difference = predicted.pixels[chosen].astype(np.float64) - truth.pixels[chosen]
    difference /= 255
    weight = 3 * float(alpha.sum())
    return ColourError(
        absolute=float((alpha * np.abs(difference)).sum()) / weight,
        squared=float((alpha * np.square(difference)).sum()) / weight,
    )


def _sum(values: Float2D, known: Bool2D) -> float:
    return float(values.sum(where=known, dtype=np.float64))


def _stretched(alpha: Float2D) -> Float2D:
    """Return alpha from its lowest to its highest value as [0, 1]; a constant one as it is."""
    low, high = float(alpha.min()), float(alpha.max())
    return alpha if low == high else (alpha - np.float32(low)) / np.float32(high - low)


@lru_cache(maxsize=1)
def _kernels() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a Gaussian and its derivative, each of Euclidean length 1.

    Their outer product is the filter of 9 x 9: what it is divided by is the product of their
    lengths.
    """
    peak = np.sqrt(2 * np.pi) * SIGMA
    half = int(np.ceil(SIGMA * np.sqrt(-2 * np.log(peak * SMALLEST_WEIGHT))))
    at = np.arange(-half, half + 1, dtype=np.float64)
    gauss = np.exp(-np.square(at) / (2 * SIGMA**2)) / peak
    slope = -at * gauss / SIGMA**2
    return gauss / np.linalg.norm(gauss), slope / np.linalg.norm(slope)


def _gradient_magnitude(alpha: Float2D) -> Float2D:
    """Filter with SciPy: OpenCV's result depends on where in memory the array lies."""
    smooth, derive = _kernels()
    down = correlate1d(alpha, smooth, axis=1, mode="nearest")
    down = correlate1d(down, derive, axis=0, mode="nearest", output=down)
    across = correlate1d(alpha, smooth, axis=0, mode="nearest")
    across = correlate1d(across, derive, axis=1, mode="nearest", output=across)
    squares: Float2D = np.square(across, out=across)
    squares += np.square(down, out=down)
    return np.sqrt(squares, out=squares)


def _connected_level(both: Float2D) -> NDArray[np.uint8]:
    """Return how many thresholds in a row, from the first, each pixel is in the source region."""
    level = np.zeros(both.shape, np.uint8)
    inside = np.ones(both.shape, np.bool_)
    for step in range(1, STEPS + 1):
        inside &= _largest_region(both >= np.float32(step / STEPS))
        if not inside.any():
            break
        level += inside
    return level


def _largest_region(pixels: Bool2D) -> Bool2D:
    """Return the largest 4-connected region, nothing if there is none."""
    import cv2

    # By name: given by position, the connectivity would be taken for an output.
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        pixels.view(np.uint8), connectivity=4, ltype=cv2.CV_32S
    )
    if count < 2:
        return np.zeros(pixels.shape, np.bool_)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    region: Bool2D = labels == largest
    return region


def _above(alpha: Float2D, level: NDArray[np.uint8]) -> Float2D:
    """Return by how much alpha lies above its level, 0 if that is less than theta."""
    levels = (np.arange(STEPS + 1) / STEPS).astype(np.float32)
    above = alpha - levels[level]
    above[above < np.float32(THETA)] = 0
    return above
