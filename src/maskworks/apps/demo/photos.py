"""The demo's pictures: photos that scikit-image brings along, and drawings of our own.

scikit-image's `data/README.txt` gives the photos' licences. Only files inside the installed
package are read; nothing is ever downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from maskworks.apps.demo import drawings


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
    "camera.png": "grey, with a thin tripod",
    "clock_motion.png": "hard: grey, and blurred by a moving camera",
    "brick.png": "a wall: there is no subject",
    "grass.png": "a lawn: there is no subject",
}
"""Files in the wheel of scikit-image, and what is of interest in each."""

DRAWINGS = {
    "drawn-bottle.png": (drawings.bottle, "glass: the backdrop shines through"),
    "drawn-chair.png": (drawings.chair, "holes between slats, over photos of a wall and gravel"),
}


def bundled_folder() -> Path | None:
    """Return the folder of scikit-image's bundled pictures, None if it is not installed."""
    spec = find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "data"


def samples() -> list[DemoPhoto]:
    """Return the demo's pictures; photos that this installation lacks are left out."""
    folder = bundled_folder()
    found: list[DemoPhoto] = []
    for name, remark in PHOTOS.items():
        if folder and (folder / name).is_file():
            found.append(DemoPhoto(name, (folder / name).read_bytes(), remark))
    for name, (draw, remark) in DRAWINGS.items():
        found.append(DemoPhoto(name, drawings.png_of(draw(folder)), remark))
    return found
