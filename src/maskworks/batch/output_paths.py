"""Where every output goes, decided before anything is done: no two in one place."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from maskworks.batch.inputs import InputPicture
from maskworks.batch.urls import UrlPath
from maskworks.batch.work import Work
from maskworks.core.errors import OutputError
from maskworks.core.formats import scan_ending

_PHOTOS = (".jpg", ".jpeg", ".jpe", ".jfif", ".heic", ".heif", ".hif", ".avif", ".webp")
_FLATBED = (".tif", ".tiff", ".bmp", ".dib")

VOLUME = ".nii.gz"
"""What labels of a scan are written as."""


def plan_folder(
    pictures: Sequence[InputPicture], folder: Path, suffix: str, *, scans: bool = False
) -> tuple[Work, ...]:
    """Give each picture a place of its own below `folder`, keeping the tree.

    One input folder is the root of the tree; with several (or files from several folders)
    the root is what they have in common. ``shoe.jpg`` becomes ``shoe.png``. Where two want
    the same name (also one that differs only in case) the photo format keeps it, since a PNG
    beside a JPEG is mostly made from it, and the others keep their own suffix too:
    ``shoe.png.png``. A name that would replace an input is given away in the same manner.

    Parameters
    ----------
    pictures : absolute, each once
    folder : Path, absolute; need not exist
    suffix : with the dot
    scans : whether a DICOM or NIfTI file gets a volume, ``head.nii.gz``, instead

    Returns
    -------
    tuple of Work in the order of `pictures`
        One whose place is an input under another name (a link) has its `error` set.
    """
    tree = _trunk(pictures)
    taken = {_fold(place) for place in _inputs_below(pictures, folder)}
    below = [_below(found.path, tree) for found in pictures]
    places = name_outputs(below, suffix, taken=taken, scans=scans)
    identities = {key for found in pictures if (key := _identity(found.path))}
    return tuple(
        _guard(Work(source=found.path, shown=found.shown, output=folder / place), identities)
        for found, place in zip(pictures, places, strict=True)
    )


def plan_file(picture: InputPicture, output: Path) -> Work:
    """Give the one picture the one output; an error if they are the same file."""
    work = Work(source=picture.path, shown=picture.shown, output=output)
    if _fold(_real(output)) == _fold(_real(picture.path)):
        return replace(work, error=_is_input(output))
    return _guard(work, {key for key in [_identity(picture.path)] if key})


def name_outputs(
    places: Sequence[PurePath], suffix: str, *, taken: Iterable[str] = (), scans: bool = False
) -> list[PurePath]:
    """Return one output path for each input path, no two alike on any file system.

    Parameters
    ----------
    places : relative paths of the inputs
    suffix : of the outputs, with the dot
    taken : folded paths that no output may have
    scans : whether a DICOM or NIfTI file gets a volume instead

    Examples
    --------
    >>> [str(p) for p in name_outputs([PurePath("a.jpg"), PurePath("b/a.jpg")], ".png")]
    ['a.png', 'b/a.png']
    >>> [str(p) for p in name_outputs([PurePath("a.png"), PurePath("a.jpg")], ".png")]
    ['a.png.png', 'a.png']
    >>> [str(p) for p in name_outputs([PurePath("ct.nii"), PurePath("ct.dcm")], ".png", scans=True)]
    ['ct.nii.nii.gz', 'ct.nii.gz']
    """
    used = set(taken) | {_fold(parent) for place in places for parent in place.parents}
    order = sorted(range(len(places)), key=lambda at: (_rank(places[at]), str(places[at])))
    chosen: dict[int, PurePath] = {}
    for at in order:
        short, _ = _named(places[at], suffix, scans=scans)
        if used.isdisjoint(_claims(short, suffix)):
            used |= _claims(short, suffix)
            chosen[at] = short
    for at in order:
        if at not in chosen:
            own = _named(places[at], suffix, scans=scans)[1]
            chosen[at] = _longer(places[at], own, suffix, used)
            used |= _claims(chosen[at], suffix)
    return [chosen[at] for at in range(len(places))]


def _named(place: PurePath, suffix: str, *, scans: bool) -> tuple[PurePath, str]:
    """Return a path with the ending of its output, and that ending."""
    ending = scan_ending(place.name) if scans else None
    if ending is None:
        return place.with_suffix(suffix), suffix
    bare = place.name[: -len(ending)] or "scan"
    return place.with_name(bare + VOLUME), VOLUME


def _claims(output: PurePath, suffix: str) -> set[str]:
    """Return the folded paths that an output takes: a volume may have a picture beside it."""
    if not output.name.endswith(VOLUME):
        return {_fold(output)}
    beside = output.with_name(output.name.removesuffix(VOLUME) + suffix)
    return {_fold(output), _fold(beside)}


def _longer(place: PurePath, own: str, suffix: str, used: set[str]) -> PurePath:
    candidate = place.with_name(f"{place.name}{own}")
    number = 2
    while not used.isdisjoint(_claims(candidate, suffix)):
        candidate = place.with_name(f"{place.name}-{number}{own}")
        number += 1
    return candidate


def _rank(place: PurePath) -> int:
    suffix = place.suffix.lower()
    return 0 if suffix in _PHOTOS else 1 if suffix in _FLATBED else 2


def _fold(path: PurePath) -> str:
    """Return what a file system that ignores case and composition compares."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())


def _trunk(pictures: Sequence[InputPicture]) -> Path | None:
    """Return the folder that all roots have in common, None if there is none (Windows)."""
    try:
        return Path(os.path.commonpath([found.root for found in pictures]))
    except ValueError:
        return None


def _below(path: Path, tree: Path | None) -> PurePath:
    if tree is not None:
        return path.relative_to(tree)
    return PurePath(path.drive.replace(":", ""), *path.parts[1:])


def _inputs_below(pictures: Sequence[InputPicture], folder: Path) -> list[PurePath]:
    real = _real(folder)
    below: list[PurePath] = []
    for found in pictures:
        place = _real(found.path.parent) / found.path.name
        if place.is_relative_to(real):
            below.append(place.relative_to(real))
    return below


def _guard(work: Work, inputs: set[tuple[int, int]]) -> Work:
    key = _identity(work.output)
    return replace(work, error=_is_input(work.output)) if key in inputs and key else work


def _is_input(output: Path) -> OutputError:
    return OutputError(
        output, "is one of the inputs, and an input is never replaced", "write to another folder"
    )


def _identity(path: Path) -> tuple[int, int] | None:
    if isinstance(path, UrlPath):  # its name alone says which key it is
        return None
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
