"""Where the subject goes: the frame, the scale and the place. Only numbers, no pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from maskworks.core.values import Box
from maskworks.cutouts.scoring.sides import SIDES, Side
from maskworks.studio.output.rules import FillBy, OutputRules
from maskworks.studio.output.subject import Subject

Size = tuple[int, int]

OPTICAL_SHIFT = 0.04
"""How far "optical" may move the subject from the centre, as a share of the frame's side."""

_SHADOW_ROOM = {"none": 0.0, "contact": 0.04, "soft": 0.18}  # least padding of a free frame
_NEARLY = 0.9  # of the scale that is aimed at, where the rules name no least fill
_AS_IT_IS = (0.999, 1.01)  # so little is left out: the photo's own pixels are sharper


@dataclass(frozen=True)
class Note:
    """A deviation from the rules, with its number; `review` sends it to a person."""

    name: str
    text: str
    value: float
    limit: float | None = None
    review: bool = False


@dataclass(frozen=True)
class Placement:
    """Where the photo's pixels go.

    Parameters
    ----------
    canvas : (H, W) of the picture to make, pixels
    scale : picture pixels for one photo pixel
    offset : (row, column) of the photo's upper left corner in the picture, pixels
    box : Box of the subject in the picture
    fill : share of the frame, measured as the rules say
    area : alpha mass over the frame's area
    touches : sides of the frame that the subject lies on
    notes : tuple of Note
    """

    canvas: Size
    scale: float
    offset: tuple[float, float]
    box: Box
    fill: float
    area: float
    touches: tuple[Side, ...] = ()
    notes: tuple[Note, ...] = ()

    def with_note(self, note: Note) -> Placement:
        """Return the same placement with one more note."""
        return replace(self, notes=(*self.notes, note))

    def map(self, box: Box) -> tuple[int, int, int, int]:
        """Return (top, left, bottom, right) in the picture of a box in the photo, rounded."""
        (row, column), scale = self.offset, self.scale
        top, left = round(row + scale * box.top), round(column + scale * box.left)
        bottom, right = round(row + scale * box.bottom), round(column + scale * box.right)
        return top, left, max(bottom, top + 1), max(right, left + 1)


def measure_fill(box: Size, area: float, canvas: Size, by: FillBy) -> float:
    """Return the share of the frame that the subject fills.

    Parameters
    ----------
    box : (height, width) of the subject's box, pixels
    area : alpha mass, pixels
    canvas : (H, W), pixels
    by : see `OutputRules.fill_by`

    Examples
    --------
    >>> for by in ("longest-side", "height", "area", "box-area"):
    ...     print(by, measure_fill((50, 80), 3000.0, (100, 100), by))
    longest-side 0.8
    height 0.5
    area 0.3
    box-area 0.4
    """
    height, width = canvas
    if by == "longest-side":
        return max(box[0] / height, box[1] / width)
    if by == "height":
        return box[0] / height
    return (area if by == "area" else box[0] * box[1]) / (height * width)


def frame_of(ratio: float, side: int, counted: Literal["longest", "shortest"]) -> Size:
    """Return (H, W) of a frame of this ratio, width over height, pixels.

    Examples
    --------
    >>> frame_of(4 / 5, 1350, "longest"), frame_of(4 / 5, 1080, "shortest")
    ((1350, 1080), (1350, 1080))
    """
    unit = side / (max if counted == "longest" else min)(1.0, ratio)
    return max(1, round(unit)), max(1, round(ratio * unit))


def place(subject: Subject, rules: OutputRules) -> Placement:
    """Choose frame, scale and place.

    The frame is the rules' exact size, or has their first ratio (or the subject's own shape)
    and their advised side. The scale aims at `fill`, within padding and keep-clear zones. Where
    it would exceed `max_scale`, the frame shrinks as far as `min_side`; if that is not enough,
    the subject stays at `max_scale` and a note "upscaling-needed" says so.

    A subject that its photo cuts off lies on the same side of the frame if `edges` is "any",
    without padding there; else a note "touches-border" says so.
    """
    flush = subject.cut if rules.edges == "any" else ()
    canvas, notes = _choose_canvas(subject, rules, flush)
    wanted = _wanted_scale(subject, rules, canvas, flush)
    scale = min(wanted, rules.max_scale)
    if _AS_IT_IS[0] < scale < _AS_IT_IS[1]:
        scale = 1.0
    placed = _put(subject, rules, canvas, scale, flush)
    notes += _scale_notes(placed, rules, wanted)
    left = (*subject.cut, *subject.fades)
    floating = tuple(side for side in left if side not in placed.touches)
    if floating:
        where = " and ".join(floating)
        text = f"the photo cuts the subject off at its {where}, which the frame does not hide"
        notes.append(Note("touches-border", text, len(floating), 0, review=True))
    return replace(placed, notes=tuple(notes))


def _choose_canvas(
    subject: Subject, rules: OutputRules, flush: tuple[Side, ...]
) -> tuple[Size, list[Note]]:
    if rules.exact_size is not None:
        return rules.exact_size, []
    aimed = rules.advised_side or rules.min_side
    if aimed is None:
        return _sized(subject, rules, flush, _natural_side(subject, rules, flush)), []
    canvas = _sized(subject, rules, flush, aimed)
    if rules.max_pixels is not None and math.prod(canvas) > rules.max_pixels:
        aimed = math.floor(aimed * math.sqrt(rules.max_pixels / math.prod(canvas)))
        canvas = _sized(subject, rules, flush, aimed)
    wanted = _wanted_scale(subject, rules, canvas, flush)
    if wanted <= rules.max_scale:
        return canvas, []
    side = max(rules.min_side or 1, math.ceil(aimed * rules.max_scale / wanted))
    if side >= aimed:
        return canvas, []
    text = (
        f"the frame's {rules.side} side has {side:,} pixels instead of the advised {aimed:,}, "
        f"because the subject has no more at {rules.max_scale:.0%}"
    )
    return _sized(subject, rules, flush, side), [Note("canvas-shrunk", text, side, aimed)]


def _natural_side(subject: Subject, rules: OutputRules, flush: tuple[Side, ...]) -> int:
    """Return the side at which the subject is shown pixel for pixel."""
    probe = 10_000
    wanted = _wanted_scale(subject, rules, _sized(subject, rules, flush, probe), flush)
    side = math.ceil(probe / wanted - 0.02)  # the probe's own rounding
    return max(1, min(side, rules.max_side or side))


def _sized(subject: Subject, rules: OutputRules, flush: tuple[Side, ...], side: int) -> Size:
    """Return the frame, (H, W), whose longest or shortest side has `side` pixels."""
    if rules.ratios:
        return frame_of(rules.ratios[0], side, rules.side)
    height, width = _own_shape(subject, rules, flush)
    return frame_of(width / height, side, rules.side)


def _own_shape(
    subject: Subject, rules: OutputRules, flush: tuple[Side, ...]
) -> tuple[float, float]:
    """Return (H, W) of the frame that the subject's box and the margins make, at scale 1."""
    height, width = subject.box.size
    clear = _clear(rules, flush)
    padded = {side: 0.0 if side in flush else _padding(rules) for side in SIDES}
    free = (1 - clear["top"] - clear["bottom"], 1 - clear["left"] - clear["right"])
    pads = (padded["top"] + padded["bottom"], padded["left"] + padded["right"])
    shorter = min(height / (free[0] - pads[0]), width / (free[1] - pads[1]))
    return (height + pads[0] * shorter) / free[0], (width + pads[1] * shorter) / free[1]


def _padding(rules: OutputRules) -> float:
    """Return the padding; a frame in the subject's own shape has room for its shadow."""
    if rules.exact_size is not None or rules.ratios:
        return rules.padding
    return max(rules.padding, _SHADOW_ROOM[rules.shadow])


def _clear(rules: OutputRules, flush: tuple[Side, ...]) -> dict[Side, float]:
    zones = rules.keep_clear
    shares: dict[Side, float] = {
        "top": zones.top, "right": zones.right, "bottom": zones.bottom, "left": zones.left,
    }  # fmt: skip
    return {side: 0.0 if side in flush else share for side, share in shares.items()}


def _zone(rules: OutputRules, canvas: Size, flush: tuple[Side, ...]) -> tuple[float, ...]:
    """Return (top, left, bottom, right) of where the subject may be, pixels."""
    clear, pad = _clear(rules, flush), _padding(rules) * min(canvas)
    margin = {
        side: 0.0 if side in flush else share * canvas[side in ("left", "right")] + pad
        for side, share in clear.items()
    }
    height, width = canvas
    return margin["top"], margin["left"], height - margin["bottom"], width - margin["right"]


def _wanted_scale(
    subject: Subject, rules: OutputRules, canvas: Size, flush: tuple[Side, ...]
) -> float:
    top, left, bottom, right = _zone(rules, canvas, flush)
    height, width = subject.box.size
    room = min((bottom - top) / height, (right - left) / width)
    spanned = [
        whole / length
        for whole, length, pair in (
            (canvas[0], height, {"top", "bottom"}), (canvas[1], width, {"left", "right"}),
        )
        if pair <= set(flush)
    ]  # fmt: skip
    if spanned:  # cut off on both sides: it goes from side to side, if there is room
        return min(max(spanned), room) if len(spanned) == 1 else max(spanned)
    if rules.fill is None:
        return room
    share = measure_fill(subject.box.size, subject.area, canvas, rules.fill_by)
    grows_as_area = rules.fill_by in ("area", "box-area")
    filled = math.sqrt(rules.fill / share) if grows_as_area else rules.fill / share
    return min(filled, room)


def _put(
    subject: Subject, rules: OutputRules, canvas: Size, scale: float, flush: tuple[Side, ...]
) -> Placement:
    box = subject.box
    size = (box.bottom - box.top) * scale, (box.right - box.left) * scale
    zone = _zone(rules, canvas, flush)
    ends: tuple[tuple[Side, Side], ...] = (("top", "bottom"), ("left", "right"))
    starts = []
    for axis, (near, far) in enumerate(ends):
        low, high = zone[axis], zone[axis + 2]
        start = (low + high - size[axis]) / 2
        if rules.align == "bottom" and axis == 0:
            start = high - size[0]
        if rules.align == "optical":
            mass = (subject.centre[axis] - (box.top, box.left)[axis]) * scale
            shift = (low + high) / 2 - mass - start
            most = OPTICAL_SHIFT * canvas[axis]
            start = min(max(start + min(max(shift, -most), most), low), high - size[axis])
        if near in flush and far not in flush:
            start = 0.0
        if far in flush and near not in flush:
            start = canvas[axis] - size[axis]
        starts.append(start)
    offset = starts[0] - box.top * scale, starts[1] - box.left * scale
    if scale == 1:
        offset = float(round(offset[0])), float(round(offset[1]))
    return _measured(subject, rules, Placement(canvas, scale, offset, box, 0.0, 0.0))


def _measured(subject: Subject, rules: OutputRules, raw: Placement) -> Placement:
    height, width = raw.canvas
    top, left, bottom, right = raw.map(subject.box)
    # A subject of less than a pixel is rounded to one, inside the frame.
    top_px, left_px = min(max(top, 0), height - 1), min(max(left, 0), width - 1)
    shown = Box(
        top_px, left_px, max(min(bottom, height), top_px + 1), max(min(right, width), left_px + 1)
    )
    area = subject.area * raw.scale**2
    on = (top <= 0, right >= width, bottom >= height, left <= 0)
    return replace(
        raw,
        box=shown,
        fill=measure_fill(shown.size, area, raw.canvas, rules.fill_by),
        area=area / (height * width),
        touches=tuple(side for side, touched in zip(SIDES, on, strict=True) if touched),
    )


def _scale_notes(placed: Placement, rules: OutputRules, wanted: float) -> list[Note]:
    notes = []
    least = rules.fill_min
    if least is None:
        short = placed.scale < _NEARLY * wanted
    else:
        short = placed.fill < least - 2 / max(placed.canvas)
    if short and placed.scale < wanted:
        text = (
            f"the subject has to be enlarged to {wanted:.0%} to fill the frame as asked, at most "
            f"{rules.max_scale:.0%} is allowed; it fills {placed.fill:.0%}"
        )
        notes.append(Note("upscaling-needed", text, wanted, rules.max_scale, review=True))
    elif short and least is not None:
        text = (
            f"the subject's shape and the padding allow a fill of {placed.fill:.1%}, "
            f"the least is {least:.0%} ({rules.fill_by})"
        )
        notes.append(Note("fill-limited", text, placed.fill, least, review=True))
    if placed.scale > 1:
        text = f"the subject is enlarged to {placed.scale:.0%} of the photo's pixels"
        notes.append(Note("upscaled", text, placed.scale, 1.0))
    return notes
