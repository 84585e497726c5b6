"""Draw what the recipes' models answer, for docs/recipes.md.

`python docs/make_recipes.py RUNS DATA`: RUNS holds the exported runs nuclei, membrane, cropweed
and document; DATA is the folder that they were trained on. Of pictures that are not ours the
answer alone is drawn, never the picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from skimage import data as skimage_data

from maskworks.core.reading import read_picture
from maskworks.core.values import Image
from maskworks.models.labelling import Labelled, label_picture
from maskworks.models.segmenters import load_segmenter
from maskworks.train.labels.drawing import draw_pair

IMAGES = Path(__file__).parent / "images"
PALETTE = np.array([(24, 28, 34), (230, 159, 0), (86, 180, 233)], np.uint8)
SOIL = np.array([(60, 48, 40), (80, 190, 90), (220, 80, 60)], np.uint8)
DEV = {"nuclei": "2cfa61bef654", "membrane": "24", "cropweed": "049"}
WIDE = 480


def answer(run: Path, image: Image) -> Labelled:
    """Label a picture by a run's exported model."""
    segmenter = load_segmenter(str(run))
    return label_picture(image, segmenter, segmenter.own)


def objects(found: Labelled) -> NDArray[np.uint8]:
    """Return a picture in which each object has a colour of its own."""
    random = np.random.default_rng(3)
    drawn = np.full((*found.labels.size, 3), 24, np.uint8)
    for each in found.instances.masks if found.instances else ():
        drawn[each.to_mask().inside] = random.integers(70, 255, 3)
    return drawn


def save(name: str, pixels: NDArray[np.uint8]) -> None:
    """Write a picture no wider than a page shows."""
    picture = PilImage.fromarray(pixels)
    if picture.width > WIDE:
        size = (WIDE, round(picture.height * WIDE / picture.width))
        picture = picture.resize(size, PilImage.Resampling.NEAREST)
    picture.save(IMAGES / f"recipe-{name}.png", optimize=True)


def beside(page: NDArray[np.uint8], ids: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return a page with its labels to the right."""
    return np.hstack([page, PALETTE[ids]])


def main(runs: Path, data: Path) -> None:
    """Write docs/images/recipe-NAME.png of every run that is there."""
    for name, stem in DEV.items():
        if (runs / name / "model.toml").is_file():
            image = read_picture(data / name / "dev" / f"{stem}.webp").image
            found = answer(runs / name, image)
            colours = SOIL if name == "cropweed" else PALETTE
            save(name, objects(found) if name == "nuclei" else colours[found.labels.ids])
    if (runs / "document" / "model.toml").is_file():
        drawn, _ = draw_pair("pages", (2, 3))
        real = np.repeat(skimage_data.page()[..., np.newaxis], 3, axis=2)
        for name, page in (("document", drawn), ("document-page", real)):
            ids = answer(runs / "document", Image(np.ascontiguousarray(page))).labels.ids
            save(name, beside(page, ids))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
