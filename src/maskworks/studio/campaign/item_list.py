"""The pictures that a campaign's input names: a folder with all below it, or a CSV file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from maskworks.batch.inputs import find_pictures
from maskworks.core.errors import UsageError
from maskworks.core.formats import SUFFIXES
from maskworks.core.names import met, nearest
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.spreadsheets import TableRow, read_table, split_tags

_MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A picture as the input names it, before it has a concept.

    `source` is the path below the input folder, with ``/``; `concept` is what a CSV says,
    empty if it says nothing; `line` is the CSV's, 0 for a folder.
    """

    path: Path
    source: str
    sku: str
    tags: tuple[str, ...] = ()
    concept: str = ""
    line: int = 0


@dataclass(frozen=True)
class Listing:
    """All pictures, in the order of the input, and what was left out."""

    pictures: tuple[Listed, ...]
    notes: tuple[str, ...] = ()


def list_pictures(campaign: CampaignFile, *, beside: Path | None = None) -> Listing:
    """Return the pictures that a campaign means.

    The campaign's own backgrounds are no pictures of it, even if they lie in the input folder.

    Parameters
    ----------
    beside : Path, optional
        The folder of the outputs; where it lies inside the input folder it is not walked.

    Raises
    ------
    UsageError
        With file and line: no picture; in a CSV a file or SKU listed twice, an unknown concept.
    """
    notes: list[str] = []
    if campaign.input.is_dir():
        pictures = _from_folder(campaign, beside, notes)
    else:
        pictures = _from_table(campaign, notes)
    return Listing(tuple(pictures), tuple(notes))


def _from_folder(campaign: CampaignFile, beside: Path | None, notes: list[str]) -> list[Listed]:
    backgrounds = (s.path for several in campaign.scenery.values() for s in several)
    ours = frozenset(path for path in backgrounds if path is not None)
    try:
        finds = find_pictures([str(campaign.input)], beside=beside, ours=ours)
    except UsageError as error:
        if "there is no picture" not in str(error):
            raise
        raise UsageError(
            f"{campaign.where('input', 'folder')}: there is no picture in {campaign.input}; put "
            f"files into it that end in {', '.join(sorted(SUFFIXES))}, or name another folder"
        ) from error
    notes += finds.notes()
    return [
        Listed(
            path=found.path,
            source=found.path.relative_to(found.root).as_posix(),
            sku=found.path.stem,
        )
        for found in finds.pictures
    ]


def _from_table(campaign: CampaignFile, notes: list[str]) -> list[Listed]:
    path = campaign.input
    table = read_table(path, required=("file",), optional=("sku", "tags", "concept"))
    if not table.rows:
        raise UsageError(f"{path}: names no picture; write one a line below the first")
    if table.ignored:
        notes.append(f"{path.name}: the columns {', '.join(table.ignored)} are ignored")
    names = [concept.name for concept in campaign.campaign.concept]
    listed: list[Listed] = []
    mistakes: list[str] = []
    files: dict[Path, int] = {}
    skus: dict[str, int] = {}
    for row in table.rows:
        one = _listed(row, path.parent)
        problem = _row_mistake(one, row, names)
        first = files.setdefault(one.path, row.line)
        if not problem and first != row.line:
            problem = f"{row.cells['file']} is already in line {first}; list each picture once"
        given = row.cells["sku"].casefold()
        first = skus.setdefault(given, row.line) if given else row.line
        if not problem and first != row.line and not campaign.campaign.input.several_per_sku:
            problem = (
                f"the SKU {row.cells['sku']} is already in line {first}; give each picture its "
                "own, or write several_per_sku = true under [input]"
            )
        if problem:
            mistakes.append(f"{path}:{row.line}: {problem}")
        listed.append(one)
        if row.cells["file"] and not one.path.exists():
            file = row.cells["file"]
            near = nearest(path.parent, file)
            notes.append(f"{path.name}:{row.line}: there is no {file}{near}")
    refuse(mistakes)
    return listed


def _listed(row: TableRow, folder: Path) -> Listed:
    text = row.cells["file"]
    found = met(folder, text) if text else None
    path = Path(os.path.abspath(folder / text if found is None else found))  # noqa: PTH100 - links stay
    inside = path.is_relative_to(folder)
    return Listed(
        path=path,
        source=path.relative_to(folder).as_posix() if inside else path.as_posix(),
        sku=row.cells["sku"] or path.stem,
        tags=split_tags(row.cells["tags"]),
        concept=row.cells["concept"],
        line=row.line,
    )


def _row_mistake(one: Listed, row: TableRow, names: Sequence[str]) -> str:
    if not row.cells["file"]:
        return "there is no file in this row; name one, or leave the row out"
    if one.concept and one.concept not in names:
        near = get_close_matches(one.concept, names, n=1)
        known = f"there are {', '.join(names)}" if names else "the campaign has none"
        hint = f"did you mean {near[0]}?" if near else known
        return f"there is no concept {one.concept!r}; {hint}"
    return ""


def some(sources: Sequence[str]) -> str:
    """Name a few pictures and count the rest."""
    more = f" and {len(sources) - 3:,} more" if len(sources) > 3 else ""
    return f"{', '.join(sources[:3])}{more}"


def refuse(mistakes: Sequence[str]) -> None:
    """Raise a UsageError with one line a mistake, if there is any."""
    if mistakes:
        rest = len(mistakes) - _MOST_NAMED
        more = [f"and {rest:,} more mistakes of this kind"] if rest > 0 else []
        raise UsageError("\n".join([*mistakes[:_MOST_NAMED], *more]))
