"""How well a network labels a split: by what `maskworks segment` would answer with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from maskworks.core.instances import Instances
from maskworks.core.panoptic import Panoptic, Segment
from maskworks.core.values import Image
from maskworks.models.labelling import BACKGROUND, Labelled, Segmenter, label_picture
from maskworks.models.opening import Opening, of_network, taxonomy_of
from maskworks.models.runtimes.network import Batch, Network, Outputs
from maskworks.quality.confusion import Confusion, confusion_of
from maskworks.quality.groups import mean_iou_interval
from maskworks.quality.panoptic_quality import PanopticCounts, SegmentMap, panoptic_counts
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.row import row_of
from maskworks.train.labels.views import LabelSet


@dataclass(frozen=True)
class Scores:
    """What a split reached: `name` and `main` of the figure that decides, and each class's.

    `over` says of how many classes it is the mean if the split lacks some, else nothing. `main`
    is the mean IoU, or where objects are learnt the mean PQ over all but a background.
    """

    name: str
    main: float
    classes: dict[str, float]
    over: str = ""


def as_callable(network: nn.Module, recipe: LabelRecipe) -> Network:
    """Return a module of Torch as a network of Maskworks, run where its weights lie."""
    device = next(network.parameters()).device

    @torch.no_grad()
    def run(batch: Batch) -> Outputs:
        answer = network(torch.from_numpy(np.ascontiguousarray(batch)).to(device))
        if recipe.detects:
            keys = ("boxes", "labels", "scores", "masks")
            return tuple(answer[0][key].cpu().numpy() for key in keys)
        parts = answer if isinstance(answer, tuple) else (answer,)
        return tuple(each.float().cpu().numpy() for each in parts)

    return run


def segmenter_of(network: Network, recipe: LabelRecipe) -> Segmenter:
    """Return the segmenter that the recipe's exported model will be."""
    row = row_of(recipe)
    return of_network(row, network, taxonomy_of(row, None), Opening())


def answers(
    network: Network, pictures: LabelSet, recipe: LabelRecipe
) -> Iterator[tuple[Image, Labelled]]:
    """Label the pictures of a split one by one."""
    segmenter = segmenter_of(network, recipe)
    for pixels in pictures.pixels:
        image = Image(np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()))
        yield image, label_picture(image, segmenter, segmenter.own)


@dataclass(frozen=True)
class PictureCounts:
    """What one picture counts: pixels by class, and objects found and missed."""

    name: str
    labels: Confusion
    objects: PanopticCounts


def tallies(network: Network, pictures: LabelSet, recipe: LabelRecipe) -> Iterator[PictureCounts]:
    """Count a split picture by picture, at their own size."""
    classes = len(recipe.class_names)
    places, every = _places(recipe), list(range(classes))
    for at, (_, found) in enumerate(answers(network, pictures, recipe)):
        truth = pictures.labels[at].numpy()
        objects = PanopticCounts.none(classes)
        if found.instances is not None and pictures.objects:
            true_map = _true_segments(truth, pictures.objects[at].numpy(), classes)
            ours = _segments(found.instances, found.panoptic, places)
            objects = panoptic_counts(ours, true_map, categories=every)
        labels = confusion_of(truth, places[found.labels.ids], classes=classes)
        yield PictureCounts(pictures.names[at], labels, objects)


def score(network: Network, pictures: LabelSet, recipe: LabelRecipe) -> Scores:
    """Score a split as the evaluation commands do: one sum over all pictures, at their own size."""
    return summed(tallies(network, pictures, recipe), recipe)


def summed(counted: Iterable[PictureCounts], recipe: LabelRecipe) -> Scores:
    """Return the figures of the sum of some pictures."""
    names = recipe.class_names
    labels = Confusion(np.zeros((len(names), len(names) + 1), np.int64))
    objects = PanopticCounts.none(len(names))
    for each in counted:
        labels += each.labels
        objects += each.objects
    ious = {f"iou {name}": float(v) for name, v in zip(names, labels.iou, strict=True)}
    if recipe.targets != "objects":
        there = int(labels.present.sum())
        over = "" if there == len(names) else f" over {there} of {len(names)} classes"
        return Scores("mIoU", labels.mean(labels.iou), ious, over)
    things = _counted(recipe)
    pqs = {f"pq {names[at]}": float(objects.pq[at]) for at in np.flatnonzero(things)}
    mean = objects.means(things)["PQ"]
    return Scores("PQ", float(np.nan_to_num(mean)), {**pqs, **ious})


def interval(counted: Sequence[PictureCounts], recipe: LabelRecipe) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the figure that decides, over pictures drawn anew."""
    if recipe.targets != "objects":
        pixels = [each.labels for each in counted]
        return mean_iou_interval(
            [each.hit for each in pixels],
            [each.truth for each in pixels],
            [each.predicted for each in pixels],
        )
    objects, things = [each.objects for each in counted], _counted(recipe)
    matched = [each.iou[things] for each in objects]
    below = [(each.matched + (each.spurious + each.missed) / 2)[things] for each in objects]
    return mean_iou_interval(matched, below, matched)  # of sums over sums: PQ, as it was IoU


def worst(
    counted: Sequence[PictureCounts], recipe: LabelRecipe, *, count: int = 3
) -> list[tuple[str, float]]:
    """Return the names and figures of the pictures that do worst."""
    found = [(each.name, summed([each], recipe).main) for each in counted]
    return sorted(found, key=lambda each: each[1])[:count]


def _places(recipe: LabelRecipe) -> NDArray[np.int64]:
    """Return the place of each id of the taxonomy; ids of no class are one behind the last."""
    ids = taxonomy_of(row_of(recipe), None).ids
    table = np.full(65536, len(ids), np.int64)
    table[list(ids)] = np.arange(len(ids))
    return table


def _counted(recipe: LabelRecipe) -> NDArray[np.bool_]:
    """Return which classes count in PQ: all but a background."""
    return np.array([name != BACKGROUND for name in recipe.class_names])


def _true_segments(
    labels: NDArray[np.integer], objects: NDArray[np.int32], classes: int
) -> SegmentMap:
    """Return the true objects, and a segment for each class of all else; the rest is void."""
    numbers, first = np.unique(objects, return_index=True)
    category = dict(zip(numbers.tolist(), labels.ravel()[first].tolist(), strict=True))
    segments = [Segment(n, c) for n, c in category.items() if n > 0 and c < classes]
    ids, outside = objects.astype(np.int32), (objects == 0) & (labels < classes)
    for each in np.unique(labels[outside]).tolist():
        number = int(ids.max()) + 1
        ids[outside & (labels == each)] = number
        segments.append(Segment(number, each))
    return SegmentMap(ids, segments, {})


def _segments(found: Instances, panoptic: Panoptic | None, places: NDArray[np.int64]) -> SegmentMap:
    """Return the segments that were answered; of objects alone the surest has a pixel."""
    if panoptic is not None:
        own = [Segment(each.id, int(places[each.category])) for each in panoptic.segments]
        return SegmentMap(panoptic.ids, own, {})
    ids = np.zeros(found.size, np.int32)
    for at in np.argsort(found.scores, kind="stable"):
        ids[found.masks[at].to_mask().inside] = at + 1
    seen = {int(each) for each in np.unique(ids)} - {0}
    segments = [
        Segment(at + 1, int(places[label]))
        for at, label in enumerate(found.labels.tolist())
        if at + 1 in seen
    ]
    return SegmentMap(ids, segments, {})
