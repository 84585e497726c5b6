"""A street divided into regions that belong together: `python examples/driving.py [OUT]`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import maskworks as mw


def picture(folder: Path) -> Path:
    """Draw a road below a sky, with a car on it."""
    pixels = np.full((180, 320, 3), (150, 190, 230), np.uint8)
    pixels[80:] = (90, 140, 80)
    rows, columns = np.mgrid[:180, :320]
    road = (rows > 80) & (np.abs(columns - 160) < 20 + (rows - 80))
    pixels[road] = (80, 80, 85)
    pixels[110:150, 140:190] = (200, 30, 40)
    path = folder / "street.png"
    Image.fromarray(pixels).save(path)
    return path


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "example-out")
    out.mkdir(parents=True, exist_ok=True)
    street = mw.segment(picture(out), "slic", task="panoptic")
    street.show().save(out / "street-labels.png")
    print(f"{len(street.panoptic.segments)} regions")
