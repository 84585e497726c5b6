"""The one check that every value makes when it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def check(
    name: str,
    array: Any,  # noqa: ANN401 - whatever a caller passed is what is checked
    *,
    ndim: int,
    dtype: DTypeLike,
    channels: int | None = None,
    way_out: str = "",
) -> None:
    """Raise unless `array` is an array of this rank and type, with at least one pixel.

    Parameters
    ----------
    name : str
        What the message calls it.
    array : anything
    dtype : numpy type; it must match exactly, nothing is cast
    channels : int, optional
        Required length of the last axis.
    way_out : str
        What takes an array of another type or rank.

    Raises
    ------
    ImageError
        With the shape and type that were found and those that are needed.

    Examples
    --------
    >>> check("alpha", np.zeros((2, 3), np.float32), ndim=2, dtype=np.float32)
    >>> check("alpha", np.zeros((2, 3), np.uint8), ndim=2, dtype=np.float32)
    Traceback (most recent call last):
    maskworks.core.errors.ImageError: alpha must be a 2-D float32 array, got 2-D uint8 (2, 3)
    """
    rule = f"{name} must be a {ndim}-D {np.dtype(dtype)} array"
    if not isinstance(array, np.ndarray):
        message = f"{rule}, got {type(array).__name__}; convert it with numpy.asarray"
        raise ImageError(message)
    found = f"got {array.ndim}-D {array.dtype} {array.shape}{way_out and f'; {way_out}'}"
    if array.ndim != ndim or array.dtype != np.dtype(dtype):
        message = f"{rule}, {found}"
        raise ImageError(message)
    if channels is not None and array.shape[-1] != channels:
        message = f"{rule} with {channels} channels, {found}"
        raise ImageError(message)
    if 0 in array.shape:
        message = f"{rule} of at least 1x1 pixel, {found}"
        raise ImageError(message)
