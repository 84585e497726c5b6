"""The clip that is measured: a window that goes over a photo in scikit-image's wheel."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from maskworks.video.encoding import PartEncoder, Rendered
from maskworks.video.formats import clip_format

SIZE = (720, 1280)
RATE = 25


def frame(index: int) -> Image.Image:
    """Return a frame of 1280 x 720 pixels; the window takes four seconds there and back."""
    share = 0.5 - 0.5 * np.cos(2 * np.pi * index / (4 * RATE))
    photo = Image.fromarray(data.astronaut())
    left = 60 * share
    box = (left, 40.0, left + 448, 292.0)
    return photo.resize((SIZE[1], SIZE[0]), Image.Resampling.BICUBIC, box=box)


def make_clip(folder: Path, frames: int, single: int) -> tuple[Path, Path]:
    """Write the clip, and a folder with `single` of its frames as PNGs; return both."""
    folder.mkdir(parents=True, exist_ok=True)
    clip, pictures = folder / "clip.mp4", folder / "frames"
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir()
    part = PartEncoder(folder / "clip.mkv", clip_format("mp4", opaque=True), SIZE, Fraction(RATE))
    for index in range(frames):
        picture = frame(index)
        if index < single:
            picture.save(pictures / f"{index:05d}.png", compress_level=1)
        part.add(Rendered(index, index, np.asarray(picture), None), index * 1000 // RATE)
    part.close()
    (folder / "clip.mkv").replace(clip)
    return clip, pictures
