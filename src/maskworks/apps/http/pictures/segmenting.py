"""Segments of a picture by any family of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.apps.http.pictures.cutting import NAME
from maskworks.apps.http.work_queue import Ticket
from maskworks.core.reading import Limits, read_picture
from maskworks.core.rle import Rle, encode_ids, encode_mask
from maskworks.core.rle_coco import to_coco
from maskworks.cutouts.cutting import cut_out
from maskworks.models import load_catalogue
from maskworks.models.classical_methods import METHODS
from maskworks.models.labelling import label_picture
from maskworks.studio.pipeline import NO_SUBJECT

if TYPE_CHECKING:
    from maskworks.models import Model
    from maskworks.models.labelling import Segmenter

SUBJECT = "subject"


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentPiece:
    """One piece: its class, how sure the model is, and where it is."""

    label: str
    score: float | None
    mask: Rle


@dataclass(frozen=True, kw_only=True, eq=False)
class Segments:
    """The pieces of a picture of size (H, W); a later one lies over an earlier one."""

    size: tuple[int, int]
    pieces: tuple[SegmentPiece, ...]


def finds_subject(name: str) -> bool:
    """Say whether a model finds one subject; the others label pictures.

    Raises
    ------
    UnknownModelError
        If it is neither a model of the catalogue nor a method without weights: over HTTP
        nobody names a file.
    """
    if name in METHODS:
        return False
    return load_catalogue().find(name).family == "saliency"


def segment(data: bytes, model: Model, limits: Limits, ticket: Ticket) -> Segments:
    """Return the subject of a picture; none is an answer.

    Raises
    ------
    ImageError
        If it cannot be read.
    ModelError
        If the model fails.
    """
    with ticket.step("read"):
        picture = read_picture(data, limits, name=NAME)
    with ticket.step("cut"):
        found = cut_out(picture, model)
    if found.status == NO_SUBJECT:
        return Segments(size=picture.image.size, pieces=())
    mask = encode_mask(found.matte.threshold().inside)
    piece = SegmentPiece(label=SUBJECT, score=found.confidence, mask=mask)
    return Segments(size=picture.image.size, pieces=(piece,))


def label(data: bytes, segmenter: Segmenter, limits: Limits, ticket: Ticket) -> Segments:
    """Return the objects that a model finds in a picture, or its classes if it knows no objects.

    Raises
    ------
    ImageError
        If it cannot be read.
    ModelError
        If the model fails.
    """
    with ticket.step("read"):
        picture = read_picture(data, limits, name=NAME)
    with ticket.step("label"):
        found = label_picture(picture.image, segmenter, segmenter.own)
    size = picture.image.size
    names = {each.id: each.name for each in found.labels.taxonomy.categories}
    if found.instances is not None:
        things = found.instances
        rows = zip(things.masks, things.labels.tolist(), things.scores.tolist(), strict=True)
        objects = {each.id: each.name for each in things.taxonomy.categories}
        pieces = [SegmentPiece(label=objects[c], score=score, mask=mask) for mask, c, score in rows]
        return Segments(size=size, pieces=tuple(sorted(pieces, key=lambda one: one.score or 0)))
    masks = encode_ids(found.labels.ids)
    return Segments(
        size=size,
        pieces=tuple(
            SegmentPiece(label=names[number], score=None, mask=mask)
            for number, mask in sorted(masks.items())
            if number in names
        ),
    )


def as_rle(found: Segments) -> dict[str, Any]:
    """Return the pieces with COCO's compressed run lengths."""
    return {
        "size": list(found.size),
        "segments": [
            {
                "label": one.label,
                "score": one.score,
                "area": one.mask.area,
                "rle": to_coco(one.mask),
            }
            for one in found.pieces
        ],
    }


def as_coco(found: Segments) -> dict[str, Any]:
    """Return the pieces as a COCO document with one image."""
    labels = _labels(found.pieces)
    height, width = found.size
    annotations = []
    for number, one in enumerate(found.pieces, 1):
        box = one.mask.box()
        corners = [0, 0, 0, 0]
        if box is not None:
            corners = [box.left, box.top, box.right - box.left, box.bottom - box.top]
        annotations.append(
            {
                "id": number, "image_id": 1, "category_id": labels.index(one.label) + 1,
                "bbox": corners, "area": one.mask.area, "iscrowd": 0, "score": one.score,
                "segmentation": to_coco(one.mask),
            }
        )  # fmt: skip
    return {
        "images": [{"id": 1, "file_name": "image", "height": height, "width": width}],
        "categories": [{"id": n, "name": label} for n, label in enumerate(labels, 1)],
        "annotations": annotations,
    }


def as_png(found: Segments) -> bytes:
    """Return a grey PNG: 0 is nothing, 1 the first class of the answer, and so on.

    At most 255 classes, which no taxonomy here exceeds.
    """
    from maskworks.core.png import encode_png

    labels = _labels(found.pieces)
    ids = np.zeros(found.size, np.uint8)
    for one in found.pieces:
        ids[one.mask.to_mask().inside] = labels.index(one.label) + 1
    return encode_png(ids)


def _labels(pieces: Sequence[SegmentPiece]) -> list[str]:
    return list(dict.fromkeys(piece.label for piece in pieces))
