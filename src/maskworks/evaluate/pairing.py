"""Which prediction belongs to which truth: the same place in both folders, whatever the suffix."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.formats import NOT_BY_HAND, SUFFIXES
from maskworks.evaluate.reading import may_hold_matte


@dataclass(frozen=True)
class Pair:
    """One picture: its truth, its prediction, and the trimap that limits the matting errors.

    `name` is the path below the folder, without the suffix, with forward slashes. `prediction`
    is None where a missing one counts as empty.
    """

    name: str
    truth: Path
    prediction: Path | None
    trimap: Path | None = None


class MissingError(ImageError):
    """A picture whose counterpart is missing; `kind` is truth, prediction or trimap."""

    def __init__(self, name: str, kind: str, folder: Path) -> None:
        super().__init__(name, kind, folder)
        self.name, self.kind, self.folder = name, kind, folder

    def __str__(self) -> str:
        place = self.folder / self.name
        return f"{self.name}: its {self.kind} is missing; add {place}.png, or any suffix"


@dataclass(frozen=True)
class Pairing:
    """What can be compared, and for each name that cannot the reason; both sorted by name.

    `spare` counts trimaps that belong to no truth.
    """

    pairs: tuple[Pair, ...]
    problems: tuple[tuple[str, ImageError], ...] = ()
    spare: int = 0


def pair_files(
    truth: Path, predictions: Path, trimaps: Path | None = None, *, allow_missing: bool = False
) -> Pairing:
    """Pair the pictures of the folders by their path without the suffix.

    Folders are walked with everything below them, links to folders too; hidden files, files
    without a picture's suffix and folders that systems fill (`NOT_BY_HAND`) are left out, and so
    is a folder that lies in another one and is itself among the three. Where several pictures of
    one folder differ in the suffix alone, such as a photo beside its matte, the one that is grey
    or has an alpha channel is taken.

    Parameters
    ----------
    truth, predictions : folders
    trimaps : folder, optional
    allow_missing : bool
        A truth without a prediction is paired with None, and the folder of predictions may hold
        no picture.

    Returns
    -------
    Pairing
        A name that lacks its truth, prediction or trimap, or has several, is a problem.

    Raises
    ------
    UsageError
        If a folder does not exist or may not be listed, two of them are the same, or one holds
        no picture.
    """
    folders = {"--truth": truth, "--predictions": predictions}
    if trimaps is not None:
        folders["--trimaps"] = trimaps
    check_folders(folders)
    found = {
        option: _pictures(folder, folders, may_be_empty=allow_missing and folder == predictions)
        for option, folder in folders.items()
    }
    pairs: list[Pair] = []
    problems: list[tuple[str, ImageError]] = []
    for name in sorted(found["--truth"].keys() | found["--predictions"].keys()):
        try:
            chosen = {
                o: _only(name, o, found[o], folder)
                for o, folder in folders.items()
                if not (allow_missing and o == "--predictions" and name not in found[o])
            }
            pairs.append(
                Pair(name, chosen["--truth"], chosen.get("--predictions"), chosen.get("--trimaps"))
            )
        except ImageError as error:
            problems.append((name, error))
    spare = len(found.get("--trimaps", {}).keys() - found["--truth"].keys())
    return Pairing(tuple(pairs), tuple(problems), spare)


def true_pictures(truth: Path) -> dict[str, Path]:
    """Return the pictures below one folder by their path without the suffix.

    Raises
    ------
    UsageError
        If the folder does not exist or holds no picture.
    ImageError
        If several differ in the suffix alone and it is not clear which one is meant.
    """
    folders = {"--truth": truth}
    check_folders(folders)
    found = _pictures(truth, folders, may_be_empty=False)
    return {name: _only(name, "--truth", found, truth) for name in sorted(found)}


def check_folders(folders: dict[str, Path]) -> None:
    """Refuse folders, by the option that names each, that are not there or are the same.

    Raises
    ------
    UsageError
        If one does not exist, or two are the same.
    """
    real: dict[str, str] = {}
    for option, folder in folders.items():
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "there is no such folder"
            raise UsageError(f"{option} {folder}: {what}; name a folder of pictures")
        place = os.path.realpath(folder)
        if place in real:
            raise UsageError(
                f"{real[place]} and {option} are the same folder, {folder}; name the folder "
                f"that holds the {option.removeprefix('--')}"
            )
        real[place] = option


def _pictures(
    folder: Path, folders: dict[str, Path], *, may_be_empty: bool
) -> dict[str, list[Path]]:
    """Return the pictures below a folder by name."""
    apart = {os.path.realpath(other) for other in folders.values()}
    found: dict[str, list[Path]] = {}
    others = 0
    for path in files_below(folder, apart):
        if path.suffix.lower() in SUFFIXES:
            name = path.relative_to(folder).with_suffix("").as_posix()
            found.setdefault(name, []).append(path)
        else:
            others += 1
    if not found and not may_be_empty:
        option = next(option for option, other in folders.items() if other == folder)
        beside = f" ({others} other files)" if others else ""
        raise UsageError(
            f"{option} {folder}: there is no picture in it{beside}; name a folder with files "
            f"that end in {', '.join(sorted(SUFFIXES))}"
        )
    return found


def files_below(folder: Path, apart: set[str]) -> Iterator[Path]:
    """Yield the files below a folder, sorted folder by folder, links followed once.

    Hidden ones are left out, and folders that systems fill or whose real path is in `apart`.

    Raises
    ------
    UsageError
        If a folder may not be listed.
    """
    seen: set[str] = set()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        seen.add(os.path.realpath(here))
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name.lower() not in NOT_BY_HAND
            and os.path.realpath(Path(here, name)) not in apart | seen  # or a link that leads back
        )
        yield from (Path(here, name) for name in sorted(files) if not name.startswith("."))


def _refuse(error: OSError) -> None:
    reason = error.strerror or "cannot be read"
    raise UsageError(
        f"{error.filename}: the folder cannot be listed ({reason}); allow this user to read it"
    ) from error


def _only(name: str, option: str, found: dict[str, list[Path]], folder: Path) -> Path:
    """Return the one picture of that name."""
    kind = {"--truth": "truth", "--predictions": "prediction", "--trimaps": "trimap"}[option]
    candidates: Sequence[Path] = found.get(name, ())
    if not candidates:
        raise MissingError(name, kind, folder)
    mattes = candidates if len(candidates) == 1 else [c for c in candidates if may_hold_matte(c)]
    if len(mattes) != 1:
        names = ", ".join(path.name for path in candidates)
        raise ImageError(
            f"{name}: {folder} holds {len(candidates)} pictures of that name ({names}) and "
            f"{'none' if not mattes else len(mattes)} of them is grey or has an alpha channel; "
            "keep one"
        )
    return mattes[0]
