"""The values that cross the borders between sub-packages: frozen, checked once.

`frozen` stops rebinding, not writing into an array: whoever receives a value must not write
into it. `eq=False` because a generated ``==`` on arrays raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from maskworks.core.check import check
from maskworks.core.errors import ImageError
from maskworks.core.given_masks import alpha_of, inside_of_any

Pixels = NDArray[np.uint8]
Bool2D = NDArray[np.bool_]
Float2D = NDArray[np.float32]
Number = TypeVar("Number", np.uint8, np.float32)

STRIP = 1 << 17
"""Values that are looked at together."""

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
NEARLY_BLACK, NEARLY_WHITE = 10, 245  # a hand-drawn trimap saved with loss


@dataclass(frozen=True, eq=False)
class Image:
    """A picture: `pixels` is uint8 (H, W, 3), red first (RGB), sRGB, upright, at least 1x1.

    An array of OpenCV has blue first: give ``array[..., ::-1]``.

    Raises
    ------
    ImageError
        If `pixels` has another rank, type or channel count, or no pixel.

    Examples
    --------
    >>> Image(np.zeros((2, 3, 3), np.uint8)).size
    (2, 3)
    """

    pixels: Pixels

    def __post_init__(self) -> None:
        check("pixels", self.pixels, ndim=3, dtype=np.uint8, channels=3)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), pixels."""
        height, width = self.pixels.shape[:2]
        return height, width


@dataclass(frozen=True)
class Box:
    """A half-open rectangle, rows `top` to `bottom`, columns `left` to `right`, pixels.

    Raises
    ------
    ImageError
        If it holds no pixel or starts before the first row or column.

    Examples
    --------
    >>> Box(top=0, left=1, bottom=2, right=4).size
    (2, 3)
    """

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        corners = (self.top, self.left, self.bottom, self.right)
        if not all(isinstance(corner, int | np.integer) for corner in corners):
            raise ImageError(
                "a box is of whole pixels, Box(top, left, bottom, right), got "
                f"({', '.join(type(corner).__name__ for corner in corners)}); round them first"
            )
        if not (0 <= self.top < self.bottom and 0 <= self.left < self.right):
            message = (
                "a box needs 0 <= top < bottom and 0 <= left < right, got (top, left, bottom, "
                f"right) = ({self.top}, {self.left}, {self.bottom}, {self.right})"
            )
            raise ImageError(message)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width), pixels."""
        return self.bottom - self.top, self.right - self.left

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """(x of the left, y of the top, x of the right, y of the bottom), as detectors write it."""
        return self.left, self.top, self.right, self.bottom

    @classmethod
    def of_xyxy(cls, left: int, top: int, right: int, bottom: int) -> Self:
        """Return the box of corners (x, y), (x, y), as detectors write it.

        Raises
        ------
        ImageError
            As `Box`.

        Examples
        --------
        >>> Box.of_xyxy(1, 0, 4, 2)
        Box(top=0, left=1, bottom=2, right=4)
        """
        return cls(top, left, bottom, right)


@dataclass(frozen=True, eq=False)
class Mask:
    """Which pixels belong to the subject: `inside` is bool (H, W), at least 1x1.

    Raises
    ------
    ImageError
        If `inside` has another rank or type, or no pixel.
    """

    inside: Bool2D

    def __post_init__(self) -> None:
        check("inside", self.inside, ndim=2, dtype=np.bool_, way_out="Mask.of takes others")

    @classmethod
    def of(cls, values: Any) -> Self:  # noqa: ANN401 - what a caller has
        """Return the mask of an array of bool, 0 and 1, 0 to 255, or float in [0, 1].

        Raises
        ------
        ImageError
            As `given_masks.alpha_of`.

        Examples
        --------
        >>> Mask.of(np.array([[0, 255]], np.uint8)).inside.tolist()
        [[False, True]]
        """
        return cls(inside_of_any(values))

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), pixels."""
        height, width = self.inside.shape
        return height, width

    def box(self) -> Box | None:
        """Return the smallest box around the pixels inside, None if there are none.

        Examples
        --------
        >>> Mask(np.array([[False, False, False], [False, True, True]])).box()
        Box(top=1, left=1, bottom=2, right=3)
        >>> Mask(np.zeros((2, 2), bool)).box() is None
        True
        """
        rows = np.flatnonzero(self.inside.any(axis=1))
        if rows.size == 0:
            return None
        columns = np.flatnonzero(self.inside.any(axis=0))
        return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _strips(array: NDArray[Number]) -> Iterator[NDArray[Number]]:
    """Yield rows that fit a processor's cache, so that two looks at them cost hardly more."""
    rows = max(1, STRIP // array.shape[1])
    for top in range(0, array.shape[0], rows):
        yield array[top : top + rows]


def _least_other(levels: NDArray[np.uint8]) -> int | None:
    """Return the least level that a trimap has not, None where all are its own."""
    other = levels != BACKGROUND
    other &= levels != UNKNOWN
    other &= levels != FOREGROUND
    return int(levels[other].min()) if other.any() else None


@dataclass(frozen=True, eq=False)
class Matte:
    """How much of each pixel is foreground: `alpha` is float32 (H, W) in [0, 1].

    Raises
    ------
    ImageError
        If `alpha` has another rank or type, no pixel, or a value outside [0, 1] (or NaN).
    """

    alpha: Float2D

    def __post_init__(self) -> None:
        check("alpha", self.alpha, ndim=2, dtype=np.float32, way_out="Matte.of takes others")
        ends = [(rows.min(), rows.max()) for rows in _strips(self.alpha)]  # NaN goes through both
        low, high = float(np.min(ends)), float(np.max(ends))
        if not (low >= 0.0 and high <= 1.0):
            message = f"alpha must lie in [0, 1], got [{low:g}, {high:g}]"
            raise ImageError(message)

    @classmethod
    def of(cls, values: Any) -> Self:  # noqa: ANN401 - what a caller has
        """Return the matte of an array of bool, 0 and 1, 0 to 255, or float in [0, 1].

        Raises
        ------
        ImageError
            As `given_masks.alpha_of`.

        Examples
        --------
        >>> Matte.of(np.array([[0, 255]], np.uint8)).alpha.tolist()
        [[0.0, 1.0]]
        """
        return cls(alpha_of(values))

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), pixels."""
        height, width = self.alpha.shape
        return height, width

    def threshold(self, at: float = 0.5) -> Mask:
        """Return the pixels with alpha >= `at`; a tie is inside.

        Examples
        --------
        >>> Matte(np.array([[0.2, 0.5, 1.0]], np.float32)).threshold().inside.tolist()
        [[False, True, True]]
        """
        return Mask(self.alpha >= at)


@dataclass(frozen=True, eq=False)
class Trimap:
    """What is sure and what is not: `levels` is uint8 (H, W) of 0, 128 and 255.

    0 is sure background, 128 the unknown band, 255 sure foreground.

    Raises
    ------
    ImageError
        If `levels` has another rank or type, no pixel, or another value.

    Examples
    --------
    >>> Trimap(np.array([[0, 128, 255]], np.uint8)).unknown.tolist()
    [[False, True, False]]
    """

    levels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        check("levels", self.levels, ndim=2, dtype=np.uint8)
        others = [
            least for rows in _strips(self.levels) if (least := _least_other(rows)) is not None
        ]
        if others:
            least = min(others)
            message = (
                f"a trimap holds {BACKGROUND}, {UNKNOWN} and {FOREGROUND}, got {least} too; "
                "build it with Trimap.from_grey"
            )
            raise ImageError(message)

    @classmethod
    def from_grey(cls, grey: NDArray[np.uint8]) -> Trimap:
        """Return the trimap drawn in grey: <= 10 background, >= 245 foreground, else unknown.

        Examples
        --------
        >>> Trimap.from_grey(np.array([[3, 90, 250]], np.uint8)).levels.tolist()
        [[0, 128, 255]]
        """
        check("grey", grey, ndim=2, dtype=np.uint8)
        levels = np.full(grey.shape, UNKNOWN, np.uint8)
        levels[grey <= NEARLY_BLACK] = BACKGROUND
        levels[grey >= NEARLY_WHITE] = FOREGROUND
        return cls(levels)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), pixels."""
        height, width = self.levels.shape
        return height, width

    @property
    def unknown_count(self) -> int:
        """How many pixels are unknown."""
        return sum(int(np.count_nonzero(rows == UNKNOWN)) for rows in _strips(self.levels))

    @property
    def unknown_share(self) -> float:
        """Unknown pixels by all pixels, in [0, 1]."""
        return self.unknown_count / self.levels.size

    @property
    def background(self) -> Bool2D:
        """Bool (H, W): sure background."""
        found: Bool2D = self.levels == BACKGROUND
        return found

    @property
    def unknown(self) -> Bool2D:
        """Bool (H, W): the unknown band."""
        found: Bool2D = self.levels == UNKNOWN
        return found

    @property
    def foreground(self) -> Bool2D:
        """Bool (H, W): sure foreground."""
        found: Bool2D = self.levels == FOREGROUND
        return found
