"""Draw the pictures of docs/tasks.md with the command itself: `python docs/make_tasks.py`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

IMAGES = Path(__file__).resolve().parent / "images"
PANELS = (("otsu", "semantic"), ("watershed", "instance"), ("slic", "panoptic"))


def main() -> None:
    """Write docs/images/tasks-coins.jpg."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "coins.png"
        Image.fromarray(data.coins()).save(source)
        drawn = [np.asarray(Image.open(source).convert("RGB"))]
        for model, task in PANELS:
            out = Path(folder) / model
            command = ["segment", str(source), "-o", str(out), "--model", model, "--task", task]
            program = [sys.executable, "-m", "maskworks.apps.cli", *command, "--quiet"]
            subprocess.run(program, check=True)
            width = drawn[0].shape[1]
            drawn.append(np.asarray(Image.open(out / "overlay/coins.jpg"))[:, :width])
    rows = [np.hstack(drawn[:2]), np.hstack(drawn[2:])]
    Image.fromarray(np.vstack(rows)).save(IMAGES / "tasks-coins.jpg", quality=88)
    print(IMAGES / "tasks-coins.jpg")


if __name__ == "__main__":
    main()
