"""Which pictures a command line means: files, folders with all below them, globs."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.errors import UsageError
from maskworks.core.formats import SCANS, SUFFIXES, scan_ending


@dataclass(frozen=True, kw_only=True)
class InputPicture:
    """A picture, and the folder from which its place in the output tree is counted.

    `path` and `root` are absolute, symbolic links are kept as they were written.
    """

    path: Path
    root: Path
    shown: str


@dataclass(frozen=True)
class InputPictures:
    """All pictures, each once, in a fixed order; and what gave none.

    `ignored` counts the files in folders and globs that are no pictures by their suffix,
    `barren` names the folders and globs in which there was no picture.
    """

    pictures: tuple[InputPicture, ...]
    ignored: int = 0
    barren: tuple[str, ...] = ()


def find_pictures(
    inputs: Sequence[str],
    *,
    beside: Path | None = None,
    ours: frozenset[Path] = frozenset(),
    scans: bool = False,
) -> InputPictures:
    """Return the pictures that `inputs` name.

    A file is taken whatever its suffix and whether or not it exists: it was asked for, so it
    gets an answer. A folder is walked with everything below it, links to folders too, each
    folder once. In folders and globs hidden files, files without a picture's suffix and
    special files are left out. An input that exists is never read as a pattern.

    Parameters
    ----------
    inputs : paths or glob patterns, ``**`` included
    beside : Path, optional
        The output folder; where it lies inside an input folder it is not walked.
    ours : absolute paths that folders and globs leave out: outputs of an earlier run
    scans : whether folders and globs also give DICOM and NIfTI

    Raises
    ------
    UsageError
        If there is no picture at all, or a folder may not be listed.
    """
    pictures: dict[Path, InputPicture] = {}
    ignored = 0
    barren: list[str] = []
    for given in inputs:
        candidates = list(_candidates(given, beside))
        wanted = [
            found
            for found, named in candidates
            if named or (_is_picture(found.path, scans=scans) and found.path not in ours)
        ]
        ignored += len([1 for found, _ in candidates if found.path not in ours]) - len(wanted)
        if not wanted:
            barren.append(given)
        for found in wanted:
            pictures.setdefault(found.path, found)
    if not pictures:
        raise UsageError(_nothing(barren, ignored, scans=scans))
    return InputPictures(tuple(pictures.values()), max(ignored, 0), tuple(barren))


def _nothing(barren: Sequence[str], ignored: int, *, scans: bool) -> str:
    kinds = ", ".join([*sorted(SUFFIXES), *(SCANS if scans else ())])
    others = f" ({ignored} other files)" if ignored else ""
    return (
        f"there is no picture in {', '.join(barren) or 'no input'}{others}; "
        f"name a picture, or a folder or pattern with files that end in {kinds}"
    )


def _candidates(given: str, beside: Path | None) -> Iterator[tuple[InputPicture, bool]]:
    """Yield every file and whether it was named itself."""
    path = Path(given)
    if path.is_dir():
        yield from ((found, False) for found in _walk(path, _absolute(path), given, beside))
    elif os.path.lexists(path) or not glob.has_magic(given):
        here = _absolute(path)
        yield InputPicture(path=here, root=here.parent, shown=given), True
    else:
        root = _absolute(Path(_fixed_part(given)))
        for match in sorted(glob.glob(given, recursive=True)):  # noqa: PTH207 - keeps what was typed
            there = Path(match)
            if there.is_dir():
                if not _same(there, beside):
                    yield from ((f, False) for f in _walk(there, root, match, beside))
            elif beside is None or not _inside(there, beside, root):
                yield InputPicture(path=_absolute(there), root=root, shown=match), False


def _walk(folder: Path, root: Path, shown: str, beside: Path | None) -> Iterator[InputPicture]:
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        status = Path(here).stat()
        key = (status.st_dev, status.st_ino)
        if key in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(key)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not _same(Path(here, name), beside)
        )
        below = Path(here).relative_to(folder)
        for name in sorted(files):
            if not name.startswith("."):
                path = _absolute(Path(here, name))
                yield InputPicture(path=path, root=root, shown=str(Path(shown, below, name)))


def _refuse(error: OSError) -> None:
    reason = error.strerror or "cannot be read"
    raise UsageError(
        f"{error.filename}: the folder cannot be listed ({reason}); allow this user to read it, "
        "or name other inputs"
    ) from error


def _is_picture(path: Path, *, scans: bool) -> bool:
    scan = scans and scan_ending(path.name) is not None
    if path.suffix.lower() not in SUFFIXES and not scan:
        return False
    return path.is_file() or not path.exists()  # a link to nowhere is named as a failure


def _same(path: Path, other: Path | None) -> bool:
    return other is not None and Path(os.path.realpath(path)) == Path(os.path.realpath(other))


def _inside(path: Path, folder: Path, root: Path) -> bool:
    """Whether a glob ran into the output folder; not if that is where it started."""
    real = Path(os.path.realpath(folder))
    if Path(os.path.realpath(root)).is_relative_to(real):
        return False
    return Path(os.path.realpath(path)).is_relative_to(real)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _fixed_part(pattern: str) -> str:
    """Return the folder before the first wildcard.

    Examples
    --------
    >>> _fixed_part("shoots/2024/**/*.jpg"), _fixed_part("*.jpg")
    ('shoots/2024', '.')
    """
    fixed: list[str] = []
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return str(Path(*fixed)) if fixed else "."
