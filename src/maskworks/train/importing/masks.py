"""Masks as picture files: their paths, and the classes of their values or colours."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL.ImageFile import ImageFile

from maskworks.core.errors import UnreadableError, UsageError
from maskworks.core.stored_values import inside_of, stored_ids, white_first
from maskworks.train.importing.items import BACKGROUND, MOST_CLASSES, UNKNOWN, Ids

PICTURES = frozenset(
    {"images", "image", "imgs", "img", "photos", "pictures", "jpegimages", "rgb", "original"}
    | {"originals", "inputs", "leftimg8bit", "tiles"}
)
MASKS = frozenset(
    {"masks", "mask", "labels", "label", "annotations", "annotation", "gt", "ground_truth"}
    | {"groundtruth", "segmentation", "segmentations", "segmentationclass", "labelids", "seg"}
    | {"targets", "gtfine", "mask_images", "colormasks", "semantic"}
)
_ENDS = re.compile(
    r"[-_. ]?(masks?|labels?|gt|seg|segmentation|annotation|labelids|colou?r[-_]?mask|(?<=[-_])l)$",
    re.IGNORECASE,
)
_PICTURE_ENDS = re.compile(r"[-_. ]?(image|img|photo|rgb|leftimg8bit)$", re.IGNORECASE)
_LOSSLESS = frozenset({".png", ".bmp", ".tif", ".tiff", ".gif"})
_MOST_COLOURS = 64
_STRAY = 0.02
"""Share of pixels whose colour is none of the table that is taken as the nearest one."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class MaskMeaning:
    """What masks hold: "ids" as they are, a "mask" of two values, or "colours" of a table."""

    kind: str
    classes: tuple[str, ...]
    table: tuple[Colour, ...] = ()
    ids: tuple[int, ...] = ()
    threshold: int | None = None
    notes: tuple[str, ...] = ()


def pair_masks(root: Path, pictures: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Return each photo with its mask.

    A mask lies in a folder called masks, labels, annotations and the like beside one called
    images (in any case), or beside the photo with "_mask" and such at the end of its name, or
    with its name and another suffix.
    """
    masks: dict[str, list[Path]] = {}
    photos: list[Path] = []
    for path in pictures:
        if _is_mask(path, root):
            masks.setdefault(_stem(path), []).append(path)
        else:
            photos.append(path)
    pairs = []
    for photo in photos:
        found = masks.get(_stem(photo), [])
        beside = [each for each in found if _places(each, root) == _places(photo, root)] or found
        if beside:
            pairs.append((photo, beside[0]))
    if pairs:
        return pairs
    return _same_name(photos)


def _same_name(photos: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Return photos with a PNG of their own name beside them."""
    groups: dict[Path, list[Path]] = {}
    for path in photos:
        groups.setdefault(path.with_suffix(""), []).append(path)
    pairs = []
    for each in groups.values():
        masks = [path for path in each if path.suffix.lower() in _LOSSLESS]
        others = [path for path in each if path.suffix.lower() not in _LOSSLESS]
        if masks and others:
            pairs.append((others[0], masks[0]))
    return pairs


def _is_mask(path: Path, root: Path) -> bool:
    folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
    last = next((f for f in reversed(folders) if f in MASKS | PICTURES), None)
    if last is not None:
        return last in MASKS
    return bool(_ENDS.search(path.stem)) and path.suffix.lower() in _LOSSLESS | {".jpg", ".jpeg"}


def _stem(path: Path) -> str:
    return _PICTURE_ENDS.sub("", _ENDS.sub("", path.stem)).lower()


def _places(path: Path, root: Path) -> tuple[str, ...]:
    folders = (part.lower() for part in path.relative_to(root).parts[:-1])
    return tuple(part for part in folders if part not in MASKS | PICTURES)


def read_table(root: Path, given: Path | None) -> dict[str, Colour]:
    """Return the colours of classes that a file names: labelmap.txt of CVAT, or a CSV.

    Raises
    ------
    UsageError
        If the file that was given holds none.
    """
    names = ("labelmap.txt", "class_dict.csv", "label_colors.txt", "classes.csv", "_classes.csv")
    files = [given] if given else [path for name in names for path in sorted(root.rglob(name))]
    for path in files:
        table = _rows(path.read_text("utf-8-sig").splitlines())
        if table:
            return table
    if given:
        raise UsageError(
            f"--colours {given}: holds no line such as `leaf:0,128,0` or `leaf,0,128,0`"
        )
    return {}


def _rows(lines: Sequence[str]) -> dict[str, Colour]:
    table: dict[str, Colour] = {}
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        name, mark, rest = line.partition(":")
        cells = rest.partition(":")[0].split(",") if mark else next(csv.reader([line]))[1:]
        name = name if mark else next(csv.reader([line]))[0]
        if len(cells) >= 3 and all(cell.strip().isdecimal() for cell in cells[:3]):
            red, green, blue = (int(cell) for cell in cells[:3])
            table[name.strip()] = (red, green, blue)
    return table


def meaning_of(
    masks: Sequence[Path],
    *,
    table: dict[str, Colour],
    names: Sequence[str],
    threshold: int | None,
) -> MaskMeaning:
    """Infer the classes of the values from all masks.

    Parameters
    ----------
    masks : files
    table : colours of the classes by name, empty if unknown
    names : of the classes, in the order of their ids; empty if unknown
    threshold : of masks, from which value on is inside; None looks at the values

    Raises
    ------
    UsageError
        If there are too many colours or ids, or colours that the table lacks.
    """
    values: Counter[object] = Counter()
    coloured, inverted = bool(table), 0
    for path in masks:
        with _opened(path) as opened:
            inverted += white_first(opened) is not None
            ids = None if table and opened.mode == "P" else _values_of(opened, path)
            if ids is None:
                coloured = True
                values.update(_colours_in(opened))
            else:
                found, counts = np.unique(ids, return_counts=True)
                values.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
    if coloured and any(isinstance(value, tuple) for value in values):
        return _of_colours(values, table, names)
    meaning = _of_ids(values, names, threshold)
    if not inverted:
        return meaning
    note = f"{inverted} masks are palettes of black and white that begin with white: it is inside"
    return replace(meaning, notes=(*meaning.notes, note))


def _of_ids(values: Counter[object], names: Sequence[str], threshold: int | None) -> MaskMeaning:
    found = sorted(int(str(value)) for value in values)
    total = sum(values.values())
    ends = sum(n for value, n in values.items() if not 16 < int(str(value)) < 239)
    two = set(found) <= {0, 1} or set(found) <= {0, 255}
    smooth = len(found) > 2 and found[-1] > 200 and ends >= 0.9 * total and len(found) > 24
    if threshold is not None or two or smooth:
        inside = names[-1] if names else "object"
        note = () if two else (f"values from {threshold or 128} on are inside",)
        return MaskMeaning("mask", (BACKGROUND, inside), threshold=threshold, notes=note)
    kept = [value for value in found if value != UNKNOWN]
    if len(kept) > MOST_CLASSES or kept[-1] >= 65535:
        raise UsageError(
            f"the masks hold {len(found)} values, too many for classes; say --threshold N if they "
            "are masks of one thing"
        )
    if names and kept[-1] < len(names):
        kept = list(range(len(names)))
    called = [names[v] if v < len(names) else f"class {v}" for v in kept]
    if not names and kept[0] == 0:
        called[0] = BACKGROUND
    return MaskMeaning("ids", tuple(called), ids=tuple(kept))


def _of_colours(
    values: Counter[object], table: dict[str, Colour], names: Sequence[str]
) -> MaskMeaning:
    seen: dict[Colour, int] = {v: n for v, n in values.items() if isinstance(v, tuple)}
    total = max(1, sum(seen.values()))
    if table:
        stray = sum(n for colour, n in seen.items() if colour not in table.values()) / total
        if stray > _STRAY:
            some = ", ".join(map(str, [c for c in seen if c not in table.values()][:4]))
            raise UsageError(
                f"{stray:.1%} of the pixels have colours that the table lacks ({some}); complete "
                "it, or name another with --colours"
            )
        note = () if not stray else (f"{stray:.2%} of the pixels took the nearest colour",)
        return MaskMeaning("colours", tuple(table), tuple(table.values()), notes=note)
    common = [c for c, n in Counter(seen).most_common() if n >= total * 1e-5][: _MOST_COLOURS + 1]
    stray = 1 - sum(seen[colour] for colour in common) / total
    if len(common) > _MOST_COLOURS or stray > _STRAY:
        raise UsageError(
            f"the masks hold {len(seen):,} colours and no table says what they mean; give one with "
            "--colours: a line `name:red,green,blue` each"
        )
    order = sorted(common, key=lambda colour: (colour != (0, 0, 0), -seen[colour]))
    called = [
        names[at] if at < len(names) else BACKGROUND if colour == (0, 0, 0) else _hex(colour)
        for at, colour in enumerate(order)
    ]
    note = (f"classes are called by the colours found: {', '.join(called)}",) if not names else ()
    return MaskMeaning("colours", tuple(called), tuple(order), notes=note)


def _hex(colour: Colour) -> str:
    return "colour-" + "".join(f"{value:02x}" for value in colour)


def _colours_in(opened: PilImage.Image) -> dict[Colour, int]:
    pixels = np.asarray(opened.convert("RGB"))
    packed = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    found, counts = np.unique(packed, return_counts=True)
    return {
        (int(v) >> 16, int(v) >> 8 & 255, int(v) & 255): int(n)
        for v, n in zip(found, counts, strict=True)
    }


def ids_of_mask(path: Path, meaning: MaskMeaning) -> Ids:
    """Return the ids that a mask means: uint8 (H, W).

    Raises
    ------
    UnreadableError
        If it cannot be read.
    """
    with _opened(path) as opened:
        if meaning.kind == "colours":
            return _by_colour(np.asarray(opened.convert("RGB")), meaning.table)
        ids = _values_of(opened, path)
        if ids is None:
            ids = np.asarray(opened.convert("L")).astype(np.int64)
    if meaning.kind == "mask":
        if meaning.threshold is not None:
            return (ids >= meaning.threshold).astype(np.uint8)
        return inside_of(ids, 65535 if int(ids.max()) > 255 else 255).astype(np.uint8)
    table = np.full(int(max(ids.max(), *meaning.ids)) + 1, UNKNOWN, np.uint8)
    table[list(meaning.ids)] = np.arange(len(meaning.ids))
    return np.asarray(table[ids])


def _values_of(opened: ImageFile, path: Path) -> NDArray[np.int64] | None:
    """Return what is stored, but the greys of a palette of black and white that begins white."""
    greys = white_first(opened)
    return stored_ids(opened, str(path)) if greys is None else greys


def _by_colour(pixels: NDArray[np.uint8], table: Sequence[Colour]) -> Ids:
    found, places = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    apart = ((found[:, None].astype(int) - np.array(table)[None]) ** 2).sum(2)
    return apart.argmin(1).astype(np.uint8)[places].reshape(pixels.shape[:2])


def _opened(path: Path) -> ImageFile:
    try:
        return PilImage.open(path)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableError(str(path), f"cannot be read ({error})", "export it again") from error
