"""A mask for every object, kept as runs: hundreds of masks of a large picture cost megabytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.rle import Rle
from maskworks.core.rle_algebra import ious, union
from maskworks.core.taxonomy import Taxonomy
from maskworks.core.values import Box


@dataclass(frozen=True, eq=False)
class Instances:
    """The objects of one picture of `size` (H, W): a mask, a label and a score each.

    `labels` is int32 (N,), ids of `taxonomy`; `scores` is float32 (N,) in [0, 1]. Masks may
    overlap and may be empty. N may be 0.

    Raises
    ------
    ImageError
        If the lengths, types or sizes do not fit, a label is none of the taxonomy, or a score
        lies outside [0, 1] (or is NaN).

    Examples
    --------
    >>> from maskworks.core.rle import encode_mask
    >>> from maskworks.core.taxonomy import load_taxonomy
    >>> mask = encode_mask(np.array([[False, True, True]]))
    >>> cat = Instances.of([mask], labels=[8], scores=[0.9], taxonomy=load_taxonomy("voc-21"))
    >>> len(cat), cat.areas.tolist(), cat.boxes.tolist()
    (1, [2], [[0, 1, 1, 3]])
    """

    size: tuple[int, int]
    masks: tuple[Rle, ...]
    labels: NDArray[np.int32]
    scores: NDArray[np.float32]
    taxonomy: Taxonomy

    def __post_init__(self) -> None:
        count = len(self.masks)
        for name, array, kind in (
            ("labels", self.labels, np.int32),
            ("scores", self.scores, np.float32),
        ):
            if getattr(array, "shape", None) != (count,) or array.dtype != kind:
                raise ImageError(
                    f"{name} must be a {np.dtype(kind)} array of {count}, one a mask, got "
                    f"{getattr(array, 'dtype', type(array).__name__)} "
                    f"{getattr(array, 'shape', '')}"
                )
        other = [mask.size for mask in self.masks if mask.size != self.size]
        if other:
            raise ImageError(f"a mask is {other[0]}, the picture {self.size}; they must agree")
        strange = sorted({int(label) for label in self.labels} - set(self.taxonomy.ids))
        if strange:
            raise ImageError(f"label {strange[0]} is no id of {self.taxonomy.name}")
        if not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise ImageError(
                f"scores must lie in [0, 1], got [{self.scores.min():g}, {self.scores.max():g}]"
            )

    @classmethod
    def of(
        cls,
        masks: Sequence[Rle],
        *,
        labels: Sequence[int] | NDArray[np.integer],
        scores: Sequence[float] | NDArray[np.floating],
        taxonomy: Taxonomy,
        size: tuple[int, int] | None = None,
    ) -> Instances:
        """Build the value from sequences; `size` (H, W) is needed where there is no mask.

        Raises
        ------
        ImageError
            As the class; or if there is neither a mask nor a size.
        """
        if size is None and not masks:
            raise ImageError("there is no mask, so the size of the picture is unknown; give `size`")
        return cls(
            size or masks[0].size,
            tuple(masks),
            np.asarray(labels, np.int32).reshape(-1),
            np.asarray(scores, np.float32).reshape(-1),
            taxonomy,
        )

    def __len__(self) -> int:
        return len(self.masks)

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of each mask: int64 (N,)."""
        return np.array([mask.area for mask in self.masks], np.int64)

    @cached_property
    def boxes(self) -> NDArray[np.int64]:
        """The smallest box of each mask: int64 (N, 4), top, left, bottom, right, half-open.

        All 0 of an empty mask.
        """
        found = [mask.box() for mask in self.masks]
        rows = [(0, 0, 0, 0) if b is None else (b.top, b.left, b.bottom, b.right) for b in found]
        return np.array(rows, np.int64).reshape(-1, 4)

    @property
    def xyxy(self) -> NDArray[np.int64]:
        """The same as `boxes` with x first: int64 (N, 4), left, top, right, bottom."""
        return self.boxes[:, [1, 0, 3, 2]]

    def iou(self, other: Instances | None = None) -> NDArray[np.float64]:
        """Return the IoU of each mask with each of `other`, or of themselves: (N, M)."""
        return ious(self.masks, self.masks if other is None else other.masks)

    def select(self, chosen: Sequence[int] | NDArray[np.integer] | NDArray[np.bool_]) -> Instances:
        """Return these objects, by places in order or by a bool array of length N."""
        places = np.arange(len(self))[np.asarray(chosen, dtype=None if len(chosen) else np.int64)]
        return Instances(
            self.size,
            tuple(self.masks[at] for at in places),
            self.labels[places],
            self.scores[places],
            self.taxonomy,
        )

    def above(self, score: float) -> Instances:
        """Return the objects with at least this score, in the order they have."""
        return self.select(self.scores >= score)

    def suppressed(self, iou: float = 0.5, *, across_labels: bool = False) -> Instances:
        """Drop objects that lie too much on a better one (non-maximum suppression by masks).

        Parameters
        ----------
        iou : float in [0, 1]
            An object goes if its IoU with a kept one of a higher score is above this. Of equal
            scores the first is the better one.
        across_labels : bool
            By default only objects of one label compete.

        Returns
        -------
        Instances, highest score first
        """
        order = np.argsort(-self.scores, kind="stable")
        sorted_ = self.select(order)
        over = sorted_.iou() > iou
        if not across_labels:
            over &= sorted_.labels[:, np.newaxis] == sorted_.labels[np.newaxis]
        kept = np.ones(len(sorted_), bool)
        for at in range(len(sorted_)):
            if kept[at]:
                kept[at + 1 :] &= ~over[at, at + 1 :]
        return sorted_.select(kept)

    def merged(self, groups: Sequence[Sequence[int]]) -> Instances:
        """Unite the masks of each group of places; label and score are those of its best.

        Parameters
        ----------
        groups : places, none of them empty
            Objects in no group are left out.

        Returns
        -------
        Instances, one a group
        """
        best = [max(group, key=lambda at: (self.scores[at], -at)) for group in groups]
        return Instances.of(
            [union([self.masks[at] for at in group]) for group in groups],
            labels=self.labels[best] if best else [],
            scores=self.scores[best] if best else [],
            taxonomy=self.taxonomy,
            size=self.size,
        )

    def joined(self, other: Instances) -> Instances:
        """Return the objects of both; sizes and taxonomies must agree.

        Raises
        ------
        ImageError
            If they do not.
        """
        if self.size != other.size or self.taxonomy != other.taxonomy:
            raise ImageError(
                f"{self.size} of {self.taxonomy.name} and {other.size} of {other.taxonomy.name} "
                "cannot be joined; place the one in the other's picture first"
            )
        return Instances(
            self.size,
            self.masks + other.masks,
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.scores, other.scores]),
            self.taxonomy,
        )

    def crop(self, box: Box) -> Instances:
        """Return what of each object lies in a box, as a picture of its size; empty masks stay."""
        masks = tuple(mask.crop(box) for mask in self.masks)
        return Instances(box.size, masks, self.labels, self.scores, self.taxonomy)

    def placed(self, size: tuple[int, int], *, top: int, left: int) -> Instances:
        """Return the objects in a larger picture, in which this one begins at (top, left)."""
        masks = tuple(mask.placed(size, top=top, left=left) for mask in self.masks)
        return Instances(size, masks, self.labels, self.scores, self.taxonomy)
