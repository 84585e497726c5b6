"""What a person draws on a matte: brush, eraser, clicks; the page draws the same numbers.

Coordinates are (x, y) in pixels of the whole photo. A brush of diameter `size` is opaque up to
``1 - soft`` of its radius and falls off evenly to its rim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.clicks import GRABCUT, Click, Finder, discs
from maskworks.core.errors import ImageError
from maskworks.core.values import BACKGROUND, FOREGROUND, UNKNOWN, Image, Matte, Trimap
from maskworks.refine.refinement import RefineOptions, refine

MOST_STROKES, MOST_POINTS = 2000, 50_000

_TOUCHED = 0.02
_BAND_SHARE = 0.006
_FAR_PX = 1e6

Float2D = NDArray[np.float32]
Point = tuple[
    Annotated[float, Field(ge=-_FAR_PX, le=_FAR_PX, allow_inf_nan=False)],
    Annotated[float, Field(ge=-_FAR_PX, le=_FAR_PX, allow_inf_nan=False)],
]


class Stroke(BaseModel):
    """One movement of the brush, or one click."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["add", "erase", "foreground", "background"]
    points: Annotated[tuple[Point, ...], Field(min_length=1, max_length=MOST_POINTS)]
    size: Annotated[float, Field(gt=0, le=5000, allow_inf_nan=False)] = 40.0
    soft: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.3

    @property
    def is_click(self) -> bool:
        """Whether it points at a thing instead of painting."""
        return self.kind in ("foreground", "background")


_STROKES = TypeAdapter(tuple[Stroke, ...])


def read_strokes(given: object) -> tuple[Stroke, ...]:
    """Return strokes as a page sends them.

    Raises
    ------
    ApiError
        If they are none, or too many.
    """
    try:
        found = _STROKES.validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ApiError(422, "usage", f"strokes.{where}: {first['msg']}") from error
    if len(found) > MOST_STROKES or sum(len(s.points) for s in found) > MOST_POINTS:
        raise ApiError(413, "usage", "too many strokes; save, and go on from there")
    return found


def plain_strokes(strokes: Sequence[Stroke]) -> list[Any]:
    """Return strokes as JSON keeps them."""
    return [stroke.model_dump(mode="json") for stroke in strokes]


def draw(
    image: Image, matte: Matte, strokes: Sequence[Stroke], *, finder: Finder = GRABCUT
) -> Matte:
    """Return the matte with everything drawn on it, in order.

    Parameters
    ----------
    image, matte : of shape (H, W)
    strokes : in pixels of (H, W)
    finder : of what a click points at

    Examples
    --------
    >>> dot = Stroke(kind="add", points=((2, 2),), size=2, soft=0)
    >>> empty = Matte(np.zeros((5, 5), np.float32))
    >>> picture = Image(np.zeros((5, 5, 3), np.uint8))
    >>> round(float(draw(picture, empty, [dot]).alpha.sum()), 1)
    7.3
    """
    alpha = matte.alpha.copy()
    for number, stroke in enumerate(strokes):
        if stroke.is_click:
            alpha = _clicked(image, alpha, strokes[: number + 1], finder)
        else:
            _painted(alpha, stroke)
    return Matte(alpha)


def scaled(strokes: Sequence[Stroke], factor: float) -> tuple[Stroke, ...]:
    """Return strokes for a photo of another size."""
    return tuple(
        stroke.model_copy(
            update={
                "points": tuple((x * factor, y * factor) for x, y in stroke.points),
                "size": stroke.size * factor,
            }
        )
        for stroke in strokes
    )


def refine_touched(image: Image, before: Matte, after: Matte) -> Matte:
    """Refine the new edge where the matte was changed, and leave the rest as it is."""
    import cv2

    changed = (np.abs(after.alpha - before.alpha) > _TOUCHED).astype(np.uint8)
    if not changed.any():
        return after
    reach = max(3, round(_BAND_SHARE * float(np.hypot(*after.size))))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    touched = cv2.dilate(changed, disk) > 0
    inside = (after.alpha >= 0.5).astype(np.uint8)
    band = (cv2.dilate(inside, disk) != cv2.erode(inside, disk)) & touched
    levels = np.where(inside > 0, FOREGROUND, BACKGROUND).astype(np.uint8)
    levels[band] = UNKNOWN
    try:
        done = refine(image, after, RefineOptions(colours=False), trimap=Trimap(levels))
    except ImageError:  # all of it is subject, or none: there is no edge
        return after
    return Matte(np.where(band, done.matte.alpha, after.alpha))


def _painted(alpha: Float2D, stroke: Stroke) -> None:
    """Paint one stroke into `alpha`."""
    import cv2

    radius = stroke.size / 2
    points = np.array(stroke.points, np.float64)
    low = np.floor(points.min(axis=0) - radius - 1).astype(int)
    high = np.ceil(points.max(axis=0) + radius + 2).astype(int)
    left, top = np.maximum(low, 0)
    right, bottom = np.minimum(high, alpha.shape[::-1])
    if left >= right or top >= bottom:
        return
    away = np.full((bottom - top, right - left), np.inf, np.float32)
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    if len(points) == 1:
        away = np.hypot(columns - points[0, 0], rows - points[0, 1])
    else:
        line = np.full(away.shape, 255, np.uint8)
        path = np.rint((points - (left, top)) * 16).astype(np.int32)
        cv2.polylines(line, [path.reshape(-1, 1, 2)], isClosed=False, color=0, shift=4)
        away = cv2.distanceTransform(line, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    fall = max(1.0, radius * stroke.soft)
    paint = np.clip((radius - away) / fall + (1.0 if stroke.soft == 0 else 0.0), 0, 1)
    part = alpha[top:bottom, left:right]
    if stroke.kind == "add":
        np.maximum(part, paint, out=part, casting="unsafe")
    else:
        np.minimum(part, 1 - paint, out=part, casting="unsafe")


def _clicked(image: Image, alpha: Float2D, strokes: Sequence[Stroke], finder: Finder) -> Float2D:
    """Have the finder look for what the last stroke points at, and change the matte there alone.

    Earlier clicks stay sure: what the last one finds never reaches over one of the other kind.
    """
    import cv2

    stroke = strokes[-1]
    wanted = stroke.kind == "foreground"
    height, width = alpha.shape
    scale = min(1.0, finder.side_px / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    now = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) >= 0.5
    others = [s for s in strokes[:-1] if s.is_click and s.kind != stroke.kind]
    click = Click(
        points=tuple((x * scale, y * scale) for x, y in stroke.points),
        others=tuple((x * scale, y * scale) for s in others for x, y in s.points),
        wanted=wanted,
    )
    there = discs(now.shape, click.points)
    if not there.any():
        return alpha
    found = finder.find(Image(small), now, click)
    change = ((found == wanted) | there) & (now != wanted)
    change &= there | ~discs(now.shape, click.others)
    _, pieces = cv2.connectedComponents(change.astype(np.uint8))
    hit = np.unique(pieces[there & change])
    chosen = np.isin(pieces, hit[hit > 0]).astype(np.float32)
    soft = cv2.resize(chosen, (width, height), interpolation=cv2.INTER_LINEAR)
    mixed = np.maximum(alpha, soft) if wanted else np.minimum(alpha, 1 - soft)
    return np.clip(mixed, 0, 1).astype(np.float32)
