"""The photos of the benchmark: real ones, enlarged to what a camera writes.

scikit-image brings five colour photos with a subject; each is enlarged to the
wanted size, gets grain so that neither JPEG nor PNG has it easier than with a
camera's file, and is written as JPEG at quality 90.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "stereo_motorcycle")
GRAIN = 5.0  # standard deviation of the added noise, grey levels
SIZES = {"2mp": (1224, 1632), "6mp": (2000, 3000), "12mp": (3000, 4000)}  # (height, width)


def load_photo(name: str) -> np.ndarray:
    """Return scikit-image's photo `name`, uint8 (H, W, 3)."""
    photo = getattr(data, name)()
    return photo[0] if isinstance(photo, tuple) else photo


def enlarge(photo: np.ndarray, size: tuple[int, int], seed: int) -> Image.Image:
    """Cut `photo` to the aspect of `size`, enlarge it and add grain."""
    height, width = size
    scale = max(height / photo.shape[0], width / photo.shape[1])
    box_h, box_w = min(height / scale, photo.shape[0]), min(width / scale, photo.shape[1])
    top, left = (photo.shape[0] - box_h) / 2, (photo.shape[1] - box_w) / 2
    large = Image.fromarray(photo).resize(
        (width, height), Image.Resampling.BICUBIC, box=(left, top, left + box_w, top + box_h)
    )
    grain = np.random.default_rng(seed).standard_normal((height, width), np.float32) * GRAIN
    noisy = np.asarray(large, np.float32) + grain[:, :, None]
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def make_photos(folder: Path, count: int, sizes: dict[str, tuple[int, int]]) -> dict[str, Path]:
    """Write `count` photos of each size, and a folder `mixed` that holds them all.

    Returns
    -------
    dict of folder per name of a size, and "mixed"
    """
    folders = {name: folder / f"{name}-{count}" for name in sizes}
    folders["mixed"] = folder / f"mixed-{'-'.join(sizes)}-{count}"
    for name, size in sizes.items():
        folders[name].mkdir(parents=True, exist_ok=True)
        for index in range(count):
            path = folders[name] / f"{name}-{index:03d}.jpg"
            if not path.exists():
                photo = load_photo(PHOTOS[index % len(PHOTOS)])
                part = path.with_suffix(".part")
                enlarge(photo, size, seed=index).save(part, "JPEG", quality=90)
                part.replace(path)
            _link(path, folders["mixed"] / path.name)
    return folders


def repeat_photos(source: Path, folder: Path, count: int) -> Path:
    """Fill `folder` with `count` links to the photos of `source`, in turn."""
    photos = sorted(source.glob("*.jpg"))
    for index in range(count):
        _link(photos[index % len(photos)], folder / f"{index:04d}.jpg")
    return folder


def _link(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if not to.exists():
        os.link(path, to)
