"""remove.bg's output: crop, place and scale, shadow, background, format."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from maskworks.apps.http.pictures.removebg_fields import MEGAPIXEL, PNG_MEGAPIXELS, RemoveBgRequest
from maskworks.core.errors import ImageError
from maskworks.core.reading import Details, Picture
from maskworks.core.values import Box, Image, Mask, Matte, Pixels
from maskworks.core.writing import Encoding, Format, encode, encode_matte
from maskworks.cutouts.backgrounds import Backdrop, put_behind
from maskworks.cutouts.cutout import Cutout
from maskworks.studio.output.shadow import cast_shadow

SEEN_FROM = 0.05
"""Alpha from which a pixel belongs to the subject's box."""

_MOST_PIXELS = 50 * MEGAPIXEL
_INTERIOR_SHARE = 0.02
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "zip": "application/zip"}

Float2D = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RemoveBgLayer:
    """Colours and alpha of what will be written, both (H, W)."""

    colours: Pixels
    alpha: Float2D


@dataclass(frozen=True, kw_only=True)
class RenderedAnswer:
    """An encoded answer: its bytes, media type and size (H, W)."""

    data: bytes
    media_type: str
    size: tuple[int, int]


def subject_box(matte: Matte) -> Box | None:
    """Return the box of what is visible, None if nothing is."""
    return Mask(matte.alpha >= SEEN_FROM).box()


def render_answer(
    cutout: Cutout, asked: RemoveBgRequest, backdrop: Picture | None
) -> RenderedAnswer:
    """Return what a call to remove.bg's API answers with.

    Parameters
    ----------
    cutout : Cutout
        With a subject.
    backdrop : Picture, optional
        Fills the frame behind the subject.

    Raises
    ------
    ImageError
        If nothing is visible, or the format cannot hold the picture.
    """
    alpha = cutout.matte.alpha
    if not asked.semitransparency:
        alpha = opaque_inside(alpha)
    layer = RemoveBgLayer(cutout.foreground.pixels, alpha)
    if asked.moves:
        layer = _placed(layer, asked)
    details = Details(format="", dpi=cutout.details.dpi)
    if asked.alpha_only:
        return _encode_alpha(layer, asked, details)
    layer = _on_ground(layer, asked, backdrop)
    return _encode(layer, asked, details)


def opaque_inside(alpha: Float2D) -> Float2D:
    """Return the alpha with everything that is not near the outline opaque."""
    import cv2

    solid = (alpha >= 0.5).astype(np.uint8)
    away = cv2.distanceTransform(
        cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3
    )
    near = max(1.5, _INTERIOR_SHARE * float(away.max()))
    return np.where(away[1:-1, 1:-1] > near, np.float32(1), alpha)


def _placed(layer: RemoveBgLayer, asked: RemoveBgRequest) -> RemoveBgLayer:
    """Crop to the subject and its margins, then scale and move the subject in the frame."""
    box = subject_box(Matte(layer.alpha))
    if box is None:
        raise ImageError("nothing of the subject is visible, so there is nothing to crop to")
    height, width = layer.alpha.shape
    top, left = box.top, box.left
    tall, wide = box.size
    if asked.crop:
        margins = asked.margin
        around = (
            (0.0,) * 4
            if margins is None
            else tuple(
                length.of(whole) for length, whole in zip(margins, (tall, wide) * 2, strict=True)
            )
        )
        above, after, below, before = (round(value) for value in around)
        height, width = tall + above + below, wide + before + after
        top, left = above, before
    if height * width > _MOST_PIXELS:
        raise ImageError(
            f"the picture would have {width} x {height} pixels; make the margins smaller"
        )
    cut = RemoveBgLayer(
        layer.colours[box.top : box.bottom, box.left : box.right],
        layer.alpha[box.top : box.bottom, box.left : box.right],
    )
    if asked.scale is not None:
        ratio = min(height * asked.scale / tall, width * asked.scale / wide)
        cut = _resized(cut, max(1, round(tall * ratio)), max(1, round(wide * ratio)))
    rows, columns = cut.alpha.shape
    if asked.position is not None:
        across, down = asked.position
        top, left = round((height - rows) * down), round((width - columns) * across)
    colours = np.zeros((height, width, 3), np.uint8)
    alpha = np.zeros((height, width), np.float32)
    there = slice(top, top + rows), slice(left, left + columns)
    colours[there], alpha[there] = cut.colours, cut.alpha
    return RemoveBgLayer(colours, alpha)


def _resized(layer: RemoveBgLayer, height: int, width: int) -> RemoveBgLayer:
    """Resize with premultiplied colours, so that what is clear does not bleed in."""
    weight = layer.alpha[..., np.newaxis]
    channels = [layer.alpha, *np.moveaxis(layer.colours * weight, 2, 0)]
    method = PillowImage.Resampling.BICUBIC
    sized = [
        np.asarray(
            PillowImage.fromarray(np.ascontiguousarray(c, np.float32)).resize(
                (width, height), method
            )
        )
        for c in channels
    ]
    alpha = np.clip(sized[0], 0, 1)
    colours = np.dstack(sized[1:]) / np.maximum(alpha, 1 / 255)[..., np.newaxis]
    return RemoveBgLayer(np.clip(np.rint(colours), 0, 255).astype(np.uint8), alpha)


def _on_ground(
    layer: RemoveBgLayer, asked: RemoveBgRequest, backdrop: Picture | None
) -> RemoveBgLayer:
    """Put shadow and background behind the subject."""
    if asked.shadow is not None:
        box = subject_box(Matte(layer.alpha))
        if box is not None:
            shade = cast_shadow(Matte(layer.alpha), box, asked.shadow).alpha * asked.shadow_opacity
            layer = _over(layer, np.zeros(3, np.float32), shade.astype(np.float32))
    if backdrop is not None:
        image = backdrop.image
        front, matte = Image(layer.colours), Matte(layer.alpha)
        together = put_behind(front, matte, Backdrop(image))
        return RemoveBgLayer(together.pixels, np.ones_like(layer.alpha))
    if asked.background is not None:
        *colour, opacity = asked.background
        behind = np.full(layer.alpha.shape, opacity / 255, np.float32)
        return _over(layer, np.array(colour, np.float32), behind)
    return layer


def _over(layer: RemoveBgLayer, colour: NDArray[np.float32], behind: Float2D) -> RemoveBgLayer:
    """Put a layer over one colour of varying opacity (Porter and Duff, straight alpha)."""
    alpha = layer.alpha + behind * (1 - layer.alpha)
    mixed = layer.colours * layer.alpha[..., np.newaxis]
    mixed = mixed + colour * (behind * (1 - layer.alpha))[..., np.newaxis]
    mixed /= np.maximum(alpha, 1 / 255)[..., np.newaxis]
    return RemoveBgLayer(np.clip(np.rint(mixed), 0, 255).astype(np.uint8), np.clip(alpha, 0, 1))


def _encode(layer: RemoveBgLayer, asked: RemoveBgRequest, details: Details) -> RenderedAnswer:
    clear = bool((layer.alpha < 1).any())
    form = asked.form.replace("jpeg", "jpg")
    if form == "auto":
        form = "png" if clear else "jpg"
    if form == "png":
        layer = _at_most(layer, PNG_MEGAPIXELS)
    size = layer.alpha.shape[0], layer.alpha.shape[1]
    image, matte = Image(layer.colours), Matte(layer.alpha)
    if form == "zip":
        return RenderedAnswer(
            data=_zipped(image, matte, details), media_type=_TYPES["zip"], size=size
        )
    known: dict[str, Format] = {"png": "png", "jpg": "jpg", "webp": "webp"}
    white = (255, 255, 255) if form == "jpg" and clear else None
    encoding = Encoding(known[form], background=white)
    data = encode(image, matte if clear else None, encoding, details)
    return RenderedAnswer(data=data, media_type=_TYPES[form], size=size)


def _encode_alpha(layer: RemoveBgLayer, asked: RemoveBgRequest, details: Details) -> RenderedAnswer:
    form = {"auto": "png", "zip": "png", "jpeg": "jpg"}.get(asked.form, asked.form)
    if form == "png":
        layer = _at_most(layer, PNG_MEGAPIXELS)
    known: dict[str, Format] = {"png": "png", "jpg": "jpg", "webp": "webp"}
    data = encode_matte(Matte(layer.alpha), Encoding(known[form]), details)
    size = layer.alpha.shape[0], layer.alpha.shape[1]
    return RenderedAnswer(data=data, media_type=_TYPES[form], size=size)


def _at_most(layer: RemoveBgLayer, megapixels: float) -> RemoveBgLayer:
    height, width = layer.alpha.shape
    scale = (megapixels * MEGAPIXEL / (height * width)) ** 0.5
    return layer if scale >= 1 else _resized(layer, int(height * scale), int(width * scale))


def _zipped(image: Image, matte: Matte, details: Details) -> bytes:
    """Return color.jpg, the subject's own colours everywhere, and alpha.png."""
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("color.jpg", encode(image, None, Encoding("jpg"), details))
        archive.writestr("alpha.png", encode_matte(matte, Encoding("png"), details))
    return written.getvalue()
