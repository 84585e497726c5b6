"""COCO files of truth and predictions, and which picture of one is which of the other."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskworks.core.errors import EvaluationError
from maskworks.evaluate.json_files import (
    CLASS,
    ID,
    MASK,
    NUMBER,
    SIDE,
    SWITCH,
    TEXT,
    EntryRules,
    checked,
    read_json,
    records,
)

IMAGE = EntryRules({"id": ID}, {"file_name": TEXT})
SIZED = EntryRules({"id": ID, "height": SIDE, "width": SIDE}, {"file_name": TEXT})
CATEGORY = EntryRules({"id": CLASS}, {"name": TEXT})
OBJECT = EntryRules(
    {"image_id": ID, "category_id": CLASS, "segmentation": MASK},
    {"iscrowd": SWITCH, "area": NUMBER},
)
RESULT = EntryRules({"image_id": ID, "category_id": CLASS, "segmentation": MASK, "score": NUMBER})

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Truth:
    """COCO's images, categories and annotations; each of the last has an id of its own, from 1.

    `notes` are sentences on what was wrong in the file and how it was taken.
    """

    images: list[Row]
    categories: list[Row]
    annotations: list[Row]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Results:
    """Predicted masks, `image_id` and `category_id` those of the truth.

    `missing` names the pictures of the truth of which nothing is said; only where the file
    `lists_images` is that another thing than nothing found.
    """

    rows: list[Row]
    missing: tuple[str, ...]
    lists_images: bool
    notes: tuple[str, ...] = ()


@dataclass
class _FileNotes:
    """Notes on a file that was read."""

    path: Path
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(f"{self.path.name}: {text}")


def read_truth(path: Path, *, left_out: list[str] | None = None) -> Truth:
    """Read COCO's images, categories and annotations.

    Annotations are numbered anew from 1, whatever ids the file has. One that stands there twice
    with the same id, picture, class and mask counts once; an id that different ones share is
    noted.

    Parameters
    ----------
    left_out : list, optional
        Takes a sentence on each damaged annotation, which is then left out.

    Raises
    ------
    UsageError
        If there is no such file.
    UnreadableError
        If an entry has another form.
    EvaluationError
        If an id of a picture or class stands for two.
    """
    content = read_json(path, "--truth")
    said = _FileNotes(path)
    images = _once(path, records(path, content, "images", SIZED), "images", "file_name")
    categories = _once(path, records(path, content, "categories", CATEGORY), "categories", "name")
    rows = records(path, content, "annotations", OBJECT, skippable=True, left_out=left_out)
    annotations = _numbered(rows, said)
    for row in annotations:
        row.setdefault("iscrowd", 0)
    return Truth(images, categories, annotations, tuple(said.notes))


def _once(path: Path, rows: list[Row], key: str, name: str) -> list[Row]:
    """Return rows with one id each; the same row twice is one."""
    found: dict[object, Row] = {}
    for row in rows:
        before = found.setdefault(row["id"], row)
        if before.get(name) != row.get(name):
            both = f"{before.get(name)!r} and as {row.get(name)!r}"
            problem = f"{path}: `{key}` has id {row['id']!r} twice, as {both}"
            raise EvaluationError([problem], "give each an id of its own")
        sizes = [f"{one.get('width')}x{one.get('height')}" for one in (before, row)]
        if sizes[0] != sizes[1]:
            problem = f"{path}: `{key}` has id {row['id']!r} twice, as {' and as '.join(sizes)}"
            raise EvaluationError([problem], "give each an id of its own")
    return list(found.values())


def _numbered(rows: list[Row], said: _FileNotes) -> list[Row]:
    """Return annotations numbered from 1; 0 stands for no match in the library that counts."""
    kept: list[Row] = []
    seen: dict[object, list[Row]] = {}
    shared: set[str] = set()
    repeated = 0
    for row in rows:
        key = row.get("id")
        number = key if isinstance(key, int | str) else None
        others = seen.setdefault(number, []) if number is not None else []
        if any(_same(row, other) for other in others):
            repeated += 1
            continue
        if others:
            shared.add(repr(number))
        others.append(row)
        kept.append(row)
    if repeated:
        said.note(f"{repeated} annotations stand there twice and count once")
    if shared:
        some = ", ".join(sorted(shared)[:5])
        said.note(f"different annotations share an id ({some}); all count, numbered anew")
    return [row | {"id": number} for number, row in enumerate(kept, start=1)]


def _same(one: Row, other: Row) -> bool:
    return all(one[name] == other[name] for name in ("image_id", "category_id", "segmentation"))


def read_results(path: Path, truth: Truth, *, left_out: list[str] | None = None) -> Results:
    """Read COCO's results, a list or a file with annotations, against a truth.

    Where the file lists `images` with a `file_name` pictures belong together by it, see
    `same_pictures`; where it lists `categories` with names classes do, see `same_classes`.

    Raises
    ------
    UsageError, UnreadableError
        As `read_truth`.
    EvaluationError
        If a name is none of the truth's.
    """
    content = read_json(path, "--predictions")
    images = truth.images
    if isinstance(content, list):
        rows = checked(path, content, "", RESULT, skippable=True, left_out=left_out)
        seen = {row["image_id"] for row in rows}
        return Results(rows, _unseen(images, seen), lists_images=False)
    said = _FileNotes(path)
    rows = records(path, content, "annotations", RESULT, skippable=True, left_out=left_out)
    classes = same_classes(path, rows, listed(path, content, "categories", CATEGORY), truth)
    rows = [
        row | {"category_id": classes.get(row["category_id"], row["category_id"])} for row in rows
    ]
    own = listed(path, content, "images", IMAGE)
    if own is None:
        seen = {row["image_id"] for row in rows}
        return Results(rows, _unseen(images, seen), lists_images=False)
    numbers = same_pictures(path, own, images, needed={row["image_id"] for row in rows})
    if numbers is None:
        said.note("its pictures belong to those of the truth by id, since not all have a file_name")
        numbers = {each["id"]: each["id"] for each in own}
    rows = [row | {"image_id": numbers.get(row["image_id"], row["image_id"])} for row in rows]
    seen = {numbers[each["id"]] for each in own if each["id"] in numbers}
    return Results(rows, _unseen(images, seen), lists_images=True, notes=tuple(said.notes))


def listed(path: Path, content: object, key: str, rule: Any) -> list[Row] | None:  # noqa: ANN401
    """Return a list that a file may have, None if it has none.

    Raises
    ------
    UnreadableError
        If an entry has another form.
    """
    found = content.get(key) if isinstance(content, Mapping) else None
    return checked(path, found, key, rule) if isinstance(found, list) else None


def _unseen(images: Rows, seen: set[object]) -> tuple[str, ...]:
    return tuple(
        str(each.get("file_name", f"image_id {each['id']!r}"))
        for each in images
        if each["id"] not in seen
    )


def same_classes(path: Path, rows: Rows, ours: list[Row] | None, truth: Truth) -> dict[int, int]:
    """Return which class of the truth each of ours is: by name, where both files have names.

    Raises
    ------
    EvaluationError
        If one number has two names, two classes of the truth have one name, or a class that is
        used has a name that the truth does not have.
    """
    if ours is None:
        return {}
    ours = _once(path, ours, "categories", "name")
    if not all("name" in row for row in (*ours, *truth.categories)):
        return {}
    numbers = {row["name"]: row["id"] for row in truth.categories}
    times = Counter(row["name"] for row in truth.categories)
    used = {row["category_id"] for row in rows}
    problems = []
    for row in ours:
        name, found = row["name"], times[row["name"]]
        if row["id"] in used and found != 1:
            near = difflib.get_close_matches(name, list(numbers), 1, 0.5)
            close = f"; the nearest is {near[0]!r}" if near else ""
            what = "is no class of the truth" if not found else "is two classes of the truth"
            problems.append(f"{path}: category {row['id']}, {name!r}, {what}{close}")
    if problems:
        raise EvaluationError(problems, "call classes alike in both files")
    return {row["id"]: numbers[row["name"]] for row in ours if row["name"] in numbers}


def same_pictures(
    path: Path, ours: Rows, theirs: Rows, *, needed: set[object]
) -> dict[object, object] | None:
    """Return which id of theirs each picture of ours has, None where names are missing.

    By `file_name`: the whole of it, with slashes either way and letters in either Unicode form;
    else by its last part without suffix, where that is one picture's alone. A number that a tool
    gave its pictures in the order in which it met them says nothing.

    Parameters
    ----------
    path : Path
        Of our file, for messages.
    ours, theirs : rows with `id` and, or not, `file_name`
    needed : ids of ours that must be found

    Raises
    ------
    EvaluationError
        If the name of a needed picture is none of theirs, or two of ours are one of theirs.

    Examples
    --------
    >>> coco = [{"id": 139, "file_name": "val/a.jpg"}, {"id": 285, "file_name": "val/b.jpg"}]
    >>> same_pictures(Path("ours.json"), [{"id": 1, "file_name": "b.png"}], coco, needed={1})
    {1: 285}
    >>> same_pictures(Path("ours.json"), [{"id": 139}], coco, needed={139}) is None
    True
    """
    if not all("file_name" in each for each in (*ours, *theirs)):
        return None
    whole = {_whole(each["file_name"]): each["id"] for each in theirs}
    lasts = Counter(_last(each["file_name"]) for each in theirs)
    by_last = {_last(each["file_name"]): each["id"] for each in theirs}
    found: dict[object, object] = {}
    problems = []
    for each in ours:
        name = each["file_name"]
        number = whole.get(_whole(name))
        if number is None and lasts[_last(name)] == 1:
            number = by_last[_last(name)]
        if number is not None:
            found[each["id"]] = number
        elif each["id"] in needed:
            problems.append(f"{path}: picture {name!r} {_why_not(name, theirs, lasts)}")
    twice = [number for number, times in Counter(found.values()).items() if times > 1]
    problems += [
        f"{path}: {', '.join(e['file_name'] for e in ours if found.get(e['id']) == number)} are one"
        f" picture of the truth"
        for number in twice
    ]
    if problems:
        raise EvaluationError(problems, "give pictures the file_name that the truth has")
    return found


def _why_not(name: str, theirs: Rows, lasts: Counter[str]) -> str:
    if lasts[_last(name)] > 1:
        return f"is in {lasts[_last(name)]} folders of the truth; give the folder too"
    near = difflib.get_close_matches(name, [each["file_name"] for each in theirs], 1, 0.5)
    return f"is none of the truth{f'; the nearest is {near[0]!r}' if near else ''}"


def _whole(name: str) -> str:
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in {"", "."})


def _last(name: str) -> str:
    last = _whole(name).rpartition("/")[2]
    return (last.rpartition(".")[0] or last).casefold()
