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


@dataclass(frozen=True)
class Sample:
    """One training picture at the network's size.

    `known` is 1 where `matte` may be learnt from; `subject` is 1, 0, or -1
    where nobody said; `truth` is 0 for a teacher's label.
    """

    pixels: Bytes  # (S, S, 3)
    matte: Bytes  # (S, S), 0 to 255
    known: Bytes  # (S, S), 0 or 1
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
    size: int,
    rng: Generator,
    fills: list[tuple[int, ...] | int],
    *,
    plain: bool = False,
) -> list[Bytes]:
    """Warp every layer by one random affine map onto a `size` square.

    Parameters
    ----------
    layers : uint8 arrays (H, W) or (H, W, 3) of one height and width
    size : pixels
    fills : the value outside each layer
    plain : only fit into the square, as at inference
    """
    height, width = layers[0].shape[:2]
    fit = size / max(height, width)
    zoom, aspect, angle = 1.0, 1.0, 0.0
    flip = False if plain else rng.random() < 0.5
    if not plain:
        draw = rng.random()
        if draw > 0.75:
            zoom = rng.uniform(0.55, 1.0)
        elif draw > 0.4:
            zoom = rng.uniform(1.0, 1.7)
        if rng.random() < 0.3:
            aspect = float(np.exp(rng.uniform(-0.28, 0.28)))
        if rng.random() < 0.25:
            angle = float(np.deg2rad(rng.uniform(-18, 18)))
        elif rng.random() < 0.04:
            angle = float(rng.choice([np.pi / 2, np.pi, -np.pi / 2]))
    scale = (fit * zoom * aspect**0.5, fit * zoom / aspect**0.5)
    # The middle of the square looks at a place from which the picture fills it best.
    sides = list(zip((width, height), scale, strict=True))
    slack = [max(0.0, extent - size / s) / 2 for extent, s in sides]
    room = [max(0.0, size - extent * s) / 2 for extent, s in sides]
    centre_in = (
        width / 2 + rng.uniform(-1, 1) * slack[0],
        height / 2 + rng.uniform(-1, 1) * slack[1],
    )
    shift = 0.0 if plain or zoom == 1 else 1.0
    centre_out = (
        size / 2 + shift * rng.uniform(-1, 1) * room[0],
        size / 2 + shift * rng.uniform(-1, 1) * room[1],
    )
    return [
        _warped(layer, size, (scale, angle, centre_in, centre_out), fill, flip=flip)
        for layer, fill in zip(layers, fills, strict=True)
    ]


def _warped(
    layer: Bytes,
    size: int,
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
        (size, size),
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
    side = picture.size[0]
    if rng.random() < 0.12 * often:
        radius_px = rng.uniform(0.4, 2.0) * strong * side / 320
        picture = picture.filter(ImageFilter.GaussianBlur(radius_px))
    if rng.random() < 0.15 * often:
        small = max(24, int(side * rng.uniform(0.3, 0.8) / strong))
        picture = picture.resize((small, small), PilImage.Resampling.BOX)
        picture = picture.resize((side, side), PilImage.Resampling.BILINEAR)
    if rng.random() < 0.15 * often:
        spread = rng.uniform(2, 12) * strong
        noise = rng.standard_normal((side, side, 1 if rng.random() < 0.5 else 3), np.float32)
        noisy = np.asarray(picture, np.float32) + spread * noise
        picture = PilImage.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    if rng.random() < 0.25 * often:
        memory = io.BytesIO()
        picture.save(memory, "JPEG", quality=int(rng.uniform(25, 90) / strong))
        picture = PilImage.open(memory).convert("RGB")
    return np.asarray(picture)
