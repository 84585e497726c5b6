"""The review page of clips: findings with their frames, agree, disagree, correct."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.requests import Request

from maskworks.apps.http.review.evidence import (
    clip_values,
    evidence_picture,
    find_evidence,
    finding_row,
    ranking_values,
)
from maskworks.apps.http.review.more_frames import more_frames
from maskworks.apps.http.reviewers import require_visitor, reviewer, visitor_of
from maskworks.apps.http.routes.review import page
from maskworks.apps.http.service import service_of
from maskworks.apps.http.work_queue import Ticket
from maskworks.scene.topics import TOPICS
from maskworks.scene.writing.files import RECORD, read_record
from maskworks.studio.review.evidence import judge_evidence

router = APIRouter(prefix="/review/s/{name}", include_in_schema=False)

_LONGEST_REASON = 500

ClipName = Annotated[str, Query(max_length=1000)]
FrameNumber = Annotated[int, Query(ge=0, le=2**31 - 1)]


@router.get("")
async def clips(request: Request, name: str) -> Response:
    """List the clips in the order in which a person should look."""
    service = service_of(request)
    visitor = await visitor_of(request, service)
    if visitor is None:
        return RedirectResponse("/review/login", 303)

    def read() -> dict[str, Any]:
        return ranking_values(find_evidence(service.settings, name), visitor.who)

    values = await service.pages.run(read)
    return await service.pages.run(page, "evidence.html", values | {"visitor": visitor})


@router.get("/clip")
async def clip_page(request: Request, name: str, clip: ClipName = "") -> Response:
    """Show the findings of a clip, each with its frame, and take what a person says."""
    service = service_of(request)
    visitor = await visitor_of(request, service)
    if visitor is None:
        return RedirectResponse("/review/login", 303)

    def read() -> dict[str, Any]:
        return clip_values(find_evidence(service.settings, name), clip, visitor.who)

    values = await service.pages.run(read)
    values |= {"visitor": visitor, "topics": TOPICS}
    return await service.pages.run(page, "evidence_clip.html", values)


@router.get("/frame")
async def frame(request: Request, name: str, frame: FrameNumber, clip: ClipName = "") -> Response:
    """Answer with a frame of evidence."""
    service = service_of(request)
    await reviewer(request, service)

    def read() -> bytes:
        return evidence_picture(find_evidence(service.settings, name), clip, frame)

    data = await service.pages.run(read)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})


@router.get("/more")
async def more(request: Request, name: str, finding: ClipName, clip: ClipName = "") -> JSONResponse:
    """Answer with frames around a finding; they are not kept."""
    service = service_of(request)
    visitor = await reviewer(request, service)
    with service.work_queue.place(visitor.session.key or None):

        def work(_ticket: Ticket) -> list[dict[str, Any]]:
            folder = find_evidence(service.settings, name)
            seconds = service.settings.bounds.seconds
            return more_frames(folder, clip, finding, service.limits, seconds)

        found, _ = await service.work(request, work)
    return JSONResponse({"frames": found})


@router.post("/judge")
async def judge(request: Request, name: str, clip: ClipName = "") -> JSONResponse:
    """Keep what a person says of a finding, beside it."""
    service = service_of(request)
    visitor = await require_visitor(request, service)
    form = await service.small_form(request)

    def work() -> dict[str, Any]:
        folder = find_evidence(service.settings, name).find(clip)
        found, _ = judge_evidence(
            folder,
            form.text("finding"),
            form.text("verdict"),
            by=visitor.who,
            category=form.text("category") or None,
            reason=form.text("reason")[:_LONGEST_REASON],
        )
        record = read_record(folder / RECORD)
        return finding_row(record, found, visitor.who, record.veiled_frames())

    return JSONResponse(await asyncio.to_thread(work))
