"""The demo's clip: a window that goes over one of its photos, cut out frame by frame."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from maskworks.video.encoding import PartEncoder, Rendered
from maskworks.video.formats import STORE
from maskworks.video.request import VideoRequest, cutout_video

FRAMES = 12
SIZE = (180, 240)
STEP_MS = 100


def clip_section(folder: Path, photo: bytes, model: str) -> str:
    """Write a clip and its cut-out into `folder`; return the page's section about them.

    Parameters
    ----------
    folder : of the demo
    photo : content of a picture
    model : name
    """
    if find_spec("av") is None or find_spec("opentimelineio") is None:
        return (
            "<section><h2>A clip</h2><p>Clips need an extra: "
            "<code>pip install 'maskworks[video]'</code>, then <code>maskworks demo</code> again."
            "</p></section>"
        )
    clip = folder / "clip/pan.mkv"
    _draw(clip, photo)
    options = VideoRequest(inputs=(), output="", model=model, existing="overwrite")
    row = cutout_video(clip, folder / "clip/pan.webp", options=options)
    sure = "" if row.confidence is None else f", confidence {row.confidence:.2f}"
    return (
        '<section><h2>A clip</h2><p><img src="clip/pan.webp" alt="A moving picture, cut out"></p>'
        f"<p>{row.frames} frames that pan over a photo{sure}: "
        "<code>maskworks video clip/pan.mkv -o clip/pan.webp</code>; "
        '<a href="clip/pan.webp.html">its report</a>.</p></section>'
    )


def _draw(path: Path, photo: bytes) -> None:
    """Write frames that go over a photo and back, without loss."""
    height, width = SIZE
    with Image.open(BytesIO(photo)) as opened:
        picture = opened.convert("RGB")
    wide, high = picture.size
    scale = min(wide * 0.85 / width, high / height)
    part = PartEncoder(path, STORE, SIZE, Fraction(1000, STEP_MS))
    for index in range(FRAMES):
        share = 0.5 - 0.5 * math.cos(2 * math.pi * index / FRAMES)
        left = share * (wide - width * scale)
        box = (left, 0.0, left + width * scale, height * scale)
        frame = picture.resize((width, height), Image.Resampling.BICUBIC, box=box)
        part.add(Rendered(index, index, np.asarray(frame), None), index * STEP_MS)
    part.close()
