"""What every way to keep labels is brought to before it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.rle_coco import from_coco

Ids = NDArray[np.uint8]
UNKNOWN = 255
"""The id of a pixel without a label."""

MOST_CLASSES = 254
BACKGROUND = "background"

SPLITS = {
    "train": "train", "training": "train", "val": "dev", "valid": "dev", "validation": "dev",
    "dev": "dev", "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True)
class ImportItem:
    """A picture and what draws its ids: given (H, W) it returns uint8 (H, W).

    `split` is that of the folder or list it came from, None if that says nothing.
    """

    name: str
    picture: Path
    draw: Callable[[tuple[int, int]], Ids]
    split: str | None = None


@dataclass(frozen=True)
class LabelledSet:
    """A data set as it was found: `form` in words, its classes by id, and its pictures."""

    form: str
    classes: tuple[str, ...]
    items: tuple[ImportItem, ...]
    colours: tuple[tuple[int, int, int], ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Shape:
    """A part of a picture: its class, and polygons of x and y in pixels or an RLE of COCO."""

    name: str
    mask: Any
    crowd: bool = False


def split_of(path: Path, root: Path) -> str | None:
    """Return the split that a folder above a file names, None if none does.

    Examples
    --------
    >>> split_of(Path("set/Valid/images/a.jpg"), Path("set")), split_of(Path("s/a.jpg"), Path("s"))
    ('dev', None)
    """
    for part in path.relative_to(root).parts[:-1]:
        if part.lower() in SPLITS:
            return SPLITS[part.lower()]
    return None


def class_ids(names: Sequence[str]) -> dict[str, int]:
    """Return the id of each class: background, whether it was named or not, is 0.

    Raises
    ------
    UsageError
        If there are more classes than ids.

    Examples
    --------
    >>> class_ids(["leaf", "stem"]), class_ids(["leaf", "background"])
    ({'background': 0, 'leaf': 1, 'stem': 2}, {'background': 0, 'leaf': 1})
    """
    kept = [name for name in dict.fromkeys(names) if name.lower() != BACKGROUND]
    if len(kept) > MOST_CLASSES:
        raise UsageError(f"{len(kept)} classes were found, ids reach to {MOST_CLASSES}")
    return {BACKGROUND: 0} | {name: at for at, name in enumerate(kept, start=1)}


def painter(shapes: Sequence[Shape], ids: dict[str, int]) -> Callable[[tuple[int, int]], Ids]:
    """Return what draws shapes, the later above the earlier; what is outside of all is 0."""

    def draw(size: tuple[int, int]) -> Ids:
        canvas = np.zeros(size, np.uint8)
        for shape in shapes:
            number = ids.get(shape.name, 0) if not shape.crowd else UNKNOWN
            canvas[mask_of(shape.mask, size)] = number
        return canvas

    return draw


def mask_of(mask: Any, size: tuple[int, int]) -> NDArray[np.bool_]:  # noqa: ANN401
    """Return the inside of polygons or an RLE: bool (H, W).

    Raises
    ------
    ImageError
        If it is none of both, or an RLE of another size.
    """
    if isinstance(mask, np.ndarray):
        return np.asarray(mask, bool)
    if isinstance(mask, dict):
        inside = from_coco(mask).to_mask().inside
        if inside.shape != size:
            raise ImageError(f"a mask is {inside.shape}, its picture {size} (height, width)")
        return np.asarray(inside)
    canvas = PilImage.new("1", (size[1], size[0]))
    for ring in mask:
        # rounded, or a corner that was written as a share would fall into the pixel before
        points = [
            (round(float(x), 3), round(float(y), 3))
            for x, y in zip(ring[::2], ring[1::2], strict=True)
        ]
        if len(points) >= 3:
            ImageDraw.Draw(canvas).polygon(points, fill=1)
    return np.asarray(canvas)


def by_stem(pictures: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the pictures by their name without suffix, in lower case."""
    found: dict[str, list[Path]] = {}
    for path in pictures:
        found.setdefault(path.stem.lower(), []).append(path)
    return found


def nearest_picture(name: str, at: Path, known: dict[str, list[Path]]) -> Path | None:
    """Return the picture of a name, the one that shares most of the path with the file `at`."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stems = (last.lower(), last.rpartition(".")[0].lower())
    candidates = next((known[stem] for stem in stems[::-1] if stem in known), [])
    exact = [path for path in candidates if path.name.lower() == last.lower()] or candidates

    def shared(path: Path) -> int:
        same = 0
        for one, other in zip(path.parts, at.parts, strict=False):
            if one != other:
                break
            same += 1
        return same

    return max(exact, key=shared, default=None)
