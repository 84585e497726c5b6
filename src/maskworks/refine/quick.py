"""The fast way as a whole, for previews, video and large batches.

Regions, trimap, the guided filter's functions and both sides' colours are found on one small
copy, a few hundred pixels wide; at full size each tile that holds a piece of the unknown band is
worked once. The colours follow Forte & Pitié (2021): those expected of either side are blurs
of what is surely theirs, and what a pixel shows beyond their mixture is shared out.

References
----------
Forte, Pitié, Approximate Fast Foreground Colour Estimation, ICIP 2021.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import (
    BACKGROUND,
    FOREGROUND,
    UNKNOWN,
    Bool2D,
    Box,
    Float2D,
    Image,
    Mask,
    Matte,
    Pixels,
    Trimap,
)
from maskworks.refine.fitting import Copy, Field, GuidedOptions, applied, fit
from maskworks.refine.foreground import SETTLED
from maskworks.refine.interior import least_inside
from maskworks.refine.mosaic import Mosaic, mosaics
from maskworks.refine.parts import grown, slices
from maskworks.refine.reduced import block_means
from maskworks.refine.regions import RegionOptions, clean_regions
from maskworks.refine.spread import both, spread
from maskworks.refine.texture import texture
from maskworks.refine.trimap import TrimapOptions, small_levels

STRIP_PX = 256
OPENINGS_PX = 360
OPAQUE_BIT = 7
"""Of a sure level, the bit that is its alpha."""

RADII = (16, 6, 2)
"""Windows from which colours are expected, blocks; nearer ones count where they know."""

CERTAIN = 0.01  # the smaller, the more a pixel counts that is all of one side
LITTLE = 1.0  # of that weight, 100 at most: where a window holds less, the wider one decides
DOUBT = 0.03  # of the mixture: the larger, the less a pixel may deviate from what is expected


def mark(
    image: Image, matte: Matte, side: int, regions: RegionOptions, options: TrimapOptions
) -> Copy:
    """Return the small copy, with a trimap made from the matte.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W)
        A network's, enlarged.
    side : int, a power of two
        Of the copy's blocks.
    regions, options : what becomes of holes and islands, and how wide the band is
    """
    pixels, alpha = both(
        lambda: block_means(image.pixels, side), lambda: block_means(matte.alpha, side)
    )
    cleaned, fine = both(
        lambda: clean_regions(Matte(alpha), Image(pixels), regions).alpha,
        lambda: texture(pixels, math.hypot(*image.size) / side),
    )
    levels = small_levels(cleaned, pixels, fine, options, OPENINGS_PX)
    return Copy(pixels, cleaned, levels, fine, least_inside(cleaned, levels), side, image.size)


@dataclass(frozen=True, eq=False)
class BandEstimates:
    """What a small copy says of every pixel.

    `functions` is float32 (5, h, w) or (11, h, w): the functions that give alpha, see
    `maskworks.refine.fitting`, the least alpha, and the colours expected of subject and
    background. `alpha`, float32 (h, w), is the copy's own.
    """

    functions: Field
    alpha: Float2D
    copy: Copy


def draw(copy: Copy, options: GuidedOptions, *, colours: bool) -> BandEstimates:
    """Find alpha and, if asked for, colours on the copy, around its band."""
    near = _around(copy.unsure)
    part = copy.part(near)
    functions = np.zeros((11 if colours else 5, *copy.alpha.shape), np.float32)
    here = functions[:, *slices(near)]
    fit(part, options, here[:4])
    here[4] = part.least
    planes = part.planes
    alpha = applied(here[np.newaxis, :4], planes[np.newaxis])[0]
    np.maximum(alpha, part.least, out=alpha)
    alpha[part.levels == FOREGROUND] = 1
    alpha[part.levels == BACKGROUND] = 0
    if colours:
        both(
            lambda: _expected(planes, alpha, here[5:8]),
            lambda: _expected(planes, 1 - alpha, here[8:]),
        )
    whole = (copy.levels == FOREGROUND).astype(np.float32)
    whole[slices(near)] = alpha
    return BandEstimates(functions, whole, copy)


def _around(touched: Bool2D) -> Box:
    """Return what the band's functions and colours depend on, at most the whole copy."""
    band = Mask(touched).box()
    height, width = touched.shape
    return Box(0, 0, height, width) if band is None else grown(band, RADII[0], (height, width))


def certain(trimap: Trimap) -> Float2D:
    """Return alpha where it is sure, float32 (H, W); unknown pixels are 1."""
    alpha = np.empty(trimap.size, np.float32)
    for top in range(0, len(alpha), STRIP_PX):
        strip = slice(top, top + STRIP_PX)
        alpha[strip] = trimap.levels[strip] >> OPAQUE_BIT
    return alpha


def paint(
    drawn: BandEstimates, image: Image, trimap: Trimap, alpha: Float2D, pixels: Pixels | None = None
) -> None:
    """Write alpha and the subject's colours of the unknown pixels.

    Parameters
    ----------
    image : Image of shape (H, W)
    trimap : Trimap of shape (H, W)
    alpha : float32 (H, W)
        What is sure is in it, the rest is filled in.
    pixels : uint8 (H, W, 3), optional
        A copy of the picture, whose unknown pixels get the subject's colours.
    """

    def work(mosaic: Mosaic) -> None:
        levels, tiles = mosaic.of(trimap.levels), mosaic.of(image.pixels)
        seen = tiles.astype(np.float32)
        here = mosaic.enlarged(drawn.functions, drawn.copy.side)
        found = applied(here, seen)
        np.maximum(found, here[:, 4], out=found)
        np.maximum(found, levels == FOREGROUND, out=found)
        np.minimum(found, levels != BACKGROUND, out=found)
        mosaic.put(alpha, found)
        if pixels is not None:
            own = _own(here[:, 5:], seen, found)
            _replace(tiles, own, (levels == UNKNOWN) & (found < 1 - SETTLED))
            mosaic.put(pixels, tiles)

    spread(work, mosaics(drawn.copy.unsure, drawn.copy.side, image.size))


def _own(sides: Field, seen: Field, alpha: Field) -> NDArray[np.uint8]:
    """Return the subject's own colours, uint8 (N, 3, h, w), from (N, 6, h, w) and (N, 3, h, w)."""
    subject, behind = sides[:, :3], sides[:, 3:]
    gain = alpha / (alpha * alpha + (1 - alpha) ** 2 + np.float32(DOUBT))
    beyond = subject - behind
    beyond *= alpha[:, np.newaxis]
    beyond += behind
    np.subtract(seen, beyond, out=beyond)
    beyond *= gain[:, np.newaxis]
    beyond += subject
    np.clip(beyond, 0, 255, out=beyond)
    beyond += np.float32(0.5)
    return beyond.astype(np.uint8)


def _replace(tiles: NDArray[np.uint8], other: NDArray[np.uint8], where: Bool2D) -> None:
    """Take bytes (N, 3, h, w) from `other` where (N, h, w) says so: `np.copyto` in a tenth."""
    mask = np.negative(where.view(np.uint8))  # 0 or all ones
    other ^= tiles
    other &= mask[:, np.newaxis]
    tiles ^= other


def _expected(planes: Field, share: Float2D, found: Field) -> None:
    """Add one side's colours to zeros (3, h, w): means of what is nearly it, far and near."""
    import cv2

    nearly = np.square(np.square(np.square(share)))
    weight = nearly / ((1 - share) ** 2 + np.float32(CERTAIN))
    weighed = [*(plane * weight for plane in planes), weight]
    for radius, little in zip(RADII, (np.float32(1e-6), *[np.float32(LITTLE)] * 2), strict=True):
        window = 2 * radius + 1, 2 * radius + 1
        *sums, held = (cv2.blur(field, window) for field in weighed)
        held += little
        for channel, total in enumerate(sums):
            np.multiply(found[channel], little, out=found[channel])
            found[channel] += total
            found[channel] /= held
