"""From panoptic to semantic and instances, from those two to panoptic, from semantic to things."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import Ids, LabelMap
from maskworks.core.panoptic import Panoptic, Segment
from maskworks.core.rle import Rle, encode_ids
from maskworks.core.taxonomy import Taxonomy
from maskworks.core.values import Box

OVERLAP = 0.5
"""The share of an instance that others may already hold before it is dropped."""

STUFF_AREA = 64 * 64
"""Stuff of fewer pixels is dropped, as by COCO's own heuristic."""

CONNECTIVITIES = (4, 8)


def to_semantic(panoptic: Panoptic) -> LabelMap:
    """Return the class of each pixel; where there is no segment, the taxonomy's `ignore`.

    Raises
    ------
    ImageError
        If pixels have no segment and the taxonomy has no `ignore`.

    Examples
    --------
    >>> from maskworks.core.taxonomy import load_taxonomy
    >>> ids = np.array([[1, 1, 0, 7]], np.int32)
    >>> street = Panoptic(ids, (Segment(1, 0), Segment(7, 13)), load_taxonomy("cityscapes-19"))
    >>> to_semantic(street).ids.tolist()
    [[0, 0, 255, 13]]
    """
    void = _void(panoptic.taxonomy, needed=0 in panoptic.areas)
    known = np.array([0, *(segment.id for segment in panoptic.segments)])
    classes = np.array([void, *(segment.category for segment in panoptic.segments)])
    order = np.argsort(known)
    places = np.searchsorted(known[order], panoptic.ids)
    return LabelMap(_narrow(classes[order], panoptic.taxonomy)[places], panoptic.taxonomy)


def to_instances(panoptic: Panoptic) -> Instances:
    """Return the things one by one; stuff and crowds are left out, an unknown score is 1.

    Examples
    --------
    >>> from maskworks.core.taxonomy import load_taxonomy
    >>> ids = np.array([[1, 1, 0, 7]], np.int32)
    >>> street = Panoptic(ids, (Segment(1, 0), Segment(7, 13)), load_taxonomy("cityscapes-19"))
    >>> to_instances(street).labels.tolist()
    [13]
    """
    taxonomy = panoptic.taxonomy
    things = [
        each
        for each in panoptic.segments
        if taxonomy.category(each.category).thing and not each.crowd
    ]
    return Instances.of(
        [panoptic.masks[each.id] for each in things],
        labels=[each.category for each in things],
        scores=[1.0 if each.score is None else each.score for each in things],
        taxonomy=taxonomy,
        size=panoptic.size,
    )


def instances_to_semantic(instances: Instances, *, rest: int | None = None) -> LabelMap:
    """Return the label of the best instance at each pixel, `rest` where there is none.

    Parameters
    ----------
    rest : int, optional
        A class of the taxonomy; by default its `ignore`.

    Raises
    ------
    ImageError
        If `rest` is not given and the taxonomy has no `ignore`.
    """
    taxonomy = instances.taxonomy
    empty = _void(taxonomy, needed=True) if rest is None else rest
    ids = _narrow(np.full(instances.size, empty, np.uint16), taxonomy)
    for at in np.argsort(instances.scores, kind="stable"):
        found = _region(instances.masks[at])
        if found is not None:
            rows, columns, inside = found
            ids[rows, columns][inside] = instances.labels[at]
    return LabelMap(ids, taxonomy)


def things_by_components(
    label_map: LabelMap, *, connectivity: int = 8, least_area: int = 1
) -> Instances:
    """Take every connected region of a thing class for one object.

    Objects that touch become one, an object cut in two becomes two: this is all that a label map
    can say. Scores are 1.

    Parameters
    ----------
    connectivity : 4 or 8
        Whether pixels that meet at a corner are connected (8) or not (4).
    least_area : int, >= 1
        Regions of fewer pixels are left out.

    Raises
    ------
    UsageError
        If `connectivity` is neither 4 nor 8.

    Examples
    --------
    >>> from maskworks.core.taxonomy import load_taxonomy
    >>> ids = np.array([[13, 13, 0, 13]], np.uint8)
    >>> things_by_components(LabelMap(ids, load_taxonomy("cityscapes-19"))).areas.tolist()
    [2, 1]
    """
    if connectivity not in CONNECTIVITIES:
        raise UsageError(f"connectivity is 4 or 8, got {connectivity}")
    masks: list[Rle] = []
    labels: list[int] = []
    present = label_map.counts()
    for category in label_map.taxonomy.things:
        if category.id not in present:
            continue
        regions = _components(label_map.ids == category.id, connectivity)
        found = [mask for mask in regions if mask.area >= least_area]
        masks += found
        labels += [category.id] * len(found)
    return Instances.of(
        masks,
        labels=labels,
        scores=[1.0] * len(masks),
        taxonomy=label_map.taxonomy,
        size=label_map.size,
    )


def to_panoptic(
    label_map: LabelMap,
    instances: Instances,
    *,
    overlap: float = OVERLAP,
    stuff_area: int = STUFF_AREA,
) -> Panoptic:
    """Put instances on top of a label map's stuff, the best first.

    Parameters
    ----------
    label_map : LabelMap
        Only its stuff is used.
    instances : Instances
        Of the same size and taxonomy.
    overlap : float in [0, 1]
        An instance more of which is already taken is dropped; else it gets what is free.
    stuff_area : int, >= 0
        Stuff of fewer pixels has no segment.

    Raises
    ------
    ImageError
        If sizes or taxonomies differ.

    References
    ----------
    Kirillov et al., Panoptic Segmentation, CVPR 2019, section 7 (the heuristic combination).
    """
    if label_map.size != instances.size or label_map.taxonomy != instances.taxonomy:
        raise ImageError(
            f"the label map is {label_map.size} of {label_map.taxonomy.name}, the instances are "
            f"{instances.size} of {instances.taxonomy.name}; they must agree"
        )
    ids = np.zeros(label_map.size, np.int32)
    segments: list[Segment] = []
    for at in np.argsort(-instances.scores, kind="stable"):
        found = _region(instances.masks[at])
        if found is None:
            continue
        rows, columns, inside = found
        free = inside & (ids[rows, columns] == 0)
        taken = 1 - np.count_nonzero(free) / np.count_nonzero(inside)
        if taken > overlap or taken == 1:
            continue
        number = len(segments) + 1
        ids[rows, columns][free] = number
        segments.append(Segment(number, int(instances.labels[at]), float(instances.scores[at])))
    for category, number, where in _stuff(label_map, ids, stuff_area, len(segments)):
        ids[where] = number
        segments.append(Segment(number, category))
    return Panoptic(ids, tuple(segments), label_map.taxonomy)


def _stuff(
    label_map: LabelMap, ids: NDArray[np.int32], least: int, used: int
) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    """Yield category, segment id and free pixels of the stuff that is large enough."""
    present = label_map.counts()
    for category in label_map.taxonomy.stuff:
        if present.get(category.id, 0) < max(least, 1):
            continue
        where = (label_map.ids == category.id) & (ids == 0)
        if np.count_nonzero(where) >= max(least, 1):
            used += 1
            yield category.id, used, where


def _region(mask: Rle) -> tuple[slice, slice, NDArray[np.bool_]] | None:
    """Return rows, columns and pixels of the box of a mask, None of an empty one."""
    box: Box | None = mask.box()
    if box is None:
        return None
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    return rows, columns, mask.to_crop(box).inside


def _components(inside: NDArray[np.bool_], connectivity: int) -> list[Rle]:
    """Return the connected regions, in the order in which their rows begin."""
    import cv2

    count, regions = cv2.connectedComponents(inside.view(np.uint8), connectivity=connectivity)
    masks = encode_ids(np.asarray(regions, np.int32))
    return [masks[at] for at in range(1, count)]


def _void(taxonomy: Taxonomy, *, needed: bool) -> int:
    if taxonomy.ignore is None:
        if needed:
            raise ImageError(
                f"some pixels have no class and {taxonomy.name} has no id for them; "
                "set its `ignore`"
            )
        return 0
    return taxonomy.ignore


def _narrow(ids: NDArray[np.integer], taxonomy: Taxonomy) -> Ids:
    """Return ids in the narrowest type that holds every id of a taxonomy."""
    if max(*taxonomy.ids, taxonomy.ignore or 0) > 255:
        return ids.astype(np.uint16)
    return ids.astype(np.uint8)
