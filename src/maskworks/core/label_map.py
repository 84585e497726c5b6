"""A class for every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.check import check
from maskworks.core.errors import ImageError
from maskworks.core.taxonomy import Taxonomy
from maskworks.core.taxonomy_mapping import Mapping
from maskworks.core.values import Image, Mask

Ids = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A class for every pixel: `ids` is uint8 or uint16 (H, W), ids of `taxonomy`.

    The taxonomy's `ignore` id marks pixels without a label.

    Raises
    ------
    ImageError
        If `ids` has another rank or type, no pixel, or an id that the taxonomy does not have.

    Examples
    --------
    >>> from maskworks.core.taxonomy import plain_taxonomy
    >>> field = LabelMap(np.array([[0, 1, 1, 255]], np.uint8), plain_taxonomy(["soil", "crop"]))
    >>> field.counts()
    {0: 1, 1: 2, 255: 1}
    """

    ids: Ids
    taxonomy: Taxonomy

    def __post_init__(self) -> None:
        wide = getattr(self.ids, "dtype", None) == np.uint16
        check("ids", self.ids, ndim=2, dtype=np.uint16 if wide else np.uint8)
        known = {*self.taxonomy.ids, self.taxonomy.ignore}
        strange = sorted(set(self.counts()) - known)
        if strange:
            raise ImageError(
                f"the label map holds {strange[0]}, which is no id of {self.taxonomy.name}; "
                "choose the taxonomy it was made for, or map it"
            )

    @classmethod
    def from_outputs(cls, outputs: NDArray[np.integer], taxonomy: Taxonomy) -> LabelMap:
        """Return the label map of a network's outputs 0, 1, 2 ... in the taxonomy's order.

        Parameters
        ----------
        outputs : ints (H, W)
            Such as the argmax over the classes.

        Raises
        ------
        ImageError
            If an output has no class.

        Examples
        --------
        >>> from maskworks.core.taxonomy import load_taxonomy
        >>> ade = load_taxonomy("ade20k-150")
        >>> LabelMap.from_outputs(np.array([[0, 149]]), ade).ids.tolist()
        [[1, 150]]
        """
        most = int(outputs.max()) if outputs.size else -1
        if outputs.size and not (int(outputs.min()) >= 0 and most < len(taxonomy)):
            raise ImageError(
                f"the network answers {most}, {taxonomy.name} has {len(taxonomy)} classes "
                f"(0 to {len(taxonomy) - 1}); name the taxonomy it was trained on"
            )
        wide = np.uint16 if max(taxonomy.ids) > 255 else np.uint8
        table = np.array(taxonomy.ids, wide)
        return cls(table[outputs], taxonomy)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), pixels."""
        height, width = self.ids.shape
        return height, width

    def counts(self) -> dict[int, int]:
        """Return the pixels of each id that occurs, by id."""
        found = np.bincount(self.ids.ravel())
        return {int(at): int(found[at]) for at in np.flatnonzero(found)}

    def mask(self, category: int) -> Mask:
        """Return the pixels of one class."""
        return Mask(self.ids == category)

    def mapped(self, mapping: Mapping) -> LabelMap:
        """Return the same pixels in another taxonomy.

        Raises
        ------
        ImageError
            If the mapping starts from another taxonomy.
        """
        if mapping.source != self.taxonomy:
            raise ImageError(
                f"the mapping is from {mapping.source.name}, the label map is of "
                f"{self.taxonomy.name}; choose the mapping that starts there"
            )
        table = mapping.table()
        if table.max() < 256:
            return LabelMap(table.astype(np.uint8)[self.ids], mapping.target)
        return LabelMap(table[self.ids], mapping.target)

    def coloured(self) -> Image:
        """Return the classes in the taxonomy's colours; pixels without a label are black."""
        table = np.zeros((int(self.ids.max()) + 1, 3), np.uint8)
        for each in self.taxonomy.categories:
            if each.id < len(table):
                table[each.id] = each.colour
        return Image(table[self.ids])
