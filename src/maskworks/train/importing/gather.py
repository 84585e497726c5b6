"""Say how a folder of labelled pictures is kept, and gather its pictures with their labels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.formats import NOT_BY_HAND, SUFFIXES
from maskworks.train.importing.items import (
    Ids,
    ImportItem,
    LabelledSet,
    Shape,
    by_stem,
    class_ids,
    nearest_picture,
    painter,
    split_of,
)
from maskworks.train.importing.masks import ids_of_mask, meaning_of, pair_masks, read_table
from maskworks.train.importing.shapes import JSON_FORMS, cvat, read_json, yolo, yolo_names


@dataclass(frozen=True)
class Wishes:
    """What the user says of a folder: names of the classes, a table of colours, a threshold."""

    names: tuple[str, ...] = ()
    colours: Path | None = None
    threshold: int | None = None


def gather(root: Path, wishes: Wishes = Wishes()) -> LabelledSet:
    """Find out how labels are kept below a folder and return them.

    Looked for, in this order: JSON of COCO, LabelMe, Supervisely, Label Studio and VIA; XML of
    CVAT; text files of YOLO polygons; masks as pictures.

    Raises
    ------
    UsageError
        If nothing of these is found, or labels have no picture.
    UnreadableError
        If a file of labels is damaged.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: there is no such folder; name the folder of the data set")
    files = list(_walk(root))
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not pictures:
        kinds = Counter(path.suffix.lower() or "none" for path in files).most_common(5)
        found = ", ".join(f"{n} {suffix}" for suffix, n in kinds) or "nothing"
        raise UsageError(f"{root}: there is no picture in it ({found}); name another folder")
    for reader in (_of_json, _of_xml, _of_yolo):
        source = reader(root, files, pictures)
        if source is not None:
            return source
    return _of_masks(root, pictures, wishes)


def _walk(root: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(root):
        folders[:] = sorted(
            n for n in folders if not n.startswith(".") and n.lower() not in NOT_BY_HAND
        )
        yield from (Path(here, name) for name in sorted(files) if not name.startswith("."))


def _of_json(root: Path, files: Sequence[Path], pictures: Sequence[Path]) -> LabelledSet | None:
    found: dict[str, list[tuple[str, Path, list[Shape]]]] = {}
    for path in files:
        if path.suffix.lower() != ".json":
            continue
        content = read_json(path)
        form = next(((n, read) for n, is_it, read in JSON_FORMS if is_it(content)), None)
        if form is not None:
            rows = _read(form[1], content, path)
            found.setdefault(form[0], []).extend((name, path, shapes) for name, shapes in rows)
    if not found:
        return None
    form_name = max(found, key=lambda name: len(found[name]))
    return _with_pictures(root, form_name, found[form_name], pictures)


def _read(
    read: Callable[[Any, Path], Iterator[tuple[str, list[Shape]]]],
    content: Any,  # noqa: ANN401
    path: Path,
) -> list[tuple[str, list[Shape]]]:
    try:
        return list(read(content, path))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UsageError(
            f"{path}: an entry is not of its form ({type(error).__name__}: {error}); export it "
            "again, or take the entry out"
        ) from error


def _of_xml(root: Path, files: Sequence[Path], pictures: Sequence[Path]) -> LabelledSet | None:
    rows = []
    for path in files:
        if path.suffix.lower() == ".xml" and b"<annotations" in path.read_bytes()[:4096]:
            rows += [(name, path, shapes) for name, shapes in cvat(path)]
    return _with_pictures(root, "CVAT", rows, pictures) if rows else None


def _of_yolo(root: Path, files: Sequence[Path], pictures: Sequence[Path]) -> LabelledSet | None:
    texts = {path.stem.lower(): path for path in files if _is_yolo(path)}
    paired = [(path, texts[path.stem.lower()]) for path in pictures if path.stem.lower() in texts]
    if not paired:
        return None
    from maskworks.core.reading import read_picture

    names = yolo_names(root)
    rows = []
    for picture, text in paired:
        size = read_picture(picture).image.size
        rows.append((picture.name, text, yolo(text, names, size)))
    return _with_pictures(root, "YOLO polygons", rows, pictures, names)


def _is_yolo(path: Path) -> bool:
    if path.suffix.lower() != ".txt":
        return False
    line = next((line for line in path.read_text("utf-8", "replace").splitlines() if line), "")
    cells = line.split()
    return len(cells) >= 5 and all(cell.replace(".", "", 1).isdecimal() for cell in cells)


def _with_pictures(
    root: Path,
    form: str,
    rows: Sequence[tuple[str, Path, list[Shape]]],
    pictures: Sequence[Path],
    named: Sequence[str] = (),
) -> LabelledSet:
    known = by_stem(pictures)
    used = sorted({shape.name for _, _, shapes in rows for shape in shapes})
    ids = class_ids([*named, *used] if named else used)
    items, lost = [], []
    for name, path, shapes in rows:
        picture = nearest_picture(name, path, known)
        if picture is None:
            lost.append(name)
        else:
            split = split_of(path, root) or split_of(picture, root)
            items.append(ImportItem(_name(picture, root), picture, painter(shapes, ids), split))
    if not items:
        raise UsageError(
            f"{root}: {form} names {len(rows)} pictures ({rows[0][0]} first), none lies below it; "
            "name the folder that holds both"
        )
    notes = [f"{len(lost)} listed pictures are not there: {', '.join(lost[:3])}"] if lost else []
    return LabelledSet(form, tuple(ids), tuple(items), notes=tuple(notes))


def _of_masks(root: Path, pictures: Sequence[Path], wishes: Wishes) -> LabelledSet:
    pairs = pair_masks(root, pictures)
    if not pairs:
        raise UsageError(
            f"{root}: no labels were found: no COCO, CVAT, LabelMe, VIA, Label Studio, YOLO or "
            "Supervisely file, and no mask in a folder called masks, labels or annotations, with "
            "_mask at the end of its name or with its photo's name beside it"
        )
    meaning = meaning_of(
        [mask for _, mask in pairs],
        table=read_table(root, wishes.colours),
        names=wishes.names,
        threshold=wishes.threshold,
    )

    def draw(mask: Path, size: tuple[int, int]) -> Ids:
        ids = ids_of_mask(mask, meaning)
        if ids.shape not in (size, size[::-1]):
            raise ImageError(
                f"{mask}: is {ids.shape[1]}x{ids.shape[0]}, its picture {size[1]}x{size[0]}"
            )
        return ids

    items = [
        ImportItem(_name(photo, root), photo, partial(draw, mask), split_of(photo, root))
        for photo, mask in pairs
    ]
    without = len(pictures) - 2 * len(pairs)
    notes = list(meaning.notes)
    if without > 0:
        notes.append(f"{without} pictures have no counterpart and were left out")
    form = {"mask": "masks of two values", "ids": "masks of ids", "colours": "masks in colours"}
    return LabelledSet(
        form[meaning.kind], meaning.classes, tuple(items), meaning.table, tuple(notes)
    )


def _name(picture: Path, root: Path) -> str:
    """Return a name that no other picture of the folder has."""
    return "__".join(picture.relative_to(root).with_suffix("").parts).replace(" ", "_")
