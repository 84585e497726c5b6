"""Networks of classes and depth: instances by a distance transform inside each object.

The depth is the distance to the object's edge over the largest in it, so it is 1 in the middle
of small and large objects alike and 0 where two touch: objects grow from where it is high.

Beucher and Lantuejoul, Use of Watersheds in Contour Detection, 1979; the depth as a target:
Bai and Urtasun, Deep Watershed Transform for Instance Segmentation, CVPR 2017.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.core.instances import Instances
from maskworks.core.rle import encode_ids
from maskworks.models.families.class_scores import ClassScores, softmax
from maskworks.models.families.network_input import to_input, without_padding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.taxonomy import Taxonomy
    from maskworks.core.values import Image
    from maskworks.models.runtimes.network import Network
    from maskworks.models.spec import ModelSpec

    Floats = NDArray[np.float32]

SEED = 0.5
"""Above this depth lies the middle of an object, below it its rim."""

SMALLEST = 9
"""Pixels of the smallest object; less is noise."""


def predict_objects(
    image: Image, spec: ModelSpec, network: Network, taxonomy: Taxonomy, *, min_score: float
) -> Instances:
    """Run a network of classes and depth on one picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    spec : ModelSpec
        Its output kind is "class-depth".
    taxonomy : Taxonomy
        Of C classes, the first of which is no object.
    min_score : float in [0, 1]
        Below it an object is none; its score is the mean chance that its pixels are no background.

    Returns
    -------
    Instances of (H, W), best first; none is an answer

    Raises
    ------
    NetworkError
        If the answer is not (1, C + 1, h, w), or not finite.
    """
    classes = len(taxonomy)
    batch, place = to_input(image.pixels, spec.input)
    output = np.asarray(network(batch)[0], np.float32)
    if output.ndim != 4 or output.shape[:2] != (1, classes + 1):
        raise NetworkError(
            spec.name,
            f"its first output is {output.shape}, {classes} classes and a depth are "
            f"(1, {classes + 1}, h, w); correct its row",
        )
    if not np.isfinite(output).all():
        raise NetworkError(spec.name, "its answer holds NaN or infinity")
    whole = ClassScores(without_padding(output[0], place), image.size).rows(0, image.size[0])
    chances = softmax(whole[:classes])
    depth = 1 / (1 + np.exp(-np.clip(whole[classes], -30, 30)))
    return to_instances(chances, depth, taxonomy, min_score=min_score)


def to_instances(
    chances: Floats, depth: Floats, taxonomy: Taxonomy, *, min_score: float
) -> Instances:
    """Return the objects of a picture.

    Parameters
    ----------
    chances : float32 (C, H, W), of the classes, the first of which is no object
    depth : float32 (H, W) in [0, 1]
    min_score : float in [0, 1]

    Examples
    --------
    >>> from maskworks.core.taxonomy import plain_taxonomy
    >>> chances = np.zeros((2, 9, 20), np.float32)
    >>> chances[1, 2:7, 2:18] = 1
    >>> chances[0] = 1 - chances[1]
    >>> depth = chances[1] * 0.1
    >>> depth[3:6, 4:8] = depth[3:6, 12:16] = 0.9
    >>> plain = plain_taxonomy(["background", "leaf"])
    >>> to_instances(chances, depth, plain, min_score=0.5).areas.tolist()
    [40, 40]
    """
    numbers = grown(chances.argmax(0) > 0, depth)
    count, flat = int(numbers.max()) + 1, numbers.ravel()
    sizes = np.bincount(flat, minlength=count)
    sums = np.stack([np.bincount(flat, each.ravel(), minlength=count) for each in chances[1:]])
    scores = np.clip(sums.sum(0) / np.maximum(sizes, 1), 0, 1)
    labels = np.asarray(taxonomy.ids)[sums.argmax(0) + 1]
    masks = encode_ids(numbers)
    kept = [at for at in masks if at and sizes[at] >= SMALLEST and scores[at] >= min_score]
    kept.sort(key=lambda at: (-scores[at], at))
    return Instances.of(
        [masks[at] for at in kept],
        labels=labels[kept] if kept else [],
        scores=scores[kept] if kept else [],
        taxonomy=taxonomy,
        size=(numbers.shape[0], numbers.shape[1]),
    )


def grown(inside: NDArray[np.bool_], depth: Floats) -> NDArray[np.int32]:
    """Return the number of the object at each pixel inside.

    Each grows from a middle, and a piece without one is one.

    Parameters
    ----------
    inside : bool (H, W)
    depth : float32 (H, W)

    Returns
    -------
    int32 (H, W), 0 outside
    """
    from scipy.ndimage import gaussian_filter, label
    from skimage.segmentation import watershed

    smooth = gaussian_filter(depth, 1.0)
    middles, count = label(inside & (smooth > SEED), np.ones((3, 3), int))
    if count:
        sizes = np.bincount(middles.ravel())
        middles[(sizes < 3)[middles]] = 0
    found: NDArray[np.int32] = watershed(-smooth, middles, mask=inside).astype(np.int32)
    rest, _ = label(inside & (found == 0))
    found[rest > 0] = rest[rest > 0] + found.max()
    return found
