"""Label Studio's side of a picture: which labels it asks for, and our answer in its words.

Its labelling configuration is XML: control tags (`BrushLabels`, `PolygonLabels`, `KeyPointLabels`,
`RectangleLabels`) that point at an `Image`. Positions are percentages of the picture, x before y.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import numpy as np

from maskworks.apps.http.pictures.brush_rle import encode_brush
from maskworks.core.errors import UsageError
from maskworks.core.values import Box, Mask

MOST_XML = 256 * 1024
_COARSE = 0.002
_SMALLEST = 0.0005
_DRAWN = {"BrushLabels": "brushlabels", "PolygonLabels": "polygonlabels"}


@dataclass(frozen=True, kw_only=True)
class Control:
    """A tag that draws: `kind` is brushlabels or polygonlabels."""

    name: str
    picture: str
    kind: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """What a project asks for: the first tag that draws, and the field that names the picture."""

    control: Control
    field: str


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What a person pointed at: points (x, y) and a box, in pixels; `label` is that of the tag."""

    wanted: tuple[tuple[float, float], ...] = ()
    unwanted: tuple[tuple[float, float], ...] = ()
    box: Box | None = None
    label: str | None = None


def read_config(text: str) -> LabelConfig:
    """Read a labelling configuration.

    Raises
    ------
    UsageError
        If it is no XML, or has no picture with a brush or polygon for it.

    Examples
    --------
    >>> config = read_config('<View><Image name="img" value="$image"/>'
    ...                      '<BrushLabels name="tag" toName="img"><Label value="shoe"/>'
    ...                      '</BrushLabels></View>')
    >>> config.field, config.control.kind, config.control.labels
    ('image', 'brushlabels', ('shoe',))
    """
    if len(text) > MOST_XML or "<!" in text.replace("<!--", ""):
        raise UsageError(
            f"the labelling configuration has {len(text):,} characters or declares entities; give "
            f"plain tags, at most {MOST_XML:,} characters"
        )
    try:
        tree = ET.fromstring(text)  # noqa: S314 - without entities, see above
    except ET.ParseError as error:
        raise UsageError(f"the labelling configuration is not XML ({error})") from error
    pictures = {
        each.get("name"): each.get("value", "").lstrip("$")
        for each in tree.iter("Image")
        if each.get("value", "").startswith("$")
    }
    for each in tree.iter():
        place = each.get("toName")
        if each.tag in _DRAWN and place in pictures and each.get("name"):
            labels = tuple(one.get("value", "") for one in each.iter("Label") if one.get("value"))
            if labels:
                control = Control(
                    name=each.get("name", ""),
                    picture=place or "",
                    kind=_DRAWN[each.tag],
                    labels=labels,
                )
                return LabelConfig(control=control, field=pictures[place])
    raise UsageError(
        "the labelling configuration has no BrushLabels or PolygonLabels with a Label for an "
        "Image; add one, since a matte is drawn with a brush or as polygons"
    )


def read_hints(results: Sequence[Mapping[str, Any]], size: tuple[int, int]) -> Hints:
    """Return what a person pointed at in a picture of `size` (H, W).

    Raises
    ------
    UsageError
        If a position is no number of 0 to 100.
    """
    height, width = size
    inside: list[tuple[float, float]] = []
    outside: list[tuple[float, float]] = []
    box, label = None, None
    for each in results:
        value = each.get("value")
        kind = str(each.get("type", ""))
        if not isinstance(value, Mapping) or kind not in ("keypointlabels", "rectanglelabels"):
            continue
        named = value.get(kind)
        label = str(named[0]) if isinstance(named, list) and named else label
        x, y = _share(value, "x") * width, _share(value, "y") * height
        if kind == "keypointlabels":
            wanted = each.get("is_positive", value.get("is_positive", True))
            (inside if wanted else outside).append((x, y))
        else:
            right = x + _share(value, "width") * width
            bottom = y + _share(value, "height") * height
            top, left = min(int(y), height - 1), min(int(x), width - 1)
            box = Box(
                top, left, min(height, max(top + 1, round(bottom))),
                min(width, max(left + 1, round(right))),
            )  # fmt: skip
    return Hints(wanted=tuple(inside), unwanted=tuple(outside), box=box, label=label)


def _share(value: Mapping[str, Any], name: str) -> float:
    found = value.get(name)
    if not isinstance(found, int | float) or not 0 <= found <= 100:
        raise UsageError(f"{name} of a hint must be 0 to 100 percent, got {found!r}")
    return found / 100


def results_of(
    mask: Mask, control: Control, *, label: str | None, score: float | None
) -> list[dict[str, Any]]:
    """Return a mask as regions of Label Studio: one brush, or a polygon for each piece.

    Parameters
    ----------
    label : by default the control's first
    score : confidence in [0, 1]
    """
    if not mask.inside.any():
        return []
    height, width = mask.size
    named = label if label in control.labels else control.labels[0]
    values: list[dict[str, Any]]
    if control.kind == "brushlabels":
        values = [{"format": "rle", "rle": encode_brush(mask)}]
    else:
        values = [{"points": ring, "closed": True} for ring in _rings(mask)]
    return [
        {
            "id": uuid4().hex[:10],
            "from_name": control.name,
            "to_name": control.picture,
            "type": control.kind,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {**value, control.kind: [named]},
            "score": score,
        }
        for value in values
    ]


def _rings(mask: Mask) -> list[list[list[float]]]:
    """Return the outline of each piece, in percent; holes are not kept, a polygon has none."""
    import cv2

    height, width = mask.size
    found, _ = cv2.findContours(
        mask.inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    rings = []
    for line in found:
        if cv2.contourArea(line) < max(1.0, _SMALLEST * height * width):
            continue
        points = cv2.approxPolyDP(line, _COARSE * max(height, width), closed=True)[:, 0]
        if len(points) > 2:  # pixel centres lie half a pixel inside
            rings.append(
                [[(x + 0.5) / width * 100, (y + 0.5) / height * 100] for x, y in points.tolist()]
            )
    return rings
