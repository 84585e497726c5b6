"""Which pictures a command line means: files, folders with all below them, globs."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maskworks.batch.urls import UrlPath, is_url, list_keys, to_path
from maskworks.core.errors import UsageError
from maskworks.core.formats import (
    NOT_BY_HAND,
    SCANS,
    SUFFIXES,
    open_format,
    scan_ending,
    sniff,
)

_ID_MODES = frozenset({"1", "L", "P", "I;16", "I"})
_ROW = b'{"source": '
"""How a line of our manifest starts."""


@dataclass(frozen=True)
class InputKind:
    """What is looked for: its name, and the suffixes of its files, lower case, with the dot."""

    noun: str
    suffixes: frozenset[str]


PICTURES = InputKind("picture", SUFFIXES)


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

    `ignored` counts the files in folders and globs that are no pictures, by kind, the most
    frequent first; `barren` names the folders and globs in which there was no picture; `apart`
    names folders that no person filled, or that hold outputs of ours; `labels` counts label
    files that lie beside their photo.
    """

    pictures: tuple[InputPicture, ...]
    ignored: Mapping[str, int] = field(default_factory=dict)
    barren: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    labels: int = 0
    noun: str = "picture"

    def notes(self) -> list[str]:
        """Return what was left out, as sentences."""
        told = [f"no {self.noun} in {name}" for name in self.barren]
        if self.ignored:
            kinds = ", ".join(f"{number:,} {kind}" for kind, number in self.ignored.items())
            total = sum(self.ignored.values())
            one, more = f"file that is no {self.noun}", f"files that are no {self.noun}s"
            noun = one if total == 1 else more
            told.append(f"{total:,} {noun}, ignored: {kinds}")
        if self.labels:
            told.append(f"{self.labels:,} label files beside their photos, left out")
        if self.apart:
            some = f"{', '.join(self.apart[:5])}{', ...' if len(self.apart) > 5 else ''}"
            told.append(f"left out, since nobody filled them by hand: {some}")
        return told


def find_pictures(
    inputs: Sequence[str],
    *,
    beside: Path | None = None,
    ours: frozenset[Path] = frozenset(),
    scans: bool = False,
    skip_labels: bool = False,
    kind: InputKind = PICTURES,
) -> InputPictures:
    """Return the pictures that `inputs` name, or the clips.

    A file is taken whatever its suffix and whether or not it exists: it was asked for, so it gets
    an answer. A file without a suffix is known by its first bytes. A folder is walked with
    everything below it, links to folders too, each folder once. In folders and globs hidden
    files, files without a picture's suffix and special files are left out, and so are folders
    that systems fill (`NOT_BY_HAND`) and ones below that hold a manifest of ours. An input that
    exists is never read as a pattern.

    Parameters
    ----------
    inputs : paths, glob patterns, ``**`` included, or URLs of object stores
    beside : Path, optional
        The output folder; where it lies inside an input folder it is not walked.
    ours : absolute paths that folders and globs leave out: outputs of an earlier run
    scans : whether folders and globs also give DICOM and NIfTI
    skip_labels : whether PNGs of ids beside a photo of the same name are left out
    kind : InputKind
        What folders and globs give.

    Raises
    ------
    UsageError
        If there is no picture at all, or a folder or bucket may not be listed.
    """
    pictures: dict[Path, InputPicture] = {}
    ignored: Counter[str] = Counter()
    barren: list[str] = []
    apart: list[str] = []
    for given in inputs:
        candidates = list(_candidates(given, _Beside(beside, apart)))
        wanted = [
            found
            for found, named in candidates
            if named or (_is_wanted(found.path, kind, scans=scans) and found.path not in ours)
        ]
        taken = {found.path for found in wanted} | ours
        ignored.update(kind_of(f.path) for f, _ in candidates if f.path not in taken)
        if not wanted:
            barren.append(given)
        for found in wanted:
            pictures.setdefault(found.path, found)
    if not pictures:
        kinds = [*sorted(kind.suffixes), *(SCANS if scans else ())]
        raise UsageError(_nothing(barren, dict(ignored.most_common()), kinds, kind.noun))
    chosen = tuple(pictures.values())
    photos = _without_labels(chosen) if skip_labels else chosen
    return InputPictures(
        photos,
        dict(ignored.most_common()),
        tuple(barren),
        tuple(dict.fromkeys(apart)),
        len(chosen) - len(photos),
        kind.noun,
    )


def _without_labels(pictures: tuple[InputPicture, ...]) -> tuple[InputPicture, ...]:
    """Return the pictures without PNGs of ids that lie beside a photo of the same name."""
    stems = Counter(found.path.with_suffix("") for found in pictures)
    return tuple(
        found
        for found in pictures
        if stems[found.path.with_suffix("")] < 2 or not _holds_ids(found.path)
    )


def _holds_ids(path: Path) -> bool:
    if path.suffix.lower() != ".png":
        return False
    try:
        with path.open("rb") as stream:
            return open_format("PNG", stream).mode in _ID_MODES
    except Exception:  # noqa: BLE001 - what is wrong with the file is said when it is read
        return False


def kind_of(path: Path) -> str:
    """Return what people call a kind of file: its suffix in capitals, or "without a suffix"."""
    return path.suffix[1:].upper() or "without a suffix"


def is_ours(path: Path) -> bool:
    """Say whether a file is a manifest of ours."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_ROW)) == _ROW
    except OSError:
        return False


def _nothing(
    barren: Sequence[str], ignored: Mapping[str, int], kinds: Sequence[str], noun: str
) -> str:
    others = f" ({', '.join(f'{n} {kind}' for kind, n in ignored.items())})" if ignored else ""
    return (
        f"there is no {noun} in {', '.join(barren) or 'no input'}{others}; "
        f"name a {noun}, or a folder or pattern with files that end in {', '.join(kinds)}"
    )


@dataclass(frozen=True)
class _Beside:
    """What a walk leaves out: the output folder, and into `apart` what nobody filled by hand."""

    output: Path | None
    apart: list[str]

    def takes(self, folder: Path, name: str) -> bool:
        """Whether a folder in another is walked."""
        here = folder / name
        if name.lower() in NOT_BY_HAND or is_ours(here / "manifest.jsonl"):
            self.apart.append(name)
            return False
        return not _same(here, self.output)


def _candidates(given: str, beside: _Beside) -> Iterator[tuple[InputPicture, bool]]:
    """Yield every file and whether it was named itself."""
    if is_url(given) and isinstance(place := to_path(given), UrlPath):
        yield from _keys(place, given, beside)
        return
    path = to_path(given) if is_url(given) else Path(given)
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
                if beside.takes(there.parent, there.name):
                    yield from ((f, False) for f in _walk(there, root, match, beside))
            elif beside.output is None or not _inside(there, beside.output, root):
                yield InputPicture(path=_absolute(there), root=root, shown=match), False


def _keys(place: UrlPath, given: str, beside: _Beside) -> Iterator[tuple[InputPicture, bool]]:
    """Yield what a URL names: one key that ends like a picture, or all below a prefix."""
    if glob.has_magic(given):
        raise UsageError(f"{given}: patterns are for files; name the folder of the store instead")
    if place.suffix.lower() in SUFFIXES and not given.endswith("/"):
        yield InputPicture(path=place, root=place.parent, shown=given), True
        return
    for key in list_keys(place):
        folders = key.relative_to(place).parts[:-1]
        apart = [name for name in folders if name.lower() in NOT_BY_HAND]
        beside.apart.extend(apart)
        hidden = any(name.startswith(".") for name in (*folders, key.name))
        inside = beside.output is not None and key.is_relative_to(beside.output)
        if not apart and not hidden and not inside:
            yield InputPicture(path=key, root=place, shown=str(key)), False


def _walk(folder: Path, root: Path, shown: str, beside: _Beside) -> Iterator[InputPicture]:
    seen: set[tuple[int, int]] = set()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        status = Path(here).stat()
        key = (status.st_dev, status.st_ino)
        if key in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(key)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and beside.takes(Path(here), name)
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


def _is_wanted(path: Path, kind: InputKind, *, scans: bool) -> bool:
    scan = scans and scan_ending(path.name) is not None
    if isinstance(path, UrlPath):
        return path.suffix.lower() in kind.suffixes or scan
    if not path.suffix and path.is_file():
        return kind is PICTURES and _looks_like_a_picture(path)
    if path.suffix.lower() not in kind.suffixes and not scan:
        return False
    return path.is_file() or not path.exists()  # a link to nowhere is named as a failure


def _looks_like_a_picture(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return sniff(stream.read(64)) is not None
    except OSError:
        return False


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
