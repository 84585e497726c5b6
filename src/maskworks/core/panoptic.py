"""Every pixel a segment, every segment a class: things one by one, stuff as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from maskworks.core.check import check
from maskworks.core.errors import ImageError
from maskworks.core.rle import Rle, encode_ids
from maskworks.core.taxonomy import Taxonomy
from maskworks.core.values import Pixels

VOID = 0
"""The segment id of pixels that belong to no segment."""

MOST_SEGMENT_IDS = 1 << 24
"""Segment ids fit into the three channels of a PNG."""

_COUNTED = 1 << 20  # ids below are counted by place, above by sorting


@dataclass(frozen=True)
class Segment:
    """One segment: its `id` in the map, the `category` id, and what is known besides.

    `score` is None of a truth; `crowd` marks a region of things that were not told apart.
    """

    id: int
    category: int
    score: float | None = None
    crowd: bool = False


@dataclass(frozen=True, eq=False)
class Panoptic:
    """Segments of a picture: `ids` is int32 (H, W), 0 where there is none; `segments` say what.

    Raises
    ------
    ImageError
        If `ids` has another rank or type, or no pixel; an id occurs in the map and not among
        the segments or the reverse, is listed twice, or is outside 1 to 16,777,215; or a
        category is none of the taxonomy.

    Examples
    --------
    >>> from maskworks.core.taxonomy import load_taxonomy
    >>> ids = np.array([[1, 1, 0, 7]], np.int32)
    >>> street = Panoptic(ids, (Segment(1, 0), Segment(7, 13)), load_taxonomy("cityscapes-19"))
    >>> [(row["category_id"], row["area"], row["isthing"]) for row in street.segments_info]
    [(0, 2, 0), (13, 1, 1)]
    """

    ids: NDArray[np.int32]
    segments: tuple[Segment, ...]
    taxonomy: Taxonomy

    def __post_init__(self) -> None:
        check("ids", self.ids, ndim=2, dtype=np.int32)
        listed = [segment.id for segment in self.segments]
        if len(set(listed)) != len(listed):
            raise ImageError("a segment id is listed twice; ids must differ")
        if listed and not (min(listed) > VOID and max(listed) < MOST_SEGMENT_IDS):
            raise ImageError(
                f"segment ids are 1 to {MOST_SEGMENT_IDS - 1:,}, got {min(listed)} to {max(listed)}"
            )
        found = set(self.areas) - {VOID}
        if found != set(listed):
            strange = min(found.symmetric_difference(listed))
            where = "in the map, not among the segments" if strange in found else "not in the map"
            raise ImageError(f"segment {strange} is {where}; list exactly those that occur")
        for segment in self.segments:
            if segment.category not in self.taxonomy:
                raise ImageError(
                    f"segment {segment.id} has category {segment.category}, which is no id of "
                    f"{self.taxonomy.name}"
                )

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), pixels."""
        height, width = self.ids.shape
        return height, width

    @cached_property
    def areas(self) -> dict[int, int]:
        """Pixels of each segment id that occurs, 0 among them."""
        return count_ids(self.ids)

    @cached_property
    def masks(self) -> dict[int, Rle]:
        """The mask of each segment by its id, as runs."""
        found = encode_ids(self.ids)
        return {at: mask for at, mask in found.items() if at != VOID}

    @property
    def segments_info(self) -> list[dict[str, object]]:
        """One record a segment, as COCO panoptic files have it.

        id, category_id, isthing, iscrowd (0 or 1), area, bbox [left, top, width, height], and
        the score where there is one.
        """
        rows: list[dict[str, object]] = []
        for segment in self.segments:
            box = self.masks[segment.id].box()
            if box is None:
                raise AssertionError(segment)  # every listed segment occurs in the map
            row: dict[str, object] = {
                "id": segment.id,
                "category_id": segment.category,
                "isthing": int(self.taxonomy.category(segment.category).thing),
                "iscrowd": int(segment.crowd),
                "area": self.areas[segment.id],
                "bbox": [box.left, box.top, box.size[1], box.size[0]],
            }
            rows.append(row if segment.score is None else row | {"score": segment.score})
        return rows

    def to_png_pixels(self) -> Pixels:
        """Return the ids as COCO's pictures hold them: id = red + 256 green + 65536 blue."""
        ids = self.ids
        return np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=2).astype(np.uint8)


def ids_of_png(pixels: Pixels) -> NDArray[np.int32]:
    """Return the segment ids of a COCO panoptic picture: int32 (H, W) of uint8 (H, W, 3).

    Raises
    ------
    ImageError
        If the array has another shape or type.

    Examples
    --------
    >>> ids_of_png(np.array([[[3, 1, 0]]], np.uint8)).tolist()
    [[259]]
    """
    check("pixels", pixels, ndim=3, dtype=np.uint8, channels=3)
    ids = pixels[..., 2].astype(np.int32)
    for channel in (1, 0):
        ids <<= 8
        ids |= pixels[..., channel]
    return ids


def count_ids(ids: NDArray[np.int32]) -> dict[int, int]:
    """Return how often each value of an array of ids >= 0 occurs."""
    if ids.size and int(ids.max()) < _COUNTED and int(ids.min()) >= 0:
        counted = np.bincount(ids.ravel())
        return {int(at): int(counted[at]) for at in np.flatnonzero(counted)}
    found, counts = np.unique(ids, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def numbered(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Return the segments with ids 1, 2, 3 ... in order."""
    return tuple(
        Segment(at, each.category, each.score, each.crowd)
        for at, each in enumerate(segments, start=1)
    )
