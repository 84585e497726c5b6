"""Stained tissue into stain, nuclei and glass: `python examples/medical.py [OUT]`."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from skimage import data

from maskworks.apps.cli import main


def picture(folder: Path) -> Path:
    """Write scikit-image's picture of stained colon tissue."""
    path = folder / "tissue.png"
    Image.fromarray(data.immunohistochemistry()).save(path)
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
                "3",
            ]
        )
    )
