"""Training pictures that nobody photographed: known cut-outs over other backdrops."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFilter

from maskworks.train.mattes.augment import Bytes, Generator, Shape, random_view, relit
from maskworks.train.mattes.recipe import Synthesis

Float3D = npt.NDArray[np.float32]


def plain_backdrop(shape: Shape, rng: Generator) -> Bytes:
    """Paint a backdrop as in a studio: one colour, or a gradient, with a little grain."""
    ends = rng.integers(0, 256, (2, 3)).astype(np.float32)
    if rng.random() < 0.4:
        ends[:] = rng.integers(190, 256)
    if rng.random() < 0.5:
        ends[1] = ends[0] * rng.uniform(0.7, 1.0)
    down, right = (np.linspace(0, 1, side, dtype=np.float32) for side in shape)
    angle = rng.uniform(0, np.pi)
    field = np.cos(angle) * right[None, :] + np.sin(angle) * down[:, None]
    field = (field - field.min()) / max(float(np.ptp(field)), 1e-6)
    canvas = ends[0] + field[..., None] * (ends[1] - ends[0])
    canvas += rng.standard_normal((*shape, 1), np.float32) * rng.uniform(0, 4)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def pattern(pixels: Bytes, shape: Shape, rng: Generator) -> Bytes:
    """Tile a small piece of a photo, mirrored at its borders: a wall, cloth or lawn of it.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    shape : (h, w) of what is filled, pixels

    Returns
    -------
    uint8 (h, w, 3)
    """
    side = max(8, int(min(pixels.shape[:2]) * rng.uniform(0.08, 0.3)))
    top = rng.integers(0, pixels.shape[0] - side + 1)
    left = rng.integers(0, pixels.shape[1] - side + 1)
    piece = pixels[top : top + side, left : left + side]
    row = np.concatenate((piece, piece[:, ::-1]), 1)
    unit = np.concatenate((row, row[::-1]), 0)
    times = int(rng.integers(1, 7))
    wide = PilImage.fromarray(np.tile(unit, (times, times, 1)))
    return np.asarray(wide.resize(shape[::-1], PilImage.Resampling.BICUBIC))


def drawn_object(texture: Bytes, rng: Generator, *, glass: bool) -> tuple[Bytes, Bytes]:
    """Draw a made-up object: an outline with corners or curves, perhaps with a hole.

    Parameters
    ----------
    texture : uint8 (S, S, 3), what its surface shows
    glass : let the inside be partly transparent

    Returns
    -------
    colours : uint8 (S, S, 3)
    matte : uint8 (S, S)
    """
    size = texture.shape[0]
    scale = 3
    shape = PilImage.new("L", (size * scale, size * scale))
    draw = ImageDraw.Draw(shape)
    middle = size * scale / 2
    for part in range(int(rng.integers(1, 4))):
        corners = int(rng.integers(3, 12))
        turns = np.sort(rng.uniform(0, 2 * np.pi, corners))
        lengths = rng.uniform(0.35, 1.0, corners) * middle * (0.95 if part == 0 else 0.5)
        offset = np.zeros(2) if part == 0 else rng.uniform(-0.4, 0.4, 2) * middle
        points = np.stack((np.cos(turns), np.sin(turns)), 1) * lengths[:, None] + middle + offset
        if rng.random() < 0.4:
            (x0, y0), (x1, y1) = points.min(0), points.max(0)
            draw.ellipse((x0, y0, x1, y1), fill=255)
        else:
            draw.polygon([tuple(p) for p in points], fill=255)
    if rng.random() < 0.25:
        radius = rng.uniform(0.1, 0.3) * middle
        draw.ellipse((middle - radius, middle - radius, middle + radius, middle + radius), fill=0)
    if rng.random() < 0.5:
        shape = shape.filter(ImageFilter.GaussianBlur(rng.uniform(4, 12)))
        shape = shape.point(lambda v: 255 if v > 127 else 0)
    matte = np.asarray(shape.resize((size, size), PilImage.Resampling.BOX), np.float32)
    colours = texture.astype(np.float32)
    if rng.random() < 0.5:  # a plain surface with shading
        light = np.linspace(0.6, 1.2, size, dtype=np.float32)[:, None, None]
        colours = np.broadcast_to(rng.integers(0, 256, 3) * light, texture.shape)
    if glass:
        matte = matte * np.float32(rng.uniform(0.35, 0.8))
    return np.clip(colours, 0, 255).astype(np.uint8), matte.astype(np.uint8)


def _placed(
    colours: Bytes, matte: Bytes, shape: Shape, rng: Generator, *, small: bool
) -> tuple[Float3D, npt.NDArray[np.float32]]:
    rows, columns = np.flatnonzero(matte.max(1) > 8), np.flatnonzero(matte.max(0) > 8)
    if len(rows) == 0 or len(columns) == 0:
        return np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    cut = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    colours, matte = colours[cut], matte[cut]
    share = rng.uniform(0.25, 0.6) if small else rng.uniform(0.35, 1.05)
    scale = share * min(s / m for s, m in zip(shape, matte.shape, strict=True))
    box = (max(4, round(matte.shape[1] * scale)), max(4, round(matte.shape[0] * scale)))
    angle = float(rng.uniform(-20, 20)) if rng.random() < 0.3 else 0.0
    flip = rng.random() < 0.5
    cut_off = 0.3 if rng.random() < 0.2 else 0.045  # how much may leave the picture
    places: list[int] = []
    canvases: list[npt.NDArray[np.float32]] = []
    for layer, mode in ((colours, "RGB"), (matte, "L")):
        how = PilImage.Resampling.BOX if scale < 0.5 else PilImage.Resampling.BILINEAR
        picture = PilImage.fromarray(layer).resize(box, how)
        if flip:
            picture = picture.transpose(PilImage.Transpose.FLIP_LEFT_RIGHT)
        if angle:
            picture = picture.rotate(angle, PilImage.Resampling.BILINEAR, expand=True)
        if not places:  # where the colours go, the matte goes
            for extent, size in zip(picture.size, shape[::-1], strict=True):
                over = cut_off * extent
                places.append(
                    round(rng.uniform(min(0, size - extent) - over, max(0, size - extent) + over))
                )
        canvas = PilImage.new(mode, shape[::-1])
        canvas.paste(picture, (places[0], places[1]))
        canvases.append(np.asarray(canvas, np.float32))
    return canvases[0], canvases[1] / np.float32(255)


def _shadowed(canvas: Float3D, alpha: npt.NDArray[np.float32], rng: Generator) -> Float3D:
    size = min(alpha.shape)
    picture = PilImage.fromarray((alpha * 255).astype(np.uint8))
    blurred = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.01, 0.06) * size))
    shift = rng.integers(-size // 10, size // 10 + 1, 2)
    shade = np.roll(np.asarray(blurred, np.float32) / np.float32(255), shift, (0, 1))
    kept: Float3D = np.float32(1) - np.float32(rng.uniform(0.15, 0.6)) * shade[..., None]
    return canvas * kept


def composite(
    backdrop: Bytes, subjects: list[tuple[Bytes, Bytes]], rules: Synthesis, rng: Generator
) -> tuple[Bytes, Bytes]:
    """Place subjects over a backdrop by the compositing equation.

    Parameters
    ----------
    backdrop : uint8 (h, w, 3)
    subjects : (colours uint8 (H, W, 3), matte uint8 (H, W)) each; colours must
        be the subject's own, or a halo of the old background is learnt

    Returns
    -------
    pixels : uint8 (h, w, 3)
    matte : uint8 (h, w), the union of the subjects
    """
    shape = (backdrop.shape[0], backdrop.shape[1])
    canvas = backdrop.astype(np.float32)
    union = np.zeros(shape, np.float32)
    for colours, matte in subjects:
        light = relit(colours, rng) if rng.random() < 0.5 else colours
        fore, alpha = _placed(light, matte, shape, rng, small=len(subjects) > 1)
        if rng.random() < rules.shadow:
            canvas = _shadowed(canvas, alpha, rng)
        canvas = fore * alpha[..., None] + canvas * (1 - alpha[..., None])
        union = union + alpha - union * alpha
    return np.clip(canvas, 0, 255).astype(np.uint8), np.rint(union * 255).astype(np.uint8)


def photo_backdrop(pixels: Bytes, shape: Shape, rng: Generator, *, blur: bool) -> Bytes:
    """Fill a rectangle with a random part of a photo, out of focus if `blur`."""
    height, width = pixels.shape[:2]
    scale = min(height / shape[0], width / shape[1]) * rng.uniform(0.6, 1.0)
    rows, columns = max(1, int(shape[0] * scale)), max(1, int(shape[1] * scale))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    part = np.ascontiguousarray(pixels[top : top + rows, left : left + columns])
    (view,) = random_view([part], shape, rng, [(128, 128, 128)], plain=True)
    if not blur:
        return view
    soft = PilImage.fromarray(view).filter(
        ImageFilter.GaussianBlur(rng.uniform(0.02, 0.06) * min(shape))
    )
    return np.asarray(soft)
