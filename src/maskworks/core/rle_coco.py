"""Runs as COCO writes them: a list of counts, or the same as a short text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import ImageError
from maskworks.core.rle import Rle

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST = 48  # the character "0"
_BITS, _MORE, _SIGN = 5, 0x20, 0x10
_LONGEST = 7  # characters of one count: 35 bits


def to_coco(mask: Rle, *, compressed: bool = True) -> dict[str, object]:
    """Return ``{"size": [H, W], "counts": ...}``: a text if `compressed`, else a list of ints.

    Examples
    --------
    >>> from maskworks.core.rle import encode_mask
    >>> mask = encode_mask(np.array([[False, True], [True, True]]))
    >>> to_coco(mask), to_coco(mask, compressed=False)
    ({'size': [2, 2], 'counts': '13'}, {'size': [2, 2], 'counts': [1, 3]})
    """
    counts: object = compress(mask.counts) if compressed else mask.counts.tolist()
    return {"size": list(mask.size), "counts": counts}


def from_coco(record: Mapping[str, object], *, name: str = "segmentation") -> Rle:
    """Read an RLE of COCO, compressed or not.

    Parameters
    ----------
    record : mapping with "size" and "counts"
        Counts are a text, bytes, or a list of ints; zeros among them are allowed.
    name : str
        What an error message calls it.

    Raises
    ------
    ImageError
        If it is not of this form, or the counts do not add up to the size.

    Examples
    --------
    >>> from_coco({"size": [2, 2], "counts": [0, 1, 2, 1]}).to_mask().inside.tolist()
    [[True, False], [False, True]]
    """
    size, counts = record.get("size"), record.get("counts")
    if not (
        isinstance(size, Sequence)
        and len(size) == 2
        and all(isinstance(side, int) and side > 0 for side in size)
    ):
        raise ImageError(f"{name}: an RLE needs a size of [height, width], got {size!r}")
    if isinstance(counts, str | bytes):
        lengths = decompress(counts, name=name)
    elif isinstance(counts, Sequence) and all(isinstance(count, int) for count in counts):
        lengths = np.array(counts, np.int64)
    else:
        kind = type(counts).__name__
        raise ImageError(f"{name}: counts must be a text or a list of whole numbers, got {kind}")
    height, width = size
    return _from_lengths((height, width), lengths, name)


def compress(counts: NDArray[np.integer]) -> str:
    """Write run lengths as COCO's text: differences to the count two before, 5 bits a character.

    Parameters
    ----------
    counts : ints, (R,)

    Examples
    --------
    >>> compress(np.array([5, 2, 3, 40]))
    '523V1'
    """
    values = counts.astype(np.int64)
    values[3:] -= counts[1:-2].astype(np.int64)
    codes = np.zeros((values.size, _LONGEST), np.uint8)
    used = np.zeros((values.size, _LONGEST), bool)
    going = np.ones(values.size, bool)
    for at in range(_LONGEST):
        low = values & (_MORE - 1)
        values = values >> _BITS
        done = np.where(low & _SIGN, values == -1, values == 0)
        codes[:, at] = low + np.where(done, 0, _MORE) + _FIRST
        used[:, at] = going
        going &= ~done
    return codes[used].tobytes().decode("ascii")


def decompress(text: str | bytes, *, name: str = "counts") -> NDArray[np.int64]:
    """Read COCO's text of run lengths.

    Parameters
    ----------
    text : str or bytes
    name : str
        What an error message calls it.

    Returns
    -------
    int64 (R,)

    Raises
    ------
    ImageError
        If a character cannot occur, or the text ends within a number.

    Examples
    --------
    >>> decompress("523V1").tolist()
    [5, 2, 3, 40]
    """
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    codes = np.frombuffer(raw, np.uint8).astype(np.int64) - _FIRST
    if ((codes < 0) | (codes >= 2 * _MORE)).any():
        raise ImageError(f"{name}: the compressed counts hold characters that COCO never writes")
    last = np.flatnonzero(codes < _MORE)
    if codes.size and (last.size == 0 or last[-1] != codes.size - 1):
        raise ImageError(f"{name}: the compressed counts end within a number; is the text cut off?")
    if last.size == 0:
        return np.zeros(0, np.int64)
    first = np.concatenate([[0], last[:-1] + 1])
    lengths = last - first + 1
    if lengths.max() > 2 * _LONGEST - 2:
        raise ImageError(f"{name}: the compressed counts hold a number that no picture reaches")
    place = np.arange(codes.size) - np.repeat(first, lengths)
    values = np.add.reduceat((codes & (_MORE - 1)) << (_BITS * place), first)
    values -= np.where(codes[last] & _SIGN, np.int64(1) << (_BITS * lengths), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _from_lengths(size: tuple[int, int], lengths: NDArray[np.int64], name: str) -> Rle:
    total = size[0] * size[1]
    if (lengths < 0).any() or int(lengths.sum()) != total:
        raise ImageError(
            f"{name}: the counts add up to {int(lengths.sum())}, the size {size[0]}x{size[1]} "
            f"(height x width) has {total} pixels; they must agree"
        )
    ends = np.cumsum(lengths)
    ends = ends[: ends.size // 2 * 2]
    starts, stops = ends[::2], ends[1::2]
    kept = starts < stops
    starts, stops = starts[kept], stops[kept]
    if starts.size:
        apart = starts[1:] > stops[:-1]
        starts = starts[np.concatenate([[True], apart])]
        stops = stops[np.concatenate([apart, [True]])]
    return Rle(size, np.stack([starts, stops], axis=1).astype(np.uint32).ravel())
