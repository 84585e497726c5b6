"""What the review page's script asks for: items, leases, pictures, decisions, fixes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request

from maskworks.apps.http.bodies import Form
from maskworks.apps.http.darkroom import Shown, item_of, matte_shown
from maskworks.apps.http.desks import Desk
from maskworks.apps.http.engine import Ticket
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.fixing import (
    Fix,
    Hand,
    hand_in,
    preview,
    returned_name,
    save_fix,
    settle,
    take_back,
)
from maskworks.apps.http.routes.review import choice_of, rows_of
from maskworks.apps.http.service import Service, service_of
from maskworks.apps.http.strokes import plain_strokes, read_strokes
from maskworks.apps.http.visitors import meant, reviewer
from maskworks.studio.store import Item as Kept
from maskworks.studio.store import Verdict
from maskworks.studio.store.reviewing import (
    LEASE_S,
    check_lease,
    draft_of,
    keep_draft,
    lease,
    let_go,
    matte_versions,
)

router = APIRouter(prefix="/review/c/{name}", include_in_schema=False)

Result = TypeVar("Result")

_VERDICTS = ("accept", "fix", "reject")


@router.get("/items")
async def items(request: Request, name: str) -> JSONResponse:
    """List the queue."""
    service = service_of(request)
    await reviewer(request, service)
    choice = choice_of(request)
    rows = await asyncio.to_thread(lambda: rows_of(service.desks.find(name), choice))
    return JSONResponse({"items": rows})


@router.get("/items/{number}/photo")
async def photo(request: Request, name: str, number: int, whole: int = 0) -> Response:
    """Answer with the photo."""

    def show(service: Service, desk: Desk, kept: Kept) -> Shown:
        return service.darkroom.show_photo(desk, kept, whole=bool(whole))

    return await _shown(request, (name, number), show)


@router.get("/items/{number}/matte")
async def matte(request: Request, name: str, number: int, whole: int = 0) -> Response:
    """Answer with the matte."""

    def show(service: Service, desk: Desk, kept: Kept) -> Shown:
        return service.darkroom.show_matte(desk, kept, whole=bool(whole))

    return await _shown(request, (name, number), show)


@router.post("/items/{number}/lease")
async def take(request: Request, name: str, number: int) -> JSONResponse:
    """Take an item, or keep it; the answer has the draft and the versions of its matte."""
    service = service_of(request)
    visitor = await meant(request, service)
    form = await service.form(request)

    def work() -> dict[str, Any]:
        desk = service.desks.find(name)
        kept = item_of(desk, number)
        got = lease(desk.store, kept.id, who=visitor.who, token=form.text("lease") or None)
        return {
            "lease": got.token,
            "seconds": LEASE_S,
            "draft": draft_of(desk.store, kept.id),
            "versions": len(matte_versions(desk.store, kept.id)),
        }

    return JSONResponse(await asyncio.to_thread(work))


@router.post("/items/{number}/release")
async def release(request: Request, name: str, number: int) -> JSONResponse:
    """Give an item back."""

    def work(desk: Desk, kept: Kept, hand: Hand, _form: Form) -> dict[str, Any]:
        let_go(desk.store, kept.id, hand.lease)
        return {}

    return await _do(request, (name, number), work)


@router.post("/items/{number}/decide")
async def decide(request: Request, name: str, number: int) -> JSONResponse:
    """Accept, reject or keep for a fix."""

    def work(desk: Desk, kept: Kept, hand: Hand, form: Form) -> dict[str, Any]:
        verdict = form.text("verdict")
        if verdict not in _VERDICTS:
            raise ApiError(422, "usage", f"verdict must be one of {', '.join(_VERDICTS)}")
        why = form.text("why")
        return {"route": settle(desk, kept, cast("Verdict", verdict), hand, why=why)}

    return await _do(request, (name, number), work, decides=True)


@router.post("/items/{number}/undo")
async def undo(request: Request, name: str, number: int) -> JSONResponse:
    """Take the last decision back."""

    def work(desk: Desk, kept: Kept, hand: Hand, _form: Form) -> dict[str, Any]:
        return {"route": take_back(desk, kept, hand)}

    return await _do(request, (name, number), work, decides=True)


@router.post("/items/{number}/draft")
async def draft(request: Request, name: str, number: int) -> JSONResponse:
    """Keep an unfinished fix."""

    def work(desk: Desk, kept: Kept, hand: Hand, form: Form) -> dict[str, Any]:
        check_lease(desk.store, kept.id, hand.lease)
        strokes = read_strokes(form.fields.get("strokes"))
        keep_draft(desk.store, kept.id, who=hand.who, strokes=plain_strokes(strokes))
        return {"kept": len(strokes)}

    return await _do(request, (name, number), work)


@router.post("/items/{number}/preview")
async def drawn(request: Request, name: str, number: int) -> Response:
    """Answer with the matte as it would be with these strokes, clicks included."""
    service = service_of(request)
    await meant(request, service)
    with service.engine.place():
        form = await service.form(request)
        strokes = read_strokes(form.fields.get("strokes"))

        def work(_ticket: Ticket) -> Shown:
            desk = service.desks.find(name)
            kept = item_of(desk, number)
            made = preview(service.darkroom, desk, kept, strokes)
            return matte_shown(made, whole=False)

        shown, _ = await service.work(request, work)
    return Response(shown.data, media_type=shown.media_type)


@router.post("/items/{number}/fix")
async def fix(request: Request, name: str, number: int) -> JSONResponse:
    """Save a fix: a new matte, composed again, delivered."""
    service = service_of(request)

    def work(desk: Desk, kept: Kept, hand: Hand, form: Form) -> dict[str, Any]:
        wanted = Fix(
            strokes=read_strokes(form.fields.get("strokes")),
            refine=form.fields.get("refine") is not False,
            anyway=form.fields.get("anyway") is True,
            why=form.text("why"),
        )
        return {"route": save_fix(service.darkroom, desk, kept, hand, wanted)}

    return await _do(request, (name, number), work, decides=True)


@router.post("/items/{number}/upload")
async def upload(request: Request, name: str, number: int) -> JSONResponse:
    """Take in what a retoucher has made of an item: PSD, TIFF or PNG."""

    def work(desk: Desk, kept: Kept, hand: Hand, form: Form) -> dict[str, Any]:
        file = form.file("file")
        if file is None or not file.data:
            raise ApiError(422, "missing_source", "choose a file")
        with tempfile.TemporaryDirectory(prefix="maskworks-") as home:
            folder = Path(home)
            (folder / returned_name(kept, file.name)).write_bytes(file.data)
            anyway = form.text("anyway") == "true"
            return {"route": "deliver", "notes": hand_in(desk, kept, hand, folder, anyway=anyway)}

    return await _do(request, (name, number), work, decides=True)


async def _shown(
    request: Request, place: tuple[str, int], show: Callable[[Service, Desk, Kept], Shown]
) -> Response:
    service = service_of(request)
    await reviewer(request, service)

    def work(_ticket: Ticket) -> Shown:
        desk = service.desks.find(place[0])
        return show(service, desk, item_of(desk, place[1]))

    with service.engine.place():
        shown, _ = await service.work(request, work)
    headers = {"Cache-Control": "private, max-age=60", "X-Size": "{}x{}".format(*shown.size)}
    return Response(shown.data, media_type=shown.media_type, headers=headers)


async def _do(
    request: Request,
    place: tuple[str, int],
    what: Callable[[Desk, Kept, Hand, Form], dict[str, Any]],
    *,
    decides: bool = False,
) -> JSONResponse:
    """Do something to an item for whoever has its lease."""
    service = service_of(request)
    visitor = await meant(request, service)
    with service.engine.place():
        form = await service.form(request)
        hand = Hand(who=visitor.who, lease=form.text("lease"))

        def work(_ticket: Ticket) -> dict[str, Any]:
            desk = service.desks.find(place[0])
            return what(desk, item_of(desk, place[1]), hand, form)

        told, _ = await service.work(request, work)
    if decides:
        service.reports.changed(place[0])
    return JSONResponse(told)
