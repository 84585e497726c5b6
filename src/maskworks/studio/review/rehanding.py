"""Hand over what a person sends to a retoucher after it had been delivered."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from maskworks.core.errors import ImageError
from maskworks.core.reading import read_picture
from maskworks.refine.refinement import RefineOptions
from maskworks.studio.campaign.assignment import assign
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.handoff import folder
from maskworks.studio.pipeline import Item, cut
from maskworks.studio.run.filing import out_of
from maskworks.studio.run.item_work import content_of
from maskworks.studio.store import CampaignRow, Filter, Store, list_items

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from maskworks.models import Model
    from maskworks.studio.store import ItemRow as Kept


def hand_missing(
    file: CampaignFile, store: Store, campaign: CampaignRow, numbers: Collection[int]
) -> int:
    """Hand over those of these items that need it and were not; return how many that were.

    The subject is cut out again for it: the matte of a delivered picture is not kept. A photo
    that has changed since is left to the next run.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    from maskworks.models import load_model

    out = out_of(file)
    plan = {item.source: item.path for item in assign(file, beside=out).items}
    model = cache(lambda: load_model(file.campaign.input.model, calibrated=False))
    handed = 0
    for kept in list_items(store, campaign, Filter(states=["done"], routes=folder.HANDED_OVER)):
        path = plan.get(kept.source)
        if kept.id not in numbers or path is None or folder.handed_over(out, kept):
            continue
        if content_of(path) == kept.content:
            _hand(out, kept, path, (model, RefineOptions(method=file.campaign.input.refine)))
            handed += 1
    return handed


def _hand(
    out: Path, kept: Kept, path: Path, cutting: tuple[Callable[[], Model], RefineOptions]
) -> None:
    """Hand a cut-out over, or the photo as it came where nothing can be cut out."""
    data = path.read_bytes()
    model, refinement = cutting
    try:
        picture = read_picture(data, name=kept.source)
        item = cut(Item(content=kept.content, picture=picture, variants=()), model(), refinement)
        if item.has_subject:
            folder.hand_over(out, kept, item)
            return
    except ImageError:  # the photo itself is all there is
        pass
    folder.hand_over_original(out, kept, data)
