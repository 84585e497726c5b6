"""COCO files of truth and predictions, and which picture of one is which of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskworks.evaluate.json_files import checked, read_json, records

_RESULT = ("image_id", "category_id", "segmentation", "score")


@dataclass(frozen=True, eq=False)
class Results:
    """Predicted masks, `image_id` that of the truth.

    `missing` names the pictures of the truth of which nothing is said; only where the file
    `lists_images` is that another thing than nothing found.
    """

    rows: list[dict[str, Any]]
    missing: tuple[str, ...]
    lists_images: bool


def read_truth(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read COCO's images, categories and annotations; each of the last has an id and iscrowd."""
    content = read_json(path, "--truth")
    needs = {
        "images": ("id", "height", "width"),
        "categories": ("id",),
        "annotations": ("image_id", "category_id", "segmentation"),
    }
    found = {key: records(path, content, key, fields) for key, fields in needs.items()}
    for number, row in enumerate(found["annotations"], start=1):
        row.setdefault("id", number)
        row.setdefault("iscrowd", 0)
    return found


def read_results(path: Path, truth: Mapping[str, Sequence[Mapping[str, Any]]]) -> Results:
    """Read COCO's results, a list or a file with annotations, against the images of a truth.

    Raises
    ------
    UsageError, UnreadableError
    """
    content = read_json(path, "--predictions")
    images = truth["images"]
    if isinstance(content, list):
        rows = checked(path, content, "", _RESULT)
        seen = {row["image_id"] for row in rows}
    else:
        rows = records(path, content, "annotations", _RESULT)
        listed = content.get("images") if isinstance(content, Mapping) else None
        own = checked(path, listed, "images", ("id",)) if isinstance(listed, list) else []
        numbers = same_pictures(own, images)
        rows = [row | {"image_id": numbers.get(row["image_id"], row["image_id"])} for row in rows]
        seen = {numbers.get(each["id"], each["id"]) for each in own}
        if listed is None:
            seen = {row["image_id"] for row in rows}
    missing = tuple(
        str(each.get("file_name", f"image_id {each['id']!r}"))
        for each in images
        if each["id"] not in seen
    )
    lists = isinstance(content, Mapping) and isinstance(content.get("images"), list)
    return Results(rows, missing, lists)


def same_pictures(
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]
) -> dict[Any, Any]:
    """Return which id of theirs each picture of ours has.

    By `file_name`, where every picture of ours has one that occurs once among theirs; a number
    that a tool gave its pictures in the order in which it met them says nothing. Else by id.

    Examples
    --------
    >>> coco = [{"id": 139, "file_name": "a.jpg"}, {"id": 285, "file_name": "b.jpg"}]
    >>> same_pictures([{"id": 1, "file_name": "b.jpg"}], coco)
    {1: 285}
    >>> same_pictures([{"id": 139}], coco)
    {139: 139}
    """
    times = Counter(each.get("file_name") for each in theirs)
    numbers = {
        each["file_name"]: each["id"]
        for each in theirs
        if "file_name" in each and times[each["file_name"]] == 1
    }
    if all(each.get("file_name") in numbers for each in ours):
        return {each["id"]: numbers[each["file_name"]] for each in ours}
    return {each["id"]: each["id"] for each in ours}
