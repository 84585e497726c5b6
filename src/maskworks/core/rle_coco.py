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
_LONGEST_OUTLINE = 10_000_000  # pixels; the library takes some 100 bytes for each
_SMALLEST = 8  # of a picture's sides; below it coordinates of 0 to 1 may be meant


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


def polygon_misfit(rings: Sequence[Sequence[float]], size: tuple[int, int]) -> str | None:
    """Say why polygons cannot be a mask of a picture of `size` (H, W), None if they can.

    Outlines that lie beside the picture are nothing in it, those of coordinates from 0 to 1 next
    to nothing, and the memory that drawing takes grows with the length of an outline.

    Parameters
    ----------
    rings : lists of x and y, pixels, three points or more each

    Examples
    --------
    >>> polygon_misfit([[0, 0, 9, 0, 9, 9]], (20, 30)) is None
    True
    >>> polygon_misfit([[0.1, 0.1, 0.9, 0.1, 0.9, 0.9]], (20, 30))
    'its coordinates lie between 0 and 1, as shares of a picture do; multiply them by its sides'
    >>> polygon_misfit([[50, 0, 90, 0, 90, 9]], (20, 30))
    'it lies beside the picture of 30x20 (width x height)'
    """
    height, width = size
    length = 0.0
    points = [np.array([*map(_real, ring)]).reshape(-1, 2) for ring in rings]
    with np.errstate(over="ignore"):
        for each in points:
            length += float(np.abs(each - np.roll(each, 1, axis=0)).max(axis=1).sum())
    least = np.min([each.min(axis=0) for each in points], axis=0)
    most = np.max([each.max(axis=0) for each in points], axis=0)
    if (most < 0).any() or least[0] > width or least[1] > height:
        return f"it lies beside the picture of {width}x{height} (width x height)"
    if not length <= _LONGEST_OUTLINE:
        return (
            f"its outline is {length:.3g} pixels long, more than {_LONGEST_OUTLINE:,}; its "
            f"picture is {width}x{height} (width x height)"
        )
    if least.min() >= 0 and most.max() <= 1 and min(size) >= _SMALLEST:
        return (
            "its coordinates lie between 0 and 1, as shares of a picture do; multiply them by its "
            "sides"
        )
    return None


def _real(value: float) -> float:
    """Return a number as it is, a whole one that no float reaches as 1e300."""
    try:
        return float(value)
    except OverflowError:
        return 1e300 if value > 0 else -1e300


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
    if (lengths < 0).any():
        raise ImageError(f"{name}: a count is {int(lengths.min())}, none can be below 0")
    if int(lengths.sum()) != total:
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
