"""Put the application together: addresses, errors, surroundings, beginning and end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request

from maskworks.apps.http.api_document import Api
from maskworks.apps.http.errors import ApiError, own_shape, removebg_shape, translated
from maskworks.apps.http.middleware import LOGGER, RequestLog, RequestMiddleware
from maskworks.apps.http.routes import (
    campaigns,
    health,
    home,
    improve,
    label_studio,
    live,
    own,
    rembg,
    removebg,
    review,
    review_clips,
    review_evidence,
    review_items,
    suitability,
)
from maskworks.apps.http.service import Service, build
from maskworks.apps.http.settings import ServerSettings
from maskworks.apps.http.work_queue import GoneError
from maskworks.core.errors import MaskworksError
from maskworks.studio.output_folder import make_folder
from maskworks.studio.store import open_store

DESCRIPTION = """\
Cuts subjects out of pictures with soft edges and says how sure it is.

`/v1/...` is the service's own interface; `/v1.0/...` is remove.bg's and `/api/remove` rembg's,
so that a program written for one of them need only change the address.
"""

STOP_S = 20.0
"""How long what is in hand may take once the service is told to stop."""

_GONE = 499
_DATABASE_THREADS = 16
_AS_MADE = 0o755  # by us, under the usual umask


def create_app(settings: ServerSettings) -> FastAPI:
    """Return the application; its store and models are open while it runs."""

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        database = ThreadPoolExecutor(_DATABASE_THREADS, thread_name_prefix="database")
        asyncio.get_running_loop().set_default_executor(database)
        service.runner.start()
        app.state.ready = True
        try:
            yield
        finally:
            app.state.ready = False
            await service.close(STOP_S)

    make_folder(settings.data)
    _close_to_others(settings.data)
    service = build(settings, open_store(settings.database_url))
    app = Api(
        title="Maskworks",
        version=version("maskworks"),
        description=DESCRIPTION,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
    )
    app.settings = settings
    app.state.service, app.state.ready = service, False
    for router in (
        removebg.router,
        rembg.router,
        own.router,
        campaigns.router,
        suitability.router,
        improve.router,
        health.router,
        home.router,
        label_studio.router,
        live.router,
        review.router,
        review_items.router,
        review_evidence.router,
        review_clips.router,
    ):
        app.include_router(router)
    app.mount("/static", review.static, name="static")
    _handle_errors(app)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["X-Api-Key", "Authorization", "Content-Type"],
            expose_headers=["*"],
        )
    app.add_middleware(RequestMiddleware, metrics=service.metrics, unexpected=_unexpected)
    return app


def _close_to_others(folder: Path) -> None:
    """Let nobody but this user, and whoever shares its group by the folder's mode, look inside."""
    mode = folder.stat().st_mode & 0o777
    others = mode & 0o007
    with contextlib.suppress(OSError):  # it belongs to somebody else, who has chosen so
        if others:
            folder.chmod(0o700 if mode == _AS_MADE else mode & ~0o007)


def _unexpected(request: Request, error: Exception) -> Response:
    """Answer an unexpected error with 500; its traceback goes to the log."""
    LOGGER.error("unexpected", exc_info=error)
    what = "something went wrong here; the log has more under this request's number"
    return shaped(request, ApiError(500, "internal", what, "Internal error"))


def _handle_errors(app: FastAPI) -> None:
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)  # noqa: S101 - it is registered for nothing else
        return shaped(request, error)

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, MaskworksError)  # noqa: S101 - as above
        return shaped(request, translated(error))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http")
        headers = error.headers or {}
        return shaped(request, ApiError(error.status_code, code, error.detail, headers=headers))

    async def asked_wrong(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        told = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
        return shaped(request, ApiError(422, "usage", told))

    async def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=_GONE)

    app.add_exception_handler(ApiError, refused)
    app.add_exception_handler(MaskworksError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, asked_wrong)
    app.add_exception_handler(GoneError, gone)


def shaped(request: Request, error: ApiError) -> JSONResponse:
    """Return an error in the shape of the interface that was called."""
    seen: RequestLog | None = getattr(request.state, "seen", None)
    if request.url.path.startswith("/v1.0/"):
        body = removebg_shape(error)
    else:
        body = own_shape(error, seen.number if seen else "")
    return JSONResponse(body, error.status, dict(error.headers))


__all__ = ["Service", "create_app"]
