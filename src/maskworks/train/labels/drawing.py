"""Pictures that are drawn together with their labels, for what no data set is at hand.

A drawing is a row of `DRAWINGS`: a function of a random generator and a size, and the names of
its classes. `maskworks data draw NAME` writes such pictures to look at, a recipe's
``format = "drawn"`` learns from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, zoom

Pixels = NDArray[np.uint8]
Ids = NDArray[np.uint8]
Canvas = tuple[PilImage.Image, PilImage.Image]
"""What is seen, RGB, and what it is, L."""

BACKGROUND, TEXT, PICTURE = 0, 1, 2


@dataclass(frozen=True)
class Drawing:
    """How a kind of picture is drawn: a pure function of the generator, and its classes."""

    classes: tuple[str, ...]
    draw: Callable[[np.random.Generator], tuple[Pixels, Ids]]


def draw_page(rng: np.random.Generator) -> tuple[Pixels, Ids]:
    """Draw a page, or a part of one, as a scanner or a phone sees it.

    Lines of letters in one to three columns, headings, and pictures; on paper that is unevenly
    lit, noisy, blurred, tilted, and sometimes dark.

    Returns
    -------
    uint8 (H, W, 3)
    uint8 (H, W), 0 background, 1 the lines of text, 2 pictures

    Examples
    --------
    >>> pixels, ids = draw_page(np.random.default_rng(3))
    >>> pixels.shape[:2] == ids.shape, sorted(set(ids.ravel().tolist())) == [0, 1, 2]
    (True, True)
    """
    height, width = (int(rng.integers(200, 420)) for _ in range(2))
    ink, paper = rng.uniform(0, 70), rng.uniform(150, 255)
    tint = rng.uniform(0.9, 1.0, 3)
    colours = [tuple(int(v) for v in np.clip(level * tint, 0, 255)) for level in (paper, ink)]
    page = PilImage.new("RGB", (width, height), colours[0])
    ids = PilImage.new("L", (width, height), BACKGROUND)
    _fill((page, ids), colours[1], rng)
    angle = float(rng.normal(0, 1.2))
    page = page.rotate(angle, PilImage.Resampling.BICUBIC, fillcolor=colours[0])
    ids = ids.rotate(angle, PilImage.Resampling.NEAREST)
    return _degraded(np.asarray(page), rng), np.asarray(ids)


def _fill(canvas: Canvas, ink: tuple[int, ...], rng: np.random.Generator) -> None:
    """Divide the page into columns, and each into blocks from top to bottom."""
    width, height = canvas[0].size
    size = int(rng.integers(9, 26))
    margin = int(rng.integers(0, 3 * size))
    columns = int(rng.integers(1, max(2, min(4, width // (7 * size)) + 1)))
    gap = int(rng.uniform(0.8, 2) * size)
    wide = (width - 2 * margin - (columns - 1) * gap) // columns
    for column in range(columns):
        left, top = margin + column * (wide + gap), margin
        while top < height - margin - size:
            if rng.random() < 0.28:
                tall = int(rng.uniform(2.5, 9) * size)
                _picture(canvas, (left, top, left + wide, min(top + tall, height)), rng)
            else:
                tall = _paragraph(canvas, (left, top, wide), (size, ink), rng)
            top += tall + int(rng.uniform(0.4, 2.0) * size)


def _paragraph(
    canvas: Canvas,
    place: tuple[int, int, int],
    pen: tuple[int, tuple[int, ...]],
    rng: np.random.Generator,
) -> int:
    """Write some lines of words; return the height that they take."""
    left, top, wide = place
    size, ink = pen
    heading = rng.random() < 0.15
    size = int(size * rng.uniform(1.2, 1.8)) if heading else size
    font: Any = ImageFont.load_default(size)
    step = int(size * rng.uniform(1.1, 1.5))
    lines = 1 if heading else int(rng.integers(2, 9))
    draw, marks = (ImageDraw.Draw(each) for each in canvas)
    for line in range(lines):
        room = wide * (rng.uniform(0.2, 0.95) if line == lines - 1 else 1.0)
        text = _words(room, font, rng)
        at = (left, top + line * step)
        draw.text(at, text, font=font, fill=ink)
        marks.rectangle(draw.textbbox(at, text, font=font), fill=TEXT)
    return lines * step


def _words(room: float, font: Any, rng: np.random.Generator) -> str:  # noqa: ANN401 - Pillow's fonts share no base
    letters = np.array(list("eeeetttaaooiinnsshhrrdlcumwfgypbvkABCDEGHIMNPRST0123456789.,;:-()"))
    text = ""
    while True:
        word = "".join(rng.choice(letters, int(rng.integers(1, 10))))
        longer = f"{text} {word}".strip()
        if font.getlength(longer) > room:
            return text or word[:2]
        text = longer


def _picture(canvas: Canvas, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    """Draw clouds of colour with shapes on them, as a photo or a diagram."""
    width, height = box[2] - box[0], box[3] - box[1]
    if min(width, height) < 8:
        return
    base = _clouds((height, width), rng)
    if rng.random() < 0.3:
        base = base.mean(2, keepdims=True).repeat(3, 2)
    drawn = PilImage.fromarray(base.astype(np.uint8))
    draw = ImageDraw.Draw(drawn)
    for _ in range(int(rng.integers(0, 7))):
        x = sorted(rng.integers(0, width, 2).tolist())
        y = sorted(rng.integers(0, height, 2).tolist())
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)((x[0], y[0], x[1], y[1]), colour)
    canvas[0].paste(drawn, box[:2])
    ImageDraw.Draw(canvas[1]).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=PICTURE)


def _clouds(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return random fields of several sizes added up: (H, W, 3) in [0, 255]."""
    total = np.zeros((*size, 3))
    for cells in (2, 5, 12, 40):
        field = rng.normal(size=(cells, cells, 3))
        factors = (size[0] / cells, size[1] / cells, 1)
        large = zoom(field, factors, order=1)[: size[0], : size[1]]
        total[: large.shape[0], : large.shape[1]] += large / cells**0.5
    low, high = np.sort(rng.uniform(0, 255, 2))
    total = (total - total.min()) / max(float(np.ptp(total)), 1e-6)
    return np.asarray(low + total * (high - low))


def _degraded(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Light the page unevenly, blur it, add noise; sometimes turn dark to light."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width]
    slope = rng.normal(0, 0.3, 2)
    light = 1 + slope[0] * (y / height - 0.5) + slope[1] * (x / width - 0.5)
    seen = pixels * (light * rng.uniform(0.55, 1.05))[..., np.newaxis]
    seen = gaussian_filter(seen, (s := float(rng.uniform(0, 1.0)), s, 0))
    seen += rng.normal(0, rng.uniform(0, 10), (height, width, 1))
    if rng.random() < 0.08:
        seen = 255 - seen
    if rng.random() < 0.5:
        seen = seen.mean(2, keepdims=True).repeat(3, 2)
    return np.asarray(np.clip(seen, 0, 255).astype(np.uint8))


DRAWINGS = {"pages": Drawing(("background", "text", "picture"), draw_page)}
"""Every drawing by its name."""


def draw_pair(name: str, seed: tuple[int, int]) -> tuple[Pixels, NDArray[np.int32]]:
    """Draw one picture with its ids; the same name and seed draw the same.

    Parameters
    ----------
    name : of `DRAWINGS`
    seed : of the set, and the picture's place in it

    Returns
    -------
    uint8 (H, W, 3), int32 (H, W)
    """
    pixels, ids = DRAWINGS[name].draw(np.random.default_rng(seed))
    return pixels, ids.astype(np.int32)
