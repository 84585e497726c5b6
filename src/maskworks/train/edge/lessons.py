"""Pictures with true mattes at full size, and the coarse mattes that the saliency networks give.

Every lesson is a picture, its true matte and three coarse ones: the default network's first
look, its second look on top, and the fast network's first look. They are made once and kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image as PilImage

from maskworks.core.values import Image, Matte
from maskworks.models.loading import Model, load_model
from maskworks.refine.foreground import estimate_foreground
from maskworks.train.augment import Bytes, Generator
from maskworks.train.compose import composite, drawn_object, photo_backdrop, plain_backdrop
from maskworks.train.edge.recipe import EdgeRecipe
from maskworks.train.recipe import Synthesis



class Seen(Protocol):
    """What a second look answers: `maskworks.studio.closer.Closer`."""

    @property
    def matte(self) -> Matte:
        """The matte after it."""


Look = Callable[[Image, Matte, Model], Seen]
LAYERS = ("truth", "first", "second", "fast")
SHADOWS = Synthesis(shadow=0.4)


@dataclass(frozen=True)
class Lesson:
    """One picture: `pixels` uint8 (H, W, 3); `layers` uint8 (4, H, W) in the order of `LAYERS`."""

    stem: str
    pixels: Bytes
    layers: Bytes


def _true_mattes(data: Path, recipe: EdgeRecipe) -> list[Path]:
    found = sorted((data / recipe.mattes).glob("*.webp"))
    every = max(1, len(found) // recipe.hold_out)
    held = set(found[::every][: recipe.hold_out])
    return [path for path in found if path not in held]


def _opened(path: Path) -> tuple[Bytes, Bytes]:
    with PilImage.open(path) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    with PilImage.open(path.with_suffix(".png")) as opened:
        matte = np.asarray(opened.convert("L"))
    return pixels, matte


def _drawn(data: Path, recipe: EdgeRecipe, rng: Generator) -> Iterator[tuple[str, Bytes, Bytes]]:
    """Yield composites whose matte is known: people and made-up objects over other photos."""
    people = _true_mattes(data, recipe)
    scenes = sorted(p for folder in recipe.backdrops for p in (data / folder).glob("*.webp"))
    for number in range(recipe.composites):
        with PilImage.open(scenes[rng.integers(len(scenes))]) as opened:
            scene = np.asarray(opened.convert("RGB"))
        if rng.random() < 0.15:
            backdrop = plain_backdrop(recipe.size, rng)
        else:
            backdrop = photo_backdrop(scene, recipe.size, rng, blur=bool(rng.random() < 0.4))
        if rng.random() < recipe.objects:
            with PilImage.open(scenes[rng.integers(len(scenes))]) as opened:
                texture = photo_backdrop(
                    np.asarray(opened.convert("RGB")), recipe.size, rng, blur=False
                )
            subject = drawn_object(texture, rng, glass=False)
        else:
            pixels, matte = _opened(people[rng.integers(len(people))])
            soft = Matte((matte / np.float32(255)).astype(np.float32))
            subject = (estimate_foreground(Image(pixels), soft).pixels, matte)
        yield f"drawn-{number}", *composite(backdrop, [subject], SHADOWS, rng)


def make_lessons(
    data: Path, recipe: EdgeRecipe, folder: Path, look: Look, report: Callable[[str], None]
) -> None:
    """Write the lessons of `recipe` into `folder`; those that are there stay.

    Parameters
    ----------
    data : folder that the recipe's folders are relative to
    look : the second look, `maskworks.studio.closer.second_look`
    report : called with a line of progress every fifty pictures
    """
    if (folder / "table.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    slow, fast = load_model("cutout", threads=1), load_model("cutout-fast", threads=1)
    rng = np.random.default_rng(recipe.seed)
    real = ((path.stem, *_opened(path)) for path in _true_mattes(data, recipe))
    stems = []
    for pictures in (real, _drawn(data, recipe, rng)):
        for stem, pixels, truth in pictures:
            stems.append(stem)
            target = folder / f"{stem}.npz"
            if target.exists():
                continue
            image = Image(np.ascontiguousarray(pixels))
            first = slow.predict(image).matte
            second = look(image, first, slow).matte
            third = fast.predict(image).matte
            coarse = [np.rint(m.alpha * 255).astype(np.uint8) for m in (first, second, third)]
            part = target.with_suffix(".part.npz")
            np.savez(part, pixels=pixels, layers=np.stack([truth, *coarse]))
            part.replace(target)
            if len(stems) % 50 == 0:
                report(f"{len(stems)} lessons made")
    (folder / "table.json").write_text(json.dumps(stems))


def load_lessons(folder: Path) -> list[Lesson]:
    """Read every lesson into memory."""
    found = []
    for stem in json.loads((folder / "table.json").read_text()):
        with np.load(folder / f"{stem}.npz") as stored:
            found.append(Lesson(stem, stored["pixels"], stored["layers"]))
    return found
