"""What colour the subject was before it mixed with the background.

How the colours are found stands in `layers`. Here is where: only in those tiles that hold a piece
of the band, and only its pixels there, so that time and memory follow the band and not
the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Bool2D, Box, Float2D, Image, Matte
from maskworks.refine.layers import Errors, Level, Where, solve_pixels, solve_whole
from maskworks.refine.parts import around, grid, grown, inside, slices
from maskworks.refine.spread import spread

SETTLED = 1 / 512
"""An alpha this near to 0 or 1 is written as 0 or 255 in 8 bits."""

TILE_PX = 256
WHOLE_PX = 1 << 18
"""A level of at most so many pixels is solved whole, a larger one in tiles."""


@dataclass(frozen=True)
class ForegroundOptions:
    """How foreground colours are estimated.

    Parameters
    ----------
    margin : float, >= 0
        How far outside the subject colours are filled in, a share of the diagonal (at least
        two pixels unless it is 0), so that scaling a cut-out mixes in no background.
    alpha_error : float, >= 0
        How wrong alpha is expected to be. The larger, the less a pixel may deviate from
        its neighbours.
    grain : float, > 0
        Noise of the picture, grey levels (standard deviation).

    Raises
    ------
    UsageError
        If a number is out of its range.
    """

    margin: float = 0.001
    alpha_error: float = 0.05
    grain: float = 2.0

    def __post_init__(self) -> None:
        for name, value in (("margin", self.margin), ("alpha_error", self.alpha_error)):
            if not 0 <= value < 1:
                raise UsageError(
                    f"{name} must lie in [0, 1), got {value:g}; leave it at its default"
                )
        if not 0 < self.grain < np.inf:
            raise UsageError(f"grain must be greater than 0 grey levels, got {self.grain:g}")


DEFAULTS = ForegroundOptions()


@dataclass(frozen=True, eq=False)
class _Tile:
    """A part of the picture, and the pixels in it whose colour is asked for."""

    box: Box
    where: Where  # counted from the corner of the box


def estimate_foreground(image: Image, matte: Matte, options: ForegroundOptions = DEFAULTS) -> Image:
    """Estimate the subject's own colours where it mixes with the background.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W)

    Returns
    -------
    Image of shape (H, W)
        Where alpha is 1 (or within 1/512 of it), the picture's own values to the bit. Where it is
        0 and farther than `options.margin` from the band, the same. In the band the
        subject's colours; in the margin around it, their continuation. A matte without a
        pixel between 0 and 1 gives the very picture that came in.

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    See the head of this file.

    Examples
    --------
    Half red, half of a blue background:

    >>> row = np.array([[[200, 0, 0]] * 8 + [[100, 0, 100]] + [[0, 0, 200]] * 8], np.uint8)
    >>> alpha = np.array([[1.0] * 8 + [0.5] + [0.0] * 8], np.float32)
    >>> estimate_foreground(Image(row), Matte(alpha)).pixels[0, 8].tolist()
    [200, 0, 0]
    """
    if image.size != matte.size:
        raise ImageError(
            f"picture and matte must have one shape, got {image.size} and {matte.size}; "
            "resize the matte first"
        )
    tiles = list(_tiles(matte.alpha, _margin_px(image.size, options.margin)))
    if not tiles:
        return image
    near = grown(around(tile.box for tile in tiles), TILE_PX, image.size)
    part = Level(image.pixels[slices(near)], matte.alpha[slices(near)])
    errors = Errors(options.alpha_error, options.grain)
    depth = _depth(near.size)
    layers = solve_whole(part, depth, errors)
    pixels = image.pixels.copy()

    def paint(tile: _Tile) -> None:
        box = inside(tile.box, near)
        if depth:
            colours = solve_pixels(part, (layers, depth), box, tile.where, errors)
        else:
            colours = layers[(0, slice(3), *slices(box))][:, *tile.where]
        pixels[slices(tile.box)][tile.where] = np.rint(colours).astype(np.uint8).T

    spread(paint, tiles)
    return Image(pixels)


def _margin_px(size: tuple[int, int], margin: float) -> int:
    return max(2, round(margin * float(np.hypot(*size)))) if margin else 0


def _depth(size: tuple[int, int]) -> int:
    """Say how often a picture must be halved to be solved whole."""
    depth = 0
    while (size[0] >> depth) * (size[1] >> depth) > WHOLE_PX:
        depth += 1
    return depth


def _tiles(alpha: Float2D, margin_px: int) -> Iterator[_Tile]:
    for box in grid(alpha.shape, TILE_PX):
        wanted = _wanted(alpha, box, margin_px)
        if wanted.any():
            rows, columns = np.nonzero(wanted)
            yield _Tile(box, (rows, columns))


def _wanted(alpha: Float2D, box: Box, margin_px: int) -> Bool2D:
    """Return which pixels of the box are mixed, or lie outside within the margin of one."""
    import cv2

    wide = grown(box, margin_px, alpha.shape)
    mixed = cv2.inRange(alpha[slices(wide)], SETTLED, 1 - SETTLED)
    if margin_px and cv2.hasNonZero(mixed):
        mixed = cv2.dilate(mixed, np.ones((2 * margin_px + 1, 2 * margin_px + 1), np.uint8))
    near = mixed[slices(inside(box, wide))]
    wanted: Bool2D = (near > 0) & (alpha[slices(box)] <= 1 - SETTLED)
    return wanted
