"""What the values of a file can mean: alpha, a mask of two values, or ids of classes.

A mask of 0 and 1 read as alpha is as good as empty, and a mask of 0 and 255 read as ids has no
label where its subject is. Both give perfect figures for nothing, so whoever reads files asks
here first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.deep import raw_mode
from maskworks.core.errors import ImageError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_ID_MODES = frozenset({"1", "L", "P", "I;16", "I;16B", "I;16L", "I;16N", "I"})
_SCALED = {"L;2": 85, "L;4": 17}  # Pillow stretches greys of 2 and 4 bits

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
    >>> dim_values(np.array([[0, 100]])), dim_values(np.array([[0, 99, 100]]))
    ('the values 0 and 100 of 255 alone, as a mask does', None)
    """
    top = int(levels.max()) if levels.size else 0
    if not 0 < top <= max(1, DIM * white // 255):
        half = (white + 1) // 2
        if 0 < top < half and int(levels.min()) == 0 and ((levels == 0) | (levels == top)).all():
            return f"the values 0 and {top} of {white} alone, as a mask does"
        return None
    if top == 1:
        return f"the values 0 and 1 of {white}, as a mask of 0 and 1 does"
    return f"no value above {top} of {white}, as ids of classes do"


def inside_of(levels: NDArray[np.integer], white: int = 255) -> NDArray[np.bool_]:
    """Return the inside of a mask as it is stored: bool, of the same shape.

    Where no value is above `DIM` (of 255), or 0 and one below the middle are all there is, all
    above 0 is inside; else what reaches half of `white`, a tie included.

    Examples
    --------
    >>> inside_of(np.array([0, 1])).tolist(), inside_of(np.array([0, 127, 128])).tolist()
    ([False, True], [False, False, True])
    """
    if dim_values(levels, white) is not None:
        return np.asarray(levels > 0)
    return np.asarray(levels >= (white + 1) // 2)


def white_first(opened: ImageFile) -> NDArray[np.int64] | None:
    """Return the greys of a palette of black and white that begins with white: int64 (H, W).

    By its places such a mask's black is inside, by its colours the white. None for any other
    picture.

    Examples
    --------
    >>> from PIL import Image
    >>> picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    >>> picture.putpalette([255, 255, 255, 0, 0, 0])
    >>> white_first(picture).tolist()
    [[255, 0]]
    """
    if opened.mode != "P":
        return None
    used = np.flatnonzero(np.bincount(np.asarray(opened).ravel(), minlength=2))
    if used.tolist() != [0, 1]:
        return None
    colours = np.asarray(opened.convert("RGB"))
    first, second = (colours[np.asarray(opened) == place][0] for place in (0, 1))
    if np.ptp(first) or np.ptp(second) or not first[0] > 127 >= second[0]:
        return None
    return colours[..., 0].astype(np.int64)


def stored_ids(opened: ImageFile, name: str, *, binary: bool = False) -> NDArray[np.int64] | None:
    """Return the ids that an opened picture holds: int64 (H, W); None if it is in colours.

    Parameters
    ----------
    opened : a picture whose header was read, and no more
        Of 1 to 16 bits; the places of a palette, or the values of a grey one.
    name : str
        What messages call it.
    binary : bool
        It is a mask: 1 inside, 0 outside. Of a palette every place but the first is inside.

    Raises
    ------
    ImageError
        If it is a palette of black and white that begins with white, which may mean both.
    """
    if opened.mode not in _ID_MODES:
        return None
    if white_first(opened) is not None:
        raise ImageError(
            f"{name}: its palette shows 0 white and 1 black, so its numbers say that the black is "
            "inside, its colours that the white is; save it in grey, what is inside in white"
        )
    scale = _SCALED.get(raw_mode(opened), 1)
    palette, wide = opened.mode == "P", opened.mode.startswith("I")
    ids = np.asarray(opened).astype(np.int64, copy=False) // scale
    if not binary:
        return ids
    white = 65535 if wide and ids.size and int(ids.max()) > 255 else 255
    return (ids > 0 if palette else inside_of(ids, white)).astype(np.int64)
