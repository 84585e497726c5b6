"""What a finished picture must be: size, fill, background, bytes; one frozen table of rules."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.writing import Format
from maskworks.cutouts.credentials import Provenance
from maskworks.models.spec import StrictRow

FillBy = Literal["longest-side", "height", "area", "box-area"]
Align = Literal["centre", "bottom", "optical"]
Shadow = Literal["none", "soft", "contact"]
FileFormat = Literal["jpg", "png", "webp", "tiff", "gif", "bmp", "avif", "heic"]
RuleName = Literal[
    "format",
    "bytes",
    "min-side",
    "advised-side",
    "max-side",
    "size",
    "ratio",
    "pixels",
    "fill",
    "border",
    "corners",
    "edges",
    "keep-clear",
    "transparency",
    "colour",
    "quality",
    "upscaling",
]
"""Every rule the gate knows; a name in `OutputRules.advice` is told but fails nothing."""

WRITABLE: tuple[Format, ...] = ("jpg", "png", "webp", "tiff")
ALPHA_FORMATS: tuple[Format, ...] = ("png", "webp", "tiff")

_SIZE = re.compile(r"(\d{1,5})(?:\s*[x×]\s*(\d{1,5}))?")
_RATIO = re.compile(r"(\d{1,5}(?:\.\d{1,4})?)\s*:\s*(\d{1,5}(?:\.\d{1,4})?)")


def _as_tuple(value: object) -> object:
    """Let one value stand for a list of one, as people write it."""
    return (value,) if isinstance(value, str) else value


def _as_size(value: object) -> object:
    """Turn 2000, "2000", "1080x1350" and [1080, 1350] into "WIDTHxHEIGHT"."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list | tuple) and len(value) == 2:
        value = f"{value[0]}x{value[1]}"
    found = _SIZE.fullmatch(str(value).strip())
    if not found or int(found[1]) < 1 or int(found[2] or 1) < 1:
        raise ValueError(f"a size is 2000 (square) or 1080x1350 (width x height), got {value!r}")
    return f"{int(found[1])}x{int(found[2] or found[1])}"


def _as_ratio(value: object) -> object:
    found = _RATIO.fullmatch(str(value).strip())
    if not found or float(found[1]) <= 0 or float(found[2]) <= 0:
        raise ValueError(f'a ratio is "4:5" (width : height), got {value!r}')
    return f"{found[1]}:{found[2]}"


def _as_background(value: object) -> object:
    if value in ("any", "transparent"):
        return value
    try:
        return "#{:02x}{:02x}{:02x}".format(*parse_colour(str(value)))
    except UsageError as error:
        raise ValueError(f'give "any", "transparent" or a colour; {error}') from error


Size = Annotated[str, BeforeValidator(_as_size)]
Ratio = Annotated[str, BeforeValidator(_as_ratio)]
Ground = Annotated[str, BeforeValidator(_as_background)]
Share = Annotated[float, Field(ge=0, le=1)]
SidePx = Annotated[int, Field(ge=1, le=65_500)]
Quality = Annotated[int, Field(ge=1, le=100)]


class KeepClear(StrictRow):
    """Shares of the height (`top`, `bottom`) and width (`left`, `right`) to keep free."""

    top: Share = 0.0
    right: Share = 0.0
    bottom: Share = 0.0
    left: Share = 0.0

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.top + self.bottom >= 1 or self.left + self.right >= 1:
            raise ValueError("keep_clear leaves no room; top + bottom and left + right are below 1")
        return self


class OutputRules(StrictRow):
    """The rules of one kind of deliverable; a preset row, or what a campaign's [output] says.

    Frame
    -----
    size : "WIDTHxHEIGHT" or one number for a square; exact
    ratio : allowed "WIDTH:HEIGHT"; the first is made. None: the subject's own shape
    ratio_tolerance : relative, of what is accepted
    side : which side `min_side`, `advised_side` and `max_side` speak of
    min_side, advised_side, max_side : pixels; `advised_side` is what is made if the photo
        has the pixels for it, never less than `min_side`
    max_pixels : width times height

    Subject
    -------
    fill : share of the frame that is aimed at
    fill_min, fill_max : what is accepted
    fill_by : what the share is measured by, since "85 %" is never defined:
        "longest-side": the larger of box height / frame height and box width / frame width;
        "height": box height / frame height; "area": alpha mass / frame area;
        "box-area": box area / frame area
    padding : least distance to each side of the frame, share of the frame's shorter side
    keep_clear : zones that an app's own buttons cover
    align : "centre" of the box, "bottom" on the lower padding, "optical": centre of alpha
        mass, at most 4 % of the frame away from "centre"
    edges : "clear" if the subject may not touch the frame, "any" if it may
    max_scale : 1 is no upscaling; 1.5 allows 150 % of the photo's pixels
    sharpen : 0 (off) to 2, after downsizing
    light_match : 0 (off) to 1, how far the subject takes on a picture background's light

    Ground
    ------
    background : what may lie behind: colours, "transparent", "any"; the first is the default
    shadow : "none", "soft" or "contact"

    File
    ----
    format : what is written; by default the first of `formats` that can be
    formats : what is accepted
    quality, min_quality : of JPEG and WebP; lowered to fit `max_bytes`, never below the latter
    max_bytes : of the file
    colour : "srgb" if another colour profile is refused
    provenance : what a file says of how it was made: "none", "xmp" (the IPTC term) or "c2pa"
        (that and signed credentials)

    advice : rules whose breach is told but does not fail
    preset, as_of : where the rules come from and the day for which they were looked up
    """

    size: Size | None = None
    ratio: Annotated[tuple[Ratio, ...], BeforeValidator(_as_tuple)] = ()
    ratio_tolerance: Annotated[float, Field(gt=0, le=0.1)] = 0.005
    side: Literal["longest", "shortest"] = "longest"
    min_side: SidePx | None = None
    advised_side: SidePx | None = None
    max_side: SidePx | None = None
    max_pixels: Annotated[int, Field(ge=1)] | None = None

    fill: Annotated[float, Field(gt=0, le=1)] | None = None
    fill_min: Share | None = None
    fill_max: Share | None = None
    fill_by: FillBy = "longest-side"
    padding: Annotated[float, Field(ge=0, lt=0.5)] = 0.05
    keep_clear: KeepClear = KeepClear()
    align: Align = "centre"
    edges: Literal["clear", "any"] = "any"
    max_scale: Annotated[float, Field(ge=1, le=8)] = 1.0
    sharpen: Annotated[float, Field(ge=0, le=2)] = 0.5
    light_match: Share = 0.0

    background: Annotated[tuple[Ground, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = (
        "any",
    )
    shadow: Shadow = "none"

    format: Format | None = None
    formats: Annotated[tuple[FileFormat, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = (
        WRITABLE
    )
    quality: Quality = 92
    min_quality: Quality = 75
    max_bytes: Annotated[int, Field(ge=1)] | None = None
    colour: Literal["srgb", "any"] = "srgb"
    provenance: Provenance = "none"

    advice: Annotated[tuple[RuleName, ...], BeforeValidator(_as_tuple)] = ()
    preset: str | None = None
    as_of: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _format_stands_for_formats(cls, given: Any) -> Any:  # noqa: ANN401 - whatever was written
        if isinstance(given, dict) and given.get("format") and "formats" not in given:
            return {**given, "formats": (given["format"],)}
        return given

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for problem in (*_order(self), *_frame(self), *_file(self)):
            raise ValueError(problem)
        return self

    @property
    def exact_size(self) -> tuple[int, int] | None:
        """(H, W) if the size is fixed, pixels."""
        if self.size is None:
            return None
        width, height = (int(part) for part in self.size.split("x"))
        return height, width

    @property
    def ratios(self) -> tuple[float, ...]:
        """Width over height of every allowed ratio, in order."""
        return tuple(float(r.split(":")[0]) / float(r.split(":")[1]) for r in self.ratio)

    @property
    def written(self) -> Format:
        """The format that is written."""
        if self.format is not None:
            return self.format
        fit = ALPHA_FORMATS if self.background[0] == "transparent" else WRITABLE
        return next(known for name in self.formats for known in fit if name == known)

    @property
    def colours(self) -> tuple[tuple[int, int, int], ...]:
        """The plain colours that may lie behind the subject."""
        return tuple(parse_colour(g) for g in self.background if g.startswith("#"))

    @property
    def demands_colour(self) -> bool:
        """Whether an opaque picture must have one of `colours` all around."""
        return bool(self.colours) and "any" not in self.background


def _order(rules: OutputRules) -> list[str]:
    """Say which least value lies above its largest."""
    chains = (
        ("min_side", "advised_side", "max_side"),
        ("fill_min", "fill", "fill_max"),
        ("min_quality", "quality"),
    )
    problems = []
    for chain in chains:
        known = [(name, getattr(rules, name)) for name in chain if getattr(rules, name) is not None]
        for (low, least), (high, most) in pairwise(known):
            if least > most:
                problems.append(f"{low} {least:g} lies above {high} {most:g}; change one of them")
    return problems


def _frame(rules: OutputRules) -> list[str]:
    problems = []
    if rules.exact_size is not None:
        height, width = rules.exact_size
        side = max(height, width) if rules.side == "longest" else min(height, width)
        if not (rules.min_side or 1) <= side <= (rules.max_side or side):
            bounds = f"{rules.min_side or 1} to {rules.max_side or 'any'}"
            problems.append(
                f"size {rules.size} breaks the rule that the {rules.side} side has {bounds} pixels"
            )
        near = [abs(width / height / ratio - 1) for ratio in rules.ratios]
        if near and min(near) > rules.ratio_tolerance:
            allowed = ", ".join(rules.ratio)
            problems.append(f"size {rules.size} has none of the ratios {allowed}; change one")
    most = _most_fill(rules)
    if rules.fill_min is not None and most is not None and rules.fill_min > most + 1e-9:
        problems.append(
            f"fill_min {rules.fill_min:g} cannot be met with padding {rules.padding:g} and the "
            f"keep-clear zones, which leave {most:.3g} of the frame; lower one of them"
        )
    return problems


def _most_fill(rules: OutputRules) -> float | None:
    """Return the largest "longest-side" fill that padding leaves, None if it is not known."""
    if rules.fill_by != "longest-side":
        return None
    if rules.exact_size is not None:
        height, width = rules.exact_size
        aspect = width / height
    elif rules.ratios:
        aspect = rules.ratios[0]
    else:
        return None
    clear, padding = rules.keep_clear, 2 * rules.padding
    across = 1 - clear.left - clear.right - padding * min(1.0, 1 / aspect)
    along = 1 - clear.top - clear.bottom - padding * min(1.0, aspect)
    return max(across, along)


def _file(rules: OutputRules) -> list[str]:
    problems = []
    if rules.format is not None and rules.format not in rules.formats:
        problems.append(f"format {rules.format} is not one of formats {', '.join(rules.formats)}")
    if rules.background == ("transparent",):
        if rules.format == "jpg" or not set(rules.formats) & set(ALPHA_FORMATS):
            problems.append("a JPEG has no transparency; let format be png, webp or tiff")
        if rules.light_match:
            problems.append("light_match needs a picture behind the subject; set it to 0")
    elif not set(rules.formats) & set(WRITABLE):
        problems.append(f"none of the formats {', '.join(rules.formats)} can be written")
    return problems
