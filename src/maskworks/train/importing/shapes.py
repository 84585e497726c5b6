"""Polygons and runs as tools write them: COCO, CVAT, LabelMe, VIA, Label Studio, YOLO, Supervisely.

Each reader gets the files of its kind and returns the shapes of each picture by the picture's
name. Interfaces: the tools' own documentation of their exports.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.core.errors import UnreadableError
from maskworks.train.importing.items import Shape

Found = Iterator[tuple[str, list[Shape]]]
"""The name of a picture, and its shapes."""


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return what a JSON file holds.

    Raises
    ------
    UnreadableError
        If it is not JSON.
    """
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UnreadableError(str(path), f"is not JSON ({error})", "export it again") from error


def coco(content: Any, _: Path) -> Found:  # noqa: ANN401
    """COCO: polygons or RLE; objects that are crowds have no label."""
    names = {row["id"]: str(row["name"]) for row in content["categories"]}
    parts: dict[object, list[Shape]] = {row["id"]: [] for row in content["images"]}
    for row in content["annotations"]:
        mask = row.get("segmentation")
        if mask and row["image_id"] in parts:
            shape = Shape(names[row["category_id"]], mask, crowd=bool(row.get("iscrowd")))
            parts[row["image_id"]].append(shape)
    for row in content["images"]:
        yield str(row["file_name"]), parts[row["id"]]


def is_coco(content: Any) -> bool:  # noqa: ANN401
    """Whether that is a file of COCO with masks."""
    return isinstance(content, dict) and {"images", "annotations", "categories"} <= set(content)


def labelme(content: Any, path: Path) -> Found:  # noqa: ANN401
    """LabelMe: one file a picture; polygons, rectangles and circles."""
    shapes = []
    for row in content["shapes"]:
        points = [(float(x), float(y)) for x, y in row["points"]]
        ring = _ring(row.get("shape_type") or "polygon", points)
        if ring:
            shapes.append(Shape(str(row["label"]), [ring]))
    yield str(content.get("imagePath") or path.stem), shapes


def is_labelme(content: Any) -> bool:  # noqa: ANN401
    """Whether that is a file of LabelMe."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list)


def _ring(kind: str, points: Sequence[tuple[float, float]]) -> list[float]:
    if kind == "rectangle" and len(points) >= 2:
        (left, top), (right, bottom) = points[0], points[1]
        return [left, top, right, top, right, bottom, left, bottom]
    if kind == "circle" and len(points) >= 2:
        (x, y), (a, b) = points[0], points[1]
        radius = float(np.hypot(a - x, b - y))
        turns = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        return (
            np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], 1).ravel().tolist()
        )
    return [number for point in points for number in point] if len(points) >= 3 else []


def via(content: Any, _: Path) -> Found:  # noqa: ANN401
    """VGG Image Annotator: regions of each file; the class is the first attribute with a value."""
    rows = content.get("_via_img_metadata", content)
    for row in rows.values():
        regions = row["regions"]
        shapes = []
        for region in regions.values() if isinstance(regions, dict) else regions:
            ring = _via_ring(region["shape_attributes"])
            values = [v for v in (region.get("region_attributes") or {}).values() if v]
            value = values[0] if values else "object"
            name = next(iter(value)) if isinstance(value, dict) else str(value)
            if ring:
                shapes.append(Shape(name, [ring]))
        yield str(row["filename"]), shapes


def is_via(content: Any) -> bool:  # noqa: ANN401
    """Whether that is a file of VIA."""
    rows = content.get("_via_img_metadata", content) if isinstance(content, dict) else {}
    return bool(rows) and all(
        isinstance(row, dict) and {"filename", "regions"} <= set(row) for row in rows.values()
    )


def _via_ring(shape: Mapping[str, Any]) -> list[float]:
    if shape["name"] in ("polygon", "polyline"):
        pairs = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
        return [float(number) for pair in pairs for number in pair]
    if shape["name"] == "rect":
        x, y, w, h = (float(shape[key]) for key in ("x", "y", "width", "height"))
        return [x, y, x + w, y, x + w, y + h, x, y + h]
    if shape["name"] in ("circle", "ellipse"):
        turns = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        rx, ry = (float(shape.get(key, shape.get("r", 0))) for key in ("rx", "ry"))
        x, y = float(shape["cx"]), float(shape["cy"])
        return np.stack([x + rx * np.cos(turns), y + ry * np.sin(turns)], 1).ravel().tolist()
    return []


def label_studio(content: Any, _: Path) -> Found:  # noqa: ANN401
    """Label Studio: polygons and rectangles in per cent, brushes as packed runs."""
    for task in content:
        data = task["data"]
        source = next((str(v) for k, v in data.items() if k in ("image", "img", "photo")), "")
        source = source or next(str(value) for value in data.values())
        name = re.sub(r"^[0-9a-f]{8}-", "", source.partition("?")[0].rpartition("/")[2])
        shapes = []
        found = (task.get("annotations") or task.get("completions") or [{}])[0]
        for row in found.get("result", ()):
            shape = _studio_shape(row)
            if shape is not None:
                shapes.append(shape)
        yield name, shapes


def is_label_studio(content: Any) -> bool:  # noqa: ANN401
    """Whether that is an export of Label Studio."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(row, dict) and isinstance(row.get("data"), dict) for row in content)
    )


def _studio_shape(row: Mapping[str, Any]) -> Shape | None:
    value = row["value"]
    kind = row["type"]
    labels = value.get(kind) or next(
        (v for k, v in value.items() if k.endswith("labels") and isinstance(v, list)), None
    )
    if not labels:
        return None
    name = str(labels[0])
    width, height = row.get("original_width", 100), row.get("original_height", 100)
    if "points" in value:
        ring = [n for x, y in value["points"] for n in (x * width / 100, y * height / 100)]
        return Shape(name, [ring])
    if value.get("format") == "rle" or "rle" in value:
        return Shape(name, brush_runs(value["rle"], (int(height), int(width))))
    if {"x", "y", "width", "height"} <= set(value):
        x, y = value["x"] * width / 100, value["y"] * height / 100
        w, h = value["width"] * width / 100, value["height"] * height / 100
        return Shape(name, [[x, y, x + w, y, x + w, y + h, x, y + h]])
    return None


def brush_runs(packed: Sequence[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where a brush of Label Studio painted: bool (H, W).

    Parameters
    ----------
    packed : bytes as ints
        A stream of bits: how many values (32), bits of a value less one (5), four lengths less
        one (4 each); then blocks of one bit (a run, or values one by one), two bits that choose
        the length of the count, the count less one, and one value or that many. The values are
        RGBA of the picture.
    size : (H, W)

    Raises
    ------
    ValueError
        If the stream ends too early.
    """
    bits = np.unpackbits(np.asarray(packed, np.uint8))
    at = 0

    def read(count: int) -> int:
        nonlocal at
        if at + count > len(bits):
            raise ValueError("the runs of a brush end too early")
        value = 0
        for bit in bits[at : at + count]:
            value = value * 2 + int(bit)
        at += count
        return value

    total, word = read(32), read(5) + 1
    lengths = [read(4) + 1 for _ in range(4)]
    values = np.zeros(total, np.uint8)
    done = 0
    while done < total:
        run = read(1)
        end = done + 1 + read(lengths[read(2)])
        if run:
            values[done:end] = read(word)
        else:
            for place in range(done, end):
                values[place] = read(word)
        done = end
    return np.asarray(values.reshape(*size, 4)[..., 3] > 0)


def supervisely(content: Any, path: Path) -> Found:  # noqa: ANN401
    """Supervisely: one file a picture; polygons with holes, and bitmaps."""
    size = (int(content["size"]["height"]), int(content["size"]["width"]))
    shapes = []
    for row in content["objects"]:
        name = str(row.get("classTitle", row.get("className", "object")))
        if row.get("bitmap"):
            shapes.append(Shape(name, _bitmap(row["bitmap"], size)))
            continue
        outside = row.get("points", {}).get("exterior", [])
        if row.get("geometryType") == "rectangle" and len(outside) == 2:
            shapes.append(Shape(name, [_ring("rectangle", outside)]))
        elif len(outside) >= 3:
            shapes.append(Shape(name, [[n for point in outside for n in point]]))
            holes = row["points"].get("interior") or []
            shapes += [Shape("background", [[n for p in hole for n in p]]) for hole in holes]
    yield path.stem, shapes


def is_supervisely(content: Any) -> bool:  # noqa: ANN401
    """Whether that is an annotation of Supervisely."""
    return isinstance(content, dict) and {"size", "objects"} <= set(content)


def _bitmap(row: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    raw = zlib.decompress(base64.b64decode(row["data"]))
    with PilImage.open(io.BytesIO(raw)) as opened:
        part = np.asarray(opened.convert("RGBA"))[..., 3] > 0
    left, top = (int(number) for number in row["origin"])
    inside = np.zeros(size, bool)
    height, width = inside[top : top + part.shape[0], left : left + part.shape[1]].shape
    inside[top : top + height, left : left + width] = part[:height, :width]
    return inside


def cvat(path: Path) -> Found:
    """CVAT for images: polygons, boxes and runs of masks."""
    try:
        tree = ET.parse(path).getroot()  # noqa: S314 - a file of the user's own
    except ET.ParseError as error:
        raise UnreadableError(str(path), f"is not XML ({error})", "export it again") from error
    for image in tree.iter("image"):
        size = (int(float(image.get("height", 0))), int(float(image.get("width", 0))))
        rows = sorted(image, key=lambda row: int(row.get("z_order", 0)))
        shapes = [shape for row in rows if (shape := _cvat_shape(row, size)) is not None]
        yield str(image.get("name")), shapes


def _cvat_shape(row: ET.Element, size: tuple[int, int]) -> Shape | None:
    name = row.get("label", "object")
    if row.tag == "polygon":
        pairs = [point.split(",") for point in row.get("points", "").split(";") if point]
        return Shape(name, [[float(number) for pair in pairs for number in pair]])
    if row.tag == "box":
        left, top, right, bottom = (float(row.get(k, 0)) for k in ("xtl", "ytl", "xbr", "ybr"))
        return Shape(name, [[left, top, right, top, right, bottom, left, bottom]])
    if row.tag == "mask":
        left, top, width, height = (int(row.get(k, 0)) for k in ("left", "top", "width", "height"))
        runs = [int(number) for number in row.get("rle", "").split(",") if number.strip()]
        values = np.repeat(np.arange(len(runs)) % 2, runs).astype(bool)
        inside = np.zeros(size, bool)
        inside[top : top + height, left : left + width] = values.reshape(height, width)
        return Shape(name, inside)
    return None


def yolo(path: Path, names: Sequence[str], size: tuple[int, int]) -> list[Shape]:
    """Return the polygons of a text file: a class and x and y from 0 to 1 a line.

    Raises
    ------
    UnreadableError
        If a line is none.
    """
    shapes = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
        cells = line.split()
        if not cells:
            continue
        try:
            place, values = int(cells[0]), [float(cell) for cell in cells[1:]]
        except ValueError as error:
            reason = f"line {number} is no class with numbers"
            raise UnreadableError(str(path), reason, "export it again") from error
        name = names[place] if place < len(names) else f"class {place}"
        if len(values) == 4:
            x, y, w, h = values
            left, top, right, bottom = x - w / 2, y - h / 2, x + w / 2, y + h / 2
            values = [left, top, right, top, right, bottom, left, bottom]
        if len(values) < 6 or len(values) % 2:
            reason = f"line {number} has {len(values)} numbers, a polygon has six or more"
            raise UnreadableError(str(path), reason, "export polygons")
        scaled = np.array(values).reshape(-1, 2) * (size[1], size[0])
        shapes.append(Shape(name, [scaled.ravel().tolist()]))
    return shapes


def yolo_names(root: Path) -> list[str]:
    """Return the classes that a data.yaml or classes.txt names, in order; none without one."""
    for path in sorted(root.rglob("*.yaml")) + sorted(root.rglob("*.yml")):
        text = path.read_text("utf-8")
        listed = re.search(r"^names:\s*\[(.*?)\]", text, re.MULTILINE | re.DOTALL)
        if listed:
            return [name.strip().strip("'\"") for name in listed[1].split(",") if name.strip()]
        block = re.search(r"^names:\s*\n((?:[ \t]*(?:-|\d+:).*\n?)+)", text, re.MULTILINE)
        if block:
            rows = re.findall(r"(?:-|\d+:)\s*(.+)", block[1])
            return [row.strip().strip("'\"") for row in rows]
    for name in ("classes.txt", "obj.names", "labels.txt"):
        for path in sorted(root.rglob(name)):
            return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    return []


JSON_FORMS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any, Path], Found]], ...] = (
    ("COCO", is_coco, coco),
    ("LabelMe", is_labelme, labelme),
    ("Supervisely", is_supervisely, supervisely),
    ("Label Studio", is_label_studio, label_studio),
    ("VIA", is_via, via),
)
"""How a JSON file is told, and what reads it."""
