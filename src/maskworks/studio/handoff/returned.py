"""What a retoucher sends back: read it, and find out which picture it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maskworks.core.errors import UnreadableError, UsageError
from maskworks.core.exif import ORIENTATION, upright
from maskworks.core.formats import SUFFIXES, open_format, sniff
from maskworks.core.reading import Limits, read_picture
from maskworks.core.values import Image, Matte

DOCUMENTS = frozenset({".psd", ".psb"})
"""Suffixes of layered documents; the others that can come back are `core.SUFFIXES`."""

NORMAL = Limits()

_PHOTOMETRIC, _SAMPLES_PER_PIXEL, _EXTRA_SAMPLES, _RGB = 262, 277, 338, 2
_WHITES = {"uint8": 255, "uint16": 65535}

_SHOW_TRANSPARENCY = (
    "hide everything behind the subject (such as the layer 'Original') and save it again, "
    "or send a PNG or TIFF with alpha"
)
_TAIL = re.compile(
    r"""(?: \s* \(\d+\)
        | [\s_.-]+ (?: final | fin | finished | done | ok | approved | fixed | clean | clipped
            | retouch | retouched | ret | edit | edited | mask | masked | isolated | cut[\s_-]?out
            | (?: version | ver | v | rev | r ) [\s_.-]? \d+ | copy (?: [\s_.-]? \d+ )? )
        ) $""",
    re.VERBOSE,
)


@dataclass(frozen=True, eq=False)
class ReturnedCutout:
    """A finished cut-out, `image` and `matte` (H, W).

    `scale` is how many times as large as the original it is. `notes` are sentences about what
    was taken otherwise than it came.
    """

    image: Image = field(repr=False)
    matte: Matte = field(repr=False)
    scale: int = 1
    notes: tuple[str, ...] = ()


class Matching(NamedTuple):
    """Which file belongs to which picture.

    `matches` holds a file for each key that has one, `unmatched` the files that belong to no
    picture, `missing` the keys without a file. Every key and every file is in one of them.
    """

    matches: dict[str, Path]
    unmatched: tuple[Path, ...]
    missing: tuple[str, ...]


def read_returned(
    path: Path, *, original: tuple[int, int] | None = None, limits: Limits = NORMAL
) -> ReturnedCutout:
    """Read a picture that a retoucher has cut out.

    Parameters
    ----------
    path : Path
        PNG, TIFF, WebP ... with alpha, or a PSD or PSB, whose visible layers count.
    original : (H, W), optional
        Size of the upright original; the picture must have it or a whole multiple of it.

    Raises
    ------
    UnreadableError
        If it cannot be read, is opaque or clear everywhere, or has another size.
    TooLargeError
        If it has more pixels than `limits` allows.
    """
    found = _read(path, limits)
    if found.matte.alpha.max() == 0:
        raise UnreadableError(str(path), "shows nothing: every pixel is clear", _SHOW_TRANSPARENCY)
    if original is None:
        return found
    return ReturnedCutout(
        found.image, found.matte, _scale(path, found.image.size, original), found.notes
    )


def _read(path: Path, limits: Limits) -> ReturnedCutout:
    from maskworks.studio.handoff.documents import SIGNATURE, read_document

    label = str(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
            stream.seek(0)
            if head.startswith(SIGNATURE):
                document = read_document(stream, limits, label)
                return ReturnedCutout(
                    document.image, _cut(document.matte, label), 1, document.notes
                )
    except OSError:
        pass  # read_picture says what is wrong with it
    picture = read_picture(path, limits)
    matte, notes = picture.matte, picture.details.notes
    if matte is None and sniff(head) == "TIFF":
        matte = _unnamed_alpha(path)
        notes += ("its fourth channel says not what it is and was taken as alpha",) * bool(matte)
    return ReturnedCutout(picture.image, _cut(matte, label), 1, notes)


def _cut(matte: Matte | None, label: str) -> Matte:
    if matte is None:
        raise UnreadableError(label, "is opaque everywhere", _SHOW_TRANSPARENCY)
    return matte


def _unnamed_alpha(path: Path) -> Matte | None:
    """Return the fourth channel of an RGB TIFF that does not say what it is.

    Some programs save an alpha channel so; Pillow leaves such a channel out.
    """
    import cv2
    from PIL import Image as PillowImage

    with path.open("rb") as stream:
        tags = open_format("TIFF", stream).tag_v2  # type: ignore[attr-defined]
        stream.seek(0)
        content = stream.read()
    unnamed = tags.get(_EXTRA_SAMPLES, (0,)) == (0,)
    if tags.get(_SAMPLES_PER_PIXEL) != 4 or tags.get(_PHOTOMETRIC) != _RGB or not unnamed:
        return None
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    white = None if pixels is None else _WHITES.get(str(pixels.dtype))
    if pixels is None or white is None or pixels.ndim != 3 or pixels.shape[2] != 4:
        return None
    alpha = pixels[..., 3].astype(np.float32) / np.float32(white)
    turned = upright(PillowImage.fromarray(alpha), tags.get(ORIENTATION, 1))
    return Matte(np.ascontiguousarray(turned))


def _scale(path: Path, size: tuple[int, int], original: tuple[int, int]) -> int:
    factor = max(1, round(size[0] / original[0]))
    if size == (original[0] * factor, original[1] * factor):
        return factor
    (height, width), (old_height, old_width) = size, original
    raise UnreadableError(
        str(path),
        f"is {width}x{height}, the original is {old_width}x{old_height}",
        "return it in the original's size, uncropped, or exactly 2, 3 ... times as large",
    )


def match_returned(folder: Path, expected: Mapping[str, Path]) -> Matching:
    """Find out which files of a folder belong to which picture, by their names.

    A file belongs to the picture whose name it has; suffix, upper case, Unicode form and
    folders do not count. If there is none, words that people put at the end are taken off
    ("_final", "-retouched", " copy 2", "_v3", "(1)"); a bare number is not, because it may be
    the next picture. Files whose name starts with a dot are the system's and are not looked at.

    Parameters
    ----------
    folder : Path
        With all its sub-folders.
    expected : key of the picture -> file whose name counts, such as the name in the brief

    Returns
    -------
    Matching
        Sorted by name; files that are no pictures are among the unmatched.

    Raises
    ------
    UsageError
        If two files belong to one picture or one file to two, with their names; or there is no
        such folder.
    """
    keys: dict[str, list[str]] = {}
    for key, path in expected.items():
        keys.setdefault(_plain(path.stem), []).append(key)
    found: dict[str, list[Path]] = {}
    unmatched: list[Path] = []
    for path in _files(folder):
        stem = _known(_plain(path.stem), keys) if _can_return(path) else None
        if stem is None:
            unmatched.append(path)
        else:
            found.setdefault(stem, []).append(path)
    _check_unique(found, keys)
    matches = {keys[stem][0]: paths[0] for stem, paths in found.items()}
    missing = tuple(key for key in expected if key not in matches)
    ordered = {key: matches[key] for key in expected if key in matches}
    return Matching(ordered, tuple(unmatched), missing)


def _plain(stem: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).casefold()).strip()


def _known(stem: str, keys: Mapping[str, list[str]]) -> str | None:
    """Return the expected stem that a file's stem is, or becomes when tails are taken off."""
    while stem not in keys:
        tail = _TAIL.search(stem)
        if tail is None:
            return None
        stem = stem[: tail.start()]
    return stem


def _can_return(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES | DOCUMENTS


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder; name the one with the returned pictures")
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _check_unique(found: Mapping[str, list[Path]], keys: Mapping[str, list[str]]) -> None:
    doubtful = [
        f"{_listed(paths)} may be {_listed(keys[stem])}"
        for stem, paths in found.items()
        if len(paths) > 1 or len(keys[stem]) > 1
    ]
    if doubtful:
        raise UsageError(
            "it is not clear which file belongs to which picture: "
            + "; ".join(doubtful)
            + "; leave one file for each picture, named as the brief says"
        )


def _listed(names: list[Path] | list[str]) -> str:
    return " and ".join(str(name) for name in names)
