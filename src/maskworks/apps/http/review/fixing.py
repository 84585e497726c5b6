"""What reviewers decide, and what follows for files: accept, reject, undo, fix."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.apps.http.review.previews import PreviewCache
from maskworks.apps.http.review.strokes import Stroke, draw, plain_strokes, refine_touched
from maskworks.core.atomic import write_atomic
from maskworks.core.errors import UsageError
from maskworks.core.reading import Details
from maskworks.core.values import Matte
from maskworks.core.writing import Encoding, encode_matte
from maskworks.cutouts.cutout import Cutout
from maskworks.refine.foreground import estimate_foreground
from maskworks.studio import output_folder
from maskworks.studio.campaign.assignment import PlannedItem, assign
from maskworks.studio.campaign.variants import open_variants
from maskworks.studio.cost import unit_cost
from maskworks.studio.handoff import folder
from maskworks.studio.pipeline import Item, compose_each, hold_against
from maskworks.studio.review.deciding import judge
from maskworks.studio.review.rehanding import hand_missing
from maskworks.studio.route import Route
from maskworks.studio.run.filing import follow_up, out_of
from maskworks.studio.run.item_work import outputs_of
from maskworks.studio.store import CampaignRow, Judgement, Verdict, decide, list_events
from maskworks.studio.store import ItemRow as Kept
from maskworks.studio.store.reviewing import (
    Held,
    MatteVersion,
    add_matte,
    check_lease,
    let_go,
    next_version,
    now_of,
)
from maskworks.studio.store.withdrawing import withdraw

MATTES = "mattes"
"""The folder of drawn mattes, below the campaign's outputs."""

_DONE = {"accept": "accepted", "reject": "rejected", "fix": "kept for a fix"}
_HANDED_IN = "handed a retoucher's file in for"


@dataclass(frozen=True, kw_only=True)
class ReviewerLease:
    """Who does something to an item, and the lease that lets them.

    `seen` is the decision on it that they know of, "" for none.
    """

    who: str
    lease: str
    seen: str = ""

    @property
    def held(self) -> Held:
        """What must still be so in the very transaction that decides."""
        return Held(lease=self.lease, seen=self.seen)


@dataclass(frozen=True, kw_only=True)
class Fix:
    """A fix as it is saved: `anyway` delivers also what breaks a rule of the output."""

    strokes: tuple[Stroke, ...]
    refine: bool = True
    anyway: bool = False
    why: str = ""


@dataclass(frozen=True, eq=False)
class DrawnMatte:
    """A matte by a person's hand, and the strokes it was made with, if it was made here."""

    matte: Matte
    strokes: tuple[Stroke, ...] = ()


def campaign_of(opened: OpenCampaign) -> CampaignRow:
    """Return the campaign's row.

    Raises
    ------
    ApiError
        409 if it was never run.
    """
    if opened.campaign is None:
        raise ApiError(409, "not_run", f"{opened.name} was not run yet")
    return opened.campaign


def check_item_lease(opened: OpenCampaign, kept: Kept, hand: ReviewerLease) -> None:
    """Return if this person has the item, and knows what was decided on it.

    Raises
    ------
    LeasedError
        If somebody else has it.
    ApiError
        409 if somebody has decided on it since this person's page was told of it.
    """
    check_lease(opened.store, kept.id, hand.lease)
    if (kept.decision or "") == hand.seen:
        return
    said = decided_by(opened, kept)
    raise ApiError(409, "decided", f"{said}; look at it again before you decide otherwise")


def decided_by(opened: OpenCampaign, kept: Kept) -> str:
    """Return who decided what on an item, such as "Ana has accepted it"."""
    done = {"decided": _DONE.get(kept.decision or "", ""), "ingested": _HANDED_IN}
    if kept.decision is None:
        return "the decision on it was taken back"
    for event in reversed(list_events(opened.store, campaign_of(opened), item=str(kept.id))):
        if event.item_id == kept.id and event.what in done:
            return f"{event.who} has {done[event.what]} it"
    return f"somebody has {done['decided']} it"


def settle(
    opened: OpenCampaign, kept: Kept, verdict: Verdict, hand: ReviewerLease, *, why: str
) -> Route:
    """Record a decision and let the files follow.

    Raises
    ------
    LeasedError
        If somebody else has the item.
    UsageError
        If it cannot be decided on.
    """
    campaign = campaign_of(opened)
    check_item_lease(opened, kept, hand)
    if verdict == "reject" and not why.strip():
        raise UsageError("say what is wrong; the retoucher reads it")
    rates = opened.file.campaign.cost
    after = judge(opened.store, kept, verdict, who=hand.who, why=why, rates=rates,
                  held=hand.held)  # fmt: skip
    if verdict != "accept":
        hand_missing(opened.file, opened.store, campaign, {kept.id})
    follow_up(out_of(opened.file), opened.store, campaign)
    let_go(opened.store, kept.id, hand.lease)
    return after


def take_back(opened: OpenCampaign, kept: Kept, hand: ReviewerLease) -> Route:
    """Undo the last decision on an item and let the files follow."""
    check_item_lease(opened, kept, hand)
    after = withdraw(opened.store, kept.id, who=hand.who, held=hand.held)
    follow_up(out_of(opened.file), opened.store, campaign_of(opened))
    return after


def preview(
    previews: PreviewCache, opened: OpenCampaign, kept: Kept, strokes: Sequence[Stroke]
) -> Matte:
    """Return the matte with strokes on it, not saved."""
    picture = previews.photo(opened, kept)
    matte = previews.matte(opened, kept, picture)
    return draw(picture.image, matte, strokes, finder=previews.finder)


def save_fix(
    previews: PreviewCache, opened: OpenCampaign, kept: Kept, hand: ReviewerLease, fix: Fix
) -> Route:
    """Write a new version of the matte, compose the picture again, and deliver it.

    Raises
    ------
    LeasedError
        If somebody else has the item.
    ApiError
        422 with the rules it breaks, unless `anyway`; nothing is written then.
    """
    campaign = campaign_of(opened)
    check_item_lease(opened, kept, hand)
    picture = previews.photo(opened, kept)
    before = previews.matte(opened, kept, picture)
    matte = draw(picture.image, before, fix.strokes, finder=previews.finder)
    if fix.refine:
        matte = refine_touched(picture.image, before, matte)
    fore = estimate_foreground(picture.image, matte)
    cutout = Cutout(picture.image, matte, None, "ok", picture.details, fore)
    planned, name = _planned(opened, kept)
    rules = opened.file.campaign.output
    bare = Item(
        content=kept.content, picture=picture, variants=open_variants(planned), cutout=cutout
    )
    item = hold_against(compose_each(bare, rules), rules)
    wrong = [r.text for r in item.reasons if r.name.startswith("gate:") or r.name == "no-subject"]
    if not item.made or (wrong and not fix.anyway):
        said = "; ".join(wrong) or "nothing could be made of it"
        raise ApiError(422, "gate", said, headers={"X-Anyway": "1" if item.made else "0"})
    files, rows = outputs_of(planned, name, rules.written, item.made, None)
    out = out_of(opened.file)
    version = write_matte(opened, kept, hand, DrawnMatte(matte, fix.strokes))
    output_folder.put(out, "deliver", files)
    rates = opened.file.campaign.cost
    cost = None if rates is None else unit_cost("deliver", rates, reviewed=True)
    why = fix.why or f"drawn by hand, matte {version.version}"
    judgement = Judgement(decision="accept", who=hand.who, why=why, cost=cost)
    after = decide(opened.store, kept.id, judgement, made=rows, held=hand.held)
    add_matte(opened.store, kept.id, version)
    follow_up(out, opened.store, campaign)
    let_go(opened.store, kept.id, hand.lease)
    return after


def _planned(opened: OpenCampaign, kept: Kept) -> tuple[PlannedItem, str]:
    plan = assign(opened.file, beside=out_of(opened.file)).items
    names = output_folder.names_for([item.source for item in plan])
    for item in plan:
        if item.source == kept.source:
            return item, names[item.source]
    raise ApiError(409, "gone", f"{kept.source} is not among the campaign's pictures any more")


def write_matte(
    opened: OpenCampaign, kept: Kept, hand: ReviewerLease, drawn: DrawnMatte
) -> MatteVersion:
    """Write a matte by a person's hand beside the earlier ones; return its row for the store."""
    out, number = out_of(opened.file), next_version(opened.store, kept.id)
    path = f"{MATTES}/{folder.hand_name(kept)}-v{number}.png"
    data = encode_matte(drawn.matte, Encoding("png"), Details(format=""))
    output_folder.make_folder(out / MATTES)
    write_atomic(out / path, data)
    return MatteVersion(
        version=number,
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        strokes=plain_strokes(drawn.strokes),
        who=hand.who,
        at=now_of(opened.store),
    )
