"""Trimaps that a user brings: one file, or a folder that mirrors the pictures' tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskworks.batch.work import Work
from maskworks.core.errors import ImageError, UnreadableError, UsageError
from maskworks.core.reading import Limits, read_picture
from maskworks.core.trimaps import trimap_of
from maskworks.core.values import Trimap

SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
"""Formats without loss; a JPEG would smear the three levels."""


@dataclass(frozen=True)
class Trimaps:
    """Where the trimaps lie.

    Parameters
    ----------
    place : Path
        A file for one picture; a folder with one trimap a picture, in the tree and with the
        stem of the output: OUT/a/shoe.png takes PLACE/a/shoe.png (or .tif, .tiff, .bmp).
    outputs : Path, optional
        The folder that outputs are written below.
    """

    place: Path
    outputs: Path | None

    def find(self, work: Work) -> Path:
        """Return the trimap of a picture.

        Raises
        ------
        UnreadableError
            If there is none.
        """
        if self.place.is_file():
            return self.place
        below = work.output.relative_to(self.outputs) if self.outputs else Path(work.output.name)
        tried = [(self.place / below).with_suffix(suffix) for suffix in SUFFIXES]
        for path in tried:
            if path.is_file():
                return path
        raise UnreadableError(
            work.shown,
            f"has no trimap, {tried[0]} does not exist (nor with {', '.join(SUFFIXES[1:])})",
            "draw one, or leave --trimap out",
        )

    def read(self, work: Work, size: tuple[int, int], limits: Limits) -> Trimap:
        """Read the trimap of a picture of `size`.

        Raises
        ------
        ImageError
            If it is missing, unreadable, of another size or no trimap, see `trimap_of`.
        """
        path = self.find(work)
        trimap = trimap_of(read_picture(path, limits), str(path))
        if trimap.size != size:
            raise ImageError(
                f"{path}: the trimap is {trimap.size[1]}x{trimap.size[0]}, its picture "
                f"{size[1]}x{size[0]}; draw it at the picture's size"
            )
        return trimap


def trimaps_at(place: str | None, outputs: Path | None, *, pictures: int) -> Trimaps | None:
    """Return where a user's trimaps lie, None if none were given.

    Raises
    ------
    UsageError
        If there is no such place, or one file for several pictures.
    """
    if place is None:
        return None
    path = Path(place)
    if not path.exists():
        raise UsageError(f"--trimap {place}: there is no such file or folder; name one")
    if path.is_file() and pictures > 1:
        raise UsageError(
            f"--trimap {place} is one file for {pictures} pictures; name a folder with one each"
        )
    return Trimaps(path, outputs)
