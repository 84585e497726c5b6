"""Masks as Label Studio's brush keeps them: run lengths of the four values of each pixel.

The format is that of thi.ng's rle-pack (https://github.com/thi-ng/umbrella), which Label Studio
uses: 32 bits say how many values there are, 5 how long a value is less one, four times 4 bits the
sizes of run lengths less one; then runs, each a bit for "repeated", 2 for which size, the length
less one, and the value.
"""

from __future__ import annotations

import numpy as np

from maskworks.core.values import Mask

_SIZES = (3, 4, 8, 16)
_VALUE_BITS = 8
_CHANNELS = 4


def encode_brush(mask: Mask) -> list[int]:
    """Return a mask as the bytes that a brush label holds under ``rle``.

    Parameters
    ----------
    mask : Mask of shape (H, W)
        Every pixel has four values alike, 255 inside and 0 outside.

    Returns
    -------
    list of int in [0, 255]

    Examples
    --------
    >>> encode_brush(Mask(np.array([[True, False]])))
    [0, 0, 0, 8, 57, 27, 252, 127, 241, 128, 0]
    """
    flat = mask.inside.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    starts = np.concatenate([[0], edges])
    lengths = np.diff(np.concatenate([starts, [flat.size]])) * _CHANNELS
    fields = [(flat.size * _CHANNELS, 32), (_VALUE_BITS - 1, 5)]
    fields += [(size - 1, 4) for size in _SIZES]
    longest = 1 << _SIZES[-1]
    for length, inside in zip(lengths.tolist(), flat[starts].tolist(), strict=True):
        left = length
        while left:
            run = min(left, longest)
            which = next(i for i, size in enumerate(_SIZES) if run <= 1 << size)
            fields += [(1, 1), (which, 2), (run - 1, _SIZES[which])]
            fields.append((255 if inside else 0, _VALUE_BITS))
            left -= run
    bits = "".join(f"{value:0{size}b}" for value, size in fields)
    packed = np.packbits(np.frombuffer(bits.encode(), np.uint8) - ord("0"))
    return [int(each) for each in packed]
