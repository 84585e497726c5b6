"""Large pictures: labelled tile by tile, with the memory of a tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import LabelMap
from maskworks.core.values import Image
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.families.tile_merging import Found, merge_tiles
from maskworks.models.families.tiling import Read, Tiling, blended, tiles_of
from maskworks.models.labelling import Answer, Labelled, Segmenter, Task, derive

if TYPE_CHECKING:
    from maskworks.core.values import Box

WHOLE_PIXELS = 4_000_000
"""A picture with more pixels goes through a network of any size in tiles."""

OVERLAP_SHARE = 4
"""Tiles overlap by a quarter of their side unless something else is asked for."""

IdBlock = tuple["Box", NDArray[np.uint16], NDArray[np.float32]]
"""A part of the picture, the output numbers of its pixels, and how likely each is."""


@dataclass(frozen=True)
class Tiles:
    """Tile options: side (None leaves it to the model) and overlap."""

    side: int | None = None
    overlap: int | None = None


def tiling_for(segmenter: Segmenter, size: tuple[int, int], asked: Tiles) -> Tiling | None:
    """Return how a picture of `size` (H, W) is cut, None if it is not.

    Raises
    ------
    UsageError
        If tiles were asked for and the model takes whole pictures only; or objects in tiles
        that do not overlap, which nothing could make whole.
    """
    side = asked.side
    if side is None:
        if segmenter.tile is None or size[0] * size[1] <= WHOLE_PIXELS:
            return None
        side = segmenter.tile
    elif not segmenter.tileable:
        raise UsageError(
            f"{segmenter.name} looks at whole pictures and cannot be tiled; leave --tile out"
        )
    step = segmenter.stride
    side = max(step, -(-side // step) * step)
    overlap = side // OVERLAP_SHARE if asked.overlap is None else asked.overlap
    overlap = min(-(-overlap // step) * step, side // 2 // step * step)
    if max(size) <= side:
        return None
    if segmenter.objects and overlap == 0:
        raise UsageError(
            f"objects on seams are made whole where tiles overlap, got tiles of {side} pixels and "
            f"an overlap of 0; leave --overlap out, or give at least {step}"
        )
    return Tiling(side, overlap, step)


def label_tiled(image: Image, segmenter: Segmenter, task: Task, tiling: Tiling) -> Labelled:
    """Label one picture in tiles; see `maskworks.models.labelling.label_picture`."""
    pixels = image.pixels

    def read(box: Box) -> NDArray[np.uint8]:
        return pixels[box.top : box.bottom, box.left : box.right]

    if segmenter.objects:
        found = objects_in_tiles(read, image.size, segmenter, tiling)
        return derive(found, segmenter.taxonomy, task)
    ids = np.empty(image.size, np.uint16)
    for box, block, _ in labels_in_tiles(read, image.size, segmenter, tiling):
        ids[box.top : box.bottom, box.left : box.right] = block
    return derive(LabelMap.from_outputs(ids, segmenter.taxonomy), segmenter.taxonomy, task)


def labels_in_tiles(
    read: Read, size: tuple[int, int], segmenter: Segmenter, tiling: Tiling
) -> Iterator[IdBlock]:
    """Yield the best class of each pixel, block by block, a row of blocks after the other."""

    def scores(tile: Image) -> ClassScores:
        return _scores(segmenter.answer(tile, "semantic"), segmenter)

    for box, values in blended(read, size, scores, tiling):
        yield box, values.argmax(axis=0).astype(np.uint16), values.max(axis=0)


def objects_in_tiles(
    read: Read, size: tuple[int, int], segmenter: Segmenter, tiling: Tiling
) -> Instances:
    """Return the objects of a picture, those on seams made whole."""
    found: list[Found] = []
    for box in tiles_of(size, tiling):
        answer = segmenter.answer(Image(np.ascontiguousarray(read(box))), "instance")
        if not isinstance(answer, Instances):
            raise UsageError(f"{segmenter.name} gives no objects that could be merged across tiles")
        found.append((box, answer.placed(size, top=box.top, left=box.left)))
    return merge_tiles(found, size, segmenter.taxonomy)


def _scores(answer: Answer, segmenter: Segmenter) -> ClassScores:
    if not isinstance(answer, ClassScores):
        raise UsageError(
            f"{segmenter.name} gives no probabilities that could be blended across tiles; "
            "leave --tile out"
        )
    return answer
