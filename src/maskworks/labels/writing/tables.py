"""The files of a whole run, put together from what was found in each picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskworks.core.atomic import write_atomic, write_text_atomic
from maskworks.core.rle_coco import from_coco
from maskworks.labels.writing.exchange import outline_of
from maskworks.labels.writing.found import read_found

if TYPE_CHECKING:
    from maskworks.core.taxonomy import Taxonomy

COLUMNS = ("picture", "class_id", "class", "pixels", "percent", "objects", "score")


def write_tables(
    folder: Path, places: Sequence[str], taxonomy: Taxonomy, targets: Sequence[str]
) -> list[Path]:
    """Write the tables of a run and return them.

    Parameters
    ----------
    folder : Path
        The output folder, with what was found in ``found/``.
    places : paths of pictures below it, without suffix, in order
    targets : names of `maskworks.labels.writing.targets`

    Raises
    ------
    UnreadableError
        If what was found in a picture is not there.
    OutputError
        If a file cannot be written.
    """
    written: list[Path] = []
    if "shares" in targets:
        rows = [row for place in places for row in _rows(_found(folder, place))]
        write_text_atomic(folder / "classes.csv", _csv(rows))
        write_text_atomic(folder / "classes.json", _shares_json(folder, places, taxonomy))
        written += [folder / "classes.csv", folder / "classes.json"]
    if "coco" in targets:
        written.append(_write(folder / "instances.json", coco_parts(folder, places, taxonomy)))
    if "coco-polygons" in targets:
        parts = coco_parts(folder, places, taxonomy, polygons=True)
        written.append(_write(folder / "instances-polygons.json", parts))
    if "panoptic" in targets:
        written.append(_write(folder / "panoptic.json", panoptic_parts(folder, places, taxonomy)))
    if "yolo" in targets:
        lines = [f"  {at}: {json.dumps(n)}" for at, n in enumerate(taxonomy.names)]
        text = "\n".join(["path: .", "train: images", "val: images", "names:", *lines, ""])
        write_text_atomic(folder / "yolo" / "data.yaml", text)
        written.append(folder / "yolo" / "data.yaml")
    return written


def coco_parts(
    folder: Path, places: Sequence[str], taxonomy: Taxonomy, *, polygons: bool = False
) -> Iterator[str]:
    """Yield COCO's instances file in parts: truth and results in one, since scores are kept.

    Parameters
    ----------
    polygons : bool
        Write outlines as polygons; an object with a hole, which they cannot say, stays runs.
    """
    categories = [_category(each) for each in taxonomy.categories]
    yield from _object("categories", categories, first=True)
    yield from _object("images", (_image(n, r) for n, r in _each(folder, places)))
    yield from _object("annotations", _annotations(folder, places, polygons=polygons))
    yield "}\n"


def panoptic_parts(folder: Path, places: Sequence[str], taxonomy: Taxonomy) -> Iterator[str]:
    """Yield COCO's panoptic file in parts; its pictures lie in ``panoptic/``."""
    categories = [_category(each) | {"isthing": int(each.thing)} for each in taxonomy.categories]
    yield from _object("categories", categories, first=True)
    yield from _object("images", (_image(n, r) for n, r in _each(folder, places)))
    segments = (
        {
            "image_id": number,
            "file_name": record["labels"],
            "segments_info": record.get("segments", []),
        }
        for number, record in _each(folder, places)
    )
    yield from _object("annotations", segments)
    yield "}\n"


def _annotations(
    folder: Path, places: Sequence[str], *, polygons: bool
) -> Iterator[dict[str, Any]]:
    count = 0
    for number, record in _each(folder, places):
        for thing in record.get("objects", ()):
            count += 1
            row = {"id": count, "image_id": number, **thing, "iscrowd": 0}
            if polygons:
                row["segmentation"] = _polygons(thing["segmentation"])
            yield row


def _polygons(segmentation: dict[str, Any]) -> object:
    groups = outline_of(from_coco(segmentation))
    if not groups or any(holes for _, holes in groups):
        return segmentation
    return [outer[:, ::-1].ravel().tolist() for outer, _ in groups]


def _each(folder: Path, places: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, place in enumerate(places, start=1):
        yield number, _found(folder, place)


def _found(folder: Path, place: str) -> dict[str, Any]:
    return read_found(folder / "found" / f"{place}.json")


def _image(number: int, record: dict[str, Any]) -> dict[str, Any]:
    size = {"width": record["width"], "height": record["height"]}
    return {"id": number, "file_name": record["picture"], **size}


def _category(each: Any) -> dict[str, Any]:  # noqa: ANN401 - core.taxonomy.Category
    kind = "thing" if each.thing else "stuff"
    return {"id": each.id, "name": each.name, "supercategory": kind, "color": list(each.colour)}


def _object(name: str, rows: Iterable[dict[str, Any]], *, first: bool = False) -> Iterator[str]:
    yield f"{'{' if first else ','}{json.dumps(name)}: ["
    for at, row in enumerate(rows):
        yield f"{',' if at else ''}\n{json.dumps(row, ensure_ascii=False)}"
    yield "]"


def _write(path: Path, parts: Iterable[str]) -> Path:
    write_atomic(path, "".join(parts).encode())
    return path


def _rows(record: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    for each in record["classes"]:
        yield (
            record["picture"],
            *(each[key] for key in ("id", "name", "pixels", "percent", "objects", "score")),
        )


def _csv(rows: Iterable[tuple[object, ...]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return stream.getvalue()


def _shares_json(folder: Path, places: Sequence[str], taxonomy: Taxonomy) -> str:
    """Return each picture's shares and those of all pictures together."""
    pixels: dict[int, int] = {}
    objects: dict[int, int] = {}
    total = 0
    pictures: list[dict[str, Any]] = []
    for _, record in _each(folder, places):
        total += record["width"] * record["height"]
        size = {key: record[key] for key in ("width", "height")}
        pictures.append(
            {"picture": record["picture"], **size, "unlabelled": record["unlabelled"],
             "how": record["how"], "classes": record["classes"]}
        )  # fmt: skip
        for each in record["classes"]:
            pixels[each["id"]] = pixels.get(each["id"], 0) + each["pixels"]
            if each["objects"] is not None:
                objects[each["id"]] = objects.get(each["id"], 0) + each["objects"]
    classes = [
        {
            "id": each.id,
            "name": each.name,
            "pixels": pixels.get(each.id, 0),
            "percent": round(100 * pixels.get(each.id, 0) / max(total, 1), 6),
            "objects": objects.get(each.id),
        }
        for each in taxonomy.categories
    ]
    record = {"taxonomy": taxonomy.name, "pixels": total, "classes": classes, "pictures": pictures}
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"
