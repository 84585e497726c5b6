"""What the review page's script asks for: items, leases, pictures, decisions, fixes."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request

from maskworks.apps.http.bodies import FormFields
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.apps.http.review.fixing import (
    Fix,
    ReviewerLease,
    decided_by,
    preview,
    save_fix,
    settle,
    take_back,
)
from maskworks.apps.http.review.previews import SHOWN_PX, SMALL_PX, Preview, item_of, matte_shown
from maskworks.apps.http.review.queue import queue_of
from maskworks.apps.http.review.strokes import plain_strokes, read_strokes
from maskworks.apps.http.review.uploads import accept_upload, receive
from maskworks.apps.http.reviewers import require_visitor, reviewer
from maskworks.apps.http.routes.review import choice_of, rows_of
from maskworks.apps.http.service import Service, service_of
from maskworks.apps.http.work_queue import Ticket
from maskworks.studio.store import ItemRow as Kept
from maskworks.studio.store import Verdict
from maskworks.studio.store.reviewing import (
    LEASE_S,
    check_lease,
    draft_of,
    keep_draft,
    lease,
    leased_items,
    let_go,
    matte_versions,
)

router = APIRouter(prefix="/review/c/{name}", include_in_schema=False)

ItemNumber = Annotated[int, InPath(ge=0, le=2**31 - 1)]
"""Of a picture in the database, which has no larger ones."""

Result = TypeVar("Result")

_VERDICTS = ("accept", "fix", "reject")


@router.get("/items")
async def items(request: Request, name: str) -> JSONResponse:
    """List the queue."""
    service = service_of(request)
    await reviewer(request, service)
    choice = choice_of(request)
    rows = await service.pages.run(lambda: rows_of(service.campaigns.find(name), choice))
    return JSONResponse({"items": rows})


@router.get("/standing")
async def standing(request: Request, name: str) -> JSONResponse:
    """Say which pictures wait now and who has which one open, for a page loaded earlier."""
    service = service_of(request)
    await reviewer(request, service)

    def read() -> dict[str, Any]:
        opened = service.campaigns.find(name)
        waiting = [item.id for item in queue_of(opened)]
        return {"waiting": waiting, "leased": leased_items(opened.store)}

    return JSONResponse(await service.pages.run(read))


@router.get("/items/{number}/photo")
async def photo(
    request: Request, name: str, number: ItemNumber, whole: int = 0, small: int = 0
) -> Response:
    """Answer with the photo: whole, as the page shows it, or small for its list."""

    def show(service: Service, opened: OpenCampaign, kept: Kept) -> Preview:
        side = SMALL_PX if small else None if whole else SHOWN_PX
        return service.previews.show_photo(opened, kept, side_px=side)

    return await _shown(request, (name, number), show)


@router.get("/items/{number}/matte")
async def matte(request: Request, name: str, number: ItemNumber, whole: int = 0) -> Response:
    """Answer with the matte; a browser that keeps it asks whether it is still the newest."""

    def show(service: Service, opened: OpenCampaign, kept: Kept) -> Preview:
        return service.previews.show_matte(opened, kept, whole=bool(whole))

    shown = await _shown(request, (name, number), show)
    tag = f'"{hashlib.sha256(bytes(shown.body)).hexdigest()[:32]}"'
    shown.headers["Cache-Control"], shown.headers["ETag"] = "private, no-cache", tag
    if request.headers.get("if-none-match") == tag:
        same = {each: shown.headers[each] for each in ("Cache-Control", "ETag", "X-Size")}
        return Response(status_code=304, headers=same)
    return shown


@router.post("/items/{number}/lease")
async def take(request: Request, name: str, number: ItemNumber) -> JSONResponse:
    """Take an item, or keep it; the answer has its draft and what was decided."""
    service = service_of(request)
    visitor = await require_visitor(request, service)
    form = await service.small_form(request)

    def work() -> dict[str, Any]:
        opened = service.campaigns.find(name)
        kept = item_of(opened, number)
        got = lease(opened.store, kept.id, who=visitor.who, token=form.text("lease") or None,
                    holder=visitor.holder)  # fmt: skip
        return {
            "lease": got.token,
            "seconds": LEASE_S,
            "draft": draft_of(opened.store, kept.id),
            "versions": len(matte_versions(opened.store, kept.id)),
            "decision": kept.decision,
            "decided": decided_by(opened, kept) if kept.decision else "",
        }

    return JSONResponse(await asyncio.to_thread(work))


@router.post("/items/{number}/release")
async def release(request: Request, name: str, number: ItemNumber) -> JSONResponse:
    """Give an item back."""

    def work(
        opened: OpenCampaign, kept: Kept, hand: ReviewerLease, _form: FormFields
    ) -> dict[str, Any]:
        let_go(opened.store, kept.id, hand.lease)
        return {}

    return await _do(request, (name, number), work)


@router.post("/items/{number}/decide")
async def decide(request: Request, name: str, number: ItemNumber) -> JSONResponse:
    """Accept, reject or keep for a fix."""

    def work(
        opened: OpenCampaign, kept: Kept, hand: ReviewerLease, form: FormFields
    ) -> dict[str, Any]:
        verdict = form.text("verdict")
        if verdict not in _VERDICTS:
            raise ApiError(422, "usage", f"verdict must be one of {', '.join(_VERDICTS)}")
        after = settle(opened, kept, cast("Verdict", verdict), hand, why=form.text("why"))
        return {"route": after, "decision": verdict}

    return await _do(request, (name, number), work, decides=True)


@router.post("/items/{number}/undo")
async def undo(request: Request, name: str, number: ItemNumber) -> JSONResponse:
    """Take the last decision back."""

    def work(
        opened: OpenCampaign, kept: Kept, hand: ReviewerLease, _form: FormFields
    ) -> dict[str, Any]:
        return {"route": take_back(opened, kept, hand), "decision": None}

    return await _do(request, (name, number), work, decides=True)


@router.post("/items/{number}/draft")
async def draft(request: Request, name: str, number: ItemNumber) -> JSONResponse:
    """Keep an unfinished fix."""

    def work(
        opened: OpenCampaign, kept: Kept, hand: ReviewerLease, form: FormFields
    ) -> dict[str, Any]:
        check_lease(opened.store, kept.id, hand.lease)
        strokes = read_strokes(form.fields.get("strokes"))
        keep_draft(opened.store, kept.id, who=hand.who, strokes=plain_strokes(strokes))
        return {"kept": len(strokes)}

    return await _do(request, (name, number), work)


@router.post("/items/{number}/preview")
async def drawn(request: Request, name: str, number: ItemNumber) -> Response:
    """Answer with the matte as it would be with these strokes, clicks included."""
    service = service_of(request)
    visitor = await require_visitor(request, service)
    with service.work_queue.place(visitor.session.key or None):
        form = await service.form(request)
        strokes = await service.pages.run(read_strokes, form.fields.get("strokes"))

        def work(_ticket: Ticket) -> Preview:
            opened = service.campaigns.find(name)
            kept = item_of(opened, number)
            made = preview(service.previews, opened, kept, strokes)
            return matte_shown(made, whole=False)

        shown, _ = await service.work(request, work)
    return Response(shown.data, media_type=shown.media_type)


@router.post("/items/{number}/fix")
async def fix(request: Request, name: str, number: ItemNumber) -> JSONResponse:
    """Save a fix: a new matte, composed again, delivered."""
    service = service_of(request)

    def work(
        opened: OpenCampaign, kept: Kept, hand: ReviewerLease, form: FormFields
    ) -> dict[str, Any]:
        wanted = Fix(
            strokes=read_strokes(form.fields.get("strokes")),
            refine=form.fields.get("refine") is not False,
            anyway=form.fields.get("anyway") is True,
            why=form.text("why"),
        )
        after = save_fix(service.previews, opened, kept, hand, wanted)
        return {"route": after, "decision": "accept"}

    return await _do(request, (name, number), work, decides=True)


@router.post("/items/{number}/upload")
async def upload(request: Request, name: str, number: ItemNumber) -> JSONResponse:
    """Take in what a retoucher has made of an item: PSD, TIFF or PNG."""
    service = service_of(request)
    visitor = await require_visitor(request, service)
    kept = await asyncio.to_thread(lambda: item_of(service.campaigns.find(name), number))
    home = tempfile.TemporaryDirectory(prefix="maskworks-")
    with service.uploads.take(visitor.session.key or None), home as folder:
        bounds = service.settings.bounds
        pace, limit = service.pace(bounds.campaign_seconds), bounds.returned_bytes
        path, fields = await receive(request, Path(folder), kept, limit=limit, pace=pace)
        hand = ReviewerLease(who=visitor.who, lease=fields.text("lease"), seen=fields.text("seen"))

        def work(_ticket: Ticket) -> list[str]:
            opened = service.campaigns.find(name)
            with service.turns((name, number)):
                now, anyway = item_of(opened, number), fields.text("anyway") == "true"
                return accept_upload(opened, now, hand, path, service.limits, anyway=anyway)

        with service.work_queue.place(visitor.session.key or None):
            notes, _ = await service.work(request, work)
    service.reports.changed(name)
    return JSONResponse({"route": "deliver", "decision": "accept", "notes": notes})


async def _shown(
    request: Request, place: tuple[str, int], show: Callable[[Service, OpenCampaign, Kept], Preview]
) -> Response:
    service = service_of(request)
    visitor = await reviewer(request, service)

    def work(_ticket: Ticket) -> Preview:
        opened = service.campaigns.find(place[0])
        return show(service, opened, item_of(opened, place[1]))

    with service.work_queue.place(visitor.session.key or None):
        shown, _ = await service.work(request, work)
    headers = {"Cache-Control": "private, max-age=60", "X-Size": "{}x{}".format(*shown.size)}
    return Response(shown.data, media_type=shown.media_type, headers=headers)


async def _do(
    request: Request,
    place: tuple[str, int],
    what: Callable[[OpenCampaign, Kept, ReviewerLease, FormFields], dict[str, Any]],
    *,
    decides: bool = False,
) -> JSONResponse:
    """Do something to an item for whoever has its lease."""
    service = service_of(request)
    visitor = await require_visitor(request, service)
    with service.work_queue.place(visitor.session.key or None):
        form = await service.form(request)
        hand = ReviewerLease(who=visitor.who, lease=form.text("lease"), seen=form.text("seen"))

        def work(_ticket: Ticket) -> dict[str, Any]:
            opened = service.campaigns.find(place[0])
            with service.turns(place):
                return what(opened, item_of(opened, place[1]), hand, form)

        told, _ = await service.work(request, work)
    if decides:
        service.reports.changed(place[0])
    return JSONResponse(told)
