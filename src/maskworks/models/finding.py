"""What people ask for in words: a model's answers with the classes that these mean, alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import LabelMap
from maskworks.core.panoptic import VOID, Panoptic, Segment
from maskworks.core.taxonomy import BACKGROUND, Category, Taxonomy
from maskworks.core.taxonomy_words import classes_named
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.labelling import Answer, Segmenter, Task

if TYPE_CHECKING:
    from maskworks.core.values import Image

_BLACK = (0, 0, 0)


def only(segmenter: Segmenter, words: Sequence[str]) -> Segmenter:
    """Return a model that answers what words mean, and one class for all the rest.

    Parameters
    ----------
    words : sequence of str
        Such as "cars"; see `maskworks.core.taxonomy_words.classes_named`.

    Returns
    -------
    Segmenter
        Its classes are 0, the rest, then those that were found, in the order of the words, with
        the names, colours and kinds that they have in the model.

    Raises
    ------
    UsageError
        If a word means no class of the model.
    """
    if segmenter.worded:
        raise UsageError(
            f"{segmenter.name} was told in words what to find when it was opened; open it with "
            "these, `Opening(find=...)`"
        )
    before = segmenter.taxonomy
    kept = classes_named(words, before)
    after = _taxonomy_of(kept, before)
    new = {each.id: at for at, each in enumerate(kept, 1)}
    places = tuple(before.ids.index(each) for each in new)

    def answer(image: Image, task: Task) -> Answer:
        said = segmenter.answer(image, task)
        if isinstance(said, ClassScores):
            return replace(said, kept=places)
        if isinstance(said, Instances):
            return _objects(said, new, after)
        if isinstance(said, Panoptic):
            return _segments(said, new, after)
        return _labels(said, new, after)

    return replace(
        segmenter,
        taxonomy=after,
        answer=answer,
        digest=f"{segmenter.digest} {after}",
        boxes=None,
    )


def found_taxonomy(words: Sequence[str]) -> Taxonomy:
    """Return the classes of a model that takes any words: 0, the rest, then the words.

    Examples
    --------
    >>> found_taxonomy(["red cup", "spoon"]).names
    ('background', 'red cup', 'spoon')
    """
    from maskworks.core.taxonomy import colour_of

    named = [Category(at, word, colour_of(at), thing=True) for at, word in enumerate(words, 1)]
    rest = Category(0, _rest(words), _BLACK)
    return Taxonomy("words", (rest, *named), ignore=_ignored(len(named)))


def _taxonomy_of(kept: Sequence[Category], before: Taxonomy) -> Taxonomy:
    names = [each.name for each in kept]
    rest = Category(0, _rest(names), _BLACK)
    numbered = (replace(each, id=at) for at, each in enumerate(kept, 1))
    name = f"{before.name}: {', '.join(names)}"
    return Taxonomy(name, (rest, *numbered), _ignored(len(kept)), before.source)


def _rest(names: Sequence[str]) -> str:
    return "others" if BACKGROUND in names else BACKGROUND


def _ignored(classes: int) -> int:
    return 255 if classes < 255 else 65_535


def _labels(labels: LabelMap, new: dict[int, int], after: Taxonomy) -> LabelMap:
    most = max(*labels.taxonomy.ids, labels.taxonomy.ignore or 0) + 1
    void = after.ignore or 0
    table = np.zeros(most, np.uint16)
    for old, place in new.items():
        table[old] = place
    if labels.taxonomy.ignore is not None:
        table[labels.taxonomy.ignore] = void
    ids = table[labels.ids]
    return LabelMap(ids if void > 255 else ids.astype(np.uint8), after)


def _objects(things: Instances, new: dict[int, int], after: Taxonomy) -> Instances:
    wanted = [at for at, label in enumerate(things.labels) if int(label) in new]
    return Instances.of(
        [things.masks[at] for at in wanted],
        labels=[new[int(things.labels[at])] for at in wanted],
        scores=things.scores[wanted],
        taxonomy=after,
        size=things.size,
    )


def _segments(parts: Panoptic, new: dict[int, int], after: Taxonomy) -> Panoptic:
    """Keep the segments that were found; all others are one, of the rest."""
    kept = [each for each in parts.segments if each.category in new]
    others = [each.id for each in parts.segments if each.category not in new]
    ids = parts.ids.copy()
    segments = [replace(each, category=new[each.category]) for each in kept]
    if others:
        rest = max((each.id for each in kept), default=VOID) + 1
        ids[np.isin(parts.ids, others)] = rest
        segments.append(Segment(rest, 0))
    return Panoptic(ids, tuple(segments), after)
