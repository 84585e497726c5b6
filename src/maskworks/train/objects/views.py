"""Pictures as a detector is shown them: scaled, shifted, mirrored, four in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.train.objects.recipe import DetectorRecipe, PhotoSource

GREY = 114
SUFFIXES = frozenset({".webp", ".jpg", ".jpeg", ".png"})
_ZOOM = (0.5, 1.4)
_LIGHT = 0.3


def photos_of(data: Path, source: PhotoSource) -> list[Path]:
    """Return the pictures of a folder, in order; what lies beside one as its label is left out.

    Raises
    ------
    RecipeError
        If there is none.
    """
    folder = data / source.folder
    found = sorted(each for each in folder.glob("*") if each.suffix.lower() in SUFFIXES)
    named = {each.stem for each in found if each.suffix.lower() != ".png"}
    found = [each for each in found if each.suffix.lower() != ".png" or each.stem not in named]
    if not found:
        raise RecipeError(folder, "holds no picture", "leave the source out, or fill the folder")
    return found


class DetectorViews:
    """Draws views of the sources' pictures; the same seed and number give the same view."""

    def __init__(self, data: Path, recipe: DetectorRecipe) -> None:
        self.recipe = recipe
        self.photos = [photos_of(data, source) for source in recipe.source]
        weights = np.array(
            [s.weight * len(p) for s, p in zip(recipe.source, self.photos, strict=True)]
        )
        self.shares = weights / weights.sum()

    def view(self, number: int) -> NDArray[np.uint8]:
        """Return a square view of the teacher's size, uint8 (S, S, 3) B G R."""
        rng = np.random.default_rng((self.recipe.seed, number))
        side = self.recipe.teacher.size
        if rng.random() >= self.recipe.mosaic:
            return self._one(rng, side)
        half = side // 2
        rows = [np.hstack([self._one(rng, half), self._one(rng, side - half)]) for _ in range(2)]
        return np.ascontiguousarray(cv2.resize(np.vstack(rows), (side, side)))

    def _one(self, rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
        paths = self.photos[int(rng.choice(len(self.photos), p=self.shares))]
        path = paths[int(rng.integers(len(paths)))]
        with PilImage.open(path) as opened:
            opened.draft("RGB", (2 * side, 2 * side))
            pixels = np.asarray(opened.convert("RGB"))[..., ::-1]
        height, width = pixels.shape[:2]
        scale = side / max(height, width) * float(np.exp(rng.uniform(*np.log(_ZOOM))))
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            pixels, scale = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), 1.0
            height, width = pixels.shape[:2]
        free = (side - width * scale, side - height * scale)
        left, top = (float(rng.uniform(min(0, each), max(0, each))) for each in free)
        place = np.array([[scale, 0, left], [0, scale, top]])
        if rng.random() < 0.5:
            place[0] = [-scale, 0, side - 1 - left]
        drawn = cv2.warpAffine(
            np.ascontiguousarray(pixels), place, (side, side), borderValue=(GREY,) * 3
        )
        light = 1 + float(rng.uniform(-_LIGHT, _LIGHT))
        lit = cv2.convertScaleAbs(drawn, alpha=light, beta=float(rng.uniform(-15, 15)))
        return np.asarray(lit, np.uint8)
