"""YOLO networks that answer with boxes and the weights of shared masks.

Bolya et al., YOLACT, ICCV 2019, whose masks they use; the layouts of the outputs are those that
Ultralytics documents for exported segmentation models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.core.instances import Instances
from maskworks.models.families.detections import sampled, span
from maskworks.models.families.network_input import Place, to_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.rle import Rle
    from maskworks.core.taxonomy import Taxonomy
    from maskworks.core.values import Image
    from maskworks.models.runtimes.network import Network, Outputs
    from maskworks.models.spec import ModelSpec

OVERLAP = 0.7
"""Of two boxes of one class that overlap by more (IoU), the better one stays."""

MOST = 300
"""Objects of a picture."""

FINISHED_ROWS = 1000
"""An answer with more rows has not been thinned out by the network itself."""


def predict_yolo(
    image: Image, spec: ModelSpec, network: Network, taxonomy: Taxonomy, *, min_score: float
) -> Instances:
    """Run a network of boxes and mask weights on one picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    spec : ModelSpec
    network : Network
    taxonomy : Taxonomy
        Its classes in the network's order.
    min_score : float in [0, 1]

    Returns
    -------
    Instances of (H, W), best first; none is an answer

    Raises
    ------
    NetworkError
        If the two outputs do not fit together or the classes.
    """
    batch, place = to_input(image.pixels, spec.input)
    boxes, labels, scores, weights, shared = _read(network(batch), spec, len(taxonomy))
    keep = np.flatnonzero(scores >= min_score)
    keep = keep[np.argsort(-scores[keep], kind="stable")]
    keep = keep[_apart(boxes[keep], labels[keep])][:MOST]
    masks = [_mask(boxes[at], weights[at], shared, place, image.size) for at in keep]
    found = [at for at, mask in enumerate(masks) if mask.area > 0]
    return Instances.of(
        [masks[at] for at in found],
        labels=[taxonomy.ids[int(labels[keep[at]])] for at in found],
        scores=np.clip(scores[keep[found]], 0, 1) if found else [],
        taxonomy=taxonomy,
        size=image.size,
    )


def _read(outputs: Outputs, spec: ModelSpec, classes: int) -> tuple[NDArray[Any], ...]:
    """Return boxes (n, 4) as x1 y1 x2 y2, labels (n,), scores (n,), weights (n, m), masks."""
    shapes = ", ".join(str(np.shape(output)) for output in outputs)
    if len(outputs) < 2 or np.ndim(outputs[0]) != 3 or np.ndim(outputs[1]) != 4:
        raise NetworkError(
            spec.name,
            f"its outputs are {shapes}; YOLO's are (1, 4 + classes + masks, n) and "
            "(1, masks, h, w); a network of boxes alone has no masks",
        )
    rows, shared = (np.asarray(output[0], np.float32) for output in outputs[:2])
    if not (np.isfinite(rows).all() and np.isfinite(shared).all()):
        raise NetworkError(spec.name, "its answer holds NaN or infinity")
    count = len(shared)
    if rows.shape[1] == 6 + count and len(rows) <= FINISHED_ROWS:
        found = rows[:, :4], rows[:, 5].astype(np.int64), rows[:, 4]
    else:
        if rows.shape[1] == 5 + classes + count:
            given = rows[:, 5 : 5 + classes] * rows[:, 4:5]
        elif rows.shape[0] == 4 + classes + count:
            rows = rows.T
            given = rows[:, 4 : 4 + classes]
        else:
            raise NetworkError(
                spec.name,
                f"its outputs are {shapes}; with {classes} classes and {count} masks the first is "
                f"(1, {4 + classes + count}, n), (1, n, {5 + classes + count}) or "
                f"(1, n, {6 + count}); correct the row's classes",
            )
        centre, half = rows[:, :2], rows[:, 2:4] / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        found = boxes, given.argmax(axis=1), given.max(axis=1)
    strange = found[1][(found[1] < 0) | (found[1] >= classes)]
    if len(strange):
        raise NetworkError(
            spec.name, f"its label {int(strange[0])} has no class, its row names {classes} "
            f"(labels 0 to {classes - 1}); correct the row's classes"
        )  # fmt: skip
    return *found, rows[:, rows.shape[1] - count :], shared


def _apart(boxes: NDArray[np.float32], labels: NDArray[np.int64]) -> list[int]:
    """Return which of boxes, best first, overlap no better one of their class by too much."""
    kept: list[int] = []
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    areas = size[:, 0] * size[:, 1]
    for at in range(len(boxes)):
        others = [each for each in kept if labels[each] == labels[at]]
        low = np.maximum(boxes[others, :2], boxes[at, :2])
        high = np.minimum(boxes[others, 2:], boxes[at, 2:])
        shared = np.maximum(high - low, 0).prod(axis=1)
        if not (shared > OVERLAP * (areas[others] + areas[at] - shared)).any():
            kept.append(at)
        if len(kept) == MOST:
            break
    return kept


def _mask(
    box: NDArray[np.float32],
    weights: NDArray[np.float32],
    shared: NDArray[np.float32],
    place: Place,
    size: tuple[int, int],
) -> Rle:
    """Return the mask of one object in the picture; it lies inside its box."""
    values = 1 / (1 + np.exp(-np.clip(np.tensordot(weights, shared, 1), -60, 60)))
    y, x = size[0] / place.height, size[1] / place.width
    extent = (-place.top * y, (place.canvas[0] - place.top) * y,
              -place.left * x, (place.canvas[1] - place.left) * x)  # fmt: skip
    rows = span((box[1] - place.top) * y, (box[3] - place.top) * y, size[0])
    columns = span((box[0] - place.left) * x, (box[2] - place.left) * x, size[1])
    return sampled(values.astype(np.float32), extent, (rows, columns), size)
