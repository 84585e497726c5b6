"""Decode the training pictures once into memory-mapped arrays.

A pack is a folder: ``pixels.u8`` and ``mattes.u8`` hold every picture and its
label one after the other, ``foregrounds.u8`` the foreground colours of those
that are composited, ``table.json`` says where each begins. Pictures keep
their shape; the long side is at most the recipe's `pack_size`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.core.values import Image, Matte
from maskworks.refine.foreground import estimate_foreground
from maskworks.train.mattes.recipe import Recipe, Source, Teacher

Bytes = npt.NDArray[np.uint8]
TeacherNetwork = Callable[[PilImage.Image], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Entry:
    """Where one packed picture lies and what is known of it."""

    source: int  # index into the recipe's sources
    stem: str
    height: int
    width: int
    at: int  # first pixel, counted in pixels from the start of the files
    foreground_at: int  # the same in foregrounds.u8, or -1
    held_out: bool


class Pack:
    """A readable pack; arrays are views of the mapped files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rows = json.loads((folder / "table.json").read_text())
        self.entries = [Entry(**row) for row in rows]
        self._pixels = np.memmap(folder / "pixels.u8", np.uint8, "r")
        self._mattes = np.memmap(folder / "mattes.u8", np.uint8, "r")
        colours = folder / "foregrounds.u8"
        self._colours = np.memmap(colours, np.uint8, "r") if colours.stat().st_size else None

    def pixels(self, entry: Entry) -> Bytes:
        """Return uint8 (H, W, 3)."""
        size = entry.height * entry.width * 3
        flat = self._pixels[3 * entry.at : 3 * entry.at + size]
        return np.asarray(flat).reshape(entry.height, entry.width, 3)

    def matte(self, entry: Entry) -> Bytes:
        """Return uint8 (H, W), 0 to 255."""
        flat = self._mattes[entry.at : entry.at + entry.height * entry.width]
        return np.asarray(flat).reshape(entry.height, entry.width)

    def foreground(self, entry: Entry) -> Bytes:
        """Return the subject's own colours, uint8 (H, W, 3)."""
        if self._colours is None or entry.foreground_at < 0:
            raise RecipeError(
                self.folder, f"{entry.stem} has no foreground", "ask for it by recipe"
            )
        start = 3 * entry.foreground_at
        flat = self._colours[start : start + entry.height * entry.width * 3]
        return np.asarray(flat).reshape(entry.height, entry.width, 3)


def _pictures(data: Path, source: Source) -> list[Path]:
    folder = data / source.folder
    found = sorted(p for p in folder.glob("*") if p.suffix in {".webp", ".jpg", ".jpeg"})
    found = found or sorted(folder.glob("*.png"))
    if not found:
        raise RecipeError(folder, "has no pictures", "give the data folder by --data")
    step = max(1, len(found) // source.limit) if source.limit else 1
    return found[::step][: source.limit]


def _shrunk(picture: PilImage.Image, size: int, how: PilImage.Resampling) -> PilImage.Image:
    scale = size / max(picture.size)
    if scale >= 1:
        return picture
    wanted = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(wanted, how)


def is_confident(alpha: npt.NDArray[np.float32], teacher: Teacher) -> bool:
    """Tell whether a teacher's matte is sure enough to learn from.

    Examples
    --------
    >>> sure = np.zeros((10, 10), np.float32); sure[3:7, 3:7] = 1
    >>> t = Teacher(network="u2netp", weights="w")
    >>> is_confident(sure, t), is_confident(sure * 0.5, t)
    (True, False)
    """
    inside = float((alpha > 0.9).mean())
    unsure = float(((alpha > 0.1) & (alpha <= 0.9)).mean())
    low, high = teacher.area
    return low <= inside <= high and unsure <= teacher.doubt_at_most * inside


def _labelled(
    data: Path, recipe: Recipe, teach: TeacherNetwork | None
) -> Iterator[tuple[int, Path, Bytes, Bytes, bool]]:
    for index, source in enumerate(recipe.source):
        paths = _pictures(data, source)
        every = max(1, len(paths) // source.hold_out) if source.hold_out else 0
        held = set(range(0, len(paths), every)[: source.hold_out]) if every else set()
        for number, path in enumerate(paths):
            with PilImage.open(path) as opened:
                full = opened.convert("RGB")
            picture = _shrunk(full, recipe.pack_size, PilImage.Resampling.BOX)
            if source.label == "empty":
                matte = np.zeros(picture.size[::-1], np.uint8)
            elif source.label == "teacher":
                if teach is None or recipe.teacher is None:
                    raise RecipeError(path.parent, "needs a teacher", "add [teacher] to the recipe")
                alpha = teach(full)
                if not is_confident(alpha, recipe.teacher):
                    continue
                soft = PilImage.fromarray((alpha * 255).round().astype(np.uint8))
                matte = np.asarray(soft.resize(picture.size, PilImage.Resampling.BILINEAR))
            else:
                how = (
                    PilImage.Resampling.NEAREST
                    if source.label == "trimap"
                    else PilImage.Resampling.BOX
                )
                with PilImage.open(path.with_suffix(".png")) as opened:
                    matte = np.asarray(opened.convert("L").resize(picture.size, how))
            yield index, path, np.asarray(picture), matte, number in held


def build_pack(
    data: Path,
    recipe: Recipe,
    folder: Path,
    *,
    teach: TeacherNetwork | None,
    report: Callable[[str], None],
) -> Pack:
    """Write the pack of `recipe` into `folder`, unless it is there, and open it.

    Parameters
    ----------
    data : folder that the recipe's sources are relative to
    teach : maps a picture to its matte; needed when a source has teacher labels
    report : called with a line of progress per source

    Raises
    ------
    RecipeError
        If a source's folder has no pictures.
    """
    if (folder / "table.json").exists():
        return Pack(folder)
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[Entry] = []
    at = colours_at = 0
    with (
        (folder / "pixels.u8").open("wb") as pixels,
        (folder / "mattes.u8").open("wb") as mattes,
        (folder / "foregrounds.u8").open("wb") as colours,
    ):
        last = -1
        for index, path, picture, matte, held in _labelled(data, recipe, teach):
            source = recipe.source[index]
            if index != last:
                report(f"packing {source.folder} ({source.label}), {len(entries)} pictures so far")
                last = index
            pixels.write(np.ascontiguousarray(picture).tobytes())
            mattes.write(np.ascontiguousarray(matte).tobytes())
            place = -1
            if source.foreground:
                soft = Matte((matte / np.float32(255)).astype(np.float32))
                found = estimate_foreground(Image(np.ascontiguousarray(picture)), soft)
                colours.write(np.ascontiguousarray(found.pixels).tobytes())
                place, colours_at = colours_at, colours_at + matte.size
            height, width = matte.shape
            entries.append(Entry(index, path.stem, height, width, at, place, held))
            at += matte.size
    table = folder / "table.json.part"
    table.write_text(json.dumps([asdict(e) for e in entries]))
    table.replace(folder / "table.json")
    report(f"packed {len(entries)} pictures, {at * 4 / 1e6:.0f} MB, in {folder}")
    return Pack(folder)
