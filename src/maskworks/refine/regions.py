"""Holes and islands of a matte: openings stay, specks go.

An island is a part of the subject (alpha above 0.05) that touches no other; a hole is
background (alpha below 0.5) that the subject encloses. Which of them are meant is judged on a
copy of about a thousand pixels; the matte is changed only where they are not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Bool2D, Float2D, Image, Matte
from maskworks.refine.holes import close, find_holes, is_error, is_gap
from maskworks.refine.reduced import anywhere, block_means, block_side, enlarged

HALF = 0.5
TRACE = 0.05
"""Alpha up to it is nothing; what hangs together above it is one island."""

CONFIDENT = 0.9
"""An island that is nowhere this opaque must be `DOUBTFUL` times as large to stay."""

DOUBTFUL = 4.0

TAIL = 0.006
"""How far around an island its faint tail is removed too, a share of the diagonal."""


@dataclass(frozen=True, kw_only=True)
class RegionOptions:
    """What becomes of holes and islands.

    Parameters
    ----------
    holes : "keep" or "fill"
        "keep" leaves openings open and closes only small holes that look like the subject
        around them; "fill" closes every hole up to `largest_hole`.
    islands : "drop" or "keep"
        "drop" removes specks.
    smallest_hole : float in [0, 1]
        With "keep", a hole of at least this share of the subject's area stays whatever its
        colours.
    largest_hole : float, >= 0
        With "fill", a hole larger than this share of the subject's area stays.
    smallest_island : float in [0, 1]
        An island below this share of the subject's area goes; one that is nowhere at least 0.9
        opaque goes below four times that. The largest island always stays.

    Raises
    ------
    UsageError
        If a word or a number is none of these.
    """

    holes: Literal["keep", "fill"] = "keep"
    islands: Literal["drop", "keep"] = "drop"
    smallest_hole: float = 0.03
    largest_hole: float = 1.0
    smallest_island: float = 0.005

    def __post_init__(self) -> None:
        for name, words in (("holes", ("keep", "fill")), ("islands", ("drop", "keep"))):
            if getattr(self, name) not in words:
                raise UsageError(f"{name} is {' or '.join(words)}, got {getattr(self, name)!r}")
        for name in ("smallest_hole", "largest_hole", "smallest_island"):
            share = getattr(self, name)
            most = math.inf if name == "largest_hole" else 1.0
            if not 0 <= share <= most:
                raise UsageError(
                    f"{name} is a share of the subject's area, from 0, got {share:g}; "
                    "0.01 is one hundredth"
                )


DEFAULTS = RegionOptions()


def clean_regions(matte: Matte, image: Image, options: RegionOptions = DEFAULTS) -> Matte:
    """Close holes that are errors and remove specks.

    Parameters
    ----------
    matte : Matte of shape (H, W)
    image : Image of shape (H, W)
        Tells an opening from an error: one shows the background, the other the subject.

    Returns
    -------
    Matte of shape (H, W)
        Outside the holes closed and the specks removed, alpha keeps its bits; without any
        it is the very matte that came in. A closed hole gets the alpha of its rim, a removed
        island 0, both with their soft surroundings. A region that is partial throughout
        (glass) is no hole for "fill".

    Raises
    ------
    ImageError
        If the shapes differ.

    Examples
    --------
    >>> alpha = np.zeros((40, 40), np.float32)
    >>> alpha[8:32, 8:32] = 1
    >>> alpha[2, 2] = alpha[20, 20] = 0.7  # a speck, and a dent that is no hole
    >>> flat = Image(np.zeros((40, 40, 3), np.uint8))
    >>> cleaned = clean_regions(Matte(alpha), flat).alpha
    >>> bool(cleaned[2, 2] == 0), bool(cleaned[20, 20] == alpha[20, 20])
    (True, True)
    """
    if matte.size != image.size:
        raise ImageError(
            f"matte and picture must have one shape, got {matte.size} and {image.size}; "
            "resize the matte first"
        )
    if float(matte.alpha.max()) < HALF:
        return matte
    side = block_side(matte.size)
    alpha = matte.alpha
    if options.islands == "drop":
        alpha = _without_specks(alpha, side, options.smallest_island)
    alpha = _without_errors(alpha, image, side, options)
    return matte if alpha is matte.alpha else Matte(alpha)


def _without_specks(alpha: Float2D, side: int, smallest: float) -> Float2D:
    """Set the islands that are too small, and their faint tails, to 0."""
    import cv2

    trace = anywhere(alpha > TRACE, side)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(trace, connectivity=8)
    if count <= 2:
        return alpha
    areas = np.asarray(stats[:, cv2.CC_STAT_AREA], np.int32)
    gone = _are_specks(block_means(alpha, side), np.asarray(labels, np.int32), areas, smallest)
    if not gone.any():
        return alpha
    dropped = gone[labels]
    kept = (trace > 0) & ~dropped
    to_dropped = cv2.distanceTransform((~dropped).astype(np.uint8), cv2.DIST_L2, 3)
    to_kept = cv2.distanceTransform((~kept).astype(np.uint8), cv2.DIST_L2, 3)
    tail_px = TAIL * math.hypot(*trace.shape)
    cleared = (to_dropped <= tail_px) & (to_dropped < to_kept)
    out = alpha.copy()
    out[enlarged(cleared.astype(np.uint8), side, alpha.shape, smooth=False) > 0] = 0
    return out


def _are_specks(
    small: Float2D, labels: NDArray[np.int32], areas: NDArray[np.int32], smallest: float
) -> Bool2D:
    """Return for each label whether it goes; label 0 is what lies between the islands."""
    flat = labels.ravel()
    mass = np.bincount(flat, small.ravel(), areas.size)
    peak = np.zeros(areas.size, np.float32)
    np.maximum.at(peak, flat[flat > 0], small.ravel()[flat > 0])
    least = smallest * float(areas[1:].sum())
    gone = (areas < least) | ((areas < DOUBTFUL * least) & (peak < CONFIDENT))
    gone[0] = gone[1 + int(mass[1:].argmax())] = False
    return np.asarray(gone, np.bool_)


def _without_errors(alpha: Float2D, image: Image, side: int, options: RegionOptions) -> Float2D:
    """Close the holes that are not meant."""
    small = block_means(alpha, side)
    holes = find_holes(anywhere(alpha < HALF, side))
    if not holes:
        return alpha
    subject = int(np.count_nonzero(small >= HALF))
    if options.holes == "fill":
        wrong = [h for h in holes if h.area <= options.largest_hole * subject and is_gap(h, small)]
    else:
        little = [hole for hole in holes if hole.area < options.smallest_hole * subject]
        pixels = block_means(image.pixels, side) if little else image.pixels
        wrong = [hole for hole in little if is_error(hole, small, pixels)]
    return close(alpha, wrong, small, side) if wrong else alpha
