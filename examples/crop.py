"""How much of a field is covered by leaves: `python examples/crop.py [OUT]`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import maskworks as mw

CLASSES = mw.Opening(choices=mw.Choices(classes=2))


def picture(folder: Path) -> Path:
    """Draw rows of green plants on brown soil."""
    rng = np.random.default_rng(0)
    pixels = rng.normal((120, 90, 60), 12, (240, 320, 3))
    rows, columns = np.mgrid[:240, :320]
    for y in range(30, 240, 60):
        for x in range(20, 320, 40):
            leaf = np.hypot(rows - y, (columns - x) / 1.4) < rng.integers(8, 14)
            pixels[leaf] = rng.normal((60, 150, 50), 10, (int(leaf.sum()), 3))
    path = folder / "field.png"
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return path


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "example-out")
    out.mkdir(parents=True, exist_ok=True)
    plants = mw.segment(picture(out), mw.load_segmenter("kmeans", CLASSES), task="semantic")
    plants.show().save(out / "field-labels.png")
    counts = sorted(plants.labels.counts().values())
    print(f"{len(counts)} classes; leaves cover {counts[0] / sum(counts):.0%} of the field")
