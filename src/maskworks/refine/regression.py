"""Alpha as a linear function of three colours, in every window at once (He & Sun 2013, eq. 19)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

STRIP_PX = 32
PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # of colours


def regress(
    colours: list[Field], wanted: Field, mean: Callable[[Field], Field], epsilon: float
) -> tuple[list[Field], Field, Field]:
    """Solve each window's 3x3 system.

    Parameters
    ----------
    colours : three planes, float32 (h, w)
    wanted : float32 (h, w)
    mean : the windows' means of a plane
    epsilon : float
        Variance of a colour below which it explains nothing.

    Returns
    -------
    slopes, offset, left
        Three planes, one, and the variance of `wanted` that stays unexplained.
    """
    factors = [(colours[a], colours[b]) for a, b in PAIRS]
    factors += [(colour, wanted) for colour in colours] + [(wanted, wanted)]
    moments = np.empty((4 + len(factors), *wanted.shape), np.float32)
    for at, one in enumerate((*colours, wanted)):
        moments[at] = mean(one)
    for at, (a, b) in enumerate(factors, 4):
        moments[at] = mean(a * b)
    solved = np.empty((5, *wanted.shape), np.float32)
    for top in range(0, len(wanted), STRIP_PX):  # its many arrays then stay in the cache
        strip = slice(top, top + STRIP_PX)
        solved[:, strip] = _solved(moments[:, strip], epsilon)
    *slopes, offset, left = solved
    return slopes, offset, left


def _solved(moments: Field, epsilon: float) -> list[Field]:
    """Return three slopes, offset and what stays unexplained, from the windows' moments."""
    centre, middle = moments[:3], moments[3]
    rr, rg, rb, gg, gb, bb = (
        second - centre[a] * centre[b] + np.float32(epsilon * (a == b))
        for second, (a, b) in zip(moments[4:10], PAIRS, strict=True)
    )
    vr, vg, vb = moments[10:13] - centre * middle
    # The inverse of a symmetric 3x3 matrix by its cofactors.
    i_rr, i_rg, i_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = 1 / np.maximum(rr * i_rr + rg * i_rg + rb * i_rb, np.float32(1e-20))
    slopes = [
        (i_rr * vr + i_rg * vg + i_rb * vb) * scale,
        (i_rg * vr + i_gg * vg + i_gb * vb) * scale,
        (i_rb * vr + i_gb * vg + i_bb * vb) * scale,
    ]
    offset = middle - sum(s * m for s, m in zip(slopes, centre, strict=True))
    explained = sum(s * v for s, v in zip(slopes, (vr, vg, vb), strict=True))
    return [*slopes, offset, np.maximum(moments[13] - middle * middle - explained, 0)]
