"""A network over a volume of any size: windows that overlap, each surest in its middle.

Every window's answer is weighted by a Gaussian around its middle, as nnU-Net does (Isensee et
al., Nature Methods 2021: overlap of a half, sigma of an eighth of the side), so seams fade. What is
kept is a slab as deep as a window: memory follows the window and a slice, not the volume.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import NetworkError, UsageError

Float3D = NDArray[np.float32]
Scores4D = NDArray[np.float32]
"""Of classes: (C, D, H, W)."""

SIGMA = 1 / 8
"""Of the weights, as a share of the window's side."""


@dataclass(frozen=True)
class VolumeWindows:
    """Windows of `sides` (D, H, W) voxels that overlap by a share of each side.

    Raises
    ------
    UsageError
        If a side is below 1, or the overlap is not in [0, 1).

    Examples
    --------
    >>> VolumeWindows((4, 8, 8)).starts(20, 8)
    [0, 4, 8, 12]
    """

    sides: tuple[int, int, int]
    overlap: float = 0.5

    def __post_init__(self) -> None:
        if min(self.sides) < 1 or not 0 <= self.overlap < 1:
            raise UsageError(
                "a window is three sides of at least 1 voxel that overlap by 0 to less than 1, got "
                f"{self.sides} and {self.overlap:g}"
            )

    def starts(self, length: int, side: int) -> list[int]:
        """Return where windows begin along an axis; the last one ends at its end."""
        if length <= side:
            return [0]
        step = max(1, int(side * (1 - self.overlap)))
        last = length - side
        return [*range(0, last, step), last]

    def weights(self) -> Float3D:
        """Return the weights of a window: float32 (D, H, W), 1 in its middle, nowhere 0."""
        parts = []
        for side in self.sides:
            away = (np.arange(side) - (side - 1) / 2) / (side * SIGMA)
            parts.append(np.exp(-(away**2) / 2))
        found = (parts[0][:, np.newaxis, np.newaxis] * parts[1][:, np.newaxis] * parts[2]).astype(
            np.float32
        )
        found /= found.max()
        weights: Float3D = np.maximum(found, found[found > 0].min())
        return weights


def label_slices(
    values: Float3D,
    predict: Callable[[Float3D], Scores4D],
    windows: VolumeWindows,
    *,
    name: str = "volume",
) -> Iterator[NDArray[np.uint16]]:
    """Yield the best class of each voxel, slice by slice along the first axis.

    Parameters
    ----------
    values : float32 (D, H, W)
        A side that is shorter than the window's is filled up with the least value.
    predict : callable
        Takes a window, float32 of `windows.sides`, and returns the scores of its classes,
        float32 (C, D, H, W): logits or probabilities, which are averaged as they are.
    name : str
        What messages call the network.

    Yields
    ------
    uint16 (H, W)
        Places of classes; the first wins a tie.

    Raises
    ------
    NetworkError
        If an answer has another shape, or is not finite.
    """
    depth, height, width = values.shape
    padded = _filled(values, windows.sides)
    weights = windows.weights()
    tops = windows.starts(padded.shape[0], windows.sides[0])
    places = [windows.starts(padded.shape[axis], windows.sides[axis]) for axis in (1, 2)]
    slab: Scores4D | None = None
    for at, top in enumerate(tops):
        for row, column in product(*places):
            box = tuple(
                slice(start, start + side)
                for start, side in zip((top, row, column), windows.sides, strict=True)
            )
            found = _checked(predict(np.ascontiguousarray(padded[box])), windows.sides, name)
            if slab is None:
                slab = np.zeros((len(found), windows.sides[0], *padded.shape[1:]), np.float32)
            slab[(slice(None), slice(None), *box[1:])] += found * weights
        if slab is None:
            raise AssertionError(windows)  # there is a window at least
        until = tops[at + 1] if at + 1 < len(tops) else padded.shape[0]
        for done in range(min(until, depth) - top):
            yield slab[:, done, :height, :width].argmax(axis=0).astype(np.uint16)
        left = slab[:, until - top :].copy()
        slab[:, : left.shape[1]] = left
        slab[:, left.shape[1] :] = 0


def _filled(values: Float3D, sides: tuple[int, int, int]) -> Float3D:
    more = [(0, max(0, side - have)) for side, have in zip(sides, values.shape, strict=True)]
    return np.pad(values, more, constant_values=values.min()) if np.any(more) else values


def _checked(found: Scores4D, sides: tuple[int, int, int], name: str) -> Scores4D:
    if found.ndim != 4 or found.shape[1:] != sides:
        raise NetworkError(
            name,
            f"answers {found.shape} to a window of {sides}; scores are (classes, depth, height, "
            "width) of the window's size",
        )
    if not np.isfinite(found).all():
        raise NetworkError(name, "answers NaN or infinity")
    return found
