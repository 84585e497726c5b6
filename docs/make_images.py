"""Make the README's pictures with our own model: `python docs/make_images.py`, or `make docs`.

The photos are scikit-image's, whose licences its `data/README.txt` gives; nothing
is retouched, so the pictures show what the model does, faults included.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from maskworks import cutout, load_model
from maskworks.apps.cli.demo import DELIVER_AT

IMAGES = Path(__file__).resolve().parent / "images"
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
TILE = (240, 300)  # (height, width), pixels
GAP = 8
CAPTION = 26
SQUARE = 12  # of the checkerboard, pixels


@dataclass(frozen=True)
class Tile:
    """One photo before and after."""

    before: Image.Image
    after: Image.Image
    caption: str


def photo_of(name: str) -> Image.Image:
    """Return scikit-image's photo, cut to the tile's aspect around its middle."""
    photo = Image.fromarray(getattr(data, name)())
    height, width = TILE
    scale = max(height / photo.height, width / photo.width)
    box_h, box_w = height / scale, width / scale
    # Heads are up: what has to go is taken from below rather than from above.
    top, left = (photo.height - box_h) * 0.25, (photo.width - box_w) / 2
    return photo.crop((int(left), int(top), int(left + box_w), int(top + box_h)))


def checkerboard(width: int, height: int) -> Image.Image:
    """Return the pattern that stands for nothing."""
    rows, columns = np.indices((height, width)) // SQUARE
    grey = np.where((rows + columns) % 2, 255, 222).astype(np.uint8)
    return Image.fromarray(np.repeat(grey[:, :, None], 3, axis=2))


def make_tile(name: str, model: object) -> Tile:
    """Cut the whole photo out at its own size, then shrink it."""
    photo = photo_of(name)
    cut = cutout(photo, model=model, min_confidence=DELIVER_AT)
    alpha = Image.fromarray((cut.matte.alpha * 255).round().astype(np.uint8))
    height, width = TILE
    subject = Image.fromarray(cut.foreground.pixels)
    subject = subject.resize((width, height), Image.Resampling.LANCZOS)
    after = checkerboard(width, height)
    after.paste(subject, (0, 0), alpha.resize((width, height), Image.Resampling.LANCZOS))
    said = f"{cut.status}, confidence {cut.confidence:.2f}"
    return Tile(photo.resize((width, height), Image.Resampling.LANCZOS), after, said)


def make_sheet(tiles: list[Tile]) -> Image.Image:
    """Lay the tiles out: photos above, cut-outs below, a caption under each."""
    height, width = TILE
    sheet_w = len(tiles) * (width + GAP) - GAP
    sheet = Image.new("RGB", (sheet_w, 2 * height + GAP + CAPTION), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for index, tile in enumerate(tiles):
        left = index * (width + GAP)
        sheet.paste(tile.before, (left, 0))
        sheet.paste(tile.after, (left, height + GAP))
        middle = (left + width / 2, 2 * height + GAP + CAPTION / 2)
        pen.text(middle, tile.caption, fill=(70, 70, 70), font=font, anchor="mm")
    return sheet


def main() -> None:
    """Write docs/images/before-after.jpg."""
    IMAGES.mkdir(exist_ok=True)
    model = load_model("cutout")
    sheet = make_sheet([make_tile(name, model) for name in PHOTOS])
    path = IMAGES / "before-after.jpg"
    sheet.save(path, quality=88, optimize=True)
    print(f"{path}: {sheet.width} x {sheet.height}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
