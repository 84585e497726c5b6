"""Networks that answer with boxes, labels, scores and masks, as Mask R-CNN does.

He et al., Mask R-CNN, ICCV 2017.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.core.instances import Instances
from maskworks.core.rle import Rle, encode_mask
from maskworks.models.families.network_input import Place, to_input
from maskworks.models.families.resampling import enlarge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.taxonomy import Taxonomy
    from maskworks.core.values import Image
    from maskworks.models.runtimes.network import Network, Outputs
    from maskworks.models.spec import ModelSpec

INSIDE = 0.5
"""A pixel is the object's if its mask is at least this there."""


def predict_instances(
    image: Image, spec: ModelSpec, network: Network, taxonomy: Taxonomy, *, min_score: float
) -> Instances:
    """Run a network of detections on one picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    taxonomy : Taxonomy
        Label 1 of the network is its first class that is not called background.
    min_score : float in [0, 1]

    Returns
    -------
    Instances of (H, W), best first; none is an answer

    Raises
    ------
    NetworkError
        If the four outputs do not fit together, or a label has no class.
    """
    batch, place = to_input(image.pixels, spec.input)
    boxes, labels, scores, masks = _checked(network(batch), spec)
    ids = [each.id for each in taxonomy.categories if each.name != "background"]
    keep = np.flatnonzero(scores >= min_score)
    keep = keep[np.argsort(-scores[keep], kind="stable")]
    strange = [int(label) for label in labels[keep] if not 1 <= label <= len(ids)]
    if strange:
        raise NetworkError(
            spec.name,
            f"its label {strange[0]} has no class, its row names {len(ids)} (labels 1 to "
            f"{len(ids)}); correct the row's taxonomy or classes",
        )
    pasted = [paste(masks[at], boxes[at], place, image.size) for at in keep]
    found = [at for at, mask in enumerate(pasted) if mask.area > 0]
    return Instances.of(
        [pasted[at] for at in found],
        labels=[ids[int(labels[keep[at]]) - 1] for at in found],
        scores=np.clip(scores[keep[found]], 0, 1) if found else [],
        taxonomy=taxonomy,
        size=image.size,
    )


def paste(
    mask: NDArray[np.float32], box: NDArray[np.float32], place: Place, size: tuple[int, int]
) -> Rle:
    """Return a mask of the network's input, or of its box there, as a mask of the picture.

    That of a box is sampled as detectron2 samples it: a box that reaches out of the picture keeps
    its shape.

    Parameters
    ----------
    mask : float32 (h, w) in [0, 1]
    box : float32 (4,), x1 y1 x2 y2, pixels of the input
    size : (H, W) of the picture
    """
    height, width = size
    if mask.shape == place.canvas:
        cut = mask[place.top : place.top + place.height, place.left : place.left + place.width]
        return encode_mask(enlarge(np.ascontiguousarray(cut), height, width) >= INSIDE)
    y, x = height / place.height, width / place.width
    left, right = ((float(box[at]) - place.left) * x for at in (0, 2))
    top, bottom = ((float(box[at]) - place.top) * y for at in (1, 3))
    within = span(top, bottom, height), span(left, right, width)
    return sampled(mask, (top, bottom, left, right), within, size)


def sampled(
    mask: NDArray[np.float32],
    extent: tuple[float, float, float, float],
    within: tuple[slice, slice],
    size: tuple[int, int],
) -> Rle:
    """Return a mask that covers `extent` of a picture as one of the picture.

    Parameters
    ----------
    mask : float32 (h, w) in [0, 1]
    extent : (top, bottom, left, right), pixels of the picture; it may reach out of it
    within : rows and columns of the picture; beside them nothing is inside
    size : (H, W) of the picture
    """
    top, bottom, left, right = extent
    rows, columns = within
    inside = np.zeros(size, bool)
    if rows.stop > rows.start and columns.stop > columns.start:
        soft = _between(_between(mask, top, bottom, rows).T, left, right, columns).T
        inside[rows, columns] = soft >= INSIDE
    return encode_mask(inside)


def _between(
    mask: NDArray[np.float32], first: float, last: float, rows: slice
) -> NDArray[np.float32]:
    """Return the mask's values at the middles of `rows`, of which it covers `first` to `last`.

    They are interpolated; beyond the mask it is 0. A box may reach out of the picture.
    """
    count = mask.shape[0]
    padded = np.pad(mask, ((1, 1), (0, 0)))
    middles = (np.arange(rows.start, rows.stop) + 0.5 - first) / (last - first) * count + 0.5
    middles = np.clip(middles, 0, count + 1)
    low = np.minimum(middles.astype(np.intp), count)
    share = (middles - low).astype(np.float32)[:, np.newaxis]
    found: NDArray[np.float32] = padded[low] * (1 - share) + padded[low + 1] * share
    return found


def span(first: float, last: float, length: int) -> slice:
    """Return the pixels of a line of `length` that lie between two places, in part at least."""
    start = int(np.clip(np.floor(first), 0, length))
    return slice(start, int(np.clip(np.ceil(last), start, length)))


def _checked(outputs: Outputs, spec: ModelSpec) -> tuple[NDArray[Any], ...]:
    """Return boxes (n, 4), labels (n,), scores (n,) and masks (n, h, w)."""
    if len(outputs) != 4:
        raise NetworkError(
            spec.name,
            f"answers {len(outputs)} outputs, detections are four: boxes, labels, scores, masks",
        )
    boxes, labels, scores, masks = (np.asarray(output) for output in outputs)
    if masks.ndim == 4 and masks.shape[1] == 1:
        masks = masks[:, 0]
    count = len(boxes)
    fits = boxes.shape == (count, 4) and labels.shape == scores.shape == (count,)
    if not fits or masks.ndim != 3 or len(masks) != count:
        shapes = ", ".join(str(np.shape(output)) for output in outputs)
        raise NetworkError(
            spec.name,
            f"its outputs are {shapes}; detections are (n, 4), (n,), (n,), (n, 1, h, w)",
        )
    if count and not all(np.isfinite(each).all() for each in (boxes, scores, masks)):
        raise NetworkError(spec.name, "its answer holds NaN or infinity")
    whole = labels.astype(np.int64)
    return boxes.astype(np.float32), whole, scores.astype(np.float32), masks.astype(np.float32)
