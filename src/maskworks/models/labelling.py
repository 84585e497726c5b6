"""One picture, one task, any model: what a segmenter gives, and what follows from it.

A model answers in its own way: scores of classes, a label map, objects, or segments. The task
that was asked for is made of that by the conversions of the field, and `how` says which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import LabelMap
from maskworks.core.panoptic import Panoptic
from maskworks.core.panoptic_conversions import (
    STUFF_AREA,
    instances_to_semantic,
    things_by_components,
    to_instances,
    to_panoptic,
    to_semantic,
)
from maskworks.models.families.class_scores import ClassScores

if TYPE_CHECKING:
    from maskworks.core.taxonomy import Taxonomy
    from maskworks.core.values import Image
    from maskworks.models.families.box_answers import Boxes, Cut

Task = Literal["semantic", "instance", "panoptic"]
"""A class for every pixel, a mask for every object, or both at once."""

TASKS: tuple[Task, ...] = get_args(Task)

SMALLEST_OBJECT = 0.00002
"""A connected region with a smaller share of the picture is no object of its own."""

BACKGROUND = "background"

Answer = ClassScores | LabelMap | Instances | Panoptic


@dataclass(frozen=True, kw_only=True)
class BoxFinder:
    """A model of boxes in its two parts, for those who need few of the masks.

    `find` takes a picture and returns its boxes, whose kinds are places in the taxonomy's
    things; `cut` takes a picture and boxes (N, 4), and returns a mask for each.
    """

    find: Callable[[Image], Boxes]
    cut: Cut


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmenter:
    """A model that labels pictures, ready to run; safe to share between threads.

    `answer` takes a picture and a task and returns whatever is nearest to that task of what
    the model can say; `own` is the task it was made for. A `tileable` model can be run tile by
    tile; `tile` is the side of the squares that a large picture is cut into unasked, None
    where the model sees every picture at one size, and `stride` what these must be a multiple
    of. A model of `objects` answers instances, whose tiles are merged rather than blended. One
    that is `prompted` may be told where the objects are, one that is `worded` was told in words
    what they are.
    `digest` changes with everything that changes an answer; `remarks` are sentences on what was
    taken for granted when it was opened.
    """

    name: str
    taxonomy: Taxonomy
    own: Task
    answer: Callable[[Image, Task], Answer]
    digest: str
    tileable: bool = False
    tile: int | None = None
    stride: int = 1
    objects: bool = False
    prompted: bool = False
    worded: bool = False
    remarks: tuple[str, ...] = ()
    boxes: BoxFinder | None = None

    def task(self, asked: str) -> Task:
        """Return the task that "semantic", "instance", "panoptic" or "auto" means.

        Raises
        ------
        UsageError
            If it is none of these.
        """
        if asked == "auto":
            return self.own
        for task in TASKS:
            if asked == task:
                return task
        raise UsageError(f"a task is {', '.join(TASKS)} or auto, got {asked!r}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Labelled:
    """What is known of one picture.

    `labels` is always there; `instances` and `panoptic` if the task was that; `scores` if the
    model gives a probability for each class. `how` says what was derived from what.
    """

    labels: LabelMap
    task: Task
    instances: Instances | None = None
    panoptic: Panoptic | None = None
    scores: ClassScores | None = None
    how: str = ""


def label_picture(image: Image, segmenter: Segmenter, task: Task) -> Labelled:
    """Label one picture at once.

    Parameters
    ----------
    image : Image of shape (H, W)
    task : "semantic", "instance" or "panoptic"

    Returns
    -------
    Labelled, of (H, W)

    Raises
    ------
    ModelError
        If the network's answer is not what its row says.
    """
    return derive(segmenter.answer(image, task), segmenter.taxonomy, task)


def derive(answer: Answer, taxonomy: Taxonomy, task: Task) -> Labelled:
    """Make what a task wants of what a model said.

    Objects of a model that has only classes are the connected regions of its things; the
    classes of a model that has only objects are those of the best object at each pixel.

    Examples
    --------
    >>> from maskworks.core.taxonomy import load_taxonomy
    >>> voc = load_taxonomy("voc-21")
    >>> cats = LabelMap(np.array([[8, 8, 0, 8]], np.uint8), voc)
    >>> found = derive(cats, voc, "instance")
    >>> len(found.instances), found.how
    (2, 'objects are connected regions')
    """
    if isinstance(answer, Panoptic):
        return _of_panoptic(answer, task)
    if isinstance(answer, Instances):
        return _of_instances(answer, taxonomy, task)
    scores, labels = None, answer
    if isinstance(answer, ClassScores):
        scores, labels = answer, LabelMap.from_outputs(answer.labels(), taxonomy)
    if not isinstance(labels, LabelMap):
        raise TypeError(labels)  # the four kinds of answers are all there are
    if task == "semantic":
        return Labelled(labels=labels, task=task, scores=scores)
    regions = things_by_components(labels, least_area=_least_area(labels.size))
    things = _scored(regions, scores) if scores else regions
    panoptic = None
    if task == "panoptic":
        panoptic = to_panoptic(labels, things, stuff_area=_stuff_area(labels.size))
    return Labelled(
        labels=labels,
        task=task,
        instances=things,
        panoptic=panoptic,
        scores=scores,
        how="objects are connected regions",
    )


def _of_panoptic(answer: Panoptic, task: Task) -> Labelled:
    labels = to_semantic(answer)
    how = "" if task == "panoptic" else f"{task} from panoptic"
    things = None if task == "semantic" else to_instances(answer)
    kept = answer if task == "panoptic" else None
    return Labelled(labels=labels, task=task, instances=things, panoptic=kept, how=how)


def _of_instances(answer: Instances, taxonomy: Taxonomy, task: Task) -> Labelled:
    rest = next((each.id for each in taxonomy.categories if each.name == BACKGROUND), None)
    labels = instances_to_semantic(answer, rest=rest)
    if task == "instance":
        return Labelled(labels=labels, task=task, instances=answer)
    if task == "semantic":
        return Labelled(labels=labels, task=task, how="the class of the best object at each pixel")
    panoptic = to_panoptic(labels, answer, stuff_area=_stuff_area(labels.size))
    how = "objects alone, there is no stuff" if rest is None else ""
    return Labelled(labels=labels, task=task, instances=answer, panoptic=panoptic, how=how)


def _scored(things: Instances, scores: ClassScores) -> Instances:
    """Give each region the mean probability of its class, measured at the network's size."""
    height, width = scores.values.shape[1:]
    found: list[float] = []
    values = replace(scores, size=(height, width)).rows(0, height)
    place = {category: at for at, category in enumerate(things.taxonomy.ids)}
    for mask, label, box in zip(things.masks, things.labels, things.boxes, strict=True):
        top, left, bottom, right = (int(edge) for edge in box)
        rows, columns = np.nonzero(mask.to_mask().inside[top:bottom, left:right])
        y = ((rows + top) * height // scores.size[0]).astype(np.intp)
        x = ((columns + left) * width // scores.size[1]).astype(np.intp)
        found.append(float(np.clip(values[place[int(label)], y, x].mean(), 0, 1)))
    return Instances.of(
        things.masks,
        labels=things.labels,
        scores=found,
        taxonomy=things.taxonomy,
        size=things.size,
    )


def _least_area(size: tuple[int, int]) -> int:
    return max(1, int(SMALLEST_OBJECT * size[0] * size[1]))


def _stuff_area(size: tuple[int, int]) -> int:
    """Return COCO's 64 x 64 pixels, less for a picture of which that were much."""
    return min(STUFF_AREA, max(1, size[0] * size[1] // 500))
