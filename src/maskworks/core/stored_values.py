"""What the values of a file can mean: alpha, a mask of two values, or ids of classes.

A mask of 0 and 1 read as alpha is as good as empty, and a mask of 0 and 255 read as ids has no
label where its subject is. Both give perfect figures for nothing, so whoever reads files asks
here first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DIM = 10
"""Of 255: a file whose brightest value is above 0 and not above this holds no alpha."""


def dim_values(levels: NDArray[np.integer], white: int = 255) -> str | None:
    """Say what a grey file holds if it cannot be alpha, None if it can.

    Parameters
    ----------
    levels : unsigned ints, of any shape
        As they are stored.
    white : int
        The value that stands for alpha 1.

    Examples
    --------
    >>> dim_values(np.array([[0, 1]])), dim_values(np.array([[0, 255]]))
    ('the values 0 and 1 of 255, as a mask of 0 and 1 does', None)
    >>> dim_values(np.array([[0, 3]])), dim_values(np.array([[0, 0]]))
    ('no value above 3 of 255, as ids of classes do', None)
    """
    top = int(levels.max()) if levels.size else 0
    if not 0 < top <= max(1, DIM * white // 255):
        return None
    if top == 1:
        return f"the values 0 and 1 of {white}, as a mask of 0 and 1 does"
    return f"no value above {top} of {white}, as ids of classes do"


def inside_of(levels: NDArray[np.integer], white: int = 255) -> NDArray[np.bool_]:
    """Return the inside of a mask as it is stored: bool, of the same shape.

    Where no value is above `DIM` (of 255) all above 0 is inside; else what reaches half of
    `white`, a tie included.

    Examples
    --------
    >>> inside_of(np.array([0, 1])).tolist(), inside_of(np.array([0, 127, 128])).tolist()
    ([False, True], [False, False, True])
    """
    if dim_values(levels, white) is not None:
        return np.asarray(levels > 0)
    return np.asarray(levels >= (white + 1) // 2)
