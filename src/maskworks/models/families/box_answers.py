"""Networks that answer with boxes and a score for every class; a mask is cut out in each box.

A box that overlaps a better one of its class is dropped, greedily, as in every detector of the
field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.core.instances import Instances
from maskworks.core.rle import Rle, encode_mask
from maskworks.core.values import Box
from maskworks.models.families.network_input import to_input
from maskworks.models.families.resampling import enlarge, shrink

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maskworks.core.taxonomy import Taxonomy
    from maskworks.core.values import Image
    from maskworks.models.runtimes.network import Network, Outputs
    from maskworks.models.spec import ModelSpec

    Cut = Callable[[Image, NDArray[np.float32]], list[Rle]]

SAME_OBJECT = 0.45
"""Two boxes of one class whose IoU is above this are one object."""

STRIDES = (8, 16, 32)
"""Pixels of the cells in which YOLOX places boxes."""

_LARGEST = 10.0

MOST = 300
"""Objects of one picture; the rest, the least sure, is left out."""

AROUND = 0.15
"""How much of a box's sides is shown around it when its object is cut out."""

CUT_SIDE = 160
"""Pixels of a side at which the object of a box is cut out."""

LEAST_SHARE = 0.1
"""A mask that fills less of its box is no answer: the box then stands for it."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes (N, 4) float32 as x1 y1 x2 y2, scores (N,) and classes (N,), best first."""

    edges: NDArray[np.float32]
    scores: NDArray[np.float32]
    kinds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)


def best_boxes(
    edges: NDArray[np.float32],
    scores: NDArray[np.float32],
    *,
    min_score: float,
    iou: float = SAME_OBJECT,
) -> Boxes:
    """Keep the boxes whose best class has at least a score, one for each object.

    Parameters
    ----------
    edges : float32 (P, 4), x1 y1 x2 y2
    scores : float32 (P, C) in [0, 1]
    min_score : float
    iou : above it, of two boxes of a class only the better is kept

    Examples
    --------
    >>> edges = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [40, 0, 50, 9]], np.float32)
    >>> scores = np.array([[0.6, 0.1], [0.8, 0.1], [0.1, 0.7]], np.float32)
    >>> found = best_boxes(edges, scores, min_score=0.5)
    >>> found.kinds.tolist(), found.edges[:, 0].tolist()
    ([0, 1], [1.0, 40.0])
    """
    kinds = scores.argmax(1)
    best = scores[np.arange(len(scores)), kinds]
    chosen = np.flatnonzero(best >= min_score)
    chosen = chosen[np.argsort(-best[chosen], kind="stable")][: 4 * MOST]
    e, k = edges[chosen].astype(np.float32), kinds[chosen]
    kept = np.ones(len(chosen), bool)
    for at in range(len(chosen)):
        if kept[at]:
            same = k[at + 1 :] == k[at]
            kept[at + 1 :] &= ~(same & (box_ious(e[at : at + 1], e[at + 1 :])[0] > iou))
    chosen = chosen[kept][:MOST]
    return Boxes(edges[chosen].astype(np.float32), best[chosen].astype(np.float32), kinds[chosen])


def box_ious(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the IoU of every box of (A, 4) with every one of (B, 4), x1 y1 x2 y2: (A, B).

    Boxes without area overlap nothing.

    Examples
    --------
    >>> box_ious(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
    array([[0.333, 0.   ]])
    """
    low = np.maximum(a[:, np.newaxis, :2], b[np.newaxis, :, :2]).astype(np.float64)
    high = np.minimum(a[:, np.newaxis, 2:], b[np.newaxis, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [np.clip(each[:, 2:] - each[:, :2], 0, None).prod(-1) for each in (a, b)]
    united = areas[0][:, np.newaxis] + areas[1][np.newaxis] - shared
    found: NDArray[np.float64] = shared / np.maximum(united, 1e-12)
    return found


def predict_boxes(
    image: Image, spec: ModelSpec, network: Network, kinds: int, *, min_score: float
) -> Boxes:
    """Run a network of boxes on one picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    spec : ModelSpec
    network : Network
    kinds : int
        How many classes the taxonomy has.
    min_score : float in [0, 1]

    Returns
    -------
    Boxes, in pixels of the picture and within it

    Raises
    ------
    NetworkError
        If the outputs are not boxes (1, P, 4) and scores (1, P, kinds), or not finite.
    """
    batch, place = to_input(image.pixels, spec.input)
    edges, scores = _read(network(batch), spec, place.canvas)
    if scores.shape[1] != kinds:
        raise NetworkError(
            spec.name,
            f"it scores {scores.shape[1]} classes, its row names {kinds}; correct the row's "
            "taxonomy or classes",
        )
    if not (np.isfinite(edges).all() and np.isfinite(scores).all()):
        raise NetworkError(spec.name, "its answer holds NaN or infinity")
    height, width = image.size
    scale = np.array([width / place.width, height / place.height] * 2, np.float32)
    edges = (edges - np.array([place.left, place.top] * 2, np.float32)) * scale
    edges = np.clip(edges, 0, np.array([width, height] * 2, np.float32))
    wide = (edges[:, 2:] - edges[:, :2]).min(1) >= 1
    return best_boxes(edges[wide], np.clip(scores[wide], 0, 1), min_score=min_score)


def _read(
    outputs: Outputs, spec: ModelSpec, canvas: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return boxes (P, 4) and scores (P, C) of what a network answered."""
    shapes = ", ".join(str(each.shape) for each in outputs)
    if not all(each.ndim == 3 and len(each) == 1 for each in outputs):
        raise NetworkError(spec.name, f"its outputs are {shapes}; each must be (1, P, ...)")
    if spec.output.kind == "yolox":
        places = sum((canvas[0] // each) * (canvas[1] // each) for each in STRIDES)
        if len(outputs) != 1 or outputs[0].shape[1] != places or outputs[0].shape[2] < 6:
            raise NetworkError(
                spec.name, f"its outputs are {shapes}; YOLOX's is (1, {places}, 5 + C)"
            )
        return in_cells(outputs[0][0].astype(np.float32), canvas)
    fits = len(outputs) == 2 and outputs[0].shape[2] == 4
    if not fits or outputs[0].shape[1] != outputs[1].shape[1]:
        raise NetworkError(spec.name, f"its outputs are {shapes}; boxes are (1, P, 4), (1, P, C)")
    return outputs[0][0].astype(np.float32), outputs[1][0].astype(np.float32)


def in_cells(
    answer: NDArray[np.float32], canvas: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn places in cells into boxes: Ge et al., YOLOX, 2021.

    Parameters
    ----------
    answer : float32 (P, 5 + C)
        Of each cell, row by row and stride by stride: the middle from its corner and the
        logarithm of the size, both in cells; objectness and classes in [0, 1].
    canvas : (h, w) of the input

    Returns
    -------
    boxes float32 (P, 4), x1 y1 x2 y2 of the input, and scores float32 (P, C)
    """
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: canvas[0] // stride, : canvas[1] // stride]
        corners.append(np.stack([columns, rows], -1).reshape(-1, 2))
        strides.append(np.full((rows.size, 1), stride))
    step = np.concatenate(strides).astype(np.float32)
    middle = (answer[:, :2] + np.concatenate(corners)) * step
    half = np.exp(np.minimum(answer[:, 2:4], _LARGEST)) * step / 2
    edges = np.concatenate([middle - half, middle + half], 1).astype(np.float32)
    return edges, answer[:, 4:5] * answer[:, 5:]


def instances_of(image: Image, found: Boxes, taxonomy: Taxonomy, cut: Cut) -> Instances:
    """Cut the object out in each box that was found.

    Parameters
    ----------
    image : Image of shape (H, W)
    found : Boxes
        Their kinds are places in the taxonomy's things.
    taxonomy : Taxonomy
    cut : function
        As `cut_out_of` makes it.

    Returns
    -------
    Instances of (H, W), best first; none is an answer
    """
    ids = [each.id for each in taxonomy.things]
    return Instances.of(
        cut(image, found.edges),
        labels=[ids[int(kind)] for kind in found.kinds],
        scores=found.scores,
        taxonomy=taxonomy,
        size=image.size,
    )


def cut_out_of(spec: ModelSpec, network: Network) -> Cut:
    """Return a function that cuts the object of each box out, with a network of cut-outs.

    Each box is looked at with a margin, squashed into a small square; what is cut out beyond
    the box is left out.

    Parameters
    ----------
    spec : ModelSpec
        Of a saliency network that takes squares whose sides are multiples of 32.
    network : Network
    """
    rule = spec.input
    mean, std = np.asarray(rule.mean, np.float32), np.asarray(rule.std, np.float32)

    def cut(image: Image, edges: NDArray[np.float32]) -> list[Rle]:
        masks = []
        for edge in edges:
            box, around = _whole(edge, image.size), _around(edge, image.size)
            seen = image.pixels[around.top : around.bottom, around.left : around.right]
            small = shrink(seen, CUT_SIDE, CUT_SIDE).astype(np.float32) / 255
            batch = ((small - mean) / std).transpose(2, 0, 1)[np.newaxis]
            matte = np.asarray(network(np.ascontiguousarray(batch))[0], np.float32)
            soft = enlarge(matte.reshape(matte.shape[-2:]), *around.size)
            masks.append(_in_box(soft >= 0.5, box, around, image.size))
        return masks

    return cut


def box_mask(edge: NDArray[np.floating], size: tuple[int, int]) -> Rle:
    """Return a box x1 y1 x2 y2 as a mask of a picture of `size` (H, W).

    Examples
    --------
    >>> box_mask(np.array([1.0, 0, 3, 2]), (2, 4)).to_mask().inside.tolist()
    [[False, True, True, False], [False, True, True, False]]
    """
    box = _whole(edge, size)
    return encode_mask(np.ones(box.size, bool)).placed(size, top=box.top, left=box.left)


def _in_box(inside: NDArray[np.bool_], box: Box, around: Box, size: tuple[int, int]) -> Rle:
    rows = slice(box.top - around.top, box.bottom - around.top)
    columns = slice(box.left - around.left, box.right - around.left)
    own = inside[rows, columns]
    if own.mean() < LEAST_SHARE:
        own = np.ones_like(own)
    return encode_mask(np.ascontiguousarray(own)).placed(size, top=box.top, left=box.left)


def _whole(edge: NDArray[np.floating], size: tuple[int, int]) -> Box:
    """Return the box of whole pixels within a picture, at least one pixel large."""
    left, top = (int(np.clip(np.floor(edge[at]), 0, size[1 - at] - 1)) for at in (0, 1))
    right = int(np.clip(np.ceil(edge[2]), left + 1, size[1]))
    bottom = int(np.clip(np.ceil(edge[3]), top + 1, size[0]))
    return Box(top, left, bottom, right)


def _around(edge: NDArray[np.floating], size: tuple[int, int]) -> Box:
    more = AROUND * (edge[2:] - edge[:2])
    return _whole(np.concatenate([edge[:2] - more, edge[2:] + more]), size)
