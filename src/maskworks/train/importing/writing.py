"""Write a data set as recipes read it: pictures, PNGs of ids, classes and lists of splits."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import MaskworksError, UsageError
from maskworks.core.exif import orientation_of
from maskworks.core.reading import read_picture
from maskworks.core.taxonomy import colour_of
from maskworks.train.importing.items import UNKNOWN, Ids, ImportItem, LabelledSet

PICTURES, LABELS, TAXONOMY, REPORT = "pictures", "labels", "taxonomy.toml", "import.json"

_TURNS = {3: 2, 6: 3, 8: 1}  # quarter turns against the clock by EXIF orientation


@dataclass(frozen=True)
class Imported:
    """What became of a data set: pixels of each class, pictures of each split, what failed."""

    form: str
    classes: tuple[str, ...]
    pictures: int
    pixels: dict[str, int]
    splits: dict[str, int]
    failed: tuple[str, ...]
    notes: tuple[str, ...]


def write_set(source: LabelledSet, out: Path | None) -> Imported:
    """Draw the labels of each picture and write both.

    Parameters
    ----------
    out : folder, which must be empty or not exist; None writes nothing

    Raises
    ------
    UsageError
        If the folder holds something.
    """
    if out is not None:
        if out.exists() and any(out.iterdir()):
            raise UsageError(f"{out}: is not empty; name a new folder with -o")
        for name in (PICTURES, LABELS):
            (out / name).mkdir(parents=True, exist_ok=True)
    pixels = np.zeros(256, np.int64)
    failed: list[str] = []
    splits: dict[str, list[str]] = {}
    for item in source.items:
        try:
            ids = _write(item, out)
        except (MaskworksError, OSError, ValueError) as error:
            failed.append(f"{item.picture}: {error}")
            continue
        pixels += np.bincount(ids.ravel(), minlength=256)
        splits.setdefault(item.split or "", []).append(item.name)
    done = Imported(
        source.form,
        source.classes,
        sum(map(len, splits.values())),
        {name: int(pixels[at]) for at, name in enumerate(source.classes)}
        | ({"without a label": int(pixels[UNKNOWN])} if pixels[UNKNOWN] else {}),
        {name or "undivided": len(names) for name, names in splits.items()},
        tuple(failed),
        source.notes,
    )
    if out is not None:
        _tell(source, splits, done, out)
    return done


def _write(item: ImportItem, out: Path | None) -> Ids:
    picture = read_picture(item.picture)
    size = picture.image.size
    ids = item.draw(size)
    turned = _orientation(item.picture)
    if ids.shape != size and ids.shape == size[::-1] and turned in _TURNS:
        ids = np.ascontiguousarray(np.rot90(ids, _TURNS[turned]))
    if ids.shape != size:
        raise ValueError(f"its labels are {ids.shape[1]}x{ids.shape[0]}, it is {size[1]}x{size[0]}")
    if out is None:
        return ids
    if turned == 1:
        shutil.copyfile(item.picture, out / PICTURES / f"{item.name}{item.picture.suffix.lower()}")
    else:  # labels lie upright, so the picture does too
        PilImage.fromarray(picture.image.pixels).save(out / PICTURES / f"{item.name}.png")
    PilImage.fromarray(ids).save(out / LABELS / f"{item.name}.png")
    return ids


def _orientation(path: Path) -> int:
    try:
        with PilImage.open(path) as opened:
            return orientation_of(opened)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - a damaged EXIF block turns nothing
        return 1


def _tell(source: LabelledSet, splits: dict[str, list[str]], done: Imported, out: Path) -> None:
    rows = [f"ignore = {UNKNOWN}", "", "# id, name, kind, colour", "categories = ["]
    for at, name in enumerate(source.classes):
        colour = source.colours[at] if at < len(source.colours) else colour_of(at)
        code = "".join(f"{int(value):02x}" for value in colour)
        rows.append(f'    [{at}, {json.dumps(name, ensure_ascii=False)}, "stuff", "#{code}"],')
    write_text_atomic(out / TAXONOMY, "\n".join([*rows, "]", ""]))
    for name, names in splits.items():
        if name:
            write_text_atomic(out / f"{name}.txt", "\n".join(sorted(names)) + "\n")
    record = {
        "form": done.form,
        "classes": list(done.classes),
        "pictures": done.pictures,
        "pixels": done.pixels,
        "splits": done.splits,
        "failed": list(done.failed),
        "notes": list(done.notes),
    }
    write_text_atomic(out / REPORT, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def shares(done: Imported) -> list[str]:
    """Return each class with its share of the pixels, as lines."""
    total = max(1, sum(Counter(done.pixels).values()))
    return [f"  {name}: {100 * count / total:.2f} %" for name, count in done.pixels.items()]
