"""The fields of remove.bg's API as one frozen value; every wrong one has its own code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PIL import ImageColor

from maskworks.apps.http.bodies import FormFields
from maskworks.apps.http.errors import ApiError
from maskworks.core.values import Box

MEGAPIXEL = 1_000_000

SIZES = {
    "preview": 0.25, "small": 0.25, "regular": 0.25, "medium": 1.5, "hd": 4.0,
    "full": 25.0, "4k": 25.0, "50mp": 50.0, "auto": 50.0,
}  # fmt: skip
"""Most megapixels of the answer, by the word in `size`."""

PNG_MEGAPIXELS = 10.0
"""Most megapixels of an answer in PNG."""

TYPES = ("auto", "person", "people", "product", "car", "animal", "graphic", "graphics",
         "transportation", "other")  # fmt: skip
TYPE_LEVELS = ("none", "1", "2", "latest")
FORMATS = ("auto", "png", "jpg", "jpeg", "webp", "zip")
SHADOWS = ("none", "auto", "drop", "soft", "3d", "car", "contact")

MARGIN_SHARE, MARGIN_PX = 0.5, 500.0
"""The largest margin: a share of the subject, or pixels."""

Colour = tuple[int, int, int, int]
Shadow = Literal["soft", "contact"]

_LENGTH = re.compile(r"(-?\d+(?:\.\d+)?)(px|%)?")
_HEX = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")


@dataclass(frozen=True)
class Length:
    """A number of pixels, or (`relative`) a share of something."""

    value: float
    relative: bool

    def of(self, whole: float) -> float:
        """Return it in pixels, where `whole` is what a share is of."""
        return self.value * whole if self.relative else self.value


@dataclass(frozen=True, kw_only=True)
class RemoveBgRequest:
    """What a call to remove.bg's API asks for, beside the picture itself.

    Parameters
    ----------
    megapixels : of the answer, at most
    form : "auto" is PNG if something is clear, else JPEG
    roi : left, top, right, bottom
    margin : top, right, bottom, left; shares are of the subject
    scale : of the subject in the picture; None leaves it
    position : (across, down) in [0, 1]; None leaves it
    background : a colour with alpha
    """

    size: str = "preview"
    megapixels: float = 0.25
    form: str = "auto"
    typed: str = "auto"
    type_level: str = "1"
    roi: tuple[Length, Length, Length, Length] | None = None
    crop: bool = False
    margin: tuple[Length, Length, Length, Length] | None = None
    scale: float | None = None
    position: tuple[float, float] | None = None
    alpha_only: bool = False
    shadow: Shadow | None = None
    shadow_opacity: float = 1.0
    semitransparency: bool = True
    background: Colour | None = None

    @property
    def moves(self) -> bool:
        """Whether the subject gets another place than it had."""
        return self.crop or self.scale is not None or self.position is not None


def refuse(code: str, title: str, detail: str = "") -> ApiError:
    """Return an error of status 400 with a code of remove.bg's."""
    return ApiError(400, code, detail or title, title)


def read_request(form: FormFields) -> RemoveBgRequest:
    """Return what the fields ask for.

    Raises
    ------
    ApiError
        With the code of the first field that is wrong.
    """
    size = (form.text("size") or "preview").lower()
    if size not in SIZES:
        raise refuse("invalid_size", f"size must be one of {', '.join(SIZES)}; got {size!r}")
    channels = form.text("channels").lower() or "rgba"
    if channels not in ("rgba", "alpha"):
        raise refuse("invalid_channels", f"channels must be rgba or alpha; got {channels!r}")
    scale = _scale(form.text("scale"))
    shadow, opacity = _shadow(form)
    return RemoveBgRequest(
        size=size,
        megapixels=SIZES[size],
        form=_one_of(form, "format", FORMATS, "auto"),
        typed=_one_of(form, "type", TYPES, "auto"),
        type_level=_one_of(form, "type_level", TYPE_LEVELS, "1"),
        roi=_roi(form.text("roi")),
        crop=_truth(form, "crop", default=False),
        margin=_margin(form.text("crop_margin")),
        scale=scale,
        position=_position(form.text("position"), implied=scale is not None),
        alpha_only=channels == "alpha",
        shadow=shadow,
        shadow_opacity=opacity,
        semitransparency=_truth(form, "semitransparency", default=True),
        background=_colour(form.text("bg_color")),
    )


def region_of(asked: RemoveBgRequest, size: tuple[int, int]) -> Box | None:
    """Return the region of interest in a picture of size (H, W), None for all of it.

    Raises
    ------
    ApiError
        If it reaches beyond the picture or holds nothing.
    """
    if asked.roi is None:
        return None
    height, width = size
    left, top, right, bottom = (
        length.of(whole) for length, whole in zip(asked.roi, (width, height) * 2, strict=True)
    )
    if min(left, top, right, bottom) < 0 or max(left, right) > width or max(top, bottom) > height:
        raise refuse(
            "roi_exceeds_bounds",
            "Region of interest exceeds the image bounds",
            f"the picture is {width} x {height} pixels",
        )
    left, right, top, bottom = *sorted((left, right)), *sorted((top, bottom))
    box = round(top), round(left), round(bottom), round(right)
    if box[0] == box[2] or box[1] == box[3]:
        raise refuse("roi_region_empty", "Region of interest is empty")
    return Box(*box)


def _one_of(form: FormFields, name: str, allowed: tuple[str, ...], default: str) -> str:
    value = form.text(name).lower() or default
    if value not in allowed:
        message = f"{name} must be one of {', '.join(allowed)}; got {value!r}"
        raise refuse(f"invalid_{name}", message)
    return value


def _truth(form: FormFields, name: str, *, default: bool) -> bool:
    value = form.text(name).lower()
    if value in _TRUE:
        return True
    if value not in _FALSE:
        raise refuse(f"invalid_{name}", f"{name} must be true or false; got {value!r}")
    return default if value == "" else False


def _lengths(text: str, code: str, name: str) -> list[Length]:
    found = []
    for part in text.split():
        match = _LENGTH.fullmatch(part)
        if match is None:
            raise refuse(code, f"{name}: {part[:40]!r} is no length; write 30px or 10%")
        value, unit = float(match[1]), match[2]
        found.append(
            Length(value / 100, relative=True) if unit == "%" else Length(value, relative=False)
        )
    return found


def _roi(text: str) -> tuple[Length, Length, Length, Length] | None:
    if not text:
        return None
    found = _lengths(text, "invalid_roi", "roi")
    if len(found) != 4:
        raise refuse("invalid_roi", f"roi needs four values, x1 y1 x2 y2; got {len(found)}")
    if all(length.relative for length in found) and [x.value for x in found] == [0, 0, 1, 1]:
        return None
    return found[0], found[1], found[2], found[3]


def _margin(text: str) -> tuple[Length, Length, Length, Length] | None:
    if not text:
        return None
    found = _lengths(text, "invalid_crop_margin", "crop_margin")
    if len(found) not in (1, 2, 4):
        message = f"crop_margin needs one, two or four values; got {len(found)}"
        raise refuse("invalid_crop_margin", message)
    for length in found:
        most = MARGIN_SHARE if length.relative else MARGIN_PX
        if not 0 <= length.value <= most:
            raise refuse("invalid_crop_margin", "crop_margin is at most 50% or 500px, at least 0")
    top, right, *rest = found * (4 // len(found))
    return top, right, rest[0], rest[1]


def _share(text: str, low: float, what: Callable[[], ApiError]) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    if match is None or not low <= float(match[1]) <= 100:
        raise what()
    return float(match[1]) / 100


def _scale(text: str) -> float | None:
    if text in ("", "original"):
        return None
    return _share(
        text, 10, lambda: refuse("invalid_scale", f"scale is original or 10% to 100%; got {text!r}")
    )


def _position(text: str, *, implied: bool) -> tuple[float, float] | None:
    if text == "":
        return (0.5, 0.5) if implied else None
    if text == "original":
        return None
    if text == "center":
        return 0.5, 0.5

    def wrong() -> ApiError:
        message = f"position is original, center, or one or two of 0% to 100%; got {text!r}"
        return refuse("invalid_position", message)

    parts = [_share(part, 0, wrong) for part in text.split()]
    if len(parts) not in (1, 2):
        raise wrong()
    return parts[0], parts[-1]


def _shadow(form: FormFields) -> tuple[Shadow | None, float]:
    kind = form.text("shadow_type").lower()
    if kind and kind not in SHADOWS:
        message = f"shadow_type must be one of {', '.join(SHADOWS)}; got {kind!r}"
        raise refuse("invalid_shadow_type", message)
    said = form.text("shadow_opacity") or "100"
    opacity = float(said) / 100 if re.fullmatch(r"\d+(\.\d+)?", said) else -1.0
    if not 0 <= opacity <= 1:
        raise refuse("invalid_shadow_opacity", f"shadow_opacity is 0 to 100; got {said!r}")
    wanted = _truth(form, "add_shadow", default=False) if not kind else kind != "none"
    if not wanted or opacity == 0:
        return None, opacity
    return ("contact" if kind == "contact" else "soft"), opacity


def _colour(text: str) -> Colour | None:
    if not text:
        return None
    wrong = refuse(
        "invalid_bg_color", f"bg_color is a name or 3, 4, 6 or 8 hex digits; got {text[:40]!r}"
    )
    hexed = _HEX.fullmatch(text)
    try:
        named = ImageColor.getrgb(f"#{hexed[1]}" if hexed else text.lower())
    except ValueError as error:
        raise wrong from error
    if not hexed and not text.isalpha():
        raise wrong
    return named[0], named[1], named[2], named[3] if len(named) == 4 else 255
