"""What a written picture really is: decoded again, measured, nothing assumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskworks.core.reading import Limits, Picture, read_picture
from maskworks.core.values import Bool2D, Box
from maskworks.cutouts.scoring.sides import SIDES, Side
from maskworks.studio.output.file_header import read_header
from maskworks.studio.output.ground import (
    COLOUR_TOLERANCE,
    Whiteness,
    corners_of,
    differs,
    measure_ground,
    ring_of,
    usual_colour,
)
from maskworks.studio.output.placing import Placement, measure_fill
from maskworks.studio.output.rules import OutputRules
from maskworks.studio.output.subject import SUBJECT_ALPHA

FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tiff", "BMP": "bmp"} | {
    "GIF": "gif", "HEIF": "heic", "AVIF": "avif",
}  # fmt: skip

DIRT_TOLERANCE = 32
"""COLOUR_TOLERANCE where it is known what was placed: dirt is what is seen at a glance."""

_LIMITS = Limits()
_LOSSY = ("jpg", "webp", "avif", "heic")
_LOSSY_SLACK = 3  # levels by which a colour that is not white may be off in a lossy file
_RIPPLES_PX = 8  # as far as a JPEG rings around an edge
_SPECK_PX = 2  # a row or column with fewer pixels of subject holds dust


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Measurements of a written picture; None where this file alone does not show it.

    Parameters
    ----------
    format : jpg, png, webp, tiff, gif, bmp, avif or heic
    bytes : of the file
    size : (H, W) pixels
    srgb : whether its colours are sRGB
    profile : what its ICC profile calls itself, None without one
    jpeg_quality : 1 to 100, estimated from its quantisation table
    transparent : whether any pixel is
    border, corners : against the demanded colour
    box : Box of the subject
    fill : share of the frame, as the rules measure it
    touches : sides of the frame that the subject lies on
    scale : of the subject against its photo; only our own record knows it
    """

    format: str
    bytes: int
    size: tuple[int, int]
    srgb: bool = True
    profile: str | None = None
    jpeg_quality: int | None = None
    transparent: bool = False
    border: Whiteness | None = None
    corners: Whiteness | None = None
    box: Box | None = None
    fill: float | None = None
    touches: tuple[Side, ...] = ()
    scale: float | None = None


def measure_output(
    source: Path | bytes,
    rules: OutputRules,
    *,
    placement: Placement | None = None,
    limits: Limits = _LIMITS,
) -> Measured:
    """Decode a file and measure it.

    The subject is found by its alpha (from 0.1); in an opaque picture on one colour, as the
    pixels farther than COLOUR_TOLERANCE from it. With a `placement` the box is the smallest
    that holds what was placed, since a white cup on white is seen too small, and (unless a
    shadow was cast) what is seen, since dirt may lie around it.

    Parameters
    ----------
    source : Path or bytes
    rules : OutputRules
        They say which colour is demanded and how fill is measured.
    placement : Placement, optional
        Of a picture that `compose` made.

    Raises
    ------
    ImageError
        If the file cannot be read.
    """
    picture = read_picture(source, limits)  # says what is wrong with the path, if anything
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    pixels, size = picture.image.pixels, picture.image.size
    form = FORMATS[picture.details.format]
    quality, srgb = read_header(data)
    colour = _demanded(picture, rules)
    known = placement if placement and placement.canvas == size else None
    found = _find(picture, colour, known, shaded=rules.shadow != "none")
    slack = _LOSSY_SLACK if form in _LOSSY and colour and min(colour) < 255 else 0
    corners = measure_ground(pixels, corners_of, colour, slack)
    if corners is not None and corners.off and found is not None:
        skip = _grown(found.largest if known is None else known.box)
        corners = measure_ground(pixels, corners_of, colour, slack, skip=skip)
    box = None if found is None else found.box
    return Measured(
        format=form,
        bytes=len(data),
        size=size,
        srgb=srgb,
        profile=picture.details.icc_name,
        jpeg_quality=quality,
        transparent=picture.matte is not None,
        border=measure_ground(pixels, ring_of, colour, slack),
        corners=corners,
        box=box,
        fill=measure_fill(box.size, found.area, size, rules.fill_by) if found and box else None,
        touches=() if box is None else _touches(box, size),
        scale=None if placement is None else placement.scale,
    )


def _demanded(picture: Picture, rules: OutputRules) -> tuple[int, int, int] | None:
    """Return the demanded colour that is nearest to the border's, None if none is demanded."""
    if not rules.demands_colour or picture.matte is not None:
        return None
    usual = usual_colour(picture.image.pixels)[0]
    return min(rules.colours, key=lambda colour: float(np.abs(usual - colour).max()))


@dataclass(frozen=True, eq=False)
class _Found:
    """The subject's box and mass in pixels, and where it is seen if that was looked at."""

    box: Box
    area: float
    inside: Bool2D | None

    @property
    def largest(self) -> Box:
        """Box of the largest part that hangs together: what lies apart may be dirt."""
        import cv2

        if self.inside is None:
            return self.box
        _, _, stats, _ = cv2.connectedComponentsWithStats(self.inside.view(np.uint8))
        if len(stats) == 1:
            return self.box
        left, top, width, height, _ = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())].tolist()
        return Box(top, left, top + height, left + width)


def _find(
    picture: Picture,
    colour: tuple[int, int, int] | None,
    placed: Placement | None,
    *,
    shaded: bool,
) -> _Found | None:
    """Return what is known of the subject, None if nothing can be."""
    height, width = picture.image.size
    if placed is not None and shaded:
        return _Found(placed.box, placed.area * height * width, None)
    tolerance = COLOUR_TOLERANCE if placed is None else DIRT_TOLERANCE
    inside, area = _subject_area(picture, colour, tolerance)
    seen = None if inside is None else _box_without_specks(inside)
    if placed is not None:
        return _Found(_around(placed.box, seen), placed.area * height * width, inside)
    return None if seen is None else _Found(seen, area, inside)


def _subject_area(
    picture: Picture, colour: tuple[int, int, int] | None, tolerance: int
) -> tuple[Bool2D | None, float]:
    """Return where the subject is seen, and its mass."""
    if picture.matte is not None:
        alpha = picture.matte.alpha
        return alpha >= SUBJECT_ALPHA, float(alpha.sum())
    inside = differs(picture.image.pixels, colour, tolerance)
    return inside, 0.0 if inside is None else float(np.count_nonzero(inside))


def _grown(box: Box) -> Box:
    grow = _RIPPLES_PX
    return Box(max(0, box.top - grow), max(0, box.left - grow), box.bottom + grow, box.right + grow)


def _around(box: Box, other: Box | None) -> Box:
    """Return the smallest box that holds both."""
    if other is None:
        return box
    return Box(
        min(box.top, other.top),
        min(box.left, other.left),
        max(box.bottom, other.bottom),
        max(box.right, other.right),
    )


def _box_without_specks(inside: Bool2D) -> Box | None:
    import cv2

    ones = inside.view(np.uint8)
    counts = [cv2.reduce(ones, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S) for axis in (1, 0)]
    rows, columns = (np.flatnonzero(count >= _SPECK_PX) for count in counts)
    if rows.size == 0 or columns.size == 0:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _touches(box: Box, size: tuple[int, int]) -> tuple[Side, ...]:
    at = (box.top == 0, box.right == size[1], box.bottom == size[0], box.left == 0)
    return tuple(side for side, on in zip(SIDES, at, strict=True) if on)
