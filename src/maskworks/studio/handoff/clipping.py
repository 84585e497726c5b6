"""A matte's 50 % line as a clipping path: closed Bezier curves in Photoshop's path records."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskworks.core.errors import ImageError, UsageError

if TYPE_CHECKING:
    from maskworks.core.values import Matte
    from maskworks.studio.handoff.bezier import Subpath
    from maskworks.studio.handoff.outline import Floats

LEVEL = 0.5
MOST_KNOTS = 32767  # of one subpath: their number is a 16-bit integer, signed in some readers

_LARGEST_TOLERANCE_PX = 0.5
_SUBPATH, _SMOOTH_KNOT, _CORNER_KNOT, _FILL_RULE, _INITIAL_FILL = 0, 1, 2, 6, 8  # closed ones
_ONE = 1 << 24  # 1.0 in 8.24 fixed point: the whole height or width


@dataclass(frozen=True)
class PathOptions:
    """How closely the curves follow the matte.

    Parameters
    ----------
    tolerance_px : float in (0, 0.5]
        How far apart the line and its curves may be, measured some three times a pixel;
        between these places it may be a few hundredths of a pixel more.
    smallest_px2 : float, >= 0
        Islands and holes with a smaller area get no curve: specks have no place in a path.

    Raises
    ------
    UsageError
        If a value lies outside its range.
    """

    tolerance_px: float = 0.45
    smallest_px2: float = 4.0

    def __post_init__(self) -> None:
        if not 0 < self.tolerance_px <= _LARGEST_TOLERANCE_PX:
            raise UsageError(
                f"tolerance_px must lie in (0, {_LARGEST_TOLERANCE_PX}], got {self.tolerance_px}"
            )
        if not self.smallest_px2 >= 0:
            raise UsageError(f"smallest_px2 must be at least 0, got {self.smallest_px2}")


@dataclass(frozen=True, eq=False)
class ClippingPath:
    """The outline of a subject in a picture of `size` (H, W).

    `subpaths` are closed curves; what an odd number of them encloses is inside, so a hole is
    a subpath of its own. `dropped` counts the specks that have none.
    """

    size: tuple[int, int]
    subpaths: tuple[Subpath, ...]
    dropped: int = 0

    @property
    def knots(self) -> int:
        """How many knots all subpaths have."""
        return sum(len(subpath.knots) for subpath in self.subpaths)


def trace(matte: Matte, options: PathOptions = PathOptions()) -> ClippingPath:
    """Return the path along which alpha is 0.5.

    Parameters
    ----------
    matte : Matte of shape (H, W)

    Returns
    -------
    ClippingPath
        Without subpaths if nothing reaches 0.5. A subject that touches the border is closed
        along it.

    Raises
    ------
    ImageError
        If one outline needs more knots than the format can count.

    Examples
    --------
    >>> import numpy as np
    >>> from maskworks.core.values import Matte
    >>> alpha = np.zeros((40, 40), np.float32)
    >>> alpha[10:30, 5:35] = 1
    >>> path = trace(Matte(alpha))
    >>> path.subpaths[0].knots[:, 1].round(1).tolist()
    [[10.0, 5.0], [10.0, 35.0], [30.0, 35.0], [30.0, 5.0]]
    """
    from maskworks.studio.handoff.bezier import fit
    from maskworks.studio.handoff.contours import iso_lines
    from maskworks.studio.handoff.outline import lay_out

    found = iso_lines(matte, LEVEL)
    lines = [line for line in found if _area(line) >= options.smallest_px2]
    if not lines:
        return ClippingPath(matte.size, (), len(found))
    subpaths = fit(lay_out(lines, options.tolerance_px), options.tolerance_px)
    most = max(len(subpath.knots) for subpath in subpaths)
    if most > MOST_KNOTS:
        raise ImageError(
            f"an outline of this matte needs {most:,} knots, a clipping path holds "
            f"{MOST_KNOTS:,} in one; smooth the matte or make the picture smaller"
        )
    return ClippingPath(matte.size, tuple(subpaths), len(found) - len(lines))


def _area(line: Floats) -> float:
    """Return the area inside a closed line, px²."""
    rows, columns = line[:, 0] - line[0, 0], line[:, 1] - line[0, 1]
    return abs(float(rows[1:] @ columns[:-1] - rows[:-1] @ columns[1:])) / 2


def path_records(path: ClippingPath) -> bytes:
    """Return a path as Photoshop stores it, records of 26 bytes.

    Points are (vertical, horizontal) shares of the height and width, 8.24 fixed point. Length
    records carry zeros after the number of knots: overlapping subpaths exclude one another.

    References
    ----------
    Adobe Photoshop File Formats Specification, "Path resource format".

    Examples
    --------
    >>> len(path_records(ClippingPath((10, 10), ())))
    52
    """
    records = [struct.pack(">H24x", _FILL_RULE), struct.pack(">H24x", _INITIAL_FILL)]
    for subpath in path.subpaths:
        records.append(struct.pack(">HH22x", _SUBPATH, len(subpath.knots)))
        shares = (subpath.knots / path.size * _ONE).round().astype(int)
        records += [
            struct.pack(">H6i", _SMOOTH_KNOT if smooth else _CORNER_KNOT, *knot)
            for knot, smooth in zip(
                shares.reshape(-1, 6).tolist(), subpath.smooth.tolist(), strict=True
            )
        ]
    return b"".join(records)
