"""A scanned page into paper, shade and ink: `python examples/document.py [OUT]`."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from skimage import data

import maskworks as mw

CLASSES = mw.Opening(choices=mw.Choices(classes=3))


def picture(folder: Path) -> Path:
    """Write scikit-image's scanned page."""
    path = folder / "page.png"
    Image.fromarray(data.page()).save(path)
    return path


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "example-out")
    out.mkdir(parents=True, exist_ok=True)
    page = mw.segment(picture(out), mw.load_segmenter("multi-otsu", CLASSES))
    page.show().save(out / "page-labels.png")
    counts = page.labels.counts()
    print(f"{len(counts)} classes; ink is {counts[0] / sum(counts.values()):.0%} of the page")
