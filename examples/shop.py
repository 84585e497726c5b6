"""Photos of a shop on white, checked by a preset: `python examples/shop.py [OUT]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from skimage import data

import maskworks as mw


def photos() -> Iterator[object]:
    """Give two photos of scikit-image, and what is no photo."""
    yield data.coffee()
    yield b"not a picture"
    yield data.chelsea()


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "example-out")
    out.mkdir(parents=True, exist_ok=True)
    for at, result in enumerate(mw.cutout_many(photos(), "cutout", workers=2)):
        if result.error:
            print(f"{at}: {result.error.code}")
            continue
        made = mw.compose(result.cutout, preset="google-merchant", background="#ffffff")
        path = made.save(out / f"photo-{at}")
        broken = ", ".join(breach.rule for breach in made.breaches) or "nothing"
        print(f"{at}: {path.name} at {result.cutout.confidence:.2f}; breaks {broken}")
