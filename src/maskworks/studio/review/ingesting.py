"""What a retoucher sends back: matched by name, composed, checked, delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.batch.work import Fault
from maskworks.core.errors import MaskworksError, UsageError
from maskworks.core.public import public
from maskworks.core.reading import Details, Limits, Picture, read_picture
from maskworks.cutouts.cutout import Cutout
from maskworks.studio import output_folder
from maskworks.studio.campaign.assignment import PlannedItem, assign
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.campaign.variants import open_variants
from maskworks.studio.cost import unit_cost
from maskworks.studio.handoff import match_returned, read_returned
from maskworks.studio.handoff.folder import hand_name
from maskworks.studio.pipeline import Item, compose_each, hold_against
from maskworks.studio.run.filing import out_of
from maskworks.studio.run.item_work import outputs_of
from maskworks.studio.store import (
    CampaignRow,
    Filter,
    Output,
    Store,
    ingest,
    list_items,
    list_reviews,
)
from maskworks.studio.store import ItemRow as Kept
from maskworks.studio.store.reviewing import Held

ANYWAY = ", or deliver it with `--anyway`"
"""Ends the message of a fault that `IngestContext.anyway` would have let pass."""

_OR = " or "


@dataclass(frozen=True, kw_only=True)
class IngestedFile:
    """One file that came back: delivered, or why not."""

    file: Path
    source: str
    outputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fault: Fault | None = None


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What became of a folder: every file is in `returned` or among the `unmatched`."""

    returned: tuple[IngestedFile, ...]
    unmatched: tuple[Path, ...] = ()
    still_out: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class IngestContext:
    """Context of an ingest: the campaign, the person, and how strict it is.

    `anyway` delivers also what breaks a rule of the output; `held` is what must still be so
    when it is recorded.
    """

    file: CampaignFile
    store: Store
    campaign: CampaignRow
    who: str
    anyway: bool = False
    held: Held | None = None


@public
def ingest_folder(context: IngestContext, folder: Path) -> Ingested:
    """Take every file of a folder that is the finished cut-out of a picture.

    A file belongs to the picture whose hand-off it is named after, or whose own name it has.
    It is put on every approved background of its concept and held against the rules; then it
    replaces what the item had. The same file once more changes nothing.

    Raises
    ------
    UsageError
        If there is no such folder, or it is not clear whose a file is.
    OutputError
        If something cannot be written.

    Examples
    --------
    >>> ingest_folder(context, Path("returned"))  # doctest: +SKIP
    """
    every = list_items(context.store, context.campaign, Filter(standings=()))
    done = [item for item in every if item.standing == "current" and item.state == "done"]
    plan = {item.source: item for item in assign(context.file, beside=out_of(context.file)).items}
    here = {str(item.id): item for item in done if item.source in plan}
    matching = match_returned(folder, _expected(list(here.values()), every))
    _check_single(matching.matches)
    names = output_folder.names_for(list(plan))
    returned = []
    for key, path in matching.matches.items():
        item = here[key.partition(_OR)[0]]
        returned.append(_take(context, path, item, (plan[item.source], names[item.source])))
    back = {one.source for one in returned if one.fault is None}
    out = [i for i in done if i.route in ("review", "manual") and i.source not in back]
    return Ingested(returned=tuple(returned), unmatched=matching.unmatched, still_out=len(out))


def _expected(here: Sequence[Kept], every: Iterable[Kept]) -> dict[str, Path]:
    """Return the names that count for each item: `NUMBER`, or `NUMBER or ...` for another one.

    Beside the hand-off's and the photo's own name these are the names of hand-offs that an
    edited campaign has made the same photo's earlier ones.
    """
    names: dict[str, Path] = {}
    now = {(item.source, item.content): item.id for item in here}
    for item in here:
        names[str(item.id)] = Path(f"{hand_name(item)}.png")
        names[f"{item.id}{_OR}photo"] = Path(item.source)
    for item in every:
        number = now.get((item.source, item.content))
        if number is not None and number != item.id:
            names[f"{number}{_OR}{item.id}"] = Path(f"{hand_name(item)}.png")
    return names


def _check_single(matches: Mapping[str, Path]) -> None:
    """Refuse two files for one picture, each by another of its names."""
    first: dict[str, Path] = {}
    for key, path in matches.items():
        other = first.setdefault(key.partition(_OR)[0], path)
        if other != path:
            raise UsageError(f"{other} and {path} are of one picture; leave one of them")


def _take(
    context: IngestContext, path: Path, kept: Kept, aim: tuple[PlannedItem, str]
) -> IngestedFile:
    try:
        made, notes = _deliver(context, path, kept, aim)
    except UsageError as error:
        return IngestedFile(file=path, source=kept.source, fault=Fault(error.code, str(error)))
    except MaskworksError as error:
        if error.code in ("output", "leased", "decided"):
            raise
        return IngestedFile(file=path, source=kept.source, fault=Fault(error.code, str(error)))
    names = tuple(f"{output_folder.FOLDERS['deliver']}/{output.path}" for output in made)
    return IngestedFile(file=path, source=kept.source, outputs=names, notes=notes)


def _deliver(
    context: IngestContext, path: Path, kept: Kept, aim: tuple[PlannedItem, str]
) -> tuple[tuple[Output, ...], tuple[str, ...]]:
    planned, name = aim
    size, details = _original(planned)
    back = read_returned(path, original=size)
    cutout = Cutout(back.image, back.matte, None, "ok", details, back.image)
    rules = context.file.campaign.output
    item = compose_each(
        Item(
            content=kept.content,
            picture=Picture(back.image, back.matte, details),
            variants=open_variants(planned),
            cutout=cutout,
        ),
        rules,
    )
    item = hold_against(item, rules)
    wrong = [reason.text for reason in item.reasons if _is_breach(reason.name)]
    if not item.made or (wrong and not context.anyway):
        said = "; ".join(wrong) or "nothing could be made of it"
        way = "correct it" if not item.made else f"correct it{ANYWAY}"
        raise UsageError(f"{path}: {said}; {way}")
    files, rows = outputs_of(planned, name, rules.written, item.made, None)
    rates = context.file.campaign.cost
    reviewed = bool(list_reviews(context.store, context.campaign, number=kept.id))
    cost = None if rates is None else unit_cost("manual", rates, reviewed=reviewed)
    output_folder.put(out_of(context.file), "deliver", files)
    why = f"{path.name} came back"
    ingest(context.store, kept.id, rows, who=context.who, why=why, cost=cost, held=context.held)
    return rows, (*back.notes, *wrong)


def _is_breach(name: str) -> bool:
    return name.startswith("gate:") or name == "no-subject"


def _original(planned: PlannedItem) -> tuple[tuple[int, int] | None, Details]:
    """Return size and details of the photo; a photo that cannot be read restrains nothing."""
    try:
        picture = read_picture(planned.path, Limits())
    except MaskworksError:
        return None, Details(format="none")
    return picture.image.size, picture.details
