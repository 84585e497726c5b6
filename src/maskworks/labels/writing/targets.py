"""What can be written of one labelled picture: each target gives files below the output folder."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.core.writing import Encoding, encode
from maskworks.labels.writing.exchange import (
    Shapes,
    geojson_of,
    labelme_of,
    shapes_of,
    shapes_of_instances,
    voc_of,
    yolo_of,
)
from maskworks.labels.writing.found import record_of
from maskworks.labels.writing.label_png import label_png, rgb_png
from maskworks.labels.writing.overlay import OverlayOptions, draw_overlay
from maskworks.labels.writing.palettes import palette_of

if TYPE_CHECKING:
    from maskworks.core.instances import Instances
    from maskworks.core.reading import Picture
    from maskworks.models.labelling import Labelled, Task

Geo = dict[str, Any]
"""What a georeferenced raster says of itself, as rasterio calls it: crs and transform."""

File = tuple[str, bytes]
"""A path below the output folder, with slashes, and its content."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledItem:
    """One labelled picture: `place` is its path below the output folder without the suffix.

    `source` is the picture's own name there, with its suffix. Of a picture that was labelled
    part by part, `picture` and `labelled` are reduced, and `things` the objects in full.
    """

    picture: Picture
    labelled: Labelled
    place: PurePosixPath
    source: str
    model: str
    overlay: OverlayOptions = field(default_factory=OverlayOptions)
    geo: Geo | None = None
    things: Instances | None = None

    @property
    def shapes(self) -> Shapes:
        """What is drawn: `things` where they are given, else what was found in the picture."""
        return shapes_of(self.labelled) if self.things is None else shapes_of_instances(self.things)


def label_file(subject: LabelledItem) -> bytes:
    """Return the label map as PNG: class ids as indices, the palette that of the overlay."""
    labels = subject.labelled.labels
    return label_png(labels.ids, palette_of(labels.taxonomy, subject.overlay.palette))


def found_file(subject: LabelledItem) -> File:
    """Return the record from which the tables of the run are made."""
    record = record_of(
        subject.labelled,
        source=subject.source,
        output=f"{subject.place}.png",
        model=subject.model,
    )
    return f"found/{subject.place}.json", to_json(record)


def _overlay(subject: LabelledItem) -> Iterator[File]:
    drawn = draw_overlay(subject.picture.image, subject.labelled, subject.overlay)
    form = "jpg" if max(drawn.size) <= 65_500 else "png"
    encoding = Encoding("jpg", quality=92) if form == "jpg" else Encoding("png")
    details = subject.picture.details
    yield f"overlay/{subject.place}.{form}", encode(drawn, None, encoding, details)


def _panoptic(subject: LabelledItem) -> Iterator[File]:
    if subject.labelled.panoptic is not None:
        pixels = subject.labelled.panoptic.to_png_pixels()
        yield f"panoptic/{subject.place}.png", rgb_png(pixels)


def _yolo(subject: LabelledItem) -> Iterator[File]:
    yield f"yolo/labels/{subject.place}.txt", yolo_of(subject.shapes).encode()


def _voc(subject: LabelledItem) -> Iterator[File]:
    labels, things = subject.labelled.labels, subject.labelled.instances
    name = f"{subject.place}.png"
    yield f"voc/SegmentationClass/{name}", label_file(subject)
    if things is not None:
        ids = np.zeros(labels.size, np.uint16)
        for number, mask in enumerate(things.masks, start=1):
            ids[mask.to_mask().inside] = number
        palette = np.zeros((256 if len(things) < 256 else 65_536, 3), np.uint8)
        from maskworks.core.taxonomy import colour_of

        for number in range(1, min(len(things) + 1, len(palette))):
            palette[number] = colour_of(number)
        yield f"voc/SegmentationObject/{name}", label_png(ids, palette)
    yield f"voc/Annotations/{subject.place}.xml", voc_of(subject.labelled, subject.source).encode()


def _labelme(subject: LabelledItem) -> Iterator[File]:
    yield f"labelme/{subject.place}.json", to_json(labelme_of(subject.shapes, subject.source))


def _geojson(subject: LabelledItem) -> Iterator[File]:
    record = geojson_of(subject.shapes)
    if subject.geo is not None:
        from maskworks.labels.writing.geotiff import to_crs

        record = to_crs(record, subject.geo)
    yield f"geojson/{subject.place}.geojson", to_json(record)


def _scores(subject: LabelledItem) -> Iterator[File]:
    """Yield the probabilities as 16-bit TIFF: one page a class, 65535 is 1."""
    import tifffile

    scores = subject.labelled.scores
    if scores is None:
        raise UsageError(
            f"the model {subject.model!r} gives no probabilities, so `scores` cannot be written; "
            "leave it out of --write"
        )
    stream = io.BytesIO()
    pages = np.empty((scores.classes, *scores.size), np.uint16)
    for top, bottom in scores.bands():
        rows = np.clip(scores.rows(top, bottom), 0, 1)
        pages[:, top:bottom] = np.rint(rows * 65535).astype(np.uint16)
    names = ", ".join(subject.labelled.labels.taxonomy.names)
    with tifffile.TiffWriter(stream) as writer:
        for number, page in enumerate(pages):
            writer.write(
                page,
                compression="zlib",
                predictor=True,
                photometric="minisblack",
                description=f"65535 is 1; classes: {names}" if number == 0 else None,
                metadata=None,
            )
    yield f"scores/{subject.place}.tif", stream.getvalue()


def _cutouts(subject: LabelledItem) -> Iterator[File]:
    """Yield each object alone on nothing, cut to its box."""
    from maskworks.core.values import Box, Image, Matte

    things = subject.labelled.instances
    if things is None:
        return
    for at, mask in enumerate(things.masks):
        top, left, bottom, right = (int(edge) for edge in things.boxes[at])
        if bottom <= top or right <= left:
            continue
        pixels = subject.picture.image.pixels[top:bottom, left:right]
        inside = mask.to_crop(Box(top, left, bottom, right)).inside
        name = things.taxonomy.category(int(things.labels[at])).name
        safe = "".join(letter if letter.isalnum() else "-" for letter in name)
        data = encode(
            Image(np.ascontiguousarray(pixels)),
            Matte(inside.astype(np.float32)),
            Encoding("png"),
            subject.picture.details,
        )
        yield f"cutouts/{subject.place}/{at + 1:03d}-{safe}.png", data


TARGETS: dict[str, Callable[[LabelledItem], Iterator[File]]] = {
    "overlay": _overlay,
    "panoptic": _panoptic,
    "yolo": _yolo,
    "voc": _voc,
    "labelme": _labelme,
    "geojson": _geojson,
    "scores": _scores,
    "cutouts": _cutouts,
}
"""What is written of a picture besides its label map."""

TABLES = ("shares", "coco", "coco-polygons")
"""What is written of a whole run."""

FOLDERS = frozenset({*TARGETS, "found"})
"""Folders of the output that no folder of pictures may be called."""

USUAL: dict[Task, tuple[str, ...]] = {
    "semantic": ("overlay", "shares"),
    "instance": ("overlay", "shares", "coco"),
    "panoptic": ("overlay", "shares", "panoptic"),
}
"""What is written when nothing was said."""

NEEDS_OBJECTS = frozenset({"coco", "coco-polygons", "yolo", "cutouts"})


def parse_targets(text: str | None, task: Task) -> tuple[str, ...]:
    """Return what `--write` asks for, in the order of the tables above.

    Raises
    ------
    UsageError
        If a name is unknown, or wants objects of a task that has none.

    Examples
    --------
    >>> parse_targets(None, "semantic"), parse_targets("none", "instance")
    (('overlay', 'shares'), ())
    >>> parse_targets("coco,overlay", "instance")
    ('overlay', 'coco')
    """
    if text is None:
        return USUAL[task]
    asked = {part.strip() for part in text.split(",") if part.strip()} - {"none", "labels"}
    known = (*TARGETS, *TABLES)
    if strange := sorted(asked - set(known)):
        raise UsageError(
            f"--write {strange[0]} is not known; choose of labels, {', '.join(known)}, or none"
        )
    if task == "semantic" and (objects := sorted(asked & NEEDS_OBJECTS)):
        raise UsageError(
            f"--write {objects[0]} writes objects, and the task semantic has none; "
            "ask for --task instance or panoptic"
        )
    if task != "panoptic" and "panoptic" in asked:
        raise UsageError("--write panoptic needs --task panoptic")
    return tuple(name for name in known if name in asked)


def to_json(record: Mapping[str, object]) -> bytes:
    """Return a record as one line of UTF-8."""
    return (json.dumps(record, ensure_ascii=False) + "\n").encode()
