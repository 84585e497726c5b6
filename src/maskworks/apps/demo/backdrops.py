"""The demo's approved backgrounds: surfaces drawn from noise, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (1000, 1250)
"""(width, height), pixels."""

Field = NDArray[np.float32]


def jpeg_of(picture: Image.Image) -> bytes:
    """Encode a surface."""
    written = BytesIO()
    picture.save(written, format="JPEG", quality=90)
    return written.getvalue()


def marble() -> Image.Image:
    """Draw white stone with grey veins."""
    rows, columns = _grid()
    bend = _clouds(3, cells=4, octaves=3)
    vein = np.abs(np.sin(np.pi * (1.6 * columns + 1.1 * rows + 2.2 * bend)))
    fine = np.abs(np.sin(np.pi * (3.1 * columns - 2.3 * rows + 3.0 * bend)))
    dark = 0.62 * np.exp(-vein * 16) + 0.30 * np.exp(-fine * 22) + 0.16 * bend**2
    return _coloured((238, 236, 233), (126, 128, 134), dark)


def dusk() -> Image.Image:
    """Draw an evening wall: a warm glow that falls off, and a darker floor."""
    rows, columns = _grid()
    away = np.hypot((rows - 0.42) * 1.3, columns - 0.40)
    floor = 0.35 / (1 + np.exp(-(rows - 0.80) * 60))
    shade = np.clip(away * 0.95 + floor + 0.05 * _clouds(4, cells=3, octaves=4), 0, 1)
    return _coloured((240, 190, 150), (74, 58, 92), shade)


def linen() -> Image.Image:
    """Draw a woven cloth."""
    rows, columns = _grid()
    rough = _clouds(5, cells=60, octaves=2)
    across = np.sin(2 * np.pi * (columns * 160 + 0.6 * rough))
    down = np.sin(2 * np.pi * (rows * 200 + 0.6 * rough))
    weave = 0.5 + 0.22 * across * down + 0.10 * (across + down) / 2
    folds = 0.35 * _clouds(6, cells=2, octaves=2)
    return _coloured((233, 226, 213), (178, 166, 148), np.clip(weave * 0.55 + folds, 0, 1))


def sand() -> Image.Image:
    """Draw a ripple of sand that grows towards the viewer."""
    rows, columns = _grid()
    bend = _clouds(8, cells=3, octaves=4)
    waves = np.sin(2 * np.pi * (7 * np.log(0.22 + rows) + 0.7 * bend + 0.3 * columns))
    grain = _clouds(9, cells=240, octaves=2) - 0.5
    shade = np.clip(0.42 + 0.16 * waves * (0.3 + rows) + 0.14 * grain, 0, 1)
    return _coloured((240, 214, 176), (176, 132, 92), shade)


BACKDROPS: dict[str, Callable[[], Image.Image]] = {
    "marble.jpg": marble,
    "dusk.jpg": dusk,
    "linen.jpg": linen,
    "sand.jpg": sand,
}
"""File name, and what draws it."""


def _grid() -> tuple[Field, Field]:
    """Return row and column of each pixel, from 0 to 1."""
    width, height = SIZE
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis]
    return rows, np.linspace(0, 1, width, dtype=np.float32)[np.newaxis, :]


def _clouds(seed: int, *, cells: int, octaves: int) -> Field:
    """Return noise in [0, 1]: each octave is twice as fine and half as strong."""
    dice = np.random.default_rng(seed)
    width, height = SIZE
    total: Field = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        side = min(cells * 2**octave, width)
        coarse = dice.random((side, side), dtype=np.float32)
        finer = Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)
        total += np.asarray(finer, np.float32) / np.float32(2**octave)
    low, high = float(total.min()), float(total.max())
    scaled: Field = (total - low) / (high - low)
    return scaled


def _coloured(light: tuple[int, int, int], dark: tuple[int, int, int], shade: Field) -> Image.Image:
    """Return the surface between two colours; 0 is light."""
    first, last = np.array(light, np.float32), np.array(dark, np.float32)
    mixed = first + np.clip(shade, 0, 1)[..., np.newaxis] * (last - first)
    return Image.fromarray(np.rint(mixed).astype(np.uint8))
