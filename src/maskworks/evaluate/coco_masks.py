"""Masks of COCO: which can be used, and all of them as runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maskworks.core.errors import ImageError
from maskworks.core.rle_coco import from_coco, polygon_misfit, to_coco
from maskworks.evaluate.json_files import NUMBER


def with_masks(
    path: Path,
    rows: Sequence[dict[str, Any]],
    sizes: Mapping[Any, tuple[int, int]],
    *,
    skip: bool,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows with a usable mask, and what is wrong with the others.

    With `skip` rings that are none are taken out of a polygon that has others.
    """
    kept, problems = [], []
    for at, row in enumerate(rows):
        mask = row["segmentation"]
        wrong = _misfit(mask, sizes[row["image_id"]])
        if wrong is not None:
            problems.append(f"{path}: entry {at} (image_id {row['image_id']!r}): {wrong}")
            rings = [ring for ring in mask if _is_ring(ring)] if isinstance(mask, list) else []
            if skip and rings and polygon_misfit(rings, sizes[row["image_id"]]) is None:
                kept.append(row | {"segmentation": rings})
        else:
            kept.append(row)
    return kept, problems


def _misfit(mask: object, size: tuple[int, int]) -> str | None:
    """Return what is wrong with a mask of COCO, None if nothing is."""
    if isinstance(mask, Mapping) and mask:
        return _run_misfit(mask, size)
    if not mask:
        return "its segmentation is empty"
    rings: list[Any] = mask if isinstance(mask, list) else [None]
    bad = next((each for each in rings if not _is_ring(each)), ())
    if bad == ():
        return polygon_misfit(rings, size)
    what = "its mask is neither an RLE nor a list of polygons"
    if isinstance(bad, list) and bad and all(map(NUMBER.fits, bad)):
        return f"{what}: one has {len(bad) / 2:g} points, three or more are needed"
    return what


def _run_misfit(mask: Mapping[str, object], size: tuple[int, int]) -> str | None:
    try:
        found = from_coco(mask, name="the mask").size
    except ImageError as error:
        return str(error)
    if found == size:
        return None
    sizes = f"{found[1]}x{found[0]} (width x height), the picture {size[1]}x{size[0]}"
    return f"the mask is {sizes}"


def _is_ring(ring: object) -> bool:
    return (
        isinstance(ring, list)
        and len(ring) >= 6
        and len(ring) % 2 == 0
        and all(map(NUMBER.fits, ring))
    )


def packed_mask(mask: Any, size: tuple[int, int]) -> dict[str, object]:  # noqa: ANN401 - RLE or polygons
    """Return a mask as a compressed RLE, the only form that the library takes everywhere."""
    from faster_coco_eval import mask as coco

    if isinstance(mask, Mapping):
        return to_coco(from_coco(mask))
    packed: dict[str, object] = coco.merge(coco.frPyObjects(mask, *size))
    return packed


def area_of(mask: Any, size: tuple[int, int]) -> float:  # noqa: ANN401 - RLE or polygons
    """Return the pixels of a mask."""
    return float(from_coco(packed_mask(mask, size)).area)
