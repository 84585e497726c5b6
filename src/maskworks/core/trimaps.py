"""Trimaps as people draw them: in grey, in alpha, or as the numbers 0, 1 and 2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.reading import Picture
from maskworks.core.values import BACKGROUND, FOREGROUND, NEARLY_BLACK, UNKNOWN, Trimap

GREY_SPREAD = 8
"""How far the channels of a grey picture may lie apart: lossy files move them a little."""

_NUMBERED = ({0, 1, 2}, {0, 2}, {1, 2}, {2})
_IN_TWO_BITS = 85  # what a grey of 2 bits, 0 to 3, is stretched by

_DRAW = "draw it in black, grey (128) and white"


def grey_of(picture: Picture) -> NDArray[np.uint8] | None:
    """Return the values of a picture without colours: uint8 (H, W); None if it has some."""
    red, green, blue = (picture.image.pixels[..., channel] for channel in range(3))
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    return green if int((highest - lowest).max()) <= GREY_SPREAD else None


def trimap_of(picture: Picture, name: str) -> Trimap:
    """Return the trimap that a picture shows.

    Three ways to draw one are known: grey, of which up to 10 is background, from 245 on
    foreground and the rest unknown; the same in the alpha of a picture of one colour; and the
    numbers 0 (background), 1 (unknown) and 2 (foreground).

    Parameters
    ----------
    name : str
        What messages call it.

    Returns
    -------
    Trimap of the picture's size

    Raises
    ------
    ImageError
        If it is in colours, or its values are those of a mask, of ids, or all background; or if
        what should be sure lies between the two others, as only the unknown band does.

    Examples
    --------
    >>> from maskworks.core.reading import Details
    >>> from maskworks.core.values import Image
    >>> grey = np.repeat(np.array([[0, 1, 2]], np.uint8)[..., None], 3, axis=2)
    >>> trimap_of(Picture(Image(grey), None, Details("PNG")), "t.png").levels.tolist()
    [[0, 128, 255]]
    """
    levels = _drawn(picture, name)
    found = set(np.flatnonzero(np.bincount(levels.ravel(), minlength=256)).tolist())
    stretched = {value // _IN_TWO_BITS for value in found if value % _IN_TWO_BITS == 0}
    if max(found) == 2 * _IN_TWO_BITS and len(stretched) == len(found):
        found, levels = stretched, levels // np.uint8(_IN_TWO_BITS)
    if found in _NUMBERED:
        trimap = Trimap(np.array([0, 128, 255], np.uint8)[levels])
        _check_order(trimap, name, (0, 1, 2))
        return trimap
    top = max(found)
    if top == 0:
        raise ImageError(f"{name}: is background everywhere, so nothing would be left; {_DRAW}")
    if found <= {0, 1}:
        raise ImageError(
            f"{name}: holds 0 and 1 alone, as a mask does, and a trimap of numbers has 2 for the "
            f"foreground; {_DRAW}"
        )
    if top <= NEARLY_BLACK:
        raise ImageError(
            f"{name}: holds {', '.join(map(str, sorted(found)))} of 255, as ids or marks do; a "
            f"trimap of numbers has 0 background, 1 unknown and 2 foreground; {_DRAW}"
        )
    trimap = Trimap.from_grey(np.ascontiguousarray(levels))
    if len(found) == 3 and not trimap.unknown.any():
        raise ImageError(
            f"{name}: holds {', '.join(map(str, sorted(found)))}, three levels as a trimap has, "
            f"and none of them is grey; {_DRAW}"
        )
    if trimap.unknown.any():
        for what, level in (("background", BACKGROUND), ("foreground", FOREGROUND)):
            if not (trimap.levels == level).any():
                raise ImageError(
                    f"{name}: marks no sure {what}, so there is nothing to solve from; {_DRAW}"
                )
    _check_order(trimap, name, (BACKGROUND, UNKNOWN, FOREGROUND))
    return trimap


def _check_order(trimap: Trimap, name: str, shown: tuple[int, int, int]) -> None:
    """Raise if the levels stand for something else: sets of pictures differ in their numbers.

    The unknown is a band between the two others. If these never touch but through one of them,
    and that one is thinner than the unknown, it is the band; if what is drawn as foreground
    fills the whole edge of the picture around the background, the two are exchanged.
    """
    marked = [trimap.levels == level for level in (BACKGROUND, UNKNOWN, FOREGROUND)]
    if not all(part.any() for part in marked):
        return
    for band, other in ((0, 2), (2, 0)):
        if not _touch(marked[1], marked[other]) and _depth(marked[band]) < _depth(marked[1]):
            raise ImageError(
                f"{name}: its {shown[band]} lies as a thin band between {shown[1]} and "
                f"{shown[other]}, as the unknown does, and here {shown[1]} is unknown, {shown[0]} "
                f"background and {shown[2]} foreground; {_DRAW}"
            )
    front = marked[2]
    if shown[2] == 2 and all(end.all() for end in (front[0], front[-1], front[:, 0], front[:, -1])):
        raise ImageError(
            f"{name}: its 2 fills the whole edge of the picture and 0 lies inside, as if 0 were "
            f"the foreground; a trimap of numbers has 0 background, 1 unknown and 2 foreground; "
            f"{_DRAW}"
        )


def _touch(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Say whether a pixel of one lies beside, above or below a pixel of the other."""
    beside = (one[:, :-1] & other[:, 1:]) | (one[:, 1:] & other[:, :-1])
    below = (one[:-1] & other[1:]) | (one[1:] & other[:-1])
    return bool(beside.any() or below.any())


def _depth(marked: NDArray[np.bool_]) -> float:
    """Return how far its innermost pixel lies from the rest, in pixels."""
    import cv2

    within = np.pad(marked.astype(np.uint8), 1, mode="edge")
    return float(cv2.distanceTransform(within, cv2.DIST_L1, 3).max())


def _drawn(picture: Picture, name: str) -> NDArray[np.uint8]:
    """Return what is drawn in grey, or in the alpha of a picture of one colour."""
    grey = grey_of(picture)
    if picture.matte is None:
        if grey is None:
            raise ImageError(f"{name}: is in colours, a trimap is grey; {_DRAW}")
        return grey
    pixels = picture.image.pixels
    seen = pixels[picture.matte.alpha > 0]
    if seen.size and int(np.ptp(seen, axis=0).max()) > GREY_SPREAD:
        raise ImageError(
            f"{name}: is partly transparent and drawn in more than one colour, so it is not clear "
            f"which of both is the trimap; {_DRAW}, without alpha"
        )
    found: NDArray[np.uint8] = np.rint(picture.matte.alpha * np.float32(255)).astype(np.uint8)
    return found
