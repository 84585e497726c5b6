"""A retoucher's file on the review page: received piece by piece, composed, delivered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from starlette.requests import Request

from maskworks.apps.http.bodies import FormFields, UploadPace, receive_campaign
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.pictures.cutting import header_size
from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.apps.http.review.fixing import (
    DrawnMatte,
    ReviewerLease,
    campaign_of,
    check_item_lease,
    write_matte,
)
from maskworks.core.reading import Limits
from maskworks.core.values import Matte
from maskworks.studio.handoff import folder as handoff_folder
from maskworks.studio.handoff import read_returned
from maskworks.studio.review.ingesting import ANYWAY, IngestedFile, ingest_folder
from maskworks.studio.review.ingesting import IngestContext as IngestDesk
from maskworks.studio.run.filing import follow_up, out_of, photo_of
from maskworks.studio.store import ItemRow as Kept
from maskworks.studio.store.reviewing import add_matte, let_go

_KINDS = "send a PSD, PSB, TIFF, PNG or WebP with its background clear"


async def receive(
    request: Request, folder: Path, kept: Kept, *, limit: int, pace: UploadPace
) -> tuple[Path, FormFields]:
    """Write the one file of a body into `folder`, called as this item's must be.

    It goes from the network to disk: a layered document may be larger than what fits in memory.

    Returns
    -------
    file, the body's other fields

    Raises
    ------
    ApiError
        413 if it is too large, 422 if there is no file, or more than one.
    """
    taken: list[Path] = []

    def place(name: str) -> Path:
        if taken:
            raise ApiError(422, "usage", "send one file; this picture has one only")
        taken.append(folder / f"{handoff_folder.hand_name(kept)}{Path(name).suffix.lower()}")
        return taken[0]

    fields = await receive_campaign(request, place, limit=limit, pace=pace, files=2)
    if not taken or taken[0].stat().st_size == 0:
        raise ApiError(422, "missing_source", f"choose a file: {_KINDS}")
    return taken[0], fields


def accept_upload(
    opened: OpenCampaign,
    kept: Kept,
    hand: ReviewerLease,
    path: Path,
    limits: Limits,
    *,
    anyway: bool,
) -> list[str]:
    """Take in a retoucher's file, alone in its folder; return remarks.

    Its matte becomes the item's newest one: it is shown, and what a later fix begins with.

    Raises
    ------
    LeasedError, ApiError
        As `check_item_lease`; 422 if it cannot be used, the message says why.
    """
    campaign = campaign_of(opened)
    check_item_lease(opened, kept, hand)
    taking = IngestDesk(
        file=opened.file, store=opened.store, campaign=campaign, who=hand.who, anyway=anyway,
        held=hand.held,
    )  # fmt: skip
    done = ingest_folder(taking, path.parent).returned
    if not done:
        raise ApiError(422, "unreadable", f"a file {path.suffix or 'like this'} is not known here; "
                       f"{_KINDS}")  # fmt: skip
    _check(done[0], path)
    size = header_size(photo_of(opened.file, kept.source).read_bytes(), limits)
    version = write_matte(opened, kept, hand, DrawnMatte(_of_size(read_returned(path).matte, size)))
    add_matte(opened.store, kept.id, version)
    follow_up(out_of(opened.file), opened.store, campaign)
    let_go(opened.store, kept.id, hand.lease)
    return list(done[0].notes)


def _check(one: IngestedFile, path: Path) -> None:
    """Raise what was wrong with a file, in words for a person at the page."""
    if one.fault is None:
        return
    text = one.fault.message.replace(f"{path}: ", "").replace(str(path), "the file")
    said, may_be_sent_again, _ = text.partition(ANYWAY)
    headers = {"X-Anyway": "1" if may_be_sent_again else "0"}
    raise ApiError(422, one.fault.code, said, headers=headers)


def _of_size(matte: Matte, size: tuple[int, int]) -> Matte:
    """Return the matte of a file that is a multiple of its photo's size as large as the photo."""
    if matte.size == size:
        return matte
    box = PillowImage.Resampling.BOX
    sized = PillowImage.fromarray(matte.alpha).resize((size[1], size[0]), box)
    return Matte(np.clip(np.asarray(sized), 0, 1))
