"""The hand-off folder of a campaign: what a retoucher gets, and the brief that goes with it.

Pictures in review and those sent to a person lie in ``manual/``: a PSD and a TIFF where the
machine cut something out, else the photo as it came. Names end in the item's number, so that
no two are alike and a returned file is known whatever folder it comes in; ``brief.csv`` lists
them. An item that needs no person any more takes its files with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import ImageError
from maskworks.studio.handoff import (
    BriefRow,
    Handover,
    encode_psd,
    encode_tiff,
    subject_guides,
    trace,
    write_brief,
)
from maskworks.studio.output_folder import make_folder, remove
from maskworks.studio.report.rows import as_text
from maskworks.studio.route import Route

if TYPE_CHECKING:
    from maskworks.studio.pipeline import Item
    from maskworks.studio.store.rows import ItemRow as Kept

FOLDER = "manual"
BRIEF = "brief.csv"
HANDED_OVER: tuple[Route, ...] = ("review", "manual")
"""Routes whose pictures are handed over."""

_PSD, _TIFF = ".psd", ".tif"


def hand_name(kept: Kept) -> str:
    """Return what an item's hand-off is called, and the name its return must have."""
    return f"{PurePosixPath(kept.source).stem}-{kept.id}"


def hand_over_original(out: Path, kept: Kept, data: bytes) -> None:
    """Hand the photo over as it came.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    folder = out / FOLDER
    make_folder(folder)
    write_atomic(folder / f"{hand_name(kept)}{PurePosixPath(kept.source).suffix.lower()}", data)


def hand_over(out: Path, kept: Kept, item: Item) -> None:
    """Hand a cut-out over: a layered PSD, and a TIFF with alpha and a clipping path.

    A picture too large for a PSD gets the TIFF alone.

    Raises
    ------
    OutputError
        If a file cannot be written.
    ImageError
        If not even a TIFF can hold the picture.
    """
    if item.cutout is None:
        raise ImageError(f"{kept.source}: nothing was cut out of it; hand the photo over")
    found = item.cutout
    handover = Handover(
        name=as_text(kept.source),
        image=item.picture.image,
        matte=found.matte,
        foreground=found.estimated,
        path=trace(found.matte),
        guides=subject_guides(found.matte),
        dpi=item.picture.details.dpi,
    )
    folder = out / FOLDER
    make_folder(folder)
    write_atomic(folder / f"{hand_name(kept)}{_TIFF}", encode_tiff(handover))
    try:
        document = encode_psd(handover)
    except ImageError:
        remove(folder / f"{hand_name(kept)}{_PSD}")
        return
    write_atomic(folder / f"{hand_name(kept)}{_PSD}", document)


def handed_over(out: Path, kept: Kept) -> tuple[str, ...]:
    """Return the names of an item's files that lie in the hand-off folder."""
    return tuple(path.name for path in _files(out, kept) if path.is_file())


def take_back(out: Path, items: Iterable[Kept]) -> int:
    """Take the files of items that need no person any more away; return how many there were."""
    return sum(remove(path) for kept in items for path in _files(out, kept))


def list_handed_over(out: Path, items: Iterable[Kept]) -> int:
    """Write the brief of the items that are handed over, and return how many they are.

    Without any, there is no brief.
    """
    rows = [
        BriefRow(
            source=as_text(kept.source),
            return_as=hand_name(kept),
            files=handed_over(out, kept),
            route=kept.route,
            reasons=tuple(reason.text or reason.name for reason in kept.reasons),
            score=kept.score,
            sku=kept.sku or "",
            concept=kept.concept or "",
        )
        for kept in items
        if kept.route in HANDED_OVER
    ]
    brief = out / FOLDER / BRIEF
    if rows:
        make_folder(brief.parent)
        write_brief(brief, rows)
    else:
        remove(brief)
    return len(rows)


def _files(out: Path, kept: Kept) -> tuple[Path, ...]:
    suffixes = dict.fromkeys((_PSD, _TIFF, PurePosixPath(kept.source).suffix.lower()))
    return tuple(out / FOLDER / f"{hand_name(kept)}{suffix}" for suffix in suffixes)
