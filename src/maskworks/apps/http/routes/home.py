"""Two plain pages for people: what this address is, and what it answers to."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.requests import Request

from maskworks.apps.http.api_document import operations
from maskworks.apps.http.routes.review import page
from maskworks.core.version import __version__

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request) -> Response:
    """Say what is here and where it is described."""
    values = {"visitor": None, "version": __version__, "base": str(request.base_url)}
    return await asyncio.to_thread(page, "home.html", values)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Show the OpenAPI document as a page; nothing in it comes from elsewhere."""

    def written() -> Response:
        document = request.app.openapi()
        values = {"visitor": None, "version": __version__, "groups": operations(document)}
        return page("docs.html", values)

    return await asyncio.to_thread(written)
