"""Random views of a labelled picture: geometry once, then light, lens and file damage."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import ImageFilter

Bytes = npt.NDArray[np.uint8]
Generator = np.random.Generator
Shape = tuple[int, int]  # (height, width) of the network's input, pixels


@dataclass(frozen=True)
class Sample:
    """One training picture at the network's size.

    `known` is 1 where `matte` may be learnt from; `subject` is 1, 0, or -1
    where nobody said; `truth` is 0 for a teacher's label.
    """

    pixels: Bytes  # (h, w, 3)
    matte: Bytes  # (h, w), 0 to 255
    known: Bytes  # (h, w), 0 or 1
    subject: int
    truth: int


def _inverse_affine(
    scale: tuple[float, float],
    angle: float,
    centre_in: tuple[float, float],
    centre_out: tuple[float, float],
) -> tuple[float, ...]:
    """Return PIL's six numbers: output (x, y) to input (x, y)."""
    c, s = np.cos(angle), np.sin(angle)
    a, b = c / scale[0], s / scale[0]
    d, e = -s / scale[1], c / scale[1]
    x0, y0 = centre_in
    x1, y1 = centre_out
    return a, b, x0 - a * x1 - b * y1, d, e, y0 - d * x1 - e * y1


def random_view(
    layers: list[Bytes],
    shape: Shape,
    rng: Generator,
    fills: list[tuple[int, ...] | int],
    *,
    plain: bool = False,
) -> list[Bytes]:
    """Warp every layer by one random affine map onto a rectangle.

    Parameters
    ----------
    layers : uint8 arrays (H, W) or (H, W, 3) of one height and width
    shape : (height, width) of the rectangle, pixels
    fills : the value outside each layer
    plain : squash into the rectangle, as at inference
    """
    height, width = layers[0].shape[:2]
    fits = (shape[1] / width, shape[0] / height)
    if plain:
        exact = (fits, 0.0, (width / 2, height / 2), (shape[1] / 2, shape[0] / 2))
        flat = zip(layers, fills, strict=True)
        return [_warped(layer, shape, exact, fill, flip=False) for layer, fill in flat]
    # Between letting the picture touch the border and filling the rectangle with it.
    fit = float(min(fits) * (max(fits) / min(fits)) ** rng.uniform(0, 1))
    zoom, aspect, angle = 1.0, 1.0, 0.0
    flip = rng.random() < 0.5
    draw = rng.random()
    if draw > 0.8:
        zoom = rng.uniform(0.6, 1.0)
    elif draw > 0.45:
        zoom = rng.uniform(1.0, 1.6)
    if rng.random() < 0.3:
        aspect = float(np.exp(rng.uniform(-0.28, 0.28)))
    if rng.random() < 0.2:
        angle = float(np.deg2rad(rng.uniform(-18, 18)))
    elif rng.random() < 0.03:
        angle = float(rng.choice([np.pi / 2, np.pi, -np.pi / 2]))
    scale = (fit * zoom * aspect**0.5, fit * zoom / aspect**0.5)
    # The middle of the rectangle looks at a place from which the picture fills it best.
    sides = list(zip((width, height), shape[::-1], scale, strict=True))
    slack = [max(0.0, extent - size / s) / 2 for extent, size, s in sides]
    room = [max(0.0, size - extent * s) / 2 for extent, size, s in sides]
    centre_in = (
        width / 2 + rng.uniform(-1, 1) * slack[0],
        height / 2 + rng.uniform(-1, 1) * slack[1],
    )
    shift = 0.0 if zoom == 1 else 1.0
    centre_out = (
        shape[1] / 2 + shift * rng.uniform(-1, 1) * room[0],
        shape[0] / 2 + shift * rng.uniform(-1, 1) * room[1],
    )
    return [
        _warped(layer, shape, (scale, angle, centre_in, centre_out), fill, flip=flip)
        for layer, fill in zip(layers, fills, strict=True)
    ]


def _warped(
    layer: Bytes,
    shape: Shape,
    placement: tuple[tuple[float, float], float, tuple[float, float], tuple[float, float]],
    fill: tuple[int, ...] | int,
    *,
    flip: bool,
) -> Bytes:
    scale, angle, centre_in, centre_out = placement
    picture = PilImage.fromarray(layer)
    shrink = int(1 / max(scale))
    if shrink >= 2:
        picture = picture.reduce(shrink)
        scale = (scale[0] * shrink, scale[1] * shrink)
        centre_in = (centre_in[0] / shrink, centre_in[1] / shrink)
    matrix = _inverse_affine(scale, angle, centre_in, centre_out)
    out = picture.transform(
        (shape[1], shape[0]),
        PilImage.Transform.AFFINE,
        matrix,
        PilImage.Resampling.BILINEAR,
        fillcolor=fill,
    )
    if flip:
        out = out.transpose(PilImage.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(out)


def relit(pixels: Bytes, rng: Generator) -> Bytes:
    """Change exposure, contrast, gamma, white balance and saturation a little."""
    ramp = np.arange(256, dtype=np.float32) / 255
    gamma = np.exp(rng.uniform(-0.35, 0.35))
    contrast, brightness = rng.uniform(0.7, 1.3), rng.uniform(-0.12, 0.12)
    curve = (ramp**gamma - 0.5) * contrast + 0.5 + brightness
    gains = rng.uniform(0.9, 1.1, 3)
    tables = np.clip(curve[None] * gains[:, None] * 255, 0, 255).astype(np.uint8)
    out = np.stack([tables[c][pixels[..., c]] for c in range(3)], -1)
    draw = rng.random()
    if draw < 0.08:
        return np.asarray(PilImage.fromarray(out).convert("L").convert("RGB"))
    if draw < 0.5:
        grey = np.asarray(PilImage.fromarray(out).convert("L").convert("RGB"))
        amount = rng.uniform(-0.4, 0.6)
        mixed = out + amount * (grey.astype(np.float32) - out)
        return np.clip(mixed, 0, 255).astype(np.uint8)
    return out


def damaged(pixels: Bytes, rng: Generator, *, hard: bool = False) -> Bytes:
    """Blur, shrink, add noise and compress, each with some probability; more if `hard`."""
    often = 2.0 if hard else 1.0
    strong = 2.0 if hard else 1.0
    picture = PilImage.fromarray(pixels)
    width, height = picture.size
    side = (width * height) ** 0.5
    if rng.random() < 0.12 * often:
        radius_px = rng.uniform(0.4, 2.0) * strong * side / 320
        picture = picture.filter(ImageFilter.GaussianBlur(radius_px))
    if rng.random() < 0.15 * often:
        share = max(24 / side, rng.uniform(0.3, 0.8) / strong)
        small = (max(1, round(width * share)), max(1, round(height * share)))
        picture = picture.resize(small, PilImage.Resampling.BOX)
        picture = picture.resize((width, height), PilImage.Resampling.BILINEAR)
    if rng.random() < 0.15 * often:
        spread = rng.uniform(2, 12) * strong
        noise = rng.standard_normal((height, width, 1 if rng.random() < 0.5 else 3), np.float32)
        noisy = np.asarray(picture, np.float32) + spread * noise
        picture = PilImage.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    if rng.random() < 0.25 * often:
        memory = io.BytesIO()
        picture.save(memory, "JPEG", quality=int(rng.uniform(25, 90) / strong))
        picture = PilImage.open(memory).convert("RGB")
    return np.asarray(picture)
