"""How much of a field is covered by leaves: `python examples/crop.py [OUT]`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from maskworks.apps.cli import main


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
    source = picture(out)
    sys.exit(
        main(
            [
                "segment",
                str(source),
                "-o",
                str(out / "labels"),
                "--model",
                "kmeans",
                "--classes",
                "2",
                "--task",
                "semantic",
            ]
        )
    )
