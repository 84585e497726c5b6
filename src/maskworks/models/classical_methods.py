"""The methods without weights as segmenters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskworks.core.errors import UnknownModelError, UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import LabelMap
from maskworks.core.panoptic import Panoptic, Segment
from maskworks.core.rle import encode_ids
from maskworks.core.taxonomy import Category, Taxonomy
from maskworks.models.labelling import Answer, Segmenter, Task
from maskworks.models.prompts import Prompt

if TYPE_CHECKING:
    from maskworks.core.values import Box, Image

SUBJECT = Taxonomy(
    "subject",
    (Category(0, "background", (0, 0, 0)), Category(1, "object", (230, 159, 0), thing=True)),
)
REGION = Taxonomy("region", (Category(0, "region", (86, 180, 233), thing=True),), ignore=255)

LEVEL_COLOURS = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (86, 180, 233),
    (213, 94, 0),
    (204, 121, 167),
    (187, 187, 187),
)
"""Okabe and Ito, Color Universal Design, 2008: apart for every eye."""

VERSION = 1
"""Raise it with every change of what a method answers, so that `--resume` does it again."""


@dataclass(frozen=True)
class Choices:
    """Options of the methods: the number of classes, and the box of the one object.

    `prompts` is for SAM: one an object.
    """

    classes: int = 3
    box: Box | None = None
    prompts: tuple[Prompt, ...] = ()


def _otsu(image: Image, _task: Task, _choices: Choices) -> Answer:
    from maskworks.models.families.classical import otsu

    return LabelMap(otsu(image), SUBJECT)


def _grabcut(image: Image, _task: Task, choices: Choices) -> Answer:
    from maskworks.models.families.regions import grabcut

    return LabelMap(grabcut(image, choices.box), SUBJECT)


def _multi_otsu(image: Image, _task: Task, choices: Choices) -> Answer:
    from maskworks.models.families.classical import multi_otsu

    return LabelMap(multi_otsu(image, choices.classes), levels("level", choices.classes))


def _kmeans(image: Image, _task: Task, choices: Choices) -> Answer:
    from maskworks.models.families.classical import kmeans

    return LabelMap(kmeans(image, choices.classes), levels("cluster", choices.classes))


def _watershed(image: Image, _task: Task, _choices: Choices) -> Answer:
    from maskworks.models.families.regions import watershed

    found = encode_ids(watershed(image))
    masks = [found[at] for at in sorted(found) if at > 0]
    return Instances.of(
        masks,
        labels=[1] * len(masks),
        scores=[1.0] * len(masks),
        taxonomy=SUBJECT,
        size=image.size,
    )


def _slic(image: Image, _task: Task, _choices: Choices) -> Answer:
    from maskworks.models.families.regions import slic_merge

    ids = slic_merge(image)
    return Panoptic(ids, tuple(Segment(at, 0) for at in range(1, int(ids.max()) + 1)), REGION)


Run = Callable[["Image", Task, Choices], Answer]

METHODS: dict[str, tuple[Run, Task]] = {
    "otsu": (_otsu, "semantic"),
    "multi-otsu": (_multi_otsu, "semantic"),
    "kmeans": (_kmeans, "semantic"),
    "slic": (_slic, "panoptic"),
    "watershed": (_watershed, "instance"),
    "grabcut": (_grabcut, "semantic"),
}
"""The function of each method, and the task it is made for."""

MOST_CLASSES = {"multi-otsu": 5, "kmeans": 8}


def classical(name: str, choices: Choices = Choices()) -> Segmenter:
    """Return a method that needs no weights.

    Parameters
    ----------
    name : one of `METHODS`

    Raises
    ------
    UnknownModelError
    UsageError
        If the method cannot find so many classes.

    Examples
    --------
    >>> classical("otsu").taxonomy.names
    ('background', 'object')
    """
    if name not in METHODS:
        raise UnknownModelError(name, tuple(METHODS))
    run, own = METHODS[name]
    most = MOST_CLASSES.get(name, choices.classes)
    if not 2 <= choices.classes <= most:
        raise UsageError(f"{name} finds 2 to {most} classes, got {choices.classes}")
    taxonomy = {
        "slic": REGION,
        "multi-otsu": levels("level", choices.classes),
        "kmeans": levels("cluster", choices.classes),
    }.get(name, SUBJECT)
    return Segmenter(
        name=name,
        taxonomy=taxonomy,
        own=own,
        answer=lambda image, task: run(image, task, choices),
        digest=f"{name} {VERSION} {choices}",
    )


def levels(what: str, count: int) -> Taxonomy:
    """Return a taxonomy of so many levels or clusters, counted from 1.

    Examples
    --------
    >>> levels("level", 2).names
    ('level 1', 'level 2')
    """
    colours = [LEVEL_COLOURS[at % len(LEVEL_COLOURS)] for at in range(count)]
    rows = (Category(at, f"{what} {at + 1}", colour) for at, colour in enumerate(colours))
    return Taxonomy(f"{count} {what}s", tuple(rows))
