"""Objects in the forms that other tools read: YOLO, VOC, LabelMe, GeoJSON.

Polygons follow pixel edges: the corner of the first pixel is (0, 0), x to the right, y down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np

from maskworks.core.values import Box
from maskworks.labels.writing.outlines import Ring, grouped, rings_of, simplified

if TYPE_CHECKING:
    from maskworks.core.instances import Instances
    from maskworks.core.rle import Rle
    from maskworks.core.taxonomy import Taxonomy
    from maskworks.models.labelling import Labelled

TOLERANCE_PX = 0.75
"""How far an outline may be moved to save points; the corners of single pixels go."""

Shape = tuple[int, float | None, list[tuple[Ring, list[Ring]]]]
"""Class id, score, and outer rings with their holes."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """What is drawn of a picture of `size` (H, W): `each` gives the shapes one by one."""

    size: tuple[int, int]
    taxonomy: Taxonomy
    each: Callable[[], Iterator[Shape]]

    def name(self, category: int) -> str:
        """Return what a class is called."""
        return self.taxonomy.category(category).name


def shapes_of(labelled: Labelled) -> Shapes:
    """Return every object; of a picture without objects the regions of each class."""
    if labelled.instances is not None:
        return shapes_of_instances(labelled.instances)
    labels = labelled.labels

    def each() -> Iterator[Shape]:
        for category in labels.taxonomy.ids:
            inside = labels.ids == category
            if inside.any():
                yield category, None, grouped(_cropped_rings(inside))

    return Shapes(labels.size, labels.taxonomy, each)


def shapes_of_instances(things: Instances) -> Shapes:
    """Return every object."""

    def each() -> Iterator[Shape]:
        for mask, label, score in zip(things.masks, things.labels, things.scores, strict=True):
            yield int(label), float(score), outline_of(mask)

    return Shapes(things.size, things.taxonomy, each)


def outline_of(mask: Rle) -> list[tuple[Ring, list[Ring]]]:
    """Return the outer rings of a mask with their holes; none of an empty mask."""
    box = mask.box()
    if box is None:
        return []
    return grouped(rings_of(mask.to_crop(box).inside, top=box.top, left=box.left))


def _cropped_rings(inside: np.ndarray[Any, np.dtype[np.bool_]]) -> list[Ring]:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    part = inside[box.top : box.bottom, box.left : box.right]
    return rings_of(part, top=box.top, left=box.left)


def yolo_of(shapes: Shapes) -> str:
    """Return one line an object: class place, then x y of its outline in [0, 1].

    YOLO has one ring an object, so an object in pieces is drawn as its pieces joined by a
    line there and back, and holes are filled. The class is its place in the taxonomy, since
    YOLO counts from 0.
    """
    height, width = shapes.size
    place = {category: at for at, category in enumerate(shapes.taxonomy.ids)}
    lines: list[str] = []
    for category, _, groups in shapes.each():
        if groups:
            ring = _joined([simplified(outer, TOLERANCE_PX) for outer, _ in groups])
            points = ring[:, ::-1] / (width, height)
            numbers = " ".join(f"{value:.6g}" for value in points.ravel())
            lines.append(f"{place[category]} {numbers}\n")
    return "".join(lines)


def _joined(rings: list[np.ndarray[Any, np.dtype[np.float64]]]) -> Any:  # noqa: ANN401
    """Join rings into one: each further ring is entered from, and left for, the nearest point."""
    whole = rings[0]
    for ring in rings[1:]:
        away = np.linalg.norm(whole[:, np.newaxis] - ring[np.newaxis], axis=2)
        here, there = np.unravel_index(int(away.argmin()), away.shape)
        turned = np.roll(ring, -int(there), axis=0)
        parts = [whole[: here + 1], turned, turned[:1], whole[here : here + 1], whole[here + 1 :]]
        whole = np.concatenate(parts)
    return whole


def voc_of(labelled: Labelled, source: str) -> str:
    """Return the annotation of PASCAL VOC: a box an object, first pixel 1, both ends inside."""
    height, width = labelled.labels.size
    names = labelled.labels.taxonomy
    lines = [
        "<annotation>",
        f"  <filename>{escape(source)}</filename>",
        f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>",
        "  <segmented>1</segmented>",
    ]
    things = labelled.instances
    if things is not None:
        for label, (top, left, bottom, right) in zip(things.labels, things.boxes, strict=True):
            if bottom <= top:
                continue
            lines += [
                "  <object>",
                f"    <name>{escape(names.category(int(label)).name)}</name>",
                "    <truncated>0</truncated><difficult>0</difficult>",
                f"    <bndbox><xmin>{left + 1}</xmin><ymin>{top + 1}</ymin>",
                f"    <xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox>",
                "  </object>",
            ]
    return "\n".join([*lines, "</annotation>", ""])


def labelme_of(shapes: Shapes, source: str) -> dict[str, Any]:
    """Return LabelMe's record: a polygon for each outer ring, pieces of one object in a group."""
    height, width = shapes.size
    rows: list[dict[str, Any]] = []
    for number, (category, score, groups) in enumerate(shapes.each()):
        name = shapes.name(category)
        for outer, _ in groups:
            points = simplified(outer, TOLERANCE_PX)[:, ::-1]
            rows.append(
                {
                    "label": name,
                    "points": points.tolist(),
                    "group_id": number if len(groups) > 1 else None,
                    "description": "" if score is None else f"score {score:.4f}",
                    "shape_type": "polygon",
                    "flags": {},
                }
            )
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": rows,
        "imagePath": source,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def geojson_of(shapes: Shapes) -> dict[str, Any]:
    """Return a feature an object, with holes; coordinates are pixels, y down.

    Where the picture has a georeference, `maskworks.labels.writing.geotiff` moves them into it.
    """
    features = []
    for category, score, groups in shapes.each():
        polygons = [[_closed(ring) for ring in (outer, *holes)] for outer, holes in groups]
        if not polygons:
            continue
        one = len(polygons) == 1
        geometry = {
            "type": "Polygon" if one else "MultiPolygon",
            "coordinates": polygons[0] if one else polygons,
        }
        properties = {
            "class_id": category,
            "class": shapes.name(category),
            "score": None if score is None else round(score, 6),
        }
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def _closed(ring: Ring) -> list[list[float]]:
    points = ring[::-1, ::-1].astype(float).tolist()
    return [*points, points[0]]
