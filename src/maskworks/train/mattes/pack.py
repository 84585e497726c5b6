"""Decode the training pictures once into memory-mapped arrays.

A pack has a folder per source: ``pixels.u8`` and ``mattes.u8`` hold every picture and its
label one after the other, ``foregrounds.u8`` the foreground colours of those that are
composited, ``table.json`` says where each begins. Pictures keep their shape; the long side is
at most the recipe's `pack_size`. A source that changes is packed again, the others stay.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
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
Teach = Callable[[str, str, PilImage.Image], Bytes | None]


@dataclass(frozen=True)
class Entry:
    """Where one packed picture lies and what is known of it."""

    source: int  # index into the recipe's sources
    stem: str
    height: int
    width: int
    at: int  # first pixel, counted in pixels from the start of the source's files
    foreground_at: int  # the same in foregrounds.u8, or -1
    held_out: bool


class Pack:
    """A readable pack; arrays are views of the mapped files.

    Parameters
    ----------
    folders : list of Path
        One a source, in the recipe's order.
    """

    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders
        self.entries: list[Entry] = []
        self._files: list[dict[str, Bytes]] = []
        for source, folder in enumerate(folders):
            rows = json.loads((folder / "table.json").read_text())
            self.entries += [Entry(source=source, **row) for row in rows]
            self._files.append(
                {
                    p.stem: np.memmap(p, np.uint8, "r")
                    for p in folder.glob("*.u8")
                    if p.stat().st_size
                }
            )

    def pixels(self, entry: Entry) -> Bytes:
        """Return uint8 (H, W, 3)."""
        return self._view(entry, "pixels", entry.at, 3)

    def matte(self, entry: Entry) -> Bytes:
        """Return uint8 (H, W), 0 to 255."""
        return self._view(entry, "mattes", entry.at, 1)[..., 0]

    def foreground(self, entry: Entry) -> Bytes:
        """Return the subject's own colours, uint8 (H, W, 3)."""
        if entry.foreground_at < 0:
            folder = self.folders[entry.source]
            raise RecipeError(folder, f"{entry.stem} has no foreground", "ask for it by recipe")
        return self._view(entry, "foregrounds", entry.foreground_at, 3)

    def _view(self, entry: Entry, name: str, at: int, channels: int) -> Bytes:
        size = entry.height * entry.width * channels
        flat = self._files[entry.source][name][channels * at : channels * at + size]
        return np.asarray(flat).reshape(entry.height, entry.width, channels)


def pictures_of(data: Path, source: Source, *, reserved: bool = False) -> list[Path]:
    """List the pictures of a source, sorted; every so many of them where it has a limit.

    Parameters
    ----------
    data : folder that the source's folder is relative to
    reserved : the pictures that are kept for reports, and only they; without it, the others.
        Which these are is fixed by a hash of their names.

    Raises
    ------
    RecipeError
        If there are none.
    """
    folder = data / source.folder
    found = sorted(p for p in folder.glob("*") if p.suffix in {".webp", ".jpg", ".jpeg"})
    found = found or sorted(folder.glob("*.png"))
    if not found:
        raise RecipeError(folder, "has no pictures", "give the data folder by --data")
    kept = sorted(found, key=lambda p: hashlib.sha256(p.stem.encode()).digest())[: source.reserve]
    if reserved:
        return sorted(kept)
    found = sorted(set(found) - set(kept))
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
    >>> t = Teacher(weights="w.onnx")
    >>> is_confident(sure, t), is_confident(sure * 0.5, t)
    (True, False)
    """
    inside = float((alpha > 0.9).mean())
    unsure = float(((alpha > 0.1) & (alpha <= 0.9)).mean())
    low, high = teacher.area
    return low <= inside <= high and unsure <= teacher.doubt_at_most * inside


def _labelled(
    data: Path, source: Source, recipe: Recipe, teach: Teach | None
) -> Iterator[tuple[str, Bytes, Bytes, bool]]:
    paths = pictures_of(data, source)
    every = max(1, len(paths) // source.hold_out) if source.hold_out else 0
    held = set(range(0, len(paths), every)[: source.hold_out]) if every else set()
    for number, path in enumerate(paths):
        with PilImage.open(path) as opened:
            full = opened.convert("RGBA" if source.label == "alpha" else "RGB")
        picture = _shrunk(full, recipe.pack_size, PilImage.Resampling.BOX)
        if source.label == "empty":
            matte = np.zeros(picture.size[::-1], np.uint8)
        elif source.label == "alpha":
            matte = np.asarray(picture.getchannel("A"))
            picture = picture.convert("RGB")
        elif source.label == "teacher":
            if teach is None or recipe.teacher is None:
                raise RecipeError(path.parent, "needs a teacher", "add [teacher] to the recipe")
            soft = teach(source.folder, path.stem, full)
            if soft is None or not is_confident(
                (soft / np.float32(255)).astype(np.float32), recipe.teacher
            ):
                continue
            small = PilImage.fromarray(soft)
            matte = np.asarray(small.resize(picture.size, PilImage.Resampling.BICUBIC))
        else:
            how = (
                PilImage.Resampling.NEAREST if source.label == "trimap" else PilImage.Resampling.BOX
            )
            with PilImage.open(path.with_suffix(".png")) as opened:
                matte = np.asarray(opened.convert("L").resize(picture.size, how))
        yield path.stem, np.asarray(picture), matte, number in held


def _pack_source(
    data: Path, source: Source, recipe: Recipe, folder: Path, teach: Teach | None
) -> int:
    """Write one source's files into `folder` and return how many pictures they hold."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    at = colours_at = 0
    with (
        (folder / "pixels.u8").open("wb") as pixels,
        (folder / "mattes.u8").open("wb") as mattes,
        (folder / "foregrounds.u8").open("wb") as colours,
    ):
        for stem, picture, matte, held in _labelled(data, source, recipe, teach):
            pixels.write(np.ascontiguousarray(picture).tobytes())
            mattes.write(np.ascontiguousarray(matte).tobytes())
            place = -1
            if source.foreground:
                soft = Matte((matte / np.float32(255)).astype(np.float32))
                found = estimate_foreground(Image(np.ascontiguousarray(picture)), soft)
                colours.write(np.ascontiguousarray(found.pixels).tobytes())
                place, colours_at = colours_at, colours_at + matte.size
            height, width = matte.shape
            row = Entry(0, stem, height, width, at, place, held)
            rows.append({k: v for k, v in asdict(row).items() if k != "source"})
            at += matte.size
    table = folder / "table.json.part"
    table.write_text(json.dumps(rows))
    table.replace(folder / "table.json")
    return len(rows)


def build_pack(
    data: Path,
    recipe: Recipe,
    folder: Path,
    *,
    teach: Teach | None,
    report: Callable[[str], None],
    labels: Mapping[str, int] | None = None,
) -> Pack:
    """Write the pack of `recipe` into `folder`, except what is there, and open it.

    Parameters
    ----------
    data : folder that the recipe's sources are relative to
    folder : holds a folder per packed source; recipes may share it
    teach : a source's folder, a picture's stem and the picture in, its label out, uint8 (h, w),
        or None where there is none; needed when a source has teacher labels
    report : called with a line of progress per source
    labels : how many labels of the teacher each folder has; a source with more is packed anew

    Raises
    ------
    RecipeError
        If a source's folder has no pictures.
    """
    folders = []
    for source in recipe.source:
        known = (labels or {}).get(source.folder, 0)
        own = folder / recipe.source_key(source, known)
        if not (own / "table.json").exists():
            count = _pack_source(data, source, recipe, own, teach)
            report(f"packed {source.folder} ({source.label}): {count} pictures")
        folders.append(own)
    return Pack(folders)
