"""Targets of objects: the distance of each pixel from the border of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects

Ids = NDArray[np.int32]


def depth_inside(objects: Ids) -> NDArray[np.uint8]:
    """Return how deep each pixel lies inside its object, 255 at the deepest and 0 outside.

    Depth is the distance to the object's edge over the largest distance in it. The border of the
    picture is no edge: an object that is cut off there goes on behind it.

    Parameters
    ----------
    objects : int32 (H, W), 0 where there is none

    Examples
    --------
    >>> depth_inside(np.array([[0, 1, 1, 1, 2, 2, 0]], np.int32))[0].tolist()
    [0, 128, 255, 128, 255, 255, 0]
    """
    found = np.zeros(objects.shape, np.uint8)
    _, numbers = np.unique(objects, return_inverse=True)
    numbers = numbers.reshape(objects.shape) + (0 if (objects == 0).any() else 1)
    for number, place in enumerate(find_objects(numbers), start=1):
        if place is None:
            continue
        wide = tuple(
            slice(max(0, side.start - 1), min(whole, side.stop + 1))
            for side, whole in zip(place, objects.shape, strict=True)
        )
        inside = numbers[wide] == number
        if inside.all():  # it fills the picture
            found[wide] = 255
            continue
        far = distance_transform_edt(inside)
        found[wide][inside] = np.rint(far * (255 / far.max()))[inside].astype(np.uint8)
    return found


def boxes_of(objects: Ids) -> dict[int, tuple[int, int, int, int]]:
    """Return the box of each object by its id: left, top, right, bottom, half-open.

    Examples
    --------
    >>> boxes_of(np.array([[0, 7, 7], [0, 7, 0]], np.int32))
    {7: (1, 0, 3, 2)}
    """
    ids = [int(each) for each in np.unique(objects) if each > 0]
    places = find_objects(np.searchsorted([0, *ids], objects))
    return {
        number: (place[1].start, place[0].start, place[1].stop, place[0].stop)
        for number, place in zip(ids, places, strict=True)
        if place is not None
    }
