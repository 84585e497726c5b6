"""Draw the animations of docs/video.md: `python docs/make_video.py`.

A photo in scikit-image's wheel (its cat, CC0) is panned over, which makes a clip; the program cuts
it out. Nothing is retouched.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from maskworks import VideoRequest, cutout_video
from maskworks.video.encoding import PartEncoder, Rendered
from maskworks.video.formats import STORE

IMAGES = Path(__file__).resolve().parent / "images"
SIZE = (150, 200)
FRAMES = 12


def frame(index: int) -> np.ndarray:
    """Return uint8 (H, W, 3): a window that goes over the photo and back."""
    height, width = SIZE
    share = 0.5 - 0.5 * np.cos(2 * np.pi * index / FRAMES)
    left = round(40 * share)
    window = Image.fromarray(data.chelsea()).crop((left, 0, left + 400, 300))
    return np.asarray(window.resize((width, height), Image.Resampling.LANCZOS))


def main() -> None:
    """Write docs/images/video-cut.webp."""
    with tempfile.TemporaryDirectory() as name:
        clip = Path(name) / "cat.mkv"
        part = PartEncoder(clip, STORE, SIZE, Fraction(10))
        for index in range(FRAMES):
            part.add(Rendered(index, index * 100, frame(index), None), index * 100)
        part.close()
        out = Path(name) / "cat.webp"
        options = VideoRequest(inputs=(), output="", existing="overwrite", report=False)
        row = cutout_video(clip, out, options=options)
        (IMAGES / "video-cut.webp").write_bytes(out.read_bytes())
    size = (IMAGES / "video-cut.webp").stat().st_size
    print(f"video-cut.webp: {row.frames} frames, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
