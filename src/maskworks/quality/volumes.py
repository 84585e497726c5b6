"""Compare two masks of a volume: what they share, and how far their surfaces lie apart, in mm.

A surface lies between voxels: each corner where eight voxels meet, some inside and some not,
carries a piece of it, whose area follows from which they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError

Bool3D: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Spacing: TypeAlias = tuple[float, float, float]
"""Between the middles of neighbouring voxels along each axis, mm."""

_CORNERS = tuple((x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1))
_FULL = 255


def dice(predicted: Bool3D, truth: Bool3D) -> float:
    """Return twice the shared voxels over those of both masks.

    Parameters
    ----------
    predicted, truth : bool (X, Y, Z)

    Returns
    -------
    float in [0, 1]; NaN where both are empty

    Raises
    ------
    ImageError
        If the shapes differ.

    Examples
    --------
    >>> half = np.zeros((2, 2, 2), bool)
    >>> half[0] = True
    >>> dice(half, np.ones((2, 2, 2), bool))
    0.6666666666666666
    """
    _check(predicted, truth, (1.0, 1.0, 1.0))
    both = int(predicted.sum()) + int(truth.sum())
    return 2 * int((predicted & truth).sum()) / both if both else float("nan")


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """Each piece of two surfaces: how far the other one is, mm, and its area, mm².

    `to_truth` and `predicted_areas` are float64 (P,), of the predicted surface; `to_predicted`
    and `true_areas` float64 (T,). Of an empty mask there is no surface.
    """

    to_truth: Floats
    predicted_areas: Floats
    to_predicted: Floats
    true_areas: Floats

    def hausdorff(self, percent: float = 95.0) -> float:
        """Return the distance that so many percent of a surface stay within, the worse of both.

        Parameters
        ----------
        percent : float in (0, 100]
            Of the surface's area: 95 is HD95, 100 the Hausdorff distance.

        Returns
        -------
        float, mm; infinite where one mask is empty, NaN where both are
        """
        if not 0 < percent <= 100:
            raise UsageError(f"percent is above 0 and at most 100, got {percent:g}")
        if not self.to_truth.size and not self.to_predicted.size:
            return float("nan")
        if not self.to_truth.size or not self.to_predicted.size:
            return float("inf")
        found = (
            _percentile(self.to_truth, self.predicted_areas, percent),
            _percentile(self.to_predicted, self.true_areas, percent),
        )
        return max(found)

    def surface_dice(self, tolerance_mm: float) -> float:
        """Return the share of both surfaces that lies within a tolerance of the other (NSD).

        Parameters
        ----------
        tolerance_mm : float, >= 0
            What two people who draw the same outline differ by.

        Returns
        -------
        float in [0, 1]; 0 where one mask is empty, NaN where both are
        """
        if not tolerance_mm >= 0:
            raise UsageError(f"a tolerance is at least 0 mm, got {tolerance_mm:g}")
        total = float(self.predicted_areas.sum() + self.true_areas.sum())
        if not total:
            return float("nan")
        near = float(self.predicted_areas[self.to_truth <= tolerance_mm].sum())
        return (near + float(self.true_areas[self.to_predicted <= tolerance_mm].sum())) / total


def surface_distances(
    predicted: Bool3D, truth: Bool3D, spacing_mm: Sequence[float]
) -> SurfaceDistances:
    """Measure how far each piece of two surfaces is from the other one.

    Parameters
    ----------
    predicted, truth : bool (X, Y, Z)
        The border of the volume is a surface too, where a mask reaches it.
    spacing_mm : three floats, > 0
        Of the voxels along X, Y and Z.

    Raises
    ------
    ImageError
        If the shapes differ or a spacing is not above 0.

    References
    ----------
    Nikolov et al., Clinically Applicable Segmentation of Head and Neck Anatomy for
    Radiotherapy, JMIR 2021, and its published code (surface-distance): the same pieces, areas and
    percentiles.

    Examples
    --------
    >>> ball = np.zeros((5, 5, 5), bool)
    >>> ball[1:4, 1:4, 1:4] = True
    >>> beside = np.roll(ball, 1, axis=2)
    >>> found = surface_distances(beside, ball, (1, 1, 2))
    >>> found.hausdorff(100), round(found.surface_dice(1.0), 3)
    (2.0, 0.8)
    """
    spacing = _check(predicted, truth, spacing_mm)
    box = _box(predicted | truth)
    if box is None:
        none = np.zeros(0)
        return SurfaceDistances(none, none, none, none)
    areas = _areas(spacing)
    ours, true = (_codes(each[box]) for each in (predicted, truth))
    on_ours, on_true = ((each != 0) & (each != _FULL) for each in (ours, true))
    return SurfaceDistances(
        _distances(on_true, spacing)[on_ours],
        areas[ours[on_ours]],
        _distances(on_ours, spacing)[on_true],
        areas[true[on_true]],
    )


def _check(predicted: Bool3D, truth: Bool3D, spacing_mm: Sequence[float]) -> Spacing:
    for name, each in (("predicted", predicted), ("truth", truth)):
        if each.ndim != 3 or each.dtype != np.bool_:
            raise ImageError(
                f"{name} must be a bool volume of three axes, got {each.dtype} {each.shape}"
            )
    if predicted.shape != truth.shape:
        raise ImageError(
            f"the volumes are {predicted.shape} and {truth.shape}; they must have one shape"
        )
    spacing = tuple(float(each) for each in spacing_mm)
    if len(spacing) != 3 or not all(0 < each < float("inf") for each in spacing):
        raise ImageError(f"spacing is three lengths above 0 mm, got {list(spacing)}")
    return spacing[0], spacing[1], spacing[2]


def _box(inside: Bool3D) -> tuple[slice, slice, slice] | None:
    """Return the smallest box with all that is inside, None if nothing is."""
    edges: list[slice] = []
    for axis in range(3):
        others = tuple(each for each in range(3) if each != axis)
        where = np.flatnonzero(inside.any(axis=others))
        if not where.size:
            return None
        edges.append(slice(int(where[0]), int(where[-1]) + 1))
    return edges[0], edges[1], edges[2]


def _codes(inside: Bool3D) -> NDArray[np.uint8]:
    """Return for each corner which of its eight voxels are inside: uint8 (X + 1, Y + 1, Z + 1)."""
    padded = np.pad(inside, 1)
    size = tuple(side + 1 for side in inside.shape)
    codes = np.zeros(size, np.uint8)
    for bit, (x, y, z) in enumerate(_CORNERS):
        part = padded[x : x + size[0], y : y + size[1], z : z + size[2]]
        codes |= part.astype(np.uint8) << np.uint8(bit)
    return codes


@lru_cache(maxsize=8)
def _areas(spacing: Spacing) -> Floats:
    """Return the area of the surface at a corner, mm², by which voxels are inside: (256,).

    What marching cubes (Lorensen and Cline, SIGGRAPH 1987) draws between them; where they can
    be parted in two ways, the way with the smaller surface.
    """
    from skimage import measure

    marching: Any = measure.marching_cubes
    drawn = np.zeros(256)
    for code in range(1, _FULL):
        cube = np.array([code >> bit & 1 for bit in range(8)], float).reshape(2, 2, 2)
        points, faces, *_ = marching(cube, 0.5, spacing=spacing, method="lorensen")
        first, second, third = np.moveaxis(np.asarray(points, np.float64)[faces], 1, 0)
        sides = np.cross(second - first, third - first)
        drawn[code] = np.linalg.norm(sides, axis=1).sum() / 2
    return np.minimum(drawn, drawn[::-1])


def _distances(surface: Bool3D, spacing: Spacing) -> Floats:
    """Return how far each corner is from a surface, mm; infinite where there is none."""
    from scipy.ndimage import distance_transform_edt

    if not surface.any():
        return np.full(surface.shape, np.inf)
    return np.asarray(distance_transform_edt(~surface, sampling=spacing), np.float64)


def _percentile(distances: Floats, areas: Floats, percent: float) -> float:
    """Return the distance within which so many percent of the area lie."""
    order = np.argsort(distances, kind="stable")
    reached = np.cumsum(areas[order]) / areas.sum()
    at = int(np.searchsorted(reached, percent / 100))
    return float(distances[order][min(at, len(distances) - 1)])
