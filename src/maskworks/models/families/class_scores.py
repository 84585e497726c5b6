"""How likely each class is at each pixel, kept at the network's resolution.

A probability for each of 150 classes at 12 megapixels is 7 GB; at the resolution at which a
network answers it is a hundredth. Full rows are made a band at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.check import check
from maskworks.core.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Scores = NDArray[np.float32]

BAND_VALUES = 16_000_000
"""How many float32 a band of full rows may hold."""


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Scores of C classes for a picture of `size` (H, W).

    `values` is float32 (C, h, w), logits if `logits`, else probabilities; they are enlarged
    to `size` bilinearly, pixel centres aligned. With `shares` they are parts of a total that
    differs from pixel to pixel, and become probabilities once they are enlarged.

    With `kept`, the places of K classes, class 0 is whichever of the others is most likely, and
    classes 1 to K are these: what is best at a pixel is as it is without.

    Raises
    ------
    ImageError
        If `values` has another rank or type, or is not finite.
    """

    values: Scores
    size: tuple[int, int]
    logits: bool = False
    shares: bool = False
    kept: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check("values", self.values, ndim=3, dtype=np.float32)
        if not np.isfinite(self.values).all():
            raise ImageError("class scores must be finite, got NaN or infinity")

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.values.shape[0]) if self.kept is None else len(self.kept) + 1

    def rows(self, top: int, bottom: int) -> Scores:
        """Return probabilities float32 (C, bottom - top, W) of full rows.

        Examples
        --------
        >>> half = ClassScores(np.full((2, 1, 1), 0.5, np.float32), (4, 4))
        >>> half.rows(0, 2).shape
        (2, 2, 4)
        """
        raw = self._enlarged(top, bottom)
        if self.shares:
            raw = raw / np.maximum(raw.sum(axis=0, keepdims=True), np.float32(1e-12))
        scores = softmax(raw) if self.logits else raw
        if self.kept is None:
            return scores
        rest = np.delete(scores, self.kept, axis=0).max(axis=0, initial=0)
        return np.stack([rest, *scores[list(self.kept)]])

    def labels(self) -> NDArray[np.uint16]:
        """Return the most likely class of each pixel, uint16 (H, W); the first wins a tie."""
        found = np.empty(self.size, np.uint16)
        for top, bottom in self.bands():
            found[top:bottom] = self._enlarged(top, bottom).argmax(axis=0)
        if self.kept is None:
            return found
        table = np.zeros(len(self.values), np.uint16)
        table[list(self.kept)] = np.arange(1, len(self.kept) + 1)
        return table[found]

    def bands(self) -> Iterator[tuple[int, int]]:
        """Yield (top, bottom) of bands of rows that are small enough to be made at once."""
        height, width = self.size
        count = max(1, BAND_VALUES // (len(self.values) * width))
        for top in range(0, height, count):
            yield top, min(top + count, height)

    def _enlarged(self, top: int, bottom: int) -> Scores:
        height, width = self.size
        low, high, share = _between(height, self.values.shape[1])
        rows = slice(top, bottom)
        if self.values.shape[1] == height:
            mixed = self.values[:, rows]
        else:
            weight = share[rows][:, np.newaxis]
            mixed = self.values[:, low[rows]] * (1 - weight) + self.values[:, high[rows]] * weight
        return _wider(np.ascontiguousarray(mixed, np.float32), width)


def softmax(logits: Scores) -> Scores:
    """Return probabilities over the first axis.

    Examples
    --------
    >>> softmax(np.zeros((2, 1, 1), np.float32)).ravel().tolist()
    [0.5, 0.5]
    """
    raised: Scores = np.exp(logits - logits.max(axis=0, keepdims=True))
    raised /= raised.sum(axis=0, keepdims=True)
    return raised


def _between(new: int, old: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Scores]:
    """Return for each new position its two old neighbours and the second one's share."""
    centres = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
    low = centres.astype(np.intp)
    return low, np.minimum(low + 1, old - 1), (centres - low).astype(np.float32)


def _wider(rows: Scores, width: int) -> Scores:
    if rows.shape[2] == width:
        return rows
    low, high, share = _between(width, rows.shape[2])
    left = np.take(rows, low, axis=2)
    left += (np.take(rows, high, axis=2) - left) * share
    return left
