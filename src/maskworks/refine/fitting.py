"""The functions of a guided filter, on a small copy of a picture.

Within a small window alpha is a linear function of the picture's colours. The function is fitted
on a small copy of the picture and applied at full size, to the band alone (He & Sun 2015).
Five things are added to that paper:

- A network's matte is as blurred as the network's own pixels are large. One step of Van Cittert's
  deconvolution takes that out; an edge that is softer than those pixels hardly changes.
- Where the picture is smooth, an alpha near 0 or 1 is the network's doubt; where it is finely
  textured (hair, fur) it may be a cover, and is believed.
- A pixel counts by how sure the matte is of it (normalised convolution, Knutsson & Westin
  1993): where the network doubts, the colours of what it is sure of decide.
- Of the windows that hold a pixel, those that fit well have more of a say (as in Ochotorena &
  Yamashita 2020), which keeps the edge sharp between windows.
- It is done twice, the second time with the first answer as the matte.

References
----------
He, Sun, Tang, Guided Image Filtering, ECCV 2010 and TPAMI 2013.
He, Sun, Fast Guided Filter, arXiv:1505.00996, 2015.
Van Cittert, Zum Einfluß der Spaltbreite auf die Intensitätsverteilung in Spektrallinien II,
Zeitschrift für Physik 69, 1931.
Knutsson, Westin, Normalized and Differential Convolution, CVPR 1993.
Ochotorena, Yamashita, Anisotropic Guided Filtering, IEEE Transactions on Image Processing, 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.values import (
    BACKGROUND,
    FOREGROUND,
    Bool2D,
    Box,
    Float2D,
    Image,
    Matte,
    Pixels,
    Trimap,
)
from maskworks.refine.parts import slices
from maskworks.refine.reduced import block_means, block_side
from maskworks.refine.regression import regress
from maskworks.refine.texture import ramp, texture

Field = NDArray[np.float32]
Functions = NDArray[np.float32]
"""Three slopes by grey levels, and an offset: (4, h, w)."""

LEAST_RADIUS_PX = 3
"""The copy is as small as leaves the window this radius."""

STRENGTH = 2.0  # of the deconvolution
LEAST_WEIGHT = 0.01
LEAST_BLUR_PX = 0.3  # below it a Gaussian is one pixel
GOOD_FIT = 1e-3  # variance of alpha that a good fit may leave unexplained


@dataclass(frozen=True, kw_only=True)
class GuidedOptions:
    """How the guided filter looks around.

    The defaults are the best of those tried on training pictures, see `docs/edges.md`.

    Parameters
    ----------
    radius : float, > 0
        Of the window (a square), a share of the picture's diagonal.
    epsilon : float, > 0
        Variance of a colour, in [0, 1] squared, below which it explains nothing.
    network_px : int, >= 0
        Long side of the picture the network saw. 0 for a matte that was made at the
        picture's own size: then nothing is deblurred.
    doubt : float in [0, 0.5)
        Where the picture is smooth, alpha up to it and from one minus it is a network's doubt and
        not a cover: the values between are stretched to [0, 1] before the fit.
    smooth, textured : float, 0 <= smooth < textured
        Fine texture in grey levels (0..255) up to which `doubt` holds, and from which there
        is none.

    Raises
    ------
    UsageError
        If a number is out of its range, or NaN.
    """

    radius: float = 0.006
    epsilon: float = 3e-5
    network_px: int = 320
    doubt: float = 0.2
    smooth: float = 2.0
    textured: float = 4.0

    def __post_init__(self) -> None:
        for name in ("radius", "epsilon"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise UsageError(f"{name} must be greater than 0, got {value:g}; leave it out")
        if self.network_px < 0:
            raise UsageError(f"network_px must be at least 0, got {self.network_px}; 0 is unknown")
        if not 0 <= self.doubt < 0.5:
            raise UsageError(f"doubt must lie in [0, 0.5), got {self.doubt:g}; 0 believes all")
        if not 0 <= self.smooth < self.textured < math.inf:
            raise UsageError(
                "smooth and textured need 0 <= smooth < textured, got "
                f"{self.smooth:g} and {self.textured:g}"
            )


@dataclass(frozen=True, eq=False)
class Copy:
    """A small copy of a picture, or of a part of it, and what is known of its matte.

    `pixels` is uint8 (h, w, 3), `alpha` float32, `levels` uint8 those of a trimap, `fine`
    float32 its texture, `least` float32 the alpha that is left at least, all (h, w); `side`
    is that of the blocks and `size` (H, W) that of the whole picture.
    """

    pixels: Pixels
    alpha: Float2D
    levels: NDArray[np.uint8]
    fine: Float2D
    least: Float2D
    side: int
    size: tuple[int, int]

    @property
    def planes(self) -> Field:
        """The pixels as float32 (3, h, w), grey levels."""
        return np.ascontiguousarray(np.moveaxis(self.pixels, -1, 0), np.float32)

    @cached_property
    def unsure(self) -> Bool2D:
        """Bool (h, w): blocks that may hold an unknown pixel of the enlarged trimap."""
        import cv2

        around = np.ones((3, 3), np.uint8)
        low, high = cv2.erode(self.levels, around), cv2.dilate(self.levels, around)
        return np.asarray((high > BACKGROUND) & (low < FOREGROUND), np.bool_)

    def part(self, box: Box) -> Copy:
        """Return what lies in a box of blocks."""
        cut = slices(box)
        return replace(
            self,
            pixels=self.pixels[cut],
            alpha=self.alpha[cut],
            levels=self.levels[cut],
            fine=self.fine[cut],
            least=self.least[cut],
        )


def fitted_side(size: tuple[int, int], options: GuidedOptions) -> int:
    """Return the side of the blocks on which a picture (H, W) is fitted.

    Examples
    --------
    >>> [fitted_side(size, GuidedOptions()) for size in ((480, 640), (1200, 1600), (3000, 4000))]
    [1, 4, 8]
    """
    radius_px = options.radius * math.hypot(*size)
    return 1 << max(0, int(math.log2(max(radius_px / LEAST_RADIUS_PX, 1))))


def copied(image: Image, matte: Matte, trimap: Trimap, side: int) -> Copy:
    """Return the small copy of a picture, with a trimap that is there and has the last word."""
    less = min(side, block_side(image.size))
    pixels = block_means(image.pixels, less)
    alpha = block_means(matte.alpha, side)
    return Copy(
        block_means(pixels, side // less),
        alpha,
        block_means(trimap.levels, side),
        texture(pixels, math.hypot(*image.size) / less, side=side // less),
        np.zeros_like(alpha),
        side,
        image.size,
    )


def applied(functions: Field, seen: Field) -> Field:
    """Return the alpha that linear functions give pixels.

    Parameters
    ----------
    functions : float32 (N, 4, h, w)
        Of each pixel.
    seen : float32 (N, 3, h, w)
        The picture.

    Returns
    -------
    float32 (N, h, w) in [0, 1]
    """
    found = functions[:, 3].copy()
    for channel in range(3):
        found += functions[:, channel] * seen[:, channel]
    return np.clip(found, 0, 1, out=found)


def fit(copy: Copy, options: GuidedOptions, found: Functions) -> None:
    """Find each pixel's linear function of the grey levels, into float32 (4, h, w).

    Twice: what the first functions give is nearer to the truth than the network's matte, and
    the second are fitted to that, without deblurring and doubt.
    """
    doubt = np.float32(options.doubt) * (1 - ramp(copy.fine, options.smooth, options.textured))
    seen = max(copy.size) / options.network_px / copy.side if options.network_px else 0.0
    _fit_to(_wanted(copy, doubt, seen), copy, options, found)
    better = applied(found[np.newaxis], copy.planes[np.newaxis])[0]
    _fit_to(_pinned(better, copy), copy, options, found)


def _fit_to(wanted: Float2D, copy: Copy, options: GuidedOptions, found: Functions) -> None:
    """Fit the functions to an alpha, float32 (h, w)."""
    import cv2

    colours = [plane.astype(np.float32) / np.float32(255) for plane in cv2.split(copy.pixels)]
    sure = np.abs(2 * wanted - 1)
    weight = np.asarray(sure * sure * sure + np.float32(LEAST_WEIGHT), np.float32)
    length = 2 * max(1, round(options.radius * math.hypot(*copy.size) / copy.side)) + 1

    def total(field: Field) -> Field:
        summed = cv2.blur(field, (length, length), borderType=cv2.BORDER_CONSTANT)
        return np.asarray(summed, np.float32)

    counted = total(weight)

    def mean(field: Field) -> Field:
        return total(weight * field) / counted

    slopes, offset, left = regress(colours, wanted, mean, options.epsilon)
    trust = (1 / (left + np.float32(GOOD_FIT))).astype(np.float32, copy=False)
    shared = total(trust)
    by_level = trust * np.float32(1 / 255)
    parts = *(by_level * slope for slope in slopes), trust * offset
    for part, into in zip(parts, found, strict=True):
        np.divide(total(part), shared, out=into)


def _wanted(copy: Copy, doubt: Float2D, blur_px: float) -> Float2D:
    """Return what the copy's alpha is fitted to: without the network's blur and doubt."""
    import cv2

    alpha = wanted = copy.alpha
    if blur_px > LEAST_BLUR_PX:
        wanted = wanted + np.float32(STRENGTH) * (alpha - cv2.GaussianBlur(alpha, (0, 0), blur_px))
    return _pinned(np.clip((wanted - 0.5) / (1 - 2 * doubt) + 0.5, 0, 1), copy)


def _pinned(alpha: Float2D, copy: Copy) -> Float2D:
    """Return alpha with what is sure, and at least what the copy asks for."""
    pinned = np.maximum(alpha, copy.least)
    pinned[copy.levels == BACKGROUND] = 0
    pinned[copy.levels == FOREGROUND] = 1
    return np.asarray(pinned, np.float32)
