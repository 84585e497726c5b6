"""The demo's pictures, all of them photos: scikit-image's, and some in CC0 that come with us.

scikit-image's `data/README.txt` gives its photos' licences, `bundled/CREDITS.md` ours. Only files
inside the installed packages are read; nothing is ever downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class DemoPhoto:
    """One picture of the demo: the file's name, its content, and what to look at."""

    name: str
    content: bytes
    remark: str


PHOTOS = {
    "astronaut.png": "a portrait, with a flag and a model rocket behind",
    "chelsea.png": "fur and whiskers, cut by the frame",
    "coffee.png": "a red cup and saucer on red wood",
    "motorcycle_left.png": "hard: spokes, pipes and a full garage",
    "rocket.jpg": "hard: a thin rocket among lattice towers, at dusk",
    "camera.png": "hard: grey, with a thin tripod",
    "clock_motion.png": "hard: grey, and blurred by a moving camera",
    "brick.png": "a wall: there is no subject",
    "grass.png": "a lawn: there is no subject",
}
"""Files in the wheel of scikit-image, and what is of interest in each."""

BUNDLED = {
    "dress.jpg": "a patterned dress on a patterned floor, taken with a phone",
    "jacket.jpg": "a quilted jacket on its hanger",
    "boots.jpg": "two dark boots with laces",
    "slippers.jpg": "openwork, on lit tiles",
    "bobble-hat.jpg": "knitwear with a woollen bobble",
    "fur-hat.jpg": "hard: long dark fur over a white sheet",
}
"""Photos of ours, which no training has seen; `bundled/CREDITS.md` says whose they are."""


def bundled(name: str) -> bytes:
    """Return the content of one of `BUNDLED`."""
    return (files(__package__) / "bundled" / name).read_bytes()


def samples() -> list[DemoPhoto]:
    """Return the demo's pictures; photos that this installation lacks are left out."""
    spec = find_spec("skimage")
    found: list[DemoPhoto] = []
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]) / "data"
        found += [
            DemoPhoto(name, (folder / name).read_bytes(), remark)
            for name, remark in PHOTOS.items()
            if (folder / name).is_file()
        ]
    return found + [DemoPhoto(name, bundled(name), remark) for name, remark in BUNDLED.items()]
