"""Two plain pages for people: what this address is, and what it answers to."""

from __future__ import annotations

from functools import lru_cache

from fastapi import APIRouter, FastAPI
from fastapi.responses import Response
from starlette.requests import Request

from maskworks.apps.http.api_document import operations
from maskworks.apps.http.routes.review import page
from maskworks.apps.http.service import service_of
from maskworks.core.version import __version__

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request) -> Response:
    """Say what is here and where it is described."""
    values = {"visitor": None, "version": __version__, "base": str(request.base_url)}
    return await service_of(request).pages.run(page, "home.html", values)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Show the OpenAPI document as a page; nothing in it comes from elsewhere.

    It is written once: whoever reaches the port may ask for it, key or not.
    """
    return await service_of(request).pages.run(_written, request.app)


@lru_cache(maxsize=1)
def _written(app: FastAPI) -> Response:
    values = {"visitor": None, "version": __version__, "groups": operations(app.openapi())}
    return page("docs.html", values)
