"""Labels drawn over their picture: tinted classes, outlines, and a legend beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.values import Image
from maskworks.labels.writing.palettes import PaletteName, distinct, palette_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.instances import Instances
    from maskworks.core.values import Pixels
    from maskworks.models.labelling import Labelled

_PAPER, _INK = (255, 255, 255), (20, 20, 20)
_MOST_NAMED = 24
_SMALLEST_NAMED = 0.0005


@dataclass(frozen=True)
class OverlayOptions:
    """How labels are drawn: the palette, how opaque in [0, 1], outlines, and a legend."""

    palette: PaletteName = "taxonomy"
    opacity: float = 0.55
    contours: bool = True
    legend: bool = True


def draw_overlay(
    image: Image, labelled: Labelled, options: OverlayOptions = OverlayOptions()
) -> Image:
    """Draw what was found over a picture.

    Classes have the colour of the palette, objects one each; the unlabelled stays as it is.

    Parameters
    ----------
    image : Image of shape (H, W)
    labelled : Labelled, of (H, W)

    Returns
    -------
    Image of shape (H, W + legend)
    """
    colours = palette_of(labelled.labels.taxonomy, options.palette)
    pixels = image.pixels.copy()
    painted, edges = _regions(labelled, colours)
    known = painted.any(axis=2)
    share = np.float32(options.opacity)
    mixed = pixels[known] * (1 - share) + painted[known] * share
    pixels[known] = np.rint(mixed).astype(np.uint8)
    if options.contours:
        thick = max(1, round(min(image.size) / 500))
        _outline(pixels, edges, thick)
    if labelled.instances is not None and labelled.task != "semantic":
        pixels = _named(pixels, labelled.instances)
    if options.legend:
        pixels = np.concatenate([pixels, _legend(labelled, colours, image.size)], axis=1)
    return Image(np.ascontiguousarray(pixels))


def _regions(labelled: Labelled, colours: Pixels) -> tuple[Pixels, NDArray[np.int32]]:
    """Return the paint of each pixel, black for none, and numbers that change at outlines."""
    painted = colours[labelled.labels.ids]
    numbers = labelled.labels.ids.astype(np.int32)
    things = labelled.instances
    if labelled.task == "semantic" or things is None:
        return painted, numbers
    numbers = np.zeros(labelled.labels.size, np.int32) if labelled.panoptic is None else numbers
    paints = distinct(len(things))
    for at in np.argsort(things.scores, kind="stable"):
        top, left, bottom, right = (int(edge) for edge in things.boxes[at])
        inside = things.masks[at].to_mask().inside[top:bottom, left:right]
        painted[top:bottom, left:right][inside] = paints[at]
        numbers[top:bottom, left:right][inside] = 70_000 + at
    return painted, numbers


def _outline(pixels: Pixels, numbers: NDArray[np.int32], thick: int) -> None:
    """Draw white lines where the numbers change, in place."""
    import cv2

    edges = np.zeros(numbers.shape, np.uint8)
    edges[1:] |= numbers[1:] != numbers[:-1]
    edges[:, 1:] |= numbers[:, 1:] != numbers[:, :-1]
    if thick > 1:
        edges = np.asarray(cv2.dilate(edges, np.ones((thick, thick), np.uint8)), np.uint8)
    pixels[edges.view(bool)] = _PAPER


def _named(pixels: Pixels, things: Instances) -> Pixels:
    """Write each object's class and score at its middle, the largest objects first."""
    from PIL import Image as PillowImage
    from PIL import ImageDraw

    picture = PillowImage.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    font = _font(max(10, min(pixels.shape[:2]) // 40))
    smallest = _SMALLEST_NAMED * pixels.shape[0] * pixels.shape[1]
    for at in np.argsort(-things.areas, kind="stable")[:_MOST_NAMED]:
        if things.areas[at] < smallest:
            break
        top, left, bottom, right = (int(edge) for edge in things.boxes[at])
        name = things.taxonomy.category(int(things.labels[at])).name
        text = name if things.scores[at] == 1 else f"{name} {things.scores[at]:.2f}"
        draw.text(
            ((left + right) / 2, (top + bottom) / 2),
            text,
            font=font,
            fill=_PAPER,
            anchor="mm",
            stroke_width=2,
            stroke_fill=_INK,
        )
    return np.asarray(picture)


def _legend(labelled: Labelled, colours: Pixels, size: tuple[int, int]) -> Pixels:
    """Draw a column with a swatch, name, share and count of each class, the largest first."""
    from PIL import Image as PillowImage
    from PIL import ImageDraw

    height = size[0]
    em = max(9, min(28, size[0] // 32, size[1] // 20))
    font = _font(em)
    rows = _rows(labelled)[: max(1, height // (2 * em) - 1)]
    wide = max([font.getlength(text) for _, text in rows] or [0])
    picture = PillowImage.new("RGB", (int(wide) + 4 * em, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    for at, (category, text) in enumerate(rows):
        y = em + at * 2 * em
        swatch = [(em, y), (2 * em, y + em)]
        draw.rectangle(swatch, fill=tuple(int(v) for v in colours[category]), outline=_INK)
        draw.text((2.6 * em, y + em / 2), text, font=font, fill=_INK, anchor="lm")
    return np.asarray(picture)


def _rows(labelled: Labelled) -> list[tuple[int, str]]:
    """Return (class id, text) for each class that occurs."""
    taxonomy, counts = labelled.labels.taxonomy, labelled.labels.counts()
    total = sum(counts.values())
    objects: dict[int, int] = {}
    if labelled.instances is not None:
        for label in labelled.instances.labels.tolist():
            objects[label] = objects.get(label, 0) + 1
    order = sorted((c for c in counts if c in taxonomy), key=lambda c: -counts[c])
    return [
        (
            category,
            f"{taxonomy.category(category).name}  {100 * counts[category] / total:.1f} %"
            + (f"  ({objects[category]})" if category in objects else ""),
        )
        for category in order
    ]


def _font(size: int) -> Any:  # noqa: ANN401 - Pillow's two kinds of fonts share no base
    from PIL import ImageFont

    return ImageFont.load_default(size)
