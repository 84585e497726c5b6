"""Networks that answer with queries: a class and a mask each (MaskFormer and its heirs, DETR).

Cheng et al., Per-Pixel Classification is Not All You Need, NeurIPS 2021; Mask2Former, CVPR 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.instances import Instances
from maskworks.core.panoptic import Panoptic, Segment
from maskworks.core.rle import encode_mask
from maskworks.models.families.class_scores import ClassScores, Scores
from maskworks.models.families.resampling import enlarge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.taxonomy import Taxonomy

KEPT_SHARE = 0.8
"""A segment of which less than this share of its own mask is left is dropped."""

MOST_OBJECTS = 100


@dataclass(frozen=True, eq=False)
class Queries:
    """What Q queries say: `classes` float32 (Q, K + 1) logits, the last for "nothing".

    `masks` is float32 (Q, h, w), logits, of the picture alone (no padding); `size` is the
    picture's (H, W).
    """

    classes: NDArray[np.float32]
    masks: NDArray[np.float32]
    size: tuple[int, int]

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """float32 (Q, K): how likely each query is of each class."""
        raised = np.exp(self.classes - self.classes.max(axis=1, keepdims=True))
        found: NDArray[np.float32] = (raised / raised.sum(axis=1, keepdims=True))[:, :-1]
        return found


def to_scores(queries: Queries) -> ClassScores:
    """Return for each class the sum over the queries of class times mask probability.

    The sums are divided by their total at each pixel, which leaves the best class the best.

    Examples
    --------
    >>> sure = Queries(np.array([[9, 0, 0], [0, 9, 0]], np.float32),
    ...                np.array([[[9, -9]], [[-9, 9]]], np.float32), (1, 2))
    >>> to_scores(sure).labels().tolist()
    [[0, 1]]
    """
    sums = np.einsum("qc,qhw->chw", queries.probabilities, sigmoid(queries.masks))
    total = np.maximum(sums.sum(axis=0, keepdims=True), 1e-12)
    return ClassScores((sums / total).astype(np.float32), queries.size)


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
        soft = sigmoid(queries.masks[query])
        inside = soft > 0.5
        if not inside.any() or (score := score * float(soft[inside].mean())) < min_score:
            continue
        full = enlarge(queries.masks[query], *queries.size) > 0
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
        mine = (owner == place) & own(place)
        wanted = int(own(place).sum())
        if not mine.any() or mine.sum() < KEPT_SHARE * wanted:
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
        claim = score[query] * sigmoid(enlarge(queries.masks[query], *queries.size))
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
            logits = self.queries.masks[self.chosen[place]]
            self.place, self.inside = place, enlarge(logits, *self.queries.size) > 0
        return self.inside


def sigmoid(logits: Scores) -> Scores:
    """Return 1 / (1 + exp(-x)) without overflow."""
    found: Scores = (0.5 * (1 + np.tanh(0.5 * logits))).astype(np.float32)
    return found
