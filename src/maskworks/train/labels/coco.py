"""COCO's files of objects and of panoptic segments, read for training."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.core.errors import ImageError, RecipeError
from maskworks.core.panoptic import ids_of_png
from maskworks.core.rle_coco import from_coco, polygon_misfit

if TYPE_CHECKING:
    from maskworks.train.labels.pictures import Pictures

UNCOVERED = 65534
"""The id of a pixel that no annotation covers."""

UNTOLD = 65535
"""The id of a pixel of a crowd, or void: it has no truth."""

_KEYS = ("images", "annotations", "categories")
_REMEDY = "write it again as COCO has it: https://cocodataset.org/#format-data"


@dataclass(frozen=True)
class CocoPart:
    """One object or segment: its category, and its mask, or its id in the panoptic picture."""

    category: int
    mask: Any  # RLE or polygons
    number: int = 0
    crowd: bool = False


@dataclass(frozen=True)
class CocoPicture:
    """One picture of a file: its name, size (H, W) and parts; `segments` its panoptic PNG."""

    file: str
    size: tuple[int, int]
    parts: tuple[CocoPart, ...]
    segments: str | None = None


@dataclass(frozen=True)
class CocoFile:
    """What a file says; `categories` by id, and which of them are things."""

    path: Path
    pictures: tuple[CocoPicture, ...]
    categories: dict[int, str]
    things: frozenset[int]


def read_coco(path: Path) -> CocoFile:
    """Read a COCO file, instance or panoptic; the same file is read once.

    Raises
    ------
    RecipeError
        If it is missing, is not JSON or not of this form.
    """
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise RecipeError(path, "does not exist", "name the JSON file of the labels") from error
    return _read(path, changed)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> CocoFile:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(path, f"is not JSON ({error})", _REMEDY) from error
    if not isinstance(content, dict) or any(
        not isinstance(content.get(key), list) for key in _KEYS
    ):
        raise RecipeError(path, f"has not the lists {', '.join(_KEYS)}", _REMEDY)
    try:
        rows = content["categories"]
        categories = {int(row["id"]): str(row["name"]) for row in rows}
        things = frozenset(int(row["id"]) for row in rows if row.get("isthing", 1))
        pictures = _pictures(path, content)
    except (KeyError, TypeError, ValueError) as error:
        raise RecipeError(path, f"a row is not of COCO's form ({error!r})", _REMEDY) from error
    return CocoFile(path, pictures, categories, things)


def _pictures(path: Path, content: dict[str, Any]) -> tuple[CocoPicture, ...]:
    rows = {row["id"]: row for row in content["images"]}
    parts: dict[object, list[CocoPart]] = {key: [] for key in rows}
    segments: dict[object, str] = {}
    for row in content["annotations"]:
        key = row["image_id"]
        if key not in rows:
            raise RecipeError(
                path, f"an annotation is of image {key}, which is not listed", _REMEDY
            )
        if "segments_info" in row:
            segments[key] = str(row["file_name"])
            parts[key] += [
                CocoPart(int(s["category_id"]), None, int(s["id"]), bool(s.get("iscrowd", 0)))
                for s in row["segments_info"]
            ]
        else:
            crowd = bool(row.get("iscrowd", 0))
            parts[key].append(CocoPart(int(row["category_id"]), row["segmentation"], crowd=crowd))
    return tuple(
        CocoPicture(
            str(row["file_name"]),
            (int(row["height"]), int(row["width"])),
            tuple(parts[key]),
            segments.get(key),
        )
        for key, row in rows.items()
    )


def painted(
    picture: CocoPicture, file: CocoFile, *, skip: bool = False
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return a picture's category ids and its objects' numbers.

    Parameters
    ----------
    skip : bool
        Leave out masks that are none, instead of an error.

    Returns
    -------
    int32 (H, W)
        Ids of categories, `UNCOVERED` and `UNTOLD`; of overlapping objects the smaller wins.
    int32 (H, W)
        1, 2, 3 ... inside things, 0 elsewhere.

    Raises
    ------
    RecipeError
        If a mask is not of the picture's size, or the panoptic picture cannot be read.
    """
    ids = np.full(picture.size, UNCOVERED, np.int32)
    objects = np.zeros(picture.size, np.int32)
    masks = _masks(picture, file, skip=skip)
    order = sorted(range(len(masks)), key=lambda at: -int(masks[at].sum()))
    for at in order:
        part, inside = picture.parts[at], masks[at]
        ids[inside] = UNTOLD if part.crowd else part.category
        objects[inside] = at + 1 if part.category in file.things and not part.crowd else 0
    if picture.segments is not None:
        ids[ids == UNCOVERED] = UNTOLD
    return ids, objects


def _masks(picture: CocoPicture, file: CocoFile, *, skip: bool) -> Sequence[NDArray[np.bool_]]:
    if picture.segments is None:
        return [_mask(part.mask, picture, file.path, skip=skip) for part in picture.parts]
    path = file.path.with_suffix("") / picture.segments
    try:
        with PilImage.open(path) as opened:
            numbers = ids_of_png(np.asarray(opened.convert("RGB")))
    except (OSError, SyntaxError, ValueError, ImageError) as error:
        raise RecipeError(path, f"cannot be read ({error})", "export it again") from error
    if numbers.shape != picture.size:
        raise RecipeError(
            path,
            f"is {numbers.shape[1]}x{numbers.shape[0]}, its row says "
            f"{picture.size[1]}x{picture.size[0]}",
            "both must have one size",
        )
    return [numbers == part.number for part in picture.parts]


def _mask(
    mask: Any,  # noqa: ANN401 - RLE or polygons
    picture: CocoPicture,
    path: Path,
    *,
    skip: bool,
) -> NDArray[np.bool_]:
    from faster_coco_eval import mask as coco

    if isinstance(mask, list):
        rings = [ring for ring in mask if is_ring(ring)]
        if len(rings) < len(mask) or not mask:
            if not skip:
                raise RecipeError(
                    path,
                    f"{picture.file}: a mask is no list of polygons of three points or more",
                    "mend it, or leave such masks out with damaged = 'ignore'",
                )
            mask = rings
        wrong = polygon_misfit(mask, picture.size) if mask else None
        if wrong is not None and not skip:
            raise RecipeError(
                path,
                f"{picture.file}: of a mask, {wrong}",
                "mend it, or leave such masks out with damaged = 'ignore'",
            )
        if not mask or wrong is not None:
            return np.zeros(picture.size, bool)
    try:
        packed = (
            mask if isinstance(mask, dict) else coco.merge(coco.frPyObjects(mask, *picture.size))
        )
        inside = from_coco(packed).to_mask().inside
    except (ImageError, TypeError, ValueError, IndexError) as error:
        raise RecipeError(path, f"{picture.file}: a mask is unusable ({error})", _REMEDY) from error
    if inside.shape != picture.size:
        raise RecipeError(
            path, f"{picture.file}: a mask is {inside.shape}", "see its height, width"
        )
    return inside


def is_ring(ring: object) -> bool:
    """Say whether a value is a polygon of COCO: x and y of three points or more.

    Examples
    --------
    >>> is_ring([0, 0, 4, 0, 4, 4]), is_ring([0, 0, 4, 0]), is_ring(None)
    (True, False, False)
    """
    return (
        isinstance(ring, list)
        and len(ring) >= 6
        and len(ring) % 2 == 0
        and all(isinstance(each, int | float) and math.isfinite(each) for each in ring)
    )


def places_of_categories(file: CocoFile, classes: Sequence[str], rule: Pictures) -> dict[int, int]:
    """Return for the id of each category the place of the class of its name.

    Ids of no class are at the place `len(classes)`: without a label. So are pixels that nothing
    covers, unless a class is called background and the rule does not ignore them.

    Raises
    ------
    RecipeError
        If names do not match: a category that is no class (unless ignored), or the reverse.
    """
    spare = len(classes)
    known = {name: at for at, name in enumerate(classes)}
    strange = sorted(set(file.categories.values()) - set(known))
    if strange and rule.others != "ignore":
        raise RecipeError(
            file.path,
            f"has categories that are no class of the recipe: {', '.join(strange[:8])}",
            "add them to classes, or say others = 'ignore'",
        )
    absent = sorted(set(known) - set(file.categories.values()) - {"background"})
    if absent:
        raise RecipeError(
            file.path,
            f"has no category called {', '.join(absent[:8])}",
            f"its categories are {', '.join(list(file.categories.values())[:12])}",
        )
    places = {number: known.get(name, spare) for number, name in file.categories.items()}
    ground = spare if rule.uncovered == "ignore" else known.get("background", spare)
    return {**places, UNCOVERED: ground, UNTOLD: spare}
