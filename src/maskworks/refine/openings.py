"""Gaps that a network closed although the picture shows the background through them.

A network of few pixels fills the handle of a cup or the gap between arm and body. What it
filled cannot be taken away here, but it can be doubted: where the colours inside a subject
are those of the background beside it and not those of the subject, a solver should decide.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from maskworks.core.lab import to_lab_bytes
from maskworks.core.values import Bool2D, Float2D, Pixels
from maskworks.refine.holes import find_parts, likeness
from maskworks.refine.parts import slices
from maskworks.refine.reduced import block_means, disk, enlarged

HALF = 0.5
BEHIND = 0.05
"""Alpha up to it is background that colours are learnt from."""

DEEP = 0.006
"""Colours are learnt this far from the edge, a share of the diagonal."""

AROUND = 0.06
"""Background colours are learnt from a ring this wide around the subject, share of diagonal."""

BINS = 32
"""Steps of a colour channel in the histograms."""

GREYS = 64
"""Steps of R, G and B from which a colour's bin is looked up, each four grey levels."""

TIMES = 8.0
"""How many times likelier a colour must be in the background than in the subject."""

COARSE_PX = 720
"""A larger copy is halved."""

SMALLEST = 0.0004
LARGEST = 0.5
"""Size of a gap as shares of the subject's area."""

DOUBTED = 0.8
"""Mean alpha of a gap at most: where a network closed one, it was rarely quite sure.

At 0.95 the forehead of a cat before a wall of its colour is opened too; boundary IoU of people is
.0005 higher there (dev `ccp_alpha`)."""

NEARER = 4.0
"""How many times nearer a gap's colours are to the background beside it than to the subject."""


def find_openings(alpha: Float2D, pixels: Pixels, most_px: int = COARSE_PX) -> Bool2D:
    """Find gaps inside the subject that look like the background around it, on a small copy.

    Parameters
    ----------
    alpha : float32 (h, w) in [0, 1]
    pixels : uint8 (h, w, 3)
    most_px : int
        A copy whose long side is above this is halved once more.

    Returns
    -------
    bool (h, w)
        Parts of the subject (alpha >= 0.5, on average at most 0.95) whose colours are at
        least eight times likelier in a ring of background around the subject than deep inside
        it, and four times nearer to the background beside them than to the subject. Empty
        where there is no subject or no background. Of 25 parts so found in a network's mattes
        of 138 pictures of people 21 were open, and 87 % of their area.
    """
    if max(alpha.shape) <= most_px:
        return _find(alpha, pixels)
    found = _find(block_means(alpha, 2), block_means(pixels, 2))
    height, width = alpha.shape
    return enlarged(found.view(np.uint8), 2, (height, width), smooth=False).view(np.bool_)


def _find(alpha: Float2D, pixels: Pixels) -> Bool2D:
    import cv2

    diagonal = math.hypot(*alpha.shape)
    inside = alpha >= HALF
    none = np.zeros(alpha.shape, np.bool_)
    deep_px = max(1.0, DEEP * diagonal)
    within = cv2.distanceTransform(inside.view(np.uint8), cv2.DIST_L2, 3)
    beyond = cv2.distanceTransform((~inside).view(np.uint8), cv2.DIST_L2, 3)
    ring = (alpha <= BEHIND) & (beyond > deep_px) & (beyond <= deep_px + AROUND * diagonal)
    core = within > deep_px
    if not ring.any() or not core.any():
        return none
    bins = _bins(pixels)
    behind, subject = _likelihood(bins, ring), _likelihood(bins, core)
    likelier = (behind > np.float32(TIMES) * subject) & inside & (within > 0.5 * deep_px)
    opened = cv2.morphologyEx(likelier.view(np.uint8), cv2.MORPH_OPEN, disk(max(1, 0.2 * deep_px)))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, disk(max(1, 0.4 * deep_px)))
    return _gaps(np.asarray(closed, np.uint8) & inside.view(np.uint8), alpha, pixels)


def _gaps(parts: NDArray[np.uint8], alpha: Float2D, pixels: Pixels) -> Bool2D:
    """Keep the connected parts that have the size, the doubt and the colours of a gap."""
    subject = int(np.count_nonzero(alpha >= HALF))
    gaps = np.zeros(alpha.shape, np.bool_)
    for part in find_parts(parts, alpha <= BEHIND):
        where = part.inside(part.box)
        if not SMALLEST * subject <= part.area <= LARGEST * subject:
            continue
        if float(alpha[slices(part.box)][where].mean()) > DOUBTED:
            continue
        if likeness(part, alpha, pixels) * NEARER < 1:
            gaps[slices(part.box)] |= where
    return gaps


def _bins(pixels: Pixels) -> NDArray[np.int32]:
    """Return each pixel's bin in a histogram of Lab, int32 (h, w) in [0, BINS**3)."""
    step = (pixels // (256 // GREYS)).astype(np.int32)
    found: NDArray[np.int32] = _bin_of_step()[
        (step[..., 0] * GREYS + step[..., 1]) * GREYS + step[..., 2]
    ]
    return found


@lru_cache(maxsize=1)
def _bin_of_step() -> NDArray[np.int32]:
    """Return the bin of the middle of each cube of colours, int32 (GREYS**3,)."""
    width = 256 // GREYS
    cube = np.indices((GREYS, GREYS, GREYS), np.uint8).reshape(3, -1).T * width + width // 2
    lab = (to_lab_bytes(cube) // (256 // BINS)).astype(np.int32)
    found: NDArray[np.int32] = (lab[:, 0] * BINS + lab[:, 1]) * BINS + lab[:, 2]
    return found


def _likelihood(bins: NDArray[np.int32], where: Bool2D) -> Float2D:
    """Return how likely each pixel's colour is among those of `where`, float32 (h, w)."""
    counts = np.bincount(bins[where], minlength=BINS**3).astype(np.float32)
    smooth = _blurred(counts)
    share = smooth / max(float(smooth.sum()), 1.0) + np.float32(1e-5)
    return np.asarray(share[bins], np.float32)


def _blurred(counts: Float2D) -> Float2D:
    """Blur a colour histogram (BINS**3,) by a Gaussian of one bin, along all three axes."""
    import cv2

    field = counts.reshape(BINS, -1)
    for _ in range(3):  # each turn the next axis comes first
        down = cv2.GaussianBlur(field, (1, 9), 0, sigmaY=1.0, borderType=cv2.BORDER_REFLECT)
        field = np.ascontiguousarray(down.reshape(BINS, BINS, BINS).transpose(1, 2, 0))
        field = field.reshape(BINS, -1)
    return np.asarray(field.ravel(), np.float32)
