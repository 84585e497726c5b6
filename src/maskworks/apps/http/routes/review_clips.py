"""What the page of a clip asks for: its frames, key masks that are drawn, the clip as it plays."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.requests import Request

from maskworks.apps.http.bodies import FormFields
from maskworks.apps.http.review.clips import (
    FrameSource,
    clip_values,
    find_clip,
    fix_command,
    number_of,
)
from maskworks.apps.http.review.key_masks import (
    check_version,
    keep_unfinished,
    remove_key,
    save_key,
    unfinished,
    version_of,
)
from maskworks.apps.http.review.previews import SHOWN_PX, Preview, matte_shown
from maskworks.apps.http.review.strokes import draw, read_strokes
from maskworks.apps.http.reviewers import require_visitor, reviewer, visitor_of
from maskworks.apps.http.routes.held_stream import HeldStream
from maskworks.apps.http.routes.review import page
from maskworks.apps.http.service import Service, service_of
from maskworks.apps.http.work_queue import Ticket
from maskworks.video.cut_clips import CutClip

router = APIRouter(prefix="/review/v/{name}/{number}", include_in_schema=False)

_STRIP_PX, _WHOLE_PX = 192, 1 << 16

FrameNumber = Annotated[int, InPath(ge=0, le=2**31 - 1)]


@router.get("")
async def clip_page(request: Request, name: str, number: str) -> Response:
    """Show a clip: its worst frames, one of them in hand, and what was drawn."""
    service = service_of(request)
    visitor = await visitor_of(request, service)
    if visitor is None:
        return RedirectResponse("/review/login", 303)

    def read() -> dict[str, Any]:
        return clip_values(name, find_clip(service.settings, name, number))

    values = await service.pages.run(read)
    return await service.pages.run(page, "clip.html", values | {"visitor": visitor})


@router.get("/items/{frame}/photo")
async def photo(
    request: Request,
    name: str,
    number: str,
    frame: FrameNumber,
    *,
    whole: int = 0,
    small: int = 0,
) -> Response:
    """Answer with a frame: whole, as the page shows it, or small for its strip."""
    service = service_of(request)
    side = _STRIP_PX if small else _WHOLE_PX if whole else SHOWN_PX

    def show(clip: CutClip) -> Preview:
        key = ("frame", number_of(clip), clip.source.stat().st_mtime_ns, frame, side)
        return service.previews.once(key, lambda: _frames(service).photo(clip, frame, side))

    shown = await _shown(request, (name, number), show)
    shown.headers["Cache-Control"] = "private, max-age=60"
    return shown


@router.get("/items/{frame}/matte")
async def matte(
    request: Request, name: str, number: str, frame: FrameNumber, whole: int = 0
) -> Response:
    """Answer with the matte of a frame: a person's, or that which was written."""
    service = service_of(request)

    def show(clip: CutClip) -> Preview:
        return matte_shown(_frames(service).frame(clip, frame)[1], whole=bool(whole))

    return await _shown(request, (name, number), show)


@router.post("/items/{frame}/lease")
async def take(request: Request, name: str, number: str, frame: FrameNumber) -> JSONResponse:
    """Say which mask of a frame there is now, and what of a drawing was left unfinished."""

    def work(clip: CutClip, _form: FormFields) -> dict[str, Any]:
        return {"lease": version_of(clip, frame), "draft": unfinished(clip, frame)}

    return await _do(request, (name, number), work)


@router.post("/items/{frame}/draft")
async def draft(request: Request, name: str, number: str, frame: FrameNumber) -> JSONResponse:
    """Keep an unfinished drawing."""

    def work(clip: CutClip, form: FormFields) -> dict[str, Any]:
        check_version(clip, frame, form.text("lease"))
        strokes = read_strokes(form.fields.get("strokes"))
        _frames(service_of(request)).check(clip, frame)
        keep_unfinished(clip, frame, strokes)
        return {"kept": len(strokes)}

    return await _do(request, (name, number), work)


@router.post("/items/{frame}/preview")
async def drawn(request: Request, name: str, number: str, frame: FrameNumber) -> Response:
    """Answer with the matte as it would be with these strokes, clicks included."""
    service = service_of(request)
    visitor = await require_visitor(request, service)
    with service.work_queue.place(visitor.session.key or None):
        form = await service.form(request)

        def work(_ticket: Ticket) -> Preview:
            strokes = read_strokes(form.fields.get("strokes"))
            picture, before = _frames(service).frame(
                find_clip(service.settings, name, number), frame
            )
            made = draw(picture.image, before, strokes, finder=service.previews.finder)
            return matte_shown(made, whole=False)

        shown, _ = await service.work(request, work)
    return Response(shown.data, media_type=shown.media_type)


@router.post("/items/{frame}/fix")
async def fix(request: Request, name: str, number: str, frame: FrameNumber) -> JSONResponse:
    """Save the mask of a frame where `maskworks video fix` reads it."""
    service = service_of(request)

    def work(clip: CutClip, form: FormFields) -> dict[str, Any]:
        check_version(clip, frame, form.text("lease"))
        strokes = read_strokes(form.fields.get("strokes"))
        refine = form.fields.get("refine") is not False
        finder = service.previews.finder
        keys = save_key(_frames(service), clip, frame, strokes, finder=finder, refine=refine)
        return {"keys": keys, "command": fix_command(clip)}

    return await _do(request, (name, number), work)


@router.post("/items/{frame}/remove")
async def remove(request: Request, name: str, number: str, frame: FrameNumber) -> JSONResponse:
    """Take the mask of a frame away."""

    def work(clip: CutClip, form: FormFields) -> dict[str, Any]:
        check_version(clip, frame, form.text("lease"))
        return {"keys": remove_key(clip, frame)}

    return await _do(request, (name, number), work)


@router.get("/play/{frame}")
async def play(request: Request, name: str, number: str, frame: FrameNumber) -> Response:
    """Send frame after frame with its matte, a line of JSON each, as fast as they are read."""
    service = service_of(request)
    visitor = await reviewer(request, service)
    clip = await service.pages.run(find_clip, service.settings, name, number)
    lines = _frames(service).played(clip, frame)

    def step() -> str | None:
        return next(lines, None)

    first = await service.pages.run(step)

    async def sending() -> AsyncIterator[str]:
        line = first
        while line is not None:
            yield line
            line = await service.pages.run(step)

    place = service.streams.take(visitor.session.key or visitor.session.number)
    return HeldStream(sending(), place=place, media_type="application/x-ndjson")


def _frames(service: Service) -> FrameSource:
    model = partial(service.model_cache.get, service.settings.model)
    return FrameSource(model, service.limits)


async def _shown(
    request: Request, place: tuple[str, str], show: Callable[[CutClip], Preview]
) -> Response:
    service = service_of(request)
    visitor = await reviewer(request, service)

    def work(_ticket: Ticket) -> Preview:
        return show(find_clip(service.settings, *place))

    with service.work_queue.place(visitor.session.key or None):
        shown, _ = await service.work(request, work)
    tag = f'"{hashlib.sha256(shown.data).hexdigest()[:32]}"'
    size = "{}x{}".format(*shown.size)
    headers = {"Cache-Control": "private, no-cache", "X-Size": size, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(shown.data, media_type=shown.media_type, headers=headers)


async def _do(
    request: Request,
    place: tuple[str, str],
    what: Callable[[CutClip, FormFields], dict[str, Any]],
) -> JSONResponse:
    """Do something to a clip for whoever is logged in."""
    service = service_of(request)
    visitor = await require_visitor(request, service)
    with service.work_queue.place(visitor.session.key or None):
        form = await service.form(request)

        def work(_ticket: Ticket) -> dict[str, Any]:
            with service.turns(place):
                return what(find_clip(service.settings, *place), form)

        told, _ = await service.work(request, work)
    return JSONResponse(told)
