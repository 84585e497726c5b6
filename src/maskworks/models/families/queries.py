"""Networks that answer with queries: a class and a mask each (MaskFormer and its heirs, DETR).

Cheng et al., Per-Pixel Classification is Not All You Need, NeurIPS 2021; Mask2Former, CVPR 2022.
Scores, classes and who owns a pixel are those of the image processors of transformers; a pixel
that no mask claims by half stays void, as in the papers' own code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.core.instances import Instances
from maskworks.core.panoptic import Panoptic, Segment
from maskworks.core.rle import encode_mask
from maskworks.models.families.class_scores import ClassScores, Scores
from maskworks.models.families.network_input import Place, to_input, without_padding
from maskworks.models.families.resampling import enlarge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.taxonomy import Taxonomy
    from maskworks.core.values import Image
    from maskworks.models.runtimes.network import Network, Outputs
    from maskworks.models.spec import ModelSpec

Wanted = Literal["semantic", "instance", "panoptic"]

KEPT_SHARE = 0.8
"""A segment of which less than this share of its own mask is left is dropped."""

MOST_OBJECTS = 100


@dataclass(frozen=True, eq=False)
class Queries:
    """What Q queries say: `classes` float32 (Q, K + 1) logits, the last for "nothing".

    `masks` is float32 (Q, h, w), logits; `size` is the picture's (H, W). The masks are of the
    input in which the picture lies at `place`, None if of the picture alone. With `at_input`
    they are enlarged to the input's size first, as Mask2Former and EoMT do.
    """

    classes: NDArray[np.float32]
    masks: NDArray[np.float32]
    size: tuple[int, int]
    place: Place | None = None
    at_input: bool = False

    def mask(self, query: int) -> NDArray[np.float32]:
        """Return the logits of one mask, of the picture alone; its size is not the picture's."""
        logits: NDArray[np.float32] = self.masks[query]
        if self.place is None:
            return logits
        if self.at_input:
            logits = enlarge(np.ascontiguousarray(logits), *self.place.canvas)
        cut: NDArray[np.float32] = without_padding(logits[np.newaxis], self.place)[0]
        return cut

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """float32 (Q, K): how likely each query is of each class."""
        raised = np.exp(self.classes - self.classes.max(axis=1, keepdims=True))
        found: NDArray[np.float32] = (raised / raised.sum(axis=1, keepdims=True))[:, :-1]
        return found


def predict_queries(image: Image, spec: ModelSpec, network: Network, classes: int) -> Queries:
    """Run a network of queries on one picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    classes : int
        How many its taxonomy has.

    Returns
    -------
    Queries of (H, W)

    Raises
    ------
    NetworkError
        If its two outputs do not fit together, the classes, or hold NaN.
    """
    batch, place = to_input(image.pixels, spec.input)
    logits, masks = _checked(network(batch), spec, classes)
    return Queries(logits, masks, image.size, place, spec.output.at_input)


def answer_of(
    queries: Queries, taxonomy: Taxonomy, task: Wanted, *, min_score: float
) -> ClassScores | Instances | Panoptic:
    """Return what queries say of a task."""
    if task == "semantic":
        return to_scores(queries)
    if task == "instance":
        return to_instances(queries, taxonomy, min_score=min_score)
    return to_panoptic(queries, taxonomy, min_score=min_score)


def to_scores(queries: Queries) -> ClassScores:
    """Return for each class the sum over the queries of class times mask probability.

    Examples
    --------
    >>> sure = Queries(np.array([[9, 0, 0], [0, 9, 0]], np.float32),
    ...                np.array([[[9, -9]], [[-9, 9]]], np.float32), (1, 2))
    >>> to_scores(sure).labels().tolist()
    [[0, 1]]
    """
    probabilities = queries.probabilities
    sums = np.zeros((probabilities.shape[1], *queries.mask(0).shape), np.float32)
    for query, likely in enumerate(probabilities):  # one by one: all at once is a gigabyte
        sums += likely[:, np.newaxis, np.newaxis] * sigmoid(queries.mask(query))
    return ClassScores(sums, queries.size, shares=True)


def to_instances(queries: Queries, taxonomy: Taxonomy, *, min_score: float) -> Instances:
    """Return the best objects: class probability times the mean of the mask where it is inside.

    Only classes that are things count; if the taxonomy has none, all do.
    """
    probabilities = queries.probabilities.copy()
    if taxonomy.things:
        probabilities[:, [not each.thing for each in taxonomy.categories]] = 0
    order = np.argsort(-probabilities, axis=None, kind="stable")[:MOST_OBJECTS]
    masks, labels, scores = [], [], []
    for query, column in zip(*np.unravel_index(order, probabilities.shape), strict=True):
        score = float(probabilities[query, column])
        if score < min_score:
            break
        logits = queries.mask(int(query))
        soft, inside = sigmoid(logits), logits > 0
        if not inside.any() or (score := score * float(soft[inside].mean())) < min_score:
            continue
        full = enlarge(logits, *queries.size) > 0
        if full.any():
            masks.append(encode_mask(full))
            labels.append(taxonomy.ids[int(column)])
            scores.append(min(1.0, score))
    return Instances.of(masks, labels=labels, scores=scores, taxonomy=taxonomy, size=queries.size)


def to_panoptic(queries: Queries, taxonomy: Taxonomy, *, min_score: float) -> Panoptic:
    """Return segments: each pixel goes to the query that claims it most.

    A query below `min_score` claims nothing, one that loses more than a fifth of its own mask
    is dropped. Stuff of one class is one segment.
    """
    probabilities = queries.probabilities
    best, score = probabilities.argmax(axis=1), probabilities.max(axis=1)
    nothing = queries.classes.argmax(axis=1) == queries.classes.shape[1] - 1
    chosen = np.flatnonzero(~nothing & (score >= min_score))
    ids = np.zeros(queries.size, np.int32)
    if not chosen.size:
        return Panoptic(ids, (), taxonomy)
    owner, own = _claims(queries, chosen, score)
    segments: list[Segment] = []
    stuff: dict[int, int] = {}
    for place, query in enumerate(chosen):
        category = taxonomy.categories[int(best[query])]
        claimed = owner == place
        mine = claimed & own(place)
        if not mine.any() or claimed.sum() < KEPT_SHARE * own(place).sum():
            continue
        if not category.thing and category.id in stuff:
            ids[mine] = stuff[category.id]
            continue
        number = len(segments) + 1
        ids[mine] = number
        stuff.setdefault(category.id, number)
        segments.append(Segment(number, category.id, float(min(1.0, score[query]))))
    return Panoptic(ids, tuple(segments), taxonomy)


def _claims(
    queries: Queries, chosen: NDArray[np.intp], score: NDArray[np.float32]
) -> tuple[NDArray[np.int32], _Own]:
    """Return which of the chosen claims each pixel most, and a way to ask for each one's mask."""
    most = np.full(queries.size, -1.0, np.float32)
    owner = np.zeros(queries.size, np.int32)
    for place, query in enumerate(chosen):
        claim = score[query] * enlarge(sigmoid(queries.mask(int(query))), *queries.size)
        better = claim > most
        most[better] = claim[better]
        owner[better] = place
    return owner, _Own(queries, chosen)


class _Own:
    """The mask of a query by itself, at the picture's size; the last one is remembered."""

    def __init__(self, queries: Queries, chosen: NDArray[np.intp]) -> None:
        self.queries, self.chosen = queries, chosen
        self.place, self.inside = -1, np.zeros((0, 0), bool)

    def __call__(self, place: int) -> NDArray[np.bool_]:
        if place != self.place:
            soft = sigmoid(self.queries.mask(int(self.chosen[place])))
            self.place, self.inside = place, enlarge(soft, *self.queries.size) >= 0.5
        return self.inside


def sigmoid(logits: Scores) -> Scores:
    """Return 1 / (1 + exp(-x)) without overflow."""
    found: Scores = (0.5 * (1 + np.tanh(0.5 * logits))).astype(np.float32)
    return found


def _checked(
    outputs: Outputs, spec: ModelSpec, classes: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return class logits (Q, C + 1) and mask logits (Q, h, w)."""
    if len(outputs) != 2:
        raise NetworkError(
            spec.name, f"answers {len(outputs)} outputs, queries are two: classes and masks"
        )
    logits, masks = (np.asarray(each, np.float32) for each in outputs)
    shapes = f"{logits.shape}, {masks.shape}"
    if logits.ndim != 3 or masks.ndim != 4 or logits.shape[:2] != masks.shape[:2]:
        raise NetworkError(
            spec.name, f"its outputs are {shapes}; queries are (1, Q, C + 1) and (1, Q, h, w)"
        )
    if logits.shape[2] != classes + 1:
        raise NetworkError(
            spec.name,
            f"its answer has {logits.shape[2] - 1} classes and one for nothing, its row names "
            f"{classes}; correct the row's taxonomy or classes",
        )
    if not (np.isfinite(logits).all() and np.isfinite(masks).all()):
        raise NetworkError(spec.name, "its answer holds NaN or infinity")
    return logits[0], masks[0]
