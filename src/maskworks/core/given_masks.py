"""Masks as callers have them: bool, 0 and 1, 0 and 255, or soft in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.stored_values import dim_values

_TAKEN = "a mask is an array (H, W) of bool, of 0 and 1, of 0 to 255, or of float in [0, 1]"
_WHITES = (255, 65535)


def alpha_of(values: Any) -> NDArray[np.float32]:  # noqa: ANN401 - what a caller has
    """Return a mask in any of its usual forms as alpha: float32 (H, W) in [0, 1].

    Parameters
    ----------
    values : array (H, W), (H, W, 1) or (1, H, W), a list of rows, a Mask or a Matte
        bool; integers of 0 and 1, of 0 to 255 or (uint16) of 0 to 65535; float in [0, 1], or of
        whole numbers of 0 to 255.

    Raises
    ------
    ImageError
        If it is none of these, such as ids of classes, logits, or NaN.

    Examples
    --------
    >>> rows = ([False, True], [0, 1], [0, 255], [0.0, 255.0])
    >>> [alpha_of([row]).tolist() for row in rows]
    [[[0.0, 1.0]], [[0.0, 1.0]], [[0.0, 1.0]], [[0.0, 1.0]]]
    >>> alpha_of(np.array([[0, 2]]))
    Traceback (most recent call last):
    maskworks.core.errors.ImageError: this mask has no value above 2 of 255, as ids of classes ...
    """
    array = _plane(getattr(values, "inside", getattr(values, "alpha", values)))
    if array.dtype == np.bool_:
        return array.astype(np.float32)
    low, top = (array.min(), array.max()) if array.size else (0, 0)
    if not (low >= 0 and top <= _WHITES[1]):  # NaN too
        raise ImageError(f"{_TAKEN}; got {array.dtype} in [{low:g}, {top:g}]")
    if top <= 1:
        return np.ascontiguousarray(array, np.float32)
    whole = array.dtype.kind in "iu" or bool((array == np.rint(array)).all())
    white = _WHITES[int(top > _WHITES[0])]
    if not whole or (white == _WHITES[1] and array.dtype != np.uint16):
        raise ImageError(f"{_TAKEN}; got {array.dtype} in [{low:g}, {top:g}]")
    wrong = dim_values(array.astype(np.int64), white)
    if wrong is not None:
        raise ImageError(
            f"this mask has {wrong}; write `ids == 2` to take the class 2 of a label map"
        )
    return np.ascontiguousarray(array.astype(np.float32) / np.float32(white))


def inside_of_any(values: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - what a caller has
    """Return a mask in any of its usual forms as bool (H, W); of a soft one, alpha >= 0.5.

    Raises
    ------
    ImageError
        As `alpha_of`.

    Examples
    --------
    >>> inside_of_any(np.array([[0, 127, 128]], np.uint8)).tolist()
    [[False, False, True]]
    """
    return np.asarray(alpha_of(values) >= 0.5)


def _plane(values: Any) -> NDArray[Any]:  # noqa: ANN401 - what a caller has
    if not (hasattr(values, "__array__") or isinstance(values, list | tuple)):
        raise ImageError(f"{_TAKEN}; got {type(values).__name__}")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ImageError(f"{_TAKEN}; got rows of unequal length") from error
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        array = array[..., 0] if array.shape[2] == 1 else array[0]
    if array.ndim != 2 or array.dtype.kind not in "biuf" or 0 in array.shape:
        raise ImageError(f"{_TAKEN}; got {array.dtype} {array.shape}")
    return array
