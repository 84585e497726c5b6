"""Geometry of a matte's subject: bounding box, area, and edges that crop it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.values import Box, Float2D, Matte
from maskworks.cutouts.scoring.sides import SIDES, Side

SUBJECT_ALPHA = 0.1
"""Alpha from which a pixel counts for the subject's box."""

FAINTEST = 1 / 255
"""Alpha below this is nothing."""

_ROWS = 64
_CUT_ALPHA = 0.5
_SEEN_ALPHA = 0.25  # a straight edge of this alpha is seen
_CUT_SHARE = 0.005  # of a side: a subject that leaves the photo does so over more than this


@dataclass(frozen=True)
class Subject:
    """The subject in the photo.

    Parameters
    ----------
    box : Box around alpha >= SUBJECT_ALPHA
    reach : Box around all that is not nothing; holds `box`
    area : sum of alpha, pixels
    centre : (row, column) of the centre of alpha mass, pixels
    cut : the sides of the photo at which the subject leaves it, solid
    fades : the sides at which it leaves it too, half transparent
    """

    box: Box
    reach: Box
    area: float
    centre: tuple[float, float]
    cut: tuple[Side, ...] = ()
    fades: tuple[Side, ...] = ()


def find_subject(matte: Matte) -> Subject:
    """Measure the subject of a matte.

    Raises
    ------
    ImageError
        If no alpha reaches SUBJECT_ALPHA.

    Examples
    --------
    >>> alpha = np.zeros((6, 8), np.float32)
    >>> alpha[2:4, 3:7] = 1
    >>> found = find_subject(Matte(alpha))
    >>> found.box.size, found.area, found.centre, found.cut
    ((2, 4), 8.0, (3.0, 5.0), ())
    """
    alpha = matte.alpha
    highest, masses = _profiles(alpha)
    box = _box(highest, SUBJECT_ALPHA)
    if box is None:
        raise ImageError(
            f"the matte has no subject: its largest alpha is {float(alpha.max()):.3g}, a subject "
            f"has {SUBJECT_ALPHA:g} or more; route the picture to review"
        )
    reach = _box(highest, FAINTEST)
    assert reach is not None  # noqa: S101 - it holds `box`
    area = float(masses[0].sum())
    centre = [float(((np.arange(m.size) + 0.5) * m).sum() / m.sum()) for m in masses]
    edges = (alpha[0], alpha[:, -1], alpha[-1], alpha[:, 0])
    cut = _left(edges, _CUT_ALPHA)
    fades = tuple(side for side in _left(edges, _SEEN_ALPHA) if side not in cut)
    return Subject(box, reach, area, (centre[0], centre[1]), cut, fades)


def _profiles(alpha: Float2D) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return the largest alpha and the sum of each row and each column."""
    height, width = alpha.shape
    most, sums = np.empty(height, np.float32), np.empty(height)
    most_down, sums_down = np.zeros(width, np.float32), np.zeros(width)
    for top in range(0, height, _ROWS):  # a band of rows is read once and stays in the cache
        rows = alpha[top : top + _ROWS]
        most[top : top + _ROWS], sums[top : top + _ROWS] = rows.max(axis=1), rows.sum(axis=1)
        np.maximum(most_down, rows.max(axis=0), out=most_down)
        sums_down += rows.sum(axis=0)
    return [most, most_down], [sums, sums_down]


def _box(highest: list[NDArray[Any]], least: float) -> Box | None:
    rows, columns = (np.flatnonzero(line >= least) for line in highest)
    if rows.size == 0:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _left(edges: tuple[Float2D, ...], least: float) -> tuple[Side, ...]:
    """Return the sides of the photo along which enough pixels have this alpha."""
    return tuple(
        side
        for side, edge in zip(SIDES, edges, strict=True)
        if int(np.count_nonzero(edge >= least)) >= max(2, _CUT_SHARE * edge.size)
    )
