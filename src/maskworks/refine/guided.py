"""The fast way: a guided filter in the band.

Within a small window alpha is a linear function of the picture's colours. The function is fitted
on a small copy of the picture and applied at full size, to the band alone (He & Sun 2015).
Four things are added to that paper:

- A network's matte is as blurred as the network's own pixels are large. One step of Van Cittert's
  deconvolution takes that out; an edge that is softer than those pixels hardly changes.
- Where the picture is smooth, an alpha near 0 or 1 is the network's doubt; where it is finely
  textured (hair, fur) it may be a cover, and is believed.
- A pixel counts by how sure the matte is of it (normalised convolution, Knutsson & Westin
  1993): where the network doubts, the colours of what it is sure of decide.
- Of the windows that hold a pixel, those that fit well have more of a say (as in Ochotorena &
  Yamashita 2020), which keeps the edge sharp between windows.

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import (
    BACKGROUND,
    FOREGROUND,
    UNKNOWN,
    Box,
    Float2D,
    Image,
    Mask,
    Matte,
    Pixels,
    Trimap,
)
from maskworks.refine.parts import grown, slices
from maskworks.refine.reduced import block_means, block_side
from maskworks.refine.spread import spread

Field = NDArray[np.float32]

LEAST_RADIUS_PX = 3
"""The copy is as small as leaves the window this radius."""

DETAIL, PATCH = 0.0008, 0.008  # finest detail that is texture, what it fills: of the diagonal
STRENGTH = 2.0  # of the deconvolution
SURENESS = 3  # power of |2 alpha - 1| by which a pixel counts
LEAST_WEIGHT = 0.01
LEAST_BLUR_PX = 0.3  # below it a Gaussian is one pixel
GOOD_FIT = 1e-3  # variance of alpha that a good fit may leave unexplained
STRIP_PX = 256
ROW = 1024


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
        Sure pixels are exactly 0 and 1; without an unknown pixel that is all there is. Where the
        guide says nothing (one colour) it is a local average of the first matte.

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    See the head of this file.

    Examples
    --------
    A network's blurred edge between black and white becomes the picture's:

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
    alpha = (trimap.levels == FOREGROUND).astype(np.float32)
    band = Mask(trimap.unknown).box()
    if band is None:
        return Matte(alpha)
    radius_px = options.radius * math.hypot(*image.size)
    side = 1 << max(0, int(math.log2(max(radius_px / LEAST_RADIUS_PX, 1))))
    near = _aligned(grown(band, round(3 * radius_px) + side, image.size), side, image.size)
    fitted = _fit(image, matte, trimap, near, side, options)

    def apply(strip: Box) -> None:
        rows, columns = np.nonzero(trimap.levels[slices(strip)] == UNKNOWN)
        if rows.size == 0:
            return
        rows, columns = rows + strip.top, columns + strip.left
        at = _sample(fitted, rows - near.top, columns - near.left, side)
        colours = image.pixels[rows, columns].astype(np.float32) / np.float32(255)
        found = np.einsum("nc,nc->n", colours, at[:, :3]) + at[:, 3]
        alpha[rows, columns] = np.clip(found, 0, 1)

    spread(apply, _strips(band))
    return Matte(alpha)


def _aligned(box: Box, side: int, size: tuple[int, int]) -> Box:
    """Return the box grown to whole blocks of the picture, as far as there are whole ones."""
    top, left = box.top // side * side, box.left // side * side
    bottom = min(-(-box.bottom // side) * side, max(size[0] // side, 1) * side)
    right = min(-(-box.right // side) * side, max(size[1] // side, 1) * side)
    return Box(top, left, max(bottom, top + side), max(right, left + side))


def _strips(band: Box) -> Iterator[Box]:
    """Yield the band's box in portions whose memory does not matter."""
    for top in range(band.top, band.bottom, STRIP_PX):
        yield Box(top, band.left, min(top + STRIP_PX, band.bottom), band.right)


def _fit(
    image: Image, matte: Matte, trimap: Trimap, near: Box, side: int, options: GuidedOptions
) -> Field:
    """Return the averaged linear functions of the copy, (h, w, 4): three slopes, offset."""
    import cv2

    less = min(side, block_side(image.size))
    pixels = block_means(image.pixels[slices(near)], less)
    guide = block_means(pixels, side // less)
    diagonal = math.hypot(*image.size)
    colours = [plane.astype(np.float32) / np.float32(255) for plane in cv2.split(guide)]
    wanted = _wanted(
        block_means(matte.alpha[slices(near)], side),
        block_means(trimap.levels[slices(near)], side),
        _doubt(pixels, diagonal / less, (guide.shape[0], guide.shape[1]), options),
        max(image.size) / options.network_px / side if options.network_px else 0.0,
    )
    weight = np.asarray(np.abs(2 * wanted - 1) ** SURENESS + LEAST_WEIGHT, np.float32)
    length = 2 * max(1, round(options.radius * diagonal / side)) + 1

    def total(field: Field) -> Field:
        summed = cv2.blur(field, (length, length), borderType=cv2.BORDER_CONSTANT)
        return np.asarray(summed, np.float32)

    counted = total(weight)

    def mean(field: Field) -> Field:
        return total(weight * field) / counted

    slopes, offset, left = _regress(colours, wanted, mean, options.epsilon)
    trust = (1 / (left + np.float32(GOOD_FIT))).astype(np.float32, copy=False)
    spread = total(trust)
    return np.stack([total(trust * part) / spread for part in (*slopes, offset)], axis=-1)


def _doubt(
    pixels: Pixels, diagonal: float, size: tuple[int, int], options: GuidedOptions
) -> Float2D:
    """Return how near to 0 or 1 an alpha is doubted, float32 of shape `size`.

    A median of what a high-pass leaves is the texture: a contour is but a line through its window.
    """
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    high = cv2.absdiff(grey, cv2.GaussianBlur(grey, (0, 0), max(0.6, DETAIL * diagonal)))
    length = 2 * max(1, round(PATCH * diagonal)) + 1
    spread = np.minimum(high, 31) * np.uint8(8)  # so that a blur keeps fractions
    patches = cv2.blur(cv2.medianBlur(spread, length), (length, length))
    small = cv2.resize(patches, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 8
    fine = np.clip((small - options.smooth) / (options.textured - options.smooth), 0, 1)
    return np.asarray(options.doubt * (1 - fine), np.float32)


def _wanted(alpha: Float2D, levels: NDArray[np.uint8], doubt: Float2D, blur_px: float) -> Float2D:
    """Return what the copy's alpha is fitted to: without the network's blur and doubt."""
    import cv2

    wanted = alpha
    if blur_px > LEAST_BLUR_PX:
        wanted = wanted + np.float32(STRENGTH) * (alpha - cv2.GaussianBlur(alpha, (0, 0), blur_px))
    wanted = np.clip((wanted - 0.5) / (1 - 2 * doubt) + 0.5, 0, 1)
    wanted[levels == BACKGROUND] = 0
    wanted[levels == FOREGROUND] = 1
    return np.asarray(wanted, np.float32)


def _regress(
    colours: list[Field], wanted: Field, mean: Callable[[Field], Field], epsilon: float
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


def _sample(fitted: Field, rows: NDArray[np.intp], columns: NDArray[np.intp], side: int) -> Field:
    """Return the functions at full-size pixels, bilinear, (N, 4)."""
    import cv2

    count = rows.size
    padded = -(-count // ROW) * ROW  # OpenCV limits an array's length, so that pixels lie in rows
    y, x = np.zeros(padded, np.float32), np.zeros(padded, np.float32)
    y[:count] = (rows + 0.5) / side - 0.5
    x[:count] = (columns + 0.5) / side - 0.5
    sampled = cv2.remap(
        fitted,
        x.reshape(-1, ROW),
        y.reshape(-1, ROW),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(sampled, np.float32).reshape(-1, 4)[:count]
