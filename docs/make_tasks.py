"""Draw the pictures of docs/tasks.md with the command itself: `python docs/make_tasks.py`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from task_scenes import SCENES

IMAGES = Path(__file__).resolve().parent / "images"
COLUMNS = 3
STRIP = 22

Panel = tuple[str, str, tuple[str, ...]]
"""A model, a task, and further words of the command."""

PANELS: dict[str, tuple[Panel, ...]] = {
    "street": (
        ("street", "semantic", ()),
        ("street", "instance", ()),
        ("street", "panoptic", ()),
        ("kmeans", "semantic", ("--classes", "5")),
        ("slic", "panoptic", ()),
    ),
    "room": (
        ("kmeans", "semantic", ("--classes", "6")),
        ("watershed", "instance", ()),
        ("slic", "panoptic", ()),
        ("grabcut", "semantic", ("--box", "180,140,310,400")),
        ("multi-otsu", "semantic", ("--classes", "4")),
    ),
    "cells": (
        ("otsu", "semantic", ()),
        ("watershed", "instance", ()),
        ("watershed", "panoptic", ()),
        ("kmeans", "semantic", ("--classes", "3")),
        ("multi-otsu", "semantic", ("--classes", "3")),
    ),
    "coins": (
        ("otsu", "semantic", ()),
        ("watershed", "instance", ()),
        ("watershed", "panoptic", ()),
        ("kmeans", "semantic", ("--classes", "3")),
        ("slic", "panoptic", ()),
    ),
}


def main() -> None:
    """Write docs/images/tasks-NAME.jpg of every scene, or of those that are named."""
    for name in sys.argv[1:] or SCENES:
        pixels = SCENES[name]()
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / f"{name}.png"
            Image.fromarray(pixels).save(source)
            drawn = [titled(pixels, "the picture")]
            for at, (model, task, words) in enumerate(PANELS[name]):
                out = Path(folder) / str(at)
                overlay = segmented(source, out, [f"--model={model}", f"--task={task}", *words])
                drawn.append(titled(overlay[:, : pixels.shape[1]], f"{task}: {model}"))
        rows = [np.hstack(drawn[at : at + COLUMNS]) for at in range(0, len(drawn), COLUMNS)]
        path = IMAGES / f"tasks-{name}.jpg"
        Image.fromarray(np.vstack(rows)).save(path, quality=82, optimize=True)
        print(path)


def segmented(source: Path, out: Path, words: list[str]) -> NDArray[np.uint8]:
    """Run the command on a picture and return its overlay."""
    command = ["segment", str(source), "-o", str(out), *words, "--palette", "safe", "--quiet"]
    subprocess.run([sys.executable, "-m", "maskworks.apps.cli", *command], check=True)
    with Image.open(out / f"overlay/{source.stem}.jpg") as overlay:
        return np.asarray(overlay.convert("RGB"))


def titled(pixels: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    """Return a picture below a strip with its title."""
    strip = Image.new("RGB", (pixels.shape[1], STRIP), "white")
    font = ImageFont.load_default(14)
    ImageDraw.Draw(strip).text((6, 3), title, fill=(30, 30, 30), font=font)
    return np.vstack([np.asarray(strip), pixels])


if __name__ == "__main__":
    main()
