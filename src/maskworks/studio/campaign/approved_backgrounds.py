"""Approved backgrounds of a concept: found, checked and named before a run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.formats import READABLE, sniff
from maskworks.studio.campaign.mistakes import Mistake, place_text
from maskworks.studio.campaign.toml_lines import Place
from maskworks.studio.output.compose import CENTRE

if TYPE_CHECKING:
    from maskworks.studio.campaign.campaign import Approved

_HEAD_BYTES = 64


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """One approved background.

    Parameters
    ----------
    variant : what the deliverable is called by: the file's stem, or the colour's six digits
    text : the colour or file as it stands in the campaign file
    colour : sRGB, each 0 to 255; None for a picture
    path : absolute; None for a colour
    digest : sha256 of the picture's bytes (and focus) or of the colour, hexadecimal
    focus : (row, column) in [0, 1] of the point that stays nearest to the middle of the frame
    """

    variant: str
    text: str
    colour: tuple[int, int, int] | None
    path: Path | None
    digest: str
    focus: tuple[float, float] = CENTRE


def variants_of(
    approved: Sequence[Approved], folder: Path, place: Place, mistakes: list[Mistake]
) -> tuple[Scenery, ...]:
    """Find the backgrounds that a concept names; what is wrong is added to `mistakes`.

    A text that is a colour means the colour, everything else a file relative to `folder`. Two
    files of one stem are told apart by a number: ``wall``, ``wall-2``.

    Parameters
    ----------
    approved : as they stand in the file
    folder : where relative paths begin
    place : of the list in the campaign file
    mistakes : gets those of this list
    """
    found: list[Scenery] = []
    taken: set[str] = set()
    digests: dict[str, str] = {}
    for number, one in enumerate(approved):
        here, text = (*place, number), one.file
        try:
            scenery = _scenery(one, folder)
        except UsageError as error:
            mistakes.append(Mistake(here, f"{place_text(here)}: {error}"))
            continue
        twin = digests.setdefault(scenery.digest, text)
        if twin != text or scenery.digest in [other.digest for other in found]:
            same = f"{place_text(here)}: {text} is the same as {twin}; name each once"
            mistakes.append(Mistake(here, same))
            continue
        variant = _free(scenery.variant, taken)
        taken.add(variant.casefold())
        found.append(replace(scenery, variant=variant))
    return tuple(found)


def _scenery(one: Approved, folder: Path) -> Scenery:
    text = one.file
    try:
        colour = parse_colour(text)
    except UsageError:
        return _focused(_picture(text, folder), one)
    if one.focus is not None:
        raise UsageError(f"{text} is a colour, which has no focus; leave focus out")
    digits = "{:02x}{:02x}{:02x}".format(*colour)
    digest = hashlib.sha256(digits.encode()).hexdigest()
    return Scenery(variant=digits, text=text, colour=colour, path=None, digest=digest)


def _focused(scenery: Scenery, one: Approved) -> Scenery:
    if one.focus is None:
        return scenery
    across, down = one.focus
    digest = hashlib.sha256(f"{scenery.digest} {across:g} {down:g}".encode()).hexdigest()
    return replace(scenery, focus=(down, across), digest=digest)


def _picture(text: str, folder: Path) -> Scenery:
    path = (folder / text).absolute()
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        looks = "colour" if text.startswith("#") else "picture"
        raise UsageError(
            f"{text} is no {looks} that can be used ({reason}: {path}); name a picture relative to "
            "this file, or a colour such as #f4f1ec"
        ) from error
    if sniff(data[:_HEAD_BYTES]) is None:
        raise UsageError(f"{text} is not a picture; give a {READABLE} file")
    name = re.sub(r"[^\w.-]+", "-", Path(text).stem).strip("-.") or "background"
    digest = hashlib.sha256(data).hexdigest()
    return Scenery(variant=name, text=text, colour=None, path=path, digest=digest)


def _free(name: str, taken: set[str]) -> str:
    """Return the name, with a number behind it if it is taken.

    Examples
    --------
    >>> _free("wall", {"wall", "wall-2"})
    'wall-3'
    """
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate = f"{name}-{number}"
        number += 1
    return candidate
