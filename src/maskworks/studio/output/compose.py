"""Put a cut-out subject on its background: crop, scale, place, shade, blend. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Box, Image, Matte, Pixels
from maskworks.cutouts.backgrounds import Backdrop, Background, Blurred, Plain, blur_behind
from maskworks.cutouts.resizing import Weighed, alpha_of, cover, resize, sharpen, weigh
from maskworks.studio.output.background_rules import check_background, default_background
from maskworks.studio.output.blending import blend_plain, blend_weighed, clear_ring, darken
from maskworks.studio.output.light import match_light
from maskworks.studio.output.placing import Note, Placement, place
from maskworks.studio.output.rules import OutputRules
from maskworks.studio.output.shadow import cast_shadow
from maskworks.studio.output.subject import FAINTEST, find_subject

CENTRE = (0.5, 0.5)
_SHADOW_CLEAR_PX = 16  # two blocks of a JPEG: the border's blocks hold no shadow


@dataclass(frozen=True, eq=False)
class Layer:
    """The subject as it lies on every background of its concept; made once, used for each.

    Parameters
    ----------
    picture : uint8 (h, w, 4), colours times alpha, and alpha
    colours : uint8 (h, w, 3), the photo's own, not times alpha, unless the scale changed
    rect : Box of it on the canvas
    shade : Matte of shape (H, W), opacity of the shadow, or None
    """

    picture: Weighed
    colours: Pixels | None
    rect: Box
    shade: Matte | None
    placement: Placement
    rules: OutputRules


@dataclass(frozen=True, eq=False)
class Composed:
    """A finished picture, not yet a file.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W), or None if the picture is opaque
    placement : Placement
        Box of the subject, scale, fill, notes.
    """

    image: Image
    matte: Matte | None
    placement: Placement

    @property
    def box(self) -> Box:
        """Of the subject in the picture."""
        return self.placement.box

    @property
    def scale(self) -> float:
        """Picture pixels for one photo pixel."""
        return self.placement.scale

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was done otherwise than the rules aim at."""
        return self.placement.notes


def compose_photo(
    image: Image,
    foreground: Image,
    matte: Matte,
    rules: OutputRules,
    background: Background | None = None,
    *,
    focus: tuple[float, float] = CENTRE,
) -> Composed:
    """Put the subject of a photo on a background as the rules say.

    Parameters
    ----------
    image : Image of shape (H, W)
        The photo; only a `Blurred` background looks at it.
    foreground : Image of shape (H, W)
        The subject's own colours, as `refine.estimate_foreground` finds them.
    matte : Matte of shape (H, W)
    background : Background, optional
        By default the first that the rules name: a colour, or none (the result keeps alpha).
    focus : (row, column) in [0, 1]
        The point of a background picture that stays nearest to the middle.

    Raises
    ------
    ImageError
        If the sizes differ, or the matte has no subject.
    UsageError
        If the rules forbid the background, or it has fewer pixels than the output.

    Examples
    --------
    >>> photo = Image(np.full((40, 40, 3), 90, np.uint8))
    >>> alpha = np.zeros((40, 40), np.float32)
    >>> alpha[10:30, 15:25] = 1
    >>> rules = OutputRules(ratio="1:1", fill=0.8, background="#ffffff", format="png")
    >>> done = compose_photo(photo, photo, Matte(alpha), rules)
    >>> done.image.size, done.box, done.scale
    ((25, 25), Box(top=2, left=7, bottom=22, right=17), 1.0)
    """
    if image.size != foreground.size:
        raise ImageError(f"the foreground is {foreground.size}, the photo {image.size}")
    if isinstance(background, Blurred):
        check_background(background, rules)
        blurred = Backdrop(blur_behind(image, matte, background.share))
        return put_on(lay_out(foreground, matte, rules), blurred, focus=focus, scale_free=True)
    return put_on(lay_out(foreground, matte, rules), background, focus=focus)


def lay_out(foreground: Image, matte: Matte, rules: OutputRules) -> Layer:
    """Crop, scale and place the subject, and cast its shadow.

    Parameters
    ----------
    foreground : Image of shape (H, W)
    matte : Matte of shape (H, W)

    Raises
    ------
    ImageError
        If the sizes differ, or the matte has no subject.
    """
    if matte.size != foreground.size:
        raise ImageError(f"the matte is {matte.size}, the foreground {foreground.size}")
    subject = find_subject(matte)
    placement = place(subject, rules)
    reach = subject.reach
    rows, columns = slice(reach.top, reach.bottom), slice(reach.left, reach.right)
    weighed = weigh(foreground.pixels[rows, columns], matte.alpha[rows, columns])
    top, left, bottom, right = placement.map(reach)
    sized = resize(weighed, (bottom - top, right - left))
    if placement.scale < 1:
        sized = sharpen(sized, rules.sharpen)
    height, width = placement.canvas
    rect = Box(max(top, 0), max(left, 0), min(bottom, height), min(right, width))
    seen = (slice(rect.top - top, rect.bottom - top), slice(rect.left - left, rect.right - left))
    shown = np.ascontiguousarray(sized[seen])
    own = foreground.pixels[rows, columns][seen] if placement.scale == 1 else None
    if rules.demands_colour:
        clear_ring(shown, rect, placement.canvas)
    if rules.shadow == "none":
        return Layer(shown, own, rect, None, placement, rules)
    if subject.box.bottom == matte.size[0]:
        text = "no shadow was cast: the photo cuts off what the subject stands on"
        note = Note("shadow-left-out", text, 0)
        return Layer(shown, own, rect, None, placement.with_note(note), rules)
    alpha = np.zeros(placement.canvas, np.float32)
    alpha[rect.top : rect.bottom, rect.left : rect.right] = alpha_of(shown)
    clear = _SHADOW_CLEAR_PX if rules.demands_colour else 0
    shade = cast_shadow(Matte(alpha), placement.box, rules.shadow, clear_px=clear)
    return Layer(shown, own, rect, shade, placement, rules)


def put_on(
    layer: Layer,
    background: Background | None = None,
    *,
    focus: tuple[float, float] = CENTRE,
    scale_free: bool = False,
) -> Composed:
    """Blend a layer with one background.

    Parameters
    ----------
    background : Plain or Backdrop, optional
        As for `compose_photo`, which makes a picture of a `Blurred`: that needs the photo.
    focus : (row, column) in [0, 1]
    scale_free : bool
        The background may be enlarged whatever the rules say: it has no detail.

    Raises
    ------
    UsageError
        As for `compose_photo`.
    """
    rules, placement = layer.rules, layer.placement
    chosen = default_background(rules) if background is None else background
    if chosen is None:
        return _transparent(layer)
    if isinstance(chosen, Blurred):
        raise UsageError("a blurred background needs the photo; call compose, not put_on")
    check_background(chosen, rules, canvas=None if scale_free else placement.canvas)
    picture = layer.picture
    if isinstance(chosen, Plain):
        ground = np.empty((*placement.canvas, 3), np.uint8)
        ground[0] = chosen.colour
        ground[1:] = ground[0]  # whole rows are copied faster than single pixels
    else:
        ground = cover(chosen.image, placement.canvas, focus=focus).pixels.copy()
        if rules.light_match:
            picture = match_light(picture, Image(ground), rules.light_match)
    if layer.shade is not None:
        darken(ground, layer.shade)
    if isinstance(chosen, Plain) and layer.shade is None:
        blend_plain(ground, picture, layer.rect, chosen.colour)
    else:
        blend_weighed(ground, picture, layer.rect)
    return Composed(Image(ground), None, placement)


def _transparent(layer: Layer) -> Composed:
    """Return the subject over its shadow, black with the shadow's opacity, on nothing."""
    canvas, rect = layer.placement.canvas, layer.rect
    alpha = np.zeros(canvas, np.float32) if layer.shade is None else layer.shade.alpha.copy()
    part = alpha[rect.top : rect.bottom, rect.left : rect.right]
    own = alpha_of(layer.picture)
    part += own - own * part
    np.clip(part, 0, 1, out=part)
    weighed: NDArray[Any] = layer.picture[..., :3]
    if layer.colours is not None:  # nothing was resized: these were not rounded
        weighed = layer.colours * own[..., np.newaxis]
    colours = weighed / np.maximum(part, FAINTEST)[..., np.newaxis]
    pixels = np.zeros((*canvas, 3), np.uint8)
    shown = np.clip(np.rint(colours), 0, 255).astype(np.uint8)
    pixels[rect.top : rect.bottom, rect.left : rect.right] = shown
    return Composed(Image(pixels), Matte(alpha), layer.placement)
