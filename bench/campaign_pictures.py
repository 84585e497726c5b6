"""The benchmark's campaign: product photos of 1 to 6 megapixels, as many as asked."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import photos
from PIL import Image

from maskworks.apps.demo.photos import BUNDLED, bundled

DISTINCT = 40
MEGAPIXELS = (1.0, 6.0)
HARD_EVERY = 20  # one photo of so many is a hard one, which a person has to see
EASY = tuple(name for name, remark in BUNDLED.items() if not remark.startswith("hard"))

CAMPAIGN = """\
[campaign]
name = "bench"

[input]
folder = "photos"
model = "{model}"
refine = "{refine}"

[[concept]]
name = "main"
backgrounds = ["white"]

[output]
preset = "amazon-main"
format = "jpg"

[cost]
manual = 22.00
automated = 3.40
"""


def make_campaign(folder: Path, count: int, *, model: str, refine: str) -> Path:
    """Write a campaign of `count` photos, links to 40 different ones; return its file.

    Pictures that are there already are kept.
    """
    base = folder.parent / "campaign-base"
    base.mkdir(parents=True, exist_ok=True)
    for number in range(min(DISTINCT, count)):
        path = base / f"{number:02}.jpg"
        if not path.exists():
            _save(_photo(number), path)
    target = folder / "photos"
    target.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        link = target / f"{number:05}.jpg"
        if not link.exists():
            os.link(base / f"{number % DISTINCT:02}.jpg", link)
    file = folder / "campaign.toml"
    file.write_text(CAMPAIGN.format(model=model, refine=refine))
    return file


def size_of(number: int, shape: float) -> tuple[int, int]:
    """Return (height, width) of a photo, pixels: 1 to 6 megapixels, evenly spread.

    Parameters
    ----------
    number : of the photo
    shape : width / height
    """
    low, high = MEGAPIXELS
    share = number * 0.6180339887498949 % 1  # golden: neighbours differ, and all are spread
    height = (1e6 * (low + (high - low) * share) / shape) ** 0.5
    return round(height), round(height * shape)


def _photo(number: int) -> Image.Image:
    if number % HARD_EVERY == HARD_EVERY - 1:
        subject = photos.load_photo("rocket")
    else:
        with Image.open(BytesIO(bundled(EASY[number % len(EASY)]))) as opened:
            subject = np.asarray(opened.convert("RGB"))
    size = size_of(number, subject.shape[1] / subject.shape[0])
    return photos.enlarge(subject, size, seed=number)


def _save(picture: Image.Image, path: Path) -> None:
    part = path.with_suffix(".part")
    picture.save(part, "JPEG", quality=90)
    part.replace(path)
