"""Segmentation without weights: thresholds and clusters of colour, one class a pixel.

Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE SMC 1979; Liao et al., A
Fast Algorithm for Multilevel Thresholding, 2001; Lloyd, Least Squares Quantization, 1982.
Each method is fitted to a picture of at most `SAMPLE` pixels and then applied to all of them,
so a picture of any size costs the same to fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.models.families.backdrop import difference_from_backdrop, threshold_of, to_lab
from maskworks.models.families.resampling import enlarge, shrink

if TYPE_CHECKING:
    from maskworks.core.values import Image, Pixels

Ids = NDArray[np.uint8]

SAMPLE = 1_000_000
"""Pixels that are enough to fit a threshold or clusters to."""

SMALLEST_SHARE = 0.0002
"""A piece or a hole with a smaller share of the picture is a speck and is taken away."""

MOST_CLASSES = 8
_KMEANS_TRIES = 3
_KMEANS_STEPS = 60
_KMEANS_MOVE = 0.2


def otsu(image: Image) -> Ids:
    """Split a picture into its backdrop and what lies on it.

    Otsu's threshold of the difference from the backdrop, which is what most of the border
    shows; specks and pinholes are taken away.

    Parameters
    ----------
    image : Image of shape (H, W)

    Returns
    -------
    uint8 (H, W)
        0 backdrop, 1 object; all 0 for a picture of one colour.

    Examples
    --------
    >>> from maskworks.core.values import Image
    >>> pixels = np.full((20, 20, 3), 240, np.uint8)
    >>> pixels[5:15, 5:15] = (200, 30, 30)
    >>> int(otsu(Image(pixels)).sum())
    100
    """
    small = within(image.pixels, SAMPLE)
    distance = difference_from_backdrop(small)
    threshold = threshold_of(distance)
    if small.shape[:2] != image.size:
        distance = enlarge(distance, *image.size)
    return cleaned(distance > threshold).astype(np.uint8)


def multi_otsu(image: Image, classes: int = 3) -> Ids:
    """Split a picture into levels of brightness, 0 the darkest.

    Parameters
    ----------
    image : Image of shape (H, W)
    classes : int, 2 to 5

    Returns
    -------
    uint8 (H, W), 0 to `classes` - 1
        A picture with fewer grey levels than that has fewer classes.

    Raises
    ------
    UsageError
        If `classes` is outside its range.

    Examples
    --------
    >>> from maskworks.core.values import Image
    >>> bars = np.repeat(np.repeat(np.array([10, 120, 240], np.uint8), 4)[None], 4, axis=0)
    >>> multi_otsu(Image(np.dstack([bars] * 3)))[0].tolist()
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    """
    from skimage.filters import threshold_multiotsu

    if not 2 <= classes <= 5:
        raise UsageError(f"multi-otsu finds 2 to 5 levels, got {classes}; use kmeans for more")
    grey = to_lab(within(image.pixels, SAMPLE))[..., 0].astype(np.uint8)
    levels = np.unique(grey)
    if levels.size <= classes:
        thresholds = (levels[1:].astype(np.float64) + levels[:-1]) / 2
    else:
        thresholds = threshold_multiotsu(grey, classes=classes)
    lookup = np.digitize(np.arange(256), thresholds).astype(np.uint8)
    ids: Ids = lookup[to_lab(image.pixels)[..., 0].astype(np.uint8)]
    return ids


def kmeans(image: Image, classes: int = 3) -> Ids:
    """Split a picture into clusters of colour in CIE Lab, 0 the one with most pixels.

    Parameters
    ----------
    image : Image of shape (H, W)
    classes : int, 2 to 8

    Returns
    -------
    uint8 (H, W), 0 to `classes` - 1
        Equal pictures give equal answers; a picture with fewer colours has fewer classes.

    Raises
    ------
    UsageError
        If `classes` is outside its range.

    Examples
    --------
    >>> from maskworks.core.values import Image
    >>> pixels = np.zeros((4, 4, 3), np.uint8)
    >>> pixels[0] = (255, 0, 0)
    >>> kmeans(Image(pixels), 2)[:, 0].tolist()
    [1, 0, 0, 0]
    """
    if not 2 <= classes <= MOST_CLASSES:
        raise UsageError(f"kmeans finds 2 to {MOST_CLASSES} clusters, got {classes}")
    sample = to_lab(within(image.pixels, SAMPLE // 8)).reshape(-1, 3)
    centres = _centres(sample, classes)
    nearest = _nearest(sample, centres)
    order = np.argsort(-np.bincount(nearest, minlength=len(centres)), kind="stable")
    return np.concatenate(
        [
            _nearest(to_lab(rows).reshape(-1, 3), centres[order]).reshape(rows.shape[:2])
            for rows in np.array_split(image.pixels, -(-image.pixels.size // (3 * SAMPLE)))
            if len(rows)
        ]
    )


def within(pixels: Pixels, most: int) -> Pixels:
    """Return a picture reduced to at most so many pixels, its sides at least 1."""
    height, width = pixels.shape[:2]
    if height * width <= most:
        return pixels
    factor = (most / (height * width)) ** 0.5
    new_height = min(max(1, int(height * factor)), most)
    return shrink(pixels, new_height, max(1, min(int(width * factor), most // new_height)))


def cleaned(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take away pieces and holes below `SMALLEST_SHARE` of the picture."""
    from skimage.morphology import remove_small_holes, remove_small_objects

    smallest = int(SMALLEST_SHARE * inside.size)
    if smallest == 0:
        return inside
    kept = remove_small_objects(inside, max_size=smallest)
    filled: NDArray[np.bool_] = remove_small_holes(kept, max_size=smallest)
    return filled


def _centres(sample: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    import cv2

    colours = np.unique(sample, axis=0)
    if len(colours) <= classes:
        return colours
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, _KMEANS_STEPS, _KMEANS_MOVE)
    cv2.setRNGSeed(0)
    no_start = np.zeros((0, 1), np.int32)
    found = cv2.kmeans(sample, classes, no_start, stop, _KMEANS_TRIES, cv2.KMEANS_PP_CENTERS)
    return np.asarray(found[2], np.float32)


def _nearest(colours: NDArray[np.float32], centres: NDArray[np.float32]) -> Ids:
    """Return for each colour (n, 3) the number of the nearest centre."""
    best = np.full(len(colours), np.inf, np.float32)
    ids = np.zeros(len(colours), np.uint8)
    for number, centre in enumerate(centres):
        away = colours - centre
        squared = np.einsum("ij,ij->i", away, away)
        closer = squared < best
        best[closer] = squared[closer]
        ids[closer] = number
    return ids
