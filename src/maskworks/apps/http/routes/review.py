"""The review page: log in, the campaigns, the queue of one, its dashboard."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request

from maskworks.apps.http.access import from_elsewhere, is_local
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.middleware import PAGE_POLICY
from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.apps.http.review.clips import clip_folder_rows
from maskworks.apps.http.review.dashboard import dashboard_of
from maskworks.apps.http.review.evidence import folder_rows
from maskworks.apps.http.review.queue import (
    ORDERS,
    Choice,
    chosen,
    counted,
    decided_of,
    queue_of,
    record,
)
from maskworks.apps.http.reviewers import Visitor, require_visitor, reviewer, visitor_of
from maskworks.apps.http.service import Service, service_of
from maskworks.apps.http.sessions import COOKIE, HOURS, Session, seal
from maskworks.studio.store import ItemRow, counts
from maskworks.studio.store.keys import find_key
from maskworks.studio.store.reviewing import leased_items
from maskworks.studio.store.sessions import end_session

router = APIRouter(include_in_schema=False)

HERE = Path(__file__).resolve().parent.parent
_LONGEST_NAME = 80
_BRAND = "#f4f1ec"

static = StaticFiles(directory=HERE / "static")


@lru_cache(maxsize=1)
def _pages() -> Environment:
    pages = Environment(loader=FileSystemLoader(HERE / "pages"), autoescape=True)
    pages.filters["part"] = lambda text: quote(str(text), safe="")
    return pages


def page(name: str, values: dict[str, Any], status: int = 200) -> HTMLResponse:
    """Return a page; nothing in it may load or run what is not from here."""
    written = _pages().get_template(name).render(values)
    return HTMLResponse(written, status, {"Content-Security-Policy": PAGE_POLICY})


@router.get("/review")
async def campaigns(request: Request) -> Response:
    """List the campaigns with what awaits a person in each."""
    service = service_of(request)
    visitor = await visitor_of(request, service)
    if visitor is None:
        return RedirectResponse("/review/login", 303)
    rows = await service.pages.run(lambda: [_row(opened) for opened in service.campaigns.all()])
    for row in rows:
        if row["waiting"]:
            service.warming.expect(row["name"])
    broken = service.campaigns.broken
    evidence = await service.pages.run(folder_rows, service.settings)
    clips = await service.pages.run(clip_folder_rows, service.settings)
    values = {
        "visitor": visitor,
        "rows": rows,
        "broken": broken,
        "evidence": evidence,
        "clips": clips,
    }
    return await service.pages.run(page, "campaigns.html", values)


@router.get("/review/login")
async def login(request: Request) -> Response:
    """Ask who it is, and for a key unless it is this machine's own user."""
    service = service_of(request)
    local = is_local(request, service)
    return page("login.html", {"visitor": None, "local": local, "error": ""})


@router.post("/review/login")
async def enter(request: Request) -> Response:
    """Begin a session."""
    service = service_of(request)
    if from_elsewhere(request):
        raise ApiError(403, "csrf", "log in at /review/login")
    form = await service.small_form(request)
    local = is_local(request, service)
    who, secret = _name_of(form.text("who")), form.text("key")
    prefix = ""
    if secret:
        key = await asyncio.to_thread(find_key, service.store, secret)
        if key is None or not {"review", "admin"} & set(key.scopes):
            error = "There is no such key, or it may not review."
            return page("login.html", {"visitor": None, "local": local, "error": error}, 403)
        prefix, who = key.prefix, who or key.name
    elif not local or not who:
        error = "Give your name." if local else "Give your name and your key."
        return page("login.html", {"visitor": None, "local": local, "error": error}, 403)
    session = Session(who=who, key=prefix, until=service.now() + HOURS * 3600)
    answer = RedirectResponse("/review", 303)
    answer.set_cookie(
        COOKIE,
        seal(session, service.signing),
        max_age=HOURS * 3600,
        path="/review",
        secure=request.url.scheme == "https" or not service.settings.on_loopback,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/review/logout")
async def leave(request: Request) -> Response:
    """End the session."""
    service = service_of(request)
    await reviewer(request, service)
    form = await service.small_form(request)
    visitor = await require_visitor(request, service, form.text("csrf"))
    until = datetime.fromtimestamp(visitor.session.until, UTC)
    await asyncio.to_thread(end_session, service.store, visitor.session.number, until)
    answer = RedirectResponse("/review/login", 303)
    answer.delete_cookie(COOKIE, path="/review")
    return answer


def _name_of(given: str) -> str:
    """Return a name as it is shown: brackets are ours, for the prefix of a key."""
    return given.replace("[", "(").replace("]", ")")[:_LONGEST_NAME]


@router.get("/review/c/{name}")
async def queue(request: Request, name: str) -> Response:
    """Show the queue of a campaign and the current item."""
    service = service_of(request)
    visitor = await visitor_of(request, service)
    if visitor is None:
        return RedirectResponse("/review/login", 303)
    choice = choice_of(request)
    values = await service.pages.run(_queue_values, service, name, choice)
    values |= {"visitor": visitor, "choice": choice, "orders": ORDERS}
    return await service.pages.run(page, "queue.html", values)


@router.get("/review/c/{name}/dashboard")
async def dashboard(request: Request, name: str) -> Response:
    """Show routes, reasons, costs, proposed exceptions, and what a threshold would do."""
    service = service_of(request)
    visitor: Visitor | None = await visitor_of(request, service)
    if visitor is None:
        return RedirectResponse("/review/login", 303)

    def read() -> dict[str, Any]:
        return dashboard_of(service.campaigns.find(name))

    values = await service.pages.run(read)
    return await service.pages.run(page, "dashboard.html", {**values, "visitor": visitor})


def choice_of(request: Request) -> Choice:
    """Return which items the address asks for."""
    asked = request.query_params
    order = asked.get("order", "score")
    return Choice(
        reason=asked.get("reason", ""),
        tag=asked.get("tag", ""),
        sku=asked.get("sku", ""),
        order=order if order in ORDERS else "score",
        done=asked.get("done") == "1",
    )


def rows_of(opened: OpenCampaign, choice: Choice) -> list[dict[str, Any]]:
    """Return the queue as the page's script reads it."""
    return _records(opened, decided_of(opened) if choice.done else queue_of(opened), choice)


def _records(opened: OpenCampaign, items: list[ItemRow], choice: Choice) -> list[dict[str, Any]]:
    held = leased_items(opened.store)
    return [record(item, held.get(item.id)) for item in chosen(items, choice)]


def _queue_values(service: Service, name: str, choice: Choice) -> dict[str, Any]:
    opened = service.campaigns.find(name)
    items, done = queue_of(opened), decided_of(opened)
    return {
        "name": opened.name,
        "rows": _records(opened, done if choice.done else items, choice),
        "counted": counted(items),
        "waiting": len(items),
        "done": len(done),
        "brand": brand_of(opened),
    }


def brand_of(opened: OpenCampaign) -> str:
    """Return the first colour that the campaign approves as a background, as #rrggbb."""
    several = (one.colour for found in opened.file.scenery.values() for one in found)
    colour = next((colour for colour in several if colour is not None), None)
    return _BRAND if colour is None else "#{:02x}{:02x}{:02x}".format(*colour)


def _row(opened: OpenCampaign) -> dict[str, Any]:
    if opened.campaign is None:
        return {"name": opened.name, "waiting": 0, "counts": None}
    found = counts(opened.store, opened.campaign)
    return {"name": opened.name, "waiting": len(queue_of(opened)), "counts": found}
