"""Segmentation without weights into things: watershed, super-pixels that merge, GrabCut.

Each works on a picture of at most `WORKING` pixels; its outlines are then carried over to the
full size.

Beucher and Lantuejoul, Use of Watersheds in Contour Detection, 1979; Achanta et al., SLIC
Superpixels, PAMI 2012; Rother et al., GrabCut, SIGGRAPH 2004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskworks.models.families.backdrop import difference_from_backdrop, threshold_of, to_lab
from maskworks.models.families.classical import cleaned, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.values import Bool2D, Box, Float2D, Image, Pixels

    Segments = NDArray[np.int32]

WORKING = 1_000_000
"""Pixels that these methods work on at most; more cost time and change little."""

PIECES = 400
"""Super-pixels that SLIC starts with."""

MERGE_BELOW = 14.0
"""Neighbours whose mean colours differ by less (Lab, 8-bit scale) become one region."""

_GRABCUT_ROUNDS = 5
_INSET = 0.03
_SMOOTHING = 2.0
_DEPTH = 0.2
_TEXTURE = 2.5
_WEAKER = 0.8


def watershed(image: Image) -> Segments:
    """Return the objects that lie on a backdrop, numbered, also where they touch.

    What clearly differs from the backdrop grows from its middle, what clearly does not grows
    from the border, and the two meet where the picture changes most; then each object is cut
    at its necks.

    Parameters
    ----------
    image : Image of shape (H, W)

    Returns
    -------
    int32 (H, W)
        0 the backdrop, 1 to n the objects from top to bottom.

    Examples
    --------
    >>> from maskworks.core.values import Image
    >>> pixels = np.full((40, 80, 3), 20, np.uint8)
    >>> pixels[10:30, 10:30] = pixels[10:30, 50:70] = 220
    >>> int(watershed(Image(pixels)).max())
    2
    """
    small = within(image.pixels, WORKING)
    inside = _clear_of_backdrop(small)
    if not inside.any():
        return np.zeros(image.size, np.int32)
    return to_size(_cut_at_necks(inside), image.size)


def slic_merge(image: Image) -> Segments:
    """Divide a whole picture into regions of like colour.

    Parameters
    ----------
    image : Image of shape (H, W)

    Returns
    -------
    int32 (H, W), 1 to n
        Super-pixels, merged as long as two neighbours' mean colours are alike.

    Examples
    --------
    >>> from maskworks.core.values import Image
    >>> pixels = np.full((40, 40, 3), 20, np.uint8)
    >>> pixels[:, 20:] = (200, 40, 40)
    >>> np.unique(slic_merge(Image(pixels))).tolist()
    [1, 2]
    """
    from skimage.segmentation import slic

    small = within(image.pixels, WORKING)
    pieces = min(PIECES, max(1, small.shape[0] * small.shape[1] // 16))
    numbers = slic(small, n_segments=pieces, compactness=10, start_label=0, channel_axis=2)
    return to_size(_merged(np.asarray(numbers, np.int32), to_lab(small)), image.size)


def grabcut(image: Image, box: Box | None = None) -> NDArray[np.uint8]:
    """Cut one object out of a rectangle, by the colours inside and outside of it.

    Parameters
    ----------
    image : Image of shape (H, W)
    box : Box, optional
        Around the object; by default the box of what differs from the backdrop, and where
        nothing does the picture without a narrow border.

    Returns
    -------
    uint8 (H, W)
        0 backdrop, 1 object; all 0 for a picture of one colour.
    """
    import cv2

    small = within(image.pixels, WORKING // 5)
    height, width = small.shape[:2]
    if min(height, width) < 3 or int(small.max()) == int(small.min()):
        return np.zeros(image.size, np.uint8)
    top, left, bottom, right = _start_box(small, box, image.size)
    marks = np.full((height, width), cv2.GC_BGD, np.uint8)
    marks[top:bottom, left:right] = cv2.GC_PR_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((2, 1, 65), np.float64)
    whole = (0, 0, width, height)  # not used: the marks say where to look
    bgr = np.ascontiguousarray(small[..., ::-1])
    cv2.grabCut(bgr, marks, whole, models[0], models[1], _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = cleaned((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD))
    return to_size(found.astype(np.int32), image.size).astype(np.uint8)


def to_size(segments: Segments, size: tuple[int, int]) -> Segments:
    """Carry numbers over to another size; outlines are smoothed, not stepped.

    Parameters
    ----------
    segments : int32 (h, w)
    size : (H, W)

    Returns
    -------
    int32 (H, W)
    """
    import cv2

    if segments.shape == size:
        return segments
    height, width = size
    nearest = cv2.resize(
        segments.astype(np.float64), (width, height), interpolation=cv2.INTER_NEAREST_EXACT
    )
    return np.asarray(nearest, np.int32)


def _clear_of_backdrop(pixels: Pixels) -> Bool2D:
    """Return what lies on the backdrop, its outline where the picture changes most."""
    from scipy.ndimage import binary_dilation, binary_erosion, binary_fill_holes, binary_opening
    from skimage.filters import sobel
    from skimage.segmentation import watershed as flood

    light = to_lab(pixels)[..., 0]
    signs = np.hypot(difference_from_backdrop(pixels), _TEXTURE * _unrest(light))
    strong = signs > _WEAKER * threshold_of(signs)
    found = binary_opening(binary_fill_holes(cleaned(strong)), iterations=3)
    if not found.any():
        return cleaned(strong)
    markers = np.zeros(found.shape, np.int32)
    markers[~binary_dilation(found, iterations=2)] = 1
    markers[binary_erosion(found, iterations=5)] = 2
    if not (markers == 2).any() or not (markers == 1).any():
        return np.asarray(found, bool)
    flooded: Bool2D = flood(sobel(light), markers) == 2
    return cleaned(binary_opening(binary_fill_holes(flooded), iterations=2))


def _unrest(light: Float2D) -> Float2D:
    """Return the standard deviation of the lightness around each pixel, 7 x 7."""
    from scipy.ndimage import uniform_filter

    mean = uniform_filter(light, 7)
    unrest: Float2D = np.sqrt(np.maximum(uniform_filter(light * light, 7) - mean * mean, 0))
    return unrest


def _cut_at_necks(inside: Bool2D) -> Segments:
    """Return the pieces numbered; a piece with two middles a neck apart is two."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter, label
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed as flood

    depth = gaussian_filter(distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1], _SMOOTHING)
    depth *= inside
    pieces, count = label(inside, np.ones((3, 3), int))
    deepest = np.zeros(count + 1)
    np.maximum.at(deepest, pieces.ravel(), depth.ravel())
    relative = depth / np.maximum(deepest[pieces], 1e-6)  # one scale for small and large pieces
    middles, _ = label(h_maxima(np.round(relative, 3), _DEPTH), np.ones((3, 3), int))
    middles[~inside] = 0
    return numbered(flood(-relative, middles, mask=inside))


def numbered(segments: NDArray[np.int32]) -> Segments:
    """Return segments numbered 1 to n by where they first appear, row by row; 0 stays 0."""
    found, first, inverse = np.unique(segments, return_index=True, return_inverse=True)
    order = np.argsort(np.where(found == 0, -1, first), kind="stable")
    rank = np.empty(len(found), np.int32)
    rank[order] = np.arange(len(found)) + (0 if (found == 0).any() else 1)
    return rank[inverse].reshape(segments.shape).astype(np.int32)


def _merged(numbers: Segments, lab: NDArray[np.float32]) -> Segments:
    """Merge the two most alike neighbours, again and again."""
    count = int(numbers.max()) + 1
    flat = numbers.ravel()
    sizes = np.bincount(flat, minlength=count).astype(np.float64)
    means = (
        np.stack(
            [np.bincount(flat, lab[..., c].ravel(), minlength=count) for c in range(3)], axis=1
        )
        / np.maximum(sizes, 1)[:, np.newaxis]
    )
    near = _neighbours(numbers)
    parent = np.arange(count)
    while True:
        best = min(
            (
                (float(np.linalg.norm(means[a] - means[b])), a, b)
                for a in near
                for b in near[a]
                if a < b
            ),
            default=(np.inf, 0, 0),
        )
        if best[0] >= MERGE_BELOW:
            break
        _, kept, gone = best
        weights = sizes[[kept, gone]]
        means[kept] = (weights @ means[[kept, gone]]) / weights.sum()
        sizes[kept] = weights.sum()
        for other in near.pop(gone):
            near[other].discard(gone)
            if other != kept:
                near[other].add(kept)
                near[kept].add(other)
        parent[parent == gone] = kept
    return numbered(parent[numbers].astype(np.int32) + 1)


def _neighbours(numbers: Segments) -> dict[int, set[int]]:
    near: dict[int, set[int]] = {int(n): set() for n in np.unique(numbers)}
    for a, b in ((numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1])):
        for first, second in np.unique(np.stack([a[a != b], b[a != b]], axis=1), axis=0).tolist():
            near[first].add(second)
            near[second].add(first)
    return near


def _start_box(small: Pixels, box: Box | None, size: tuple[int, int]) -> tuple[int, int, int, int]:
    height, width = small.shape[:2]
    if box is not None:
        y, x = height / size[0], width / size[1]
        return int(box.top * y), int(box.left * x), round(box.bottom * y), round(box.right * x)
    distance = difference_from_backdrop(small)
    found = cleaned(distance > threshold_of(distance))
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    inset_y, inset_x = max(1, int(height * _INSET)), max(1, int(width * _INSET))
    if rows.size == 0:
        return inset_y, inset_x, height - inset_y, width - inset_x
    return (
        max(1, int(rows[0]) - inset_y),
        max(1, int(columns[0]) - inset_x),
        min(height - 1, int(rows[-1]) + 1 + inset_y),
        min(width - 1, int(columns[-1]) + 1 + inset_x),
    )
